#include "datapath/port/tun_device.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "datapath/base/text.h"
#include "datapath/port/virtio_net.h"

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20  // Linux 6.2; older headers lack them
#define TUN_F_USO6 0x40
#endif

namespace nf {
namespace {

constexpr uint32_t kSmallFrame = PacketPool::kSmall - PacketPool::kHeadroom;
constexpr uint32_t kLargeFrame = PacketPool::kLarge - PacketPool::kHeadroom;

Error failed(const std::string& name, const char* what) {
  return error(strf("%s: %s: %s", name.empty() ? "tun" : name.c_str(), what, std::strerror(errno)));
}

}  // namespace

Result<TunDevice> TunDevice::open(const Options& options) {
  if (options.name.size() >= IFNAMSIZ) return error(options.name + ": the name is too long for a link");
  if (options.open != TunOpen::kEither) {
    const bool there = if_nametoindex(options.name.c_str()) != 0;
    if (there && options.open == TunOpen::kCreate) return error(options.name + ": the link exists already");
    if (!there && options.open == TunOpen::kAttach) return error(options.name + ": no such link");
  }
  TunDevice d;
  d.tap_ = options.tap;
  d.fd_ = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (d.fd_ < 0) return failed(options.name, "/dev/net/tun");
  ifreq request{};
  std::memcpy(request.ifr_name, options.name.data(), options.name.size());
  request.ifr_flags = static_cast<short>((options.tap ? IFF_TAP : IFF_TUN) | IFF_NO_PI | IFF_VNET_HDR);
  if (ioctl(d.fd_, TUNSETIFF, &request) != 0) return failed(options.name, "TUNSETIFF");
  d.name_ = request.ifr_name;
  d.ifindex_ = static_cast<int>(if_nametoindex(request.ifr_name));

  const int header = sizeof(VirtioNetHeader);
  if (ioctl(d.fd_, TUNSETVNETHDRSZ, &header) != 0) return failed(d.name_, "TUNSETVNETHDRSZ");
  const unsigned long tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
  if (ioctl(d.fd_, TUNSETOFFLOAD, tcp | TUN_F_USO4 | TUN_F_USO6) != 0 && ioctl(d.fd_, TUNSETOFFLOAD, tcp) != 0)
    return failed(d.name_, "TUNSETOFFLOAD");
  if (options.persistent && ioctl(d.fd_, TUNSETPERSIST, 1ul) != 0) return failed(d.name_, "TUNSETPERSIST");
  return d;
}

TunDevice::TunDevice(TunDevice&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      ifindex_(other.ifindex_),
      tap_(other.tap_),
      name_(std::move(other.name_)),
      statistics_(other.statistics_) {}

TunDevice& TunDevice::operator=(TunDevice&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(ifindex_, other.ifindex_);
  std::swap(tap_, other.tap_);
  std::swap(name_, other.name_);
  std::swap(statistics_, other.statistics_);
  return *this;
}

TunDevice::~TunDevice() {
  if (fd_ >= 0) close(fd_);
}

size_t TunDevice::receive(PacketPool& pool, std::vector<PacketPtr>& out, size_t max) {
  // A read must offer room for the longest frame. What fits goes straight into a small packet; of a longer one the
  // rest goes to where it belongs in a large packet, so only its first kSmallFrame bytes are copied.
  size_t n = 0;
  PacketPtr large;
  while (n < max) {
    PacketPtr p = pool.allocate(kSmallFrame);
    if (large == nullptr) large = pool.allocate(kLargeFrame);
    VirtioNetHeader offload;
    iovec parts[3] = {
        {&offload, sizeof offload}, {p->data(), kSmallFrame}, {large->data() + kSmallFrame, kLargeFrame - kSmallFrame}};
    const ssize_t got = readv(fd_, parts, 3);
    if (got < static_cast<ssize_t>(sizeof offload)) {
      if (got < 0 && errno == EINTR) continue;
      statistics_.rx_errors += got >= 0 || errno != EAGAIN;
      break;
    }
    const uint32_t length = static_cast<uint32_t>(static_cast<size_t>(got) - sizeof offload);
    if (length > kSmallFrame) {
      std::memcpy(large->data(), p->data(), kSmallFrame);
      p = std::move(large);
    }
    p->put(length);
    apply_virtio_header(offload, *p, tap_);
    ++statistics_.rx_packets;
    statistics_.rx_bytes += length;
    out.push_back(std::move(p));
    ++n;
  }
  return n;
}

bool TunDevice::send(Packet& p) {
  VirtioNetHeader offload = make_virtio_header(p, tap_);
  const iovec parts[2] = {{&offload, sizeof offload}, {p.data(), p.length()}};
  ssize_t written;
  do {
    written = writev(fd_, parts, 2);
  } while (written < 0 && errno == EINTR);
  if (written < 0) return false;
  ++statistics_.tx_packets;
  statistics_.tx_bytes += p.length();
  return true;
}

}  // namespace nf
