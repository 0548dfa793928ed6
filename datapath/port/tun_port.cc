#include "datapath/port/tun_port.h"

#include <algorithm>

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
  const size_t n = port_.receive(pool, batch_, max);
  for (PacketPtr& p : batch_) emit(std::move(p));
  batch_.clear();
  return n;
}

}  // namespace nf
