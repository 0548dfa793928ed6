// A port: where frames enter and leave. Implementations: memory (tests), pcap (replay), packet_ring (AF_PACKET on a
// live link), tap, tun (host port).
//
// Ownership: received packets come from the pool given to receive() and belong to the caller; send() takes its
// packet. A port knows nothing of routing: it moves frames.
// Contract for received packets: data() is at the Ethernet header (DeviceKind::kRawIp: at the IPv4 header), the
// checksum state and GSO fields say what the link said (virtio_net_hdr), a truncated frame is passed as it is.
#pragma once

#include <cstdint>
#include <vector>

#include "datapath/base/time.h"
#include "datapath/packet/pool.h"

namespace nf {

// What a port counted since it was opened. Frames that receive() returned, frames the link took.
struct PortStatistics {
  uint64_t rx_packets = 0;
  uint64_t rx_bytes = 0;
  uint64_t rx_dropped = 0;    // the link had them, the port had no room (a full ring)
  uint64_t rx_truncated = 0;  // handed on shorter than they were
  uint64_t rx_errors = 0;     // reads the link refused
  uint64_t tx_packets = 0;
  uint64_t tx_bytes = 0;
  uint64_t tx_dropped = 0;  // taken by send(), refused by the link later; not what send() itself refused
};

class Port {
 public:
  virtual ~Port() = default;

  // Appends up to `max` packets to `out`, never blocks. Returns how many.
  virtual size_t receive(PacketPool& pool, std::vector<PacketPtr>& out, size_t max) = 0;
  // Queues one frame (at its Ethernet header, or IPv4 header for a raw IP port). It may be held until flush().
  // False: it could not be queued, and is freed (the caller counts it as kTxQueueFull).
  virtual bool send(PacketPtr p) = 0;
  // Hands everything queued to the link.
  virtual void flush() = 0;

  // Frames a flush() could not hand over yet because the link is busy: call flush() again when fd() is writable.
  virtual size_t queued() const { return 0; }
  // Not const: some counters are fetched from the kernel, which clears them by that.
  virtual PortStatistics statistics() { return {}; }

  // File descriptor that becomes readable when receive() has something; -1: none (memory, pcap).
  virtual int fd() const { return -1; }
  // What send() takes without help; otherwise the sender completes checksums and segments first.
  virtual bool can_checksum() const { return false; }
  virtual bool can_gso() const { return false; }
};

}  // namespace nf
