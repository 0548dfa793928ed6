#include "tools/netns/network_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include "datapath/base/text.h"

namespace nf::netns {
namespace {

Status write_file(const std::string& path, const std::string& text) {
  const Fd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return system_error(path);
  const ssize_t put = write(fd.get(), text.data(), text.size());
  if (put < 0) return system_error(path);
  if (static_cast<size_t>(put) != text.size()) return error(path + ": short write");
  return {};
}

// Root of a user namespace of our own, and mounts nobody else sees.
Status become_root() {
  static bool done = false;
  if (done) return {};
  const unsigned uid = geteuid(), gid = getegid();
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return system_error("a user namespace cannot be made");
  if (Status s = write_file("/proc/self/setgroups", "deny"); !s) return s;
  if (Status s = write_file("/proc/self/uid_map", strf("0 %u 1", uid)); !s) return s;
  if (Status s = write_file("/proc/self/gid_map", strf("0 %u 1", gid)); !s) return s;
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return system_error("mount / private");
  if (mount("none", "/run", "tmpfs", 0, nullptr) != 0) return system_error("mount /run");
  done = true;
  return {};
}

}  // namespace

Result<NetworkNamespace> NetworkNamespace::make() {
  if (Status s = become_root(); !s) return s.error();
  if (unshare(CLONE_NEWNET) != 0) return system_error("a network namespace cannot be made");
  Fd fd(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!fd) return system_error("/proc/self/ns/net");
  return NetworkNamespace(std::move(fd));
}

Status NetworkNamespace::enter() const {
  if (setns(fd_.get(), CLONE_NEWNET) != 0) return system_error("setns");
  return {};
}

// twin: slashdot, procps
Status write_sysctl(const std::string& name, const std::string& value) {
  std::string path = name;
  const size_t separator = path.find_first_of("./");
  if (separator != std::string::npos && path[separator] == '.') {
    for (char& c : path) c = c == '.' ? '/' : c == '/' ? '.' : c;
  }
  const Fd fd(open(("/proc/sys/" + path).c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd || write(fd.get(), value.data(), value.size()) < 0) {
    Error e = system_error("cannot set " + name + " to \"" + value + "\"");
    if (errno == EACCES || errno == EPERM || errno == EROFS) e.code = ExitCode::kNotModelled;
    return e;
  }
  return {};
}

}  // namespace nf::netns
