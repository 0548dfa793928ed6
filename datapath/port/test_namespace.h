// Tests that need a network of their own: a child process in fresh user and network namespaces, as its root.
// Only tests include it. No privilege is needed; where user namespaces are forbidden the test fails and says so.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>

namespace nf {

inline bool write_proc_file(const char* path, const std::string& text) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool ok = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  close(fd);
  return ok;
}

// Runs a shell command, failing the test when it does.
inline void run(const std::string& command) { ASSERT_EQ(std::system(command.c_str()), 0) << command; }

// Runs `body` in a child that is root of its own network namespace. Failures inside are printed by the child and
// fail the calling test.
inline void in_namespace(const std::function<void()>& body) {
  std::fflush(nullptr);
  const uid_t uid = geteuid();
  const gid_t gid = getegid();
  const pid_t child = fork();
  ASSERT_GE(child, 0) << std::strerror(errno);
  if (child == 0) {
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
      std::fprintf(stderr, "this test needs user namespaces: unshare: %s\n", std::strerror(errno));
      _exit(77);
    }
    (void)write_proc_file("/proc/self/setgroups", "deny");
    if (!write_proc_file("/proc/self/uid_map", "0 " + std::to_string(uid) + " 1") ||
        !write_proc_file("/proc/self/gid_map", "0 " + std::to_string(gid) + " 1")) {
      std::fprintf(stderr, "this test needs user namespaces: uid_map: %s\n", std::strerror(errno));
      _exit(77);
    }
    body();
    std::fflush(nullptr);
    _exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << "the child died of signal " << WTERMSIG(status);
  ASSERT_NE(WEXITSTATUS(status), 77) << "user namespaces are not permitted here (kernel.unprivileged_userns_clone, "
                                        "user.max_user_namespaces); nothing was tested";
  ASSERT_EQ(WEXITSTATUS(status), 0) << "failed inside the namespace, see above";
}

}  // namespace nf
