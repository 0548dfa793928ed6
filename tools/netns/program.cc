#include "tools/netns/program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <map>

#include "tools/netns/fd.h"

namespace nf::netns {
namespace {

std::string find_program(const std::string& name) {
  static std::map<std::string, std::string> found;
  std::string& path = found[name];
  if (!path.empty()) return path;
  for (const char* folder : {"/usr/sbin/", "/sbin/", "/usr/bin/", "/bin/", "/usr/local/sbin/"}) {
    if (access((folder + name).c_str(), X_OK) == 0) return path = folder + name;
  }
  return name;
}

std::string content(int fd) {
  std::string out;
  char buffer[4096];
  off_t at = 0;
  for (ssize_t n; (n = pread(fd, buffer, sizeof buffer, at)) > 0; at += n) out.append(buffer, static_cast<size_t>(n));
  return out;
}

}  // namespace

// Files in memory instead of pipes: nobody waits for anybody, whatever the sizes.
Result<ProgramResult> run_program(const std::vector<std::string>& arguments, std::string_view input) {
  const Fd in(memfd_create("stdin", MFD_CLOEXEC)), out(memfd_create("stdout", MFD_CLOEXEC)),
      err(memfd_create("stderr", MFD_CLOEXEC));
  if (!in || !out || !err) return system_error("memfd_create");
  if (write(in.get(), input.data(), input.size()) != static_cast<ssize_t>(input.size()) ||
      lseek(in.get(), 0, SEEK_SET) != 0)
    return system_error("memfd");

  std::vector<char*> argv;
  for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.get(), 0);
  posix_spawn_file_actions_adddup2(&actions, out.get(), 1);
  posix_spawn_file_actions_adddup2(&actions, err.get(), 2);
  pid_t pid = 0;
  const int failed = posix_spawnp(&pid, find_program(arguments[0]).c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    errno = failed;
    return system_error(arguments[0]);
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return system_error("waitpid");
  }
  ProgramResult result;
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.output = content(out.get());
  result.errors = content(err.get());
  return result;
}

}  // namespace nf::netns
