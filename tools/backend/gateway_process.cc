#include "tools/backend/gateway_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "datapath/base/text.h"
#include "tools/lab/lab.h"

namespace nf {
namespace {

constexpr int kStopMilliseconds = 5000;

// In the child, where only what is safe between fork and exec may be done.
[[noreturn]] void become(const char* program, char* const* arguments, int output, const char* errors, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // it died before the line above
  const int error_fd = open(errors, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (error_fd < 0 || nothing < 0) _exit(127);
  dup2(nothing, 0);
  dup2(output, 1);
  dup2(error_fd, 2);
  execv(program, arguments);
  static constexpr char kText[] = "the program cannot be started\n";
  (void)!write(2, kText, sizeof kText - 1);
  _exit(127);
}

}  // namespace

Status GatewayProcess::start(const std::string& program, const std::vector<std::string>& arguments,
                             const std::string& errors) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return netns::system_error("pipe");
  output_ = netns::Fd(ends[0]);
  netns::Fd other(ends[1]);
  std::vector<char*> argv{const_cast<char*>(program.c_str())};
  for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) return netns::system_error("fork");
  if (pid_ == 0) become(program.c_str(), argv.data(), ends[1], errors.c_str(), parent);
  other = netns::Fd();
  return wait_ready(program, errors);
}

Status GatewayProcess::wait_ready(const std::string& program, const std::string& errors) {
  std::string said;
  while (said.find('\n') == std::string::npos) {
    char chunk[256];
    const ssize_t n = read(output_.get(), chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    said.append(chunk, static_cast<size_t>(n));
  }
  if (said.starts_with("ready\n")) return {};
  const int code = wait();
  const Result<std::string> text = lab::read_file(errors);
  Error e = error(text && !text->empty() ? std::string(trim(*text))
                                         : program + ": ended with exit code " + std::to_string(code));
  if (code == static_cast<int>(ExitCode::kNotModelled)) e.code = ExitCode::kNotModelled;
  return e;
}

int GatewayProcess::wait() {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int GatewayProcess::stop() {
  if (pid_ < 0) return 0;
  const netns::Fd process(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  kill(pid_, SIGTERM);
  pollfd ended{process.get(), POLLIN, 0};
  if (!process || poll(&ended, 1, kStopMilliseconds) <= 0) kill(pid_, SIGKILL);
  return wait();
}

}  // namespace nf
