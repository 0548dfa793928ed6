// IPv4 reassembly and fragmentation.
// twin: net/ipv4/{ip_fragment,inet_fragment}.c, ip_do_fragment in ip_output.c
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "datapath/base/sysctl.h"
#include "datapath/base/time.h"
#include "datapath/packet/pool.h"
#include "datapath/trace/drop_reason.h"

namespace nf {

// Who reassembles; datagrams of different users never mix. twin: enum ip_defrag_users
enum class DefragUser : uint8_t { kLocalDeliver, kConntrackIn, kConntrackOut, kConntrackBridgeIn };

class Reassembly {
 public:
  struct Actions {
    // A datagram timed out with its first fragment known and the host its destination: ICMP 11/1 goes out about
    // `first`. twin: ip_expire
    std::function<void(const Packet& first)> expired;
    std::function<void(PacketPtr p, DropReason reason)> drop;
  };
  // Registers net.ipv4.ipfrag_* with `sysctl`.
  Reassembly(PacketPool& pool, SysctlTable& sysctl, Actions actions);
  ~Reassembly();

  // Takes a fragment at its IPv4 header. Returns the whole datagram when this one completed it (its frag_max_size,
  // df_fragments, dev and mark set as ip_frag_reasm does), otherwise null: the fragment is held or was dropped.
  // twin: ip_defrag
  PacketPtr add(PacketPtr fragment, DefragUser user, Time now);
  // Drops what is older than ipfrag_time. Returns when the next one is due (INT64_MAX: none).
  Time expire(Time now);
  size_t waiting() const;  // datagrams in reassembly

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Cuts a packet (not GSO, checksum complete) into fragments of at most `mtu` bytes each and hands them to `emit` in
// order, headers and options as the kernel writes them. Metadata is copied to each. twin: ip_do_fragment
void fragment(PacketPtr p, uint32_t mtu, PacketPool& pool, const std::function<void(PacketPtr)>& emit);

}  // namespace nf
