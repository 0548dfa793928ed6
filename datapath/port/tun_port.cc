#include "datapath/port/tun_port.h"

#include <algorithm>
#include <cstring>

#include "datapath/packet/checksum.h"

namespace nf {

Result<std::unique_ptr<TunPort>> TunPort::open(const TunOptions& options) {
  Result<TunDevice> d = TunDevice::open({options.name, false, options.open, options.persistent});
  if (!d) return d.error();
  return std::make_unique<TunPort>(d.take());
}

size_t TunPort::receive(PacketPool& pool, std::vector<PacketPtr>& out, size_t max) {
  size_t n = 0;
  // Until nothing is left to read: returning 0 with frames behind would look like an empty device.
  while (n < max) {
    const size_t got = device_.receive(pool, out, max - n);
    if (got == 0) break;
    const auto fresh = out.end() - static_cast<ptrdiff_t>(got);
    const auto other =
        std::remove_if(fresh, out.end(), [](const PacketPtr& p) { return p->length() == 0 || p->data()[0] >> 4 != 4; });
    const size_t skipped = static_cast<size_t>(out.end() - other);
    not_ipv4_ += skipped;
    out.erase(other, out.end());
    n += got - skipped;
    if (skipped == 0) break;
  }
  return n;
}

Result<std::unique_ptr<TunHostPort>> TunHostPort::open(const TunOptions& options) {
  Result<TunDevice> d = TunDevice::open({options.name, false, options.open, options.persistent});
  if (!d) return d.error();
  return std::make_unique<TunHostPort>(d.take());
}

size_t TunHostPort::poll(PacketPool& pool, size_t max) {
  // The sink may come back into deliver(), never into poll(): one vector serves.
  batch_.clear();
  pool_ = &pool;
  const size_t n = port_.receive(pool, batch_, max);
  for (PacketPtr& p : batch_) emit(std::move(p));
  pool_ = nullptr;
  batch_.clear();
  return n;
}

void TunHostPort::refused(const Packet& p, DropReason reason) {
  // twin: fib_props, net/ipv4/fib_semantics.c, with icmp_err_convert, net/ipv4/icmp.c. A blackhole's EINVAL has no
  // code.
  uint8_t code;
  switch (reason) {
    case DropReason::kNoRoute:
      code = 0;  // net unreachable: ENETUNREACH
      break;
    case DropReason::kRouteUnreachable:
      code = 1;  // host unreachable: EHOSTUNREACH
      break;
    case DropReason::kRouteProhibit:
      code = 13;  // communication administratively prohibited
      break;
    default:
      return;
  }
  // About errors nothing is said, and of fragments only the first names its socket.
  const Ipv4Header& cause = p.ip();
  const IcmpHeader* icmp = view<IcmpHeader>(p.transport());
  if (pool_ == nullptr || cause.fragment_offset() != 0 ||
      (cause.protocol == kProtoIcmp && (icmp == nullptr || icmp->is_error())))
    return;
  const uint32_t quoted = std::min<uint32_t>(p.length(), 576 - sizeof(Ipv4Header) - sizeof(IcmpHeader));
  const uint32_t length = static_cast<uint32_t>(sizeof(Ipv4Header) + sizeof(IcmpHeader)) + quoted;
  PacketPtr error = pool_->allocate(length);
  error->put(length);
  error->protocol = kEtherIpv4;
  Ipv4Header& ip = error->ip();
  ip = Ipv4Header{};
  ip.version_ihl = 0x45;
  ip.total_length = be16(static_cast<uint16_t>(length));
  ip.ttl = kRefusedTtl;
  ip.protocol = kProtoIcmp;
  ip.source = ip.destination = cause.source;
  ip_send_check(ip);
  IcmpHeader& header = *view<IcmpHeader>(error->transport());
  header = IcmpHeader{.type = kIcmpUnreachable, .code = code, .checksum = {}, .id = {}, .sequence = {}};
  std::memcpy(error->transport().data() + sizeof header, p.data(), quoted);
  header.checksum = checksum_finish(checksum_add(error->transport()));
  refused_ += !port_.send(std::move(error));
}

}  // namespace nf
