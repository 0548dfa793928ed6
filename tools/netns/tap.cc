#include "tools/netns/tap.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>

namespace nf::netns {

Result<Tap> Tap::make(const std::string& name, const MacAddress& mac, bool ethernet) {
  if (name.empty() || name.size() >= IFNAMSIZ) return error("\"" + name + "\" is no name for a link");
  Fd fd(open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return system_error("/dev/net/tun");
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_flags = static_cast<short>((ethernet ? IFF_TAP : IFF_TUN) | IFF_NO_PI);
  if (ioctl(fd.get(), TUNSETIFF, &request) != 0) return system_error("link " + name);
  // Closing an unpersistent link waits for everybody who may use it: 28 ms.
  if (ioctl(fd.get(), TUNSETPERSIST, 1) != 0) return system_error("link " + name);
  if (ethernet) {
    request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    std::memcpy(request.ifr_hwaddr.sa_data, mac.data(), mac.size());
    if (ioctl(fd.get(), SIOCSIFHWADDR, &request) != 0) return system_error("link address of " + name);
  }
  return Tap(std::move(fd));
}

Status Tap::write(std::span<const uint8_t> frame) const {
  if (::write(fd_.get(), frame.data(), frame.size()) >= 0) return {};
  if (errno == EIO || errno == EINVAL) return {};
  return system_error("write to a link");
}

Result<std::span<const uint8_t>> Tap::read() const {
  static uint8_t buffer[65536 + 64];
  const ssize_t n = ::read(fd_.get(), buffer, sizeof buffer);
  if (n >= 0) return std::span<const uint8_t>(buffer, static_cast<size_t>(n));
  if (errno == EAGAIN || errno == EIO) return std::span<const uint8_t>();
  return system_error("read from a link");
}

}  // namespace nf::netns
