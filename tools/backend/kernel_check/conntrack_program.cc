#include "tools/backend/kernel_check/conntrack_program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdio>

namespace nf::kernel_check {

EventProgram::EventProgram() {
  const int before = listeners();
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  out_ = netns::Fd(ends[0]);
  const netns::Fd in(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.get(), 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  const char* argv[] = {"conntrack", "-E", nullptr};
  EXPECT_EQ(posix_spawn(&pid_, "/usr/sbin/conntrack", &actions, nullptr, const_cast<char**>(argv), environ), 0);
  posix_spawn_file_actions_destroy(&actions);
  for (int i = 0; i < 5000 && listeners() == before; ++i) poll(nullptr, 0, 1);
  EXPECT_GT(listeners(), before) << "conntrack -E did not start";
}

EventProgram::~EventProgram() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

// Sockets that listen to nfnetlink: "sk Eth Pid Groups ...".
int EventProgram::listeners() {
  FILE* f = fopen("/proc/net/netlink", "r");
  if (f == nullptr) return 0;
  char line[512];
  int count = 0;
  while (fgets(line, sizeof line, f) != nullptr) {
    int protocol = 0;
    unsigned groups = 0;
    count += sscanf(line, "%*s %d %*d %x", &protocol, &groups) == 2 && protocol == NETLINK_NETFILTER && groups != 0;
  }
  fclose(f);
  return count;
}

std::vector<std::string> EventProgram::lines(size_t count) {
  std::vector<std::string> out;
  while (out.size() < count) {
    if (const size_t end = rest_.find('\n'); end != std::string::npos) {
      out.push_back(rest_.substr(0, end));
      rest_.erase(0, end + 1);
      continue;
    }
    pollfd p{out_.get(), POLLIN, 0};
    char buffer[4096];
    if (poll(&p, 1, 5000) <= 0) break;
    const ssize_t n = read(out_.get(), buffer, sizeof buffer);
    if (n <= 0) break;
    rest_.append(buffer, static_cast<size_t>(n));
  }
  return out;
}

}  // namespace nf::kernel_check
