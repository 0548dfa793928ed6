#include "tools/hookpoint/client.h"

#include <dirent.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "datapath/base/result.h"
#include "tools/daemon/control_protocol.h"

namespace nf {
namespace {

// A connected socket, or -1 with errno.
int connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  const int saved = errno;
  ::close(fd);
  errno = saved;
  return -1;
}

Result<int> connect_to_only_gateway() {
  const std::string dir = control::default_directory();
  std::vector<std::pair<std::string, int>> alive;
  if (DIR* d = ::opendir(dir.c_str())) {
    while (const dirent* entry = ::readdir(d)) {
      const std::string name = entry->d_name;
      if (!name.ends_with(".sock")) continue;
      const std::string path = dir + '/' + name;
      if (const int fd = connect_to(path); fd >= 0) alive.emplace_back(path, fd);
    }
    ::closedir(d);
  }
  if (alive.size() == 1) return alive[0].second;
  for (const auto& [path, fd] : alive) ::close(fd);
  if (alive.empty()) return error("no gateway is running (looked in " + dir + "); name its socket with --control PATH");
  std::string text = "several gateways are running; name one with --control PATH:";
  for (const auto& [path, fd] : alive) text += "\n  " + path;
  return error(text);
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

int ask_gateway(const std::string& path, const std::vector<std::string>& words) {
  constexpr int kBadInput = static_cast<int>(ExitCode::kBadInput);
  int fd;
  if (path.empty()) {
    const Result<int> found = connect_to_only_gateway();
    if (!found) {
      std::fprintf(stderr, "hookpoint: %s\n", found.error().str().c_str());
      return kBadInput;
    }
    fd = *found;
  } else if ((fd = connect_to(path)) < 0) {
    std::fprintf(stderr, "hookpoint: %s: %s\n", path.c_str(), std::strerror(errno));
    return kBadInput;
  }
  int exit_code = -1;
  std::string buffer;
  char chunk[65536];
  size_t events = 0;
  const bool follows = words[0] == "conntrack" && std::any_of(words.begin(), words.end(), [](const std::string& w) {
                         return w.starts_with("-E") || w == "--event" || w.starts_with("--event=");
                       });
  if (follows) interrupt_on_signals();
  if (write_all(fd, control::encode_request(words))) {
    while (exit_code < 0) {
      if (follows) wait_readable(fd);
      if (g_interrupted != 0) {
        std::fprintf(stderr, "conntrack v1.4.7 (conntrack-tools): %zu flow events have been shown.\n", events);
        exit_code = 0;
        break;
      }
      const ssize_t n = ::read(fd, chunk, sizeof chunk);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      buffer.append(chunk, static_cast<size_t>(n));
      while (const auto frame = control::take_frame(buffer)) {
        if (frame->channel == 'x') {
          exit_code = frame->bytes.empty() ? kBadInput : static_cast<unsigned char>(frame->bytes[0]);
        } else if (!write_all(frame->channel == 'e' ? 2 : 1, frame->bytes)) {
          exit_code = kBadInput;  // nobody reads any more
        } else if (follows && frame->channel == 'o') {
          events += static_cast<size_t>(std::count(frame->bytes.begin(), frame->bytes.end(), '\n'));
        }
      }
    }
  }
  ::close(fd);
  if (exit_code >= 0) return exit_code;
  std::fprintf(stderr, "hookpoint: the gateway closed the connection\n");
  return kBadInput;
}

}  // namespace nf
