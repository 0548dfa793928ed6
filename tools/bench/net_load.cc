// net_load: small packets, request-response and connections for bench-gateway, with real sockets.
#include "tools/bench/net_load.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace net_load {
namespace {

constexpr char kUsage[] =
    R"(net_load: bounded network load, one JSON object as the result.

  net_load udp-send ADDRESS PORT --count N --seconds S [--size BYTES] [--flows N] [--rate PACKETS/S]
  net_load udp-sink ADDRESS PORT --seconds S [--discard]    ends 100 ms after its standard input and the datagrams end;
      --discard: a socket filter throws every datagram away uncopied, and only their number is read
  net_load answer tcp|udp ADDRESS PORT --seconds S          sends every byte back
  net_load ask tcp|udp ADDRESS PORT --count N --seconds S   one byte there and back at a time, the times it took
  net_load accept ADDRESS PORT --seconds S                  waits for each connection's end of file, closes it
  net_load connect ADDRESS PORT --count N --seconds S [--parallel N] [--source ADDRESS]   connects and closes
  net_load syn ADDRESS PORT ECHO-PORT --count N --seconds S --source ADDRESS    SYNs from 60000 ports of that address
      and of those behind it; the time ends when a datagram sent after them is answered
)";

uint64_t parse(const std::string& name, const std::string& text, uint64_t most) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0 || value > most)
    bad_usage(name + " is a number from 1 to " + std::to_string(most) + ", not \"" + text + "\"");
  return value;
}

}  // namespace

int64_t now() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * kSecond + t.tv_nsec;
}

void die(const std::string& what) {
  std::fprintf(stderr, "net_load: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

void bad_usage(const std::string& what) {
  std::fprintf(stderr, "net_load: %s\n%s", what.c_str(), kUsage);
  std::exit(2);
}

Arguments::Arguments(int argc, char** argv, size_t positional, const std::vector<std::string>& names,
                     const std::vector<std::string>& flags) {
  for (int i = 0; i < argc; ++i) {
    const std::string word = argv[i];
    if (!word.starts_with("--")) {
      positional_.push_back(word);
    } else if (std::find(flags.begin(), flags.end(), word) != flags.end()) {
      values_[word] = "";
    } else if (std::find(names.begin(), names.end(), word) == names.end()) {
      bad_usage("unknown option " + word);
    } else if (i + 1 == argc) {
      bad_usage(word + " needs a value");
    } else {
      values_[word] = argv[++i];
    }
  }
  if (positional_.size() != positional) bad_usage("wrong number of arguments");
}

uint64_t Arguments::number(const std::string& name, uint64_t fallback, uint64_t most) const {
  const auto found = values_.find(name);
  if (found != values_.end()) return parse(name, found->second, most);
  if (fallback == 0) bad_usage(name + " is missing");
  return fallback;
}

std::string Arguments::text(const std::string& name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? "" : found->second;
}

sockaddr_in address(const std::string& ip, const std::string& port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  if (inet_pton(AF_INET, ip.c_str(), &a.sin_addr) != 1) bad_usage("not an IPv4 address: " + ip);
  if (!port.empty()) a.sin_port = htons(static_cast<uint16_t>(parse("a port", port, 65535)));
  return a;
}

int open_socket(int type, int protocol) {
  const int fd = socket(AF_INET, type | SOCK_CLOEXEC, protocol);
  if (fd < 0) die("socket");
  return fd;
}

void set_option(int fd, int level, int option, int value) {
  if (setsockopt(fd, level, option, &value, sizeof value) != 0) die("setsockopt");
}

int serve_on(int type, const sockaddr_in& where) {
  const int fd = open_socket(type);
  if (type == SOCK_STREAM) set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (bind(fd, generic(where), sizeof where) != 0) die("bind");
  if (type == SOCK_STREAM && listen(fd, 4096) != 0) die("listen");
  return fd;
}

void say_ready() {
  std::puts("ready");
  std::fflush(stdout);
}

void limit_life(uint64_t seconds) { alarm(static_cast<unsigned>(seconds)); }

}  // namespace net_load

int main(int argc, char** argv) {
  using Command = int (*)(int, char**);
  const std::map<std::string, Command> commands{
      {"udp-send", net_load::udp_send},
      {"udp-sink", net_load::udp_sink},
      {"answer", net_load::answer},
      {"ask", net_load::ask},
      {"accept", net_load::accept_and_close},
      {"connect", net_load::connect_and_close},
      {"syn", net_load::syn},
  };
  const auto command = commands.find(argc > 1 ? argv[1] : "");
  if (command == commands.end()) net_load::bad_usage("which load?");
  return command->second(argc - 2, argv + 2);
}
