#include "datapath/port/memory_port.h"

namespace nf {

size_t MemoryPort::receive(PacketPool&, std::vector<PacketPtr>& out, size_t max) {
  size_t n = 0;
  for (; n < max && !incoming_.empty(); ++n) {
    ++statistics_.rx_packets;
    statistics_.rx_bytes += incoming_.front()->length();
    out.push_back(std::move(incoming_.front()));
    incoming_.pop_front();
  }
  return n;
}

bool MemoryPort::send(PacketPtr p) {
  if (sent_.size() >= options_.capacity) return false;
  ++statistics_.tx_packets;
  statistics_.tx_bytes += p->length();
  sent_.push_back(std::move(p));
  return true;
}

}  // namespace nf
