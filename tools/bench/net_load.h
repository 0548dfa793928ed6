// What the sub-commands of net_load share: their arguments, the clock, and how a server says that it is ready.
//
// Every load is bounded in count and in time, whichever comes first; a server ends by itself after its --seconds.
// Each sub-command prints one JSON object on standard output; a server prints the line `ready` before it.
// Errors: one line on standard error, exit code 2 for arguments, 1 for everything else.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace net_load {

// Nanoseconds that only go forward.
int64_t now();
inline constexpr int64_t kSecond = 1'000'000'000;

[[noreturn]] void die(const std::string& what);        // with errno's text
[[noreturn]] void bad_usage(const std::string& what);  // exit code 2

// The words of a sub-command: positional ones, `--name VALUE` pairs and flags.
class Arguments {
 public:
  // `names` may be given with a value, `flags` without; anything else is bad usage.
  Arguments(int argc, char** argv, size_t positional, const std::vector<std::string>& names,
            const std::vector<std::string>& flags = {});
  const std::string& operator[](size_t i) const { return positional_[i]; }
  // From 1 to `most`.
  uint64_t number(const std::string& name, uint64_t fallback, uint64_t most) const;
  std::string text(const std::string& name) const;
  bool flag(const std::string& name) const { return values_.contains(name); }

 private:
  std::vector<std::string> positional_;
  std::map<std::string, std::string> values_;
};

sockaddr_in address(const std::string& ip, const std::string& port);
inline const sockaddr* generic(const sockaddr_in& a) { return reinterpret_cast<const sockaddr*>(&a); }

int open_socket(int type, int protocol = 0);
void set_option(int fd, int level, int option, int value);
// A listening TCP socket, or a bound UDP socket. Prints nothing yet.
int serve_on(int type, const sockaddr_in& where);
void say_ready();
// From now on the process lives at most this long (SIGALRM ends it).
void limit_life(uint64_t seconds);

// The sub-commands; argv starts behind the sub-command's name.
int udp_send(int argc, char** argv);
int udp_sink(int argc, char** argv);
int answer(int argc, char** argv);
int ask(int argc, char** argv);
int accept_and_close(int argc, char** argv);
int connect_and_close(int argc, char** argv);
int syn(int argc, char** argv);

}  // namespace net_load
