#include "tools/hookpoint/client.h"

#include <dirent.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "datapath/base/result.h"
#include "datapath/base/text.h"
#include "tools/control/control_client.h"

namespace nf {
namespace {

Result<control::Connection> connect_to_only_gateway() {
  const std::string dir = control::default_directory();
  std::vector<std::pair<std::string, control::Connection>> alive;
  if (DIR* d = ::opendir(dir.c_str())) {
    while (const dirent* entry = ::readdir(d)) {
      const std::string name = entry->d_name;
      if (!name.ends_with(".sock")) continue;
      const std::string path = dir + '/' + name;
      if (Result<control::Connection> c = control::Connection::open(path)) alive.emplace_back(path, c.take());
    }
    ::closedir(d);
  }
  if (alive.size() == 1) return std::move(alive[0].second);
  if (alive.empty()) return error("no gateway is running (looked in " + dir + "); name its socket with --control PATH");
  std::string text = "several gateways are running; name one with --control PATH:";
  for (const auto& [path, connection] : alive) text += "\n  " + path;
  return error(text);
}

Result<control::Connection> connect_to(const std::string& path) {
  if (path.empty()) return connect_to_only_gateway();
  Result<control::Connection> c = control::Connection::open(path);
  if (!c) return error(path + ": " + c.error().text);
  return c;
}

Result<std::string> read_all(FILE* file, const std::string& name) {
  std::string text;
  char chunk[65536];
  size_t n;
  while ((n = std::fread(chunk, 1, sizeof chunk, file)) > 0) text.append(chunk, n);
  if (std::ferror(file) != 0) return error_at(name, 0, std::strerror(errno));
  if (text.find('\0') != std::string::npos) return error_at(name, 0, "is not text");
  return text;
}

// `iptables-restore [OPTIONS] [FILE]`: the gateway may not see the same files, so the text goes with the command.
Status add_rules_file(std::vector<std::string>& words) {
  std::string name;
  std::vector<std::string> options{words[0]};
  for (size_t i = 1; i < words.size(); ++i) {
    const std::string& w = words[i];
    const bool seconds = (words[i - 1] == "-w" || words[i - 1] == "--wait") && parse_number(w);
    if (w.starts_with("-") || seconds || !name.empty())
      options.push_back(w);
    else
      name = w;
  }
  Result<std::string> text = error("");
  if (name.empty()) {
    name = "stdin";
    text = read_all(stdin, name);
  } else {
    FILE* const file = std::fopen(name.c_str(), "rb");
    if (file == nullptr) return error_at(name, 0, std::strerror(errno));
    text = read_all(file, name);
    std::fclose(file);
  }
  if (!text) return text.error();
  options.insert(options.end(), {"--", name, control::file_word(*text)});
  words = std::move(options);
  return {};
}

// `conntrack -R FILE`, "-" for stdin: likewise. Its error is what the real program says.
Status add_entries_file(std::vector<std::string>& words) {
  const std::string name = words[2];
  FILE* const file = name == "-" ? stdin : std::fopen(name.c_str(), "rb");
  if (file == nullptr)
    return error("conntrack v1.4.7 (conntrack-tools): Failed to open file " + name +
                 " for reading\nTry `conntrack -h' or 'conntrack --help' for more information.\n");
  Result<std::string> text = read_all(file, name == "-" ? "stdin" : name);
  if (file != stdin) std::fclose(file);
  if (!text) return error(text.error().str() + '\n');
  words = {words[0], "-R", name == "-" ? "stdin" : name, control::file_word(*text)};
  return {};
}

// What `conntrack -E` asks for: "conntrack" or "expect"; empty: it is another command.
std::string followed_table(const std::vector<std::string>& words) {
  if (words[0] != "conntrack") return {};
  for (size_t i = 1; i < words.size(); ++i) {
    const std::string& w = words[i];
    if (!w.starts_with("-E") && w != "--event" && !w.starts_with("--event=")) continue;
    const bool expect =
        i + 1 < words.size() && !words[i + 1].empty() && std::string("expect").starts_with(words[i + 1]);
    return expect ? "expect" : "conntrack";
  }
  return {};
}

// Lines of events among what came; what stands around them in XML is none.
size_t count_events(std::string_view text, bool& xml) {
  size_t n = 0;
  for (const std::string_view line : split(text, '\n')) {
    if (line.starts_with("<?xml")) xml = true;
    if (!line.empty() && !line.starts_with("<?xml") && line != "<conntrack>" && line != "<expect>") ++n;
  }
  return n;
}

// `conntrack -E` goes on until a signal ends it; then it says how much it showed, as the real one does.
volatile sig_atomic_t g_interrupted = 0;

// The signals stay blocked but for the wait in wait_readable(), so none can slip by between a look and a sleep.
void interrupt_on_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { g_interrupted = 1; };
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  sigset_t both;
  sigemptyset(&both);
  sigaddset(&both, SIGINT);
  sigaddset(&both, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &both, nullptr);
}

void wait_readable(int fd) {
  pollfd p{fd, POLLIN, 0};
  sigset_t none;
  sigemptyset(&none);
  ::ppoll(&p, 1, nullptr, &none);
}

bool write_all(int fd, const std::string& bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<size_t>(n);
  }
  return true;
}

}  // namespace

int follow_gateway(const std::string& path, const std::vector<std::string>& words, const std::function<void()>& begun) {
  constexpr int kBadInput = static_cast<int>(ExitCode::kBadInput);
  Result<control::Connection> connection = connect_to(path);
  if (!connection) {
    std::fprintf(stderr, "hookpoint: %s\n", connection.error().str().c_str());
    return kBadInput;
  }
  interrupt_on_signals();
  bool stopping = false, there = connection->send(words);
  while (there) {
    wait_readable(connection->fd());
    if (g_interrupted != 0) {
      g_interrupted = 0;
      if (std::exchange(stopping, true)) return kBadInput;
      there = connection->send({"stop"});
      continue;
    }
    there = connection->fill();
    while (const auto frame = connection->take()) {
      if (frame->channel == 'x') return frame->bytes.empty() ? kBadInput : static_cast<unsigned char>(frame->bytes[0]);
      if (frame->bytes.empty())
        begun();
      else if (!write_all(frame->channel == 'e' ? 2 : 1, frame->bytes))
        return kBadInput;  // nobody reads any more
    }
  }
  std::fprintf(stderr, "hookpoint: the gateway closed the connection\n");
  return kBadInput;
}

int ask_gateway(const std::string& path, std::vector<std::string> words) {
  constexpr int kBadInput = static_cast<int>(ExitCode::kBadInput);
  if (words[0] == "iptables-restore") {
    if (const Status s = add_rules_file(words); !s) {
      std::fprintf(stderr, "iptables-restore: %s\n", s.error().str().c_str());
      return kBadInput;
    }
  }
  if (words[0] == "conntrack" && words.size() > 2 && (words[1] == "-R" || words[1] == "--load-file")) {
    if (const Status s = add_entries_file(words); !s) {
      std::fputs(s.error().text.c_str(), stderr);
      return kBadInput;
    }
  }
  Result<control::Connection> connection = connect_to(path);
  if (!connection) {
    std::fprintf(stderr, "hookpoint: %s\n", connection.error().str().c_str());
    return kBadInput;
  }
  int exit_code = -1;
  size_t events = 0;
  bool xml = false;
  const std::string table = followed_table(words);
  const bool follows = !table.empty();
  if (follows) interrupt_on_signals();
  if (connection->send(words)) {
    while (exit_code < 0) {
      if (follows) wait_readable(connection->fd());
      if (g_interrupted != 0) {
        if (xml) write_all(1, "</" + table + ">\n");
        std::fprintf(stderr, "conntrack v1.4.7 (conntrack-tools): %zu %s events have been shown.\n", events,
                     table == "expect" ? "expectation" : "flow");
        exit_code = 0;
        break;
      }
      if (!connection->fill()) break;
      while (const auto frame = connection->take()) {
        if (frame->channel == 'x') {
          exit_code = frame->bytes.empty() ? kBadInput : static_cast<unsigned char>(frame->bytes[0]);
        } else if (!write_all(frame->channel == 'e' ? 2 : 1, frame->bytes)) {
          exit_code = kBadInput;  // nobody reads any more
        } else if (follows && frame->channel == 'o') {
          events += count_events(frame->bytes, xml);
        }
      }
    }
  }
  if (exit_code >= 0) return exit_code;
  std::fprintf(stderr, "hookpoint: the gateway closed the connection\n");
  return kBadInput;
}

}  // namespace nf
