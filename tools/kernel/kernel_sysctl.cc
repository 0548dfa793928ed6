#include "tools/kernel/kernel_sysctl.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "datapath/base/text.h"

namespace nf {
namespace {

std::string path_of(const std::string& name) { return "/proc/sys/" + name; }

}  // namespace

Result<std::string> read_kernel_sysctl(const std::string& name) {
  const std::string path = path_of(name);
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return error_at(path, 0, std::strerror(errno));
  char text[256];
  const ssize_t got = read(fd, text, sizeof text);
  const int reason = errno;
  close(fd);
  if (got < 0) return error_at(path, 0, std::strerror(reason));
  return std::string(trim({text, static_cast<size_t>(got)}));
}

Status write_kernel_sysctl(const std::string& name, const std::string& value) {
  const std::string path = path_of(name);
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return error_at(path, 0, std::strerror(errno));
  const ssize_t put = write(fd, value.data(), value.size());
  const int reason = errno;
  close(fd);
  if (put != static_cast<ssize_t>(value.size()))
    return error_at(path, 0, put < 0 ? std::strerror(reason) : "short write");
  return {};
}

bool in_initial_network_namespace() { return access("/proc/sys/net/core/netdev_max_backlog", F_OK) == 0; }

}  // namespace nf
