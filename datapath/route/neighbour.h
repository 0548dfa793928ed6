// The neighbour (ARP) table: next hop address -> link address, with the kernel's states.
// twin: net/core/neighbour.c, net/ipv4/arp.c (the state machine; ARP packets are built by router/arp.cc)
//
// Packets that wait for an answer are held here (unres_qlen_bytes, oldest dropped first).
// Invariants:
//  1. `now` never goes backwards from call to call.
//  2. Actions are called after the entry has its new state; they may call back into the table, but for expire().
//  3. At most kMaxEntries entries are not permanent. A table full of entries in use refuses new ones: their packets
//     fail with kNeighbourQueueFull ("neighbour table overflow").
//  4. A packet is in at most one queue, and only entries that are kIncomplete have one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "datapath/base/time.h"
#include "datapath/hook/device.h"
#include "datapath/packet/packet.h"
#include "datapath/trace/drop_reason.h"

namespace nf {

// twin: NUD_*, uapi/linux/neighbour.h (values)
enum class NeighbourState : uint8_t {
  kNone = 0x00,
  kIncomplete = 0x01,
  kReachable = 0x02,
  kStale = 0x04,
  kDelay = 0x08,
  kProbe = 0x10,
  kFailed = 0x20,
  kNoarp = 0x40,
  kPermanent = 0x80,
};

class NeighbourTable {
 public:
  // Defaults of net.ipv4.neigh.*, of which none is settable here. twin: arp_tbl
  static constexpr int kUnicastProbes = 3;
  static constexpr int kMulticastProbes = 3;
  static constexpr Duration kRetransTime = kSecond;
  // The kernel takes a random time between half and one and a half of this; here it is exactly this.
  static constexpr Duration kReachableTime = 30 * kSecond;
  static constexpr Duration kDelayProbeTime = 5 * kSecond;
  static constexpr Duration kLockTime = kSecond;
  static constexpr Duration kStaleTime = 60 * kSecond;  // gc_stale_time
  static constexpr uint32_t kQueueBytes = 212992;
  static constexpr size_t kGcThreshold1 = 128, kGcThreshold2 = 512, kMaxEntries = 1024;

  // What the table asks of its owner.
  struct Actions {
    // Send an ARP request for `target` out of `dev` (unicast to `known` when probing). `cause`: the last packet that
    // waits for it, null when none does.
    std::function<void(const Device& dev, Be32 target, const MacAddress* known, const Packet* cause)> solicit;
    // A packet whose next hop got an address; it is at its IPv4 header. The address is zero on devices without link
    // addresses (lo, raw IP).
    std::function<void(PacketPtr p, const Device& dev, const MacAddress& mac)> output;
    // A packet given up: kNeighbourFailed (an ICMP host unreachable follows), kNeighbourQueueFull, or kDeviceDown.
    std::function<void(PacketPtr p, DropReason reason)> fail;
    // Whether an address is a broadcast address on `dev`, whatever route led to it. twin: inet_addr_type_dev_table
    std::function<bool(const Device& dev, Be32 address)> is_broadcast;
  };
  explicit NeighbourTable(Actions actions);
  ~NeighbourTable();

  // Sends `p` to `nexthop` on `dev`: at once when the address is known, else it waits. The table owns it then.
  // Multicast, broadcast and devices without ARP need no entry.
  // twin: neigh_resolve_output, arp_constructor
  void output(PacketPtr p, const Device& dev, Be32 nexthop, Time now);
  // An ARP packet taught this. `reply`: it was a unicast reply (REACHABLE), otherwise STALE; `create`: make an
  // entry when there is none (a request addressed to us). `override_mac`: a different known address is replaced at
  // once (a request addressed to us, a gratuitous ARP); otherwise only when it is older than kLockTime.
  // twin: neigh_update as arp_process calls it
  void learn(const Device& dev, Be32 address, const MacAddress& mac, bool reply, bool create, bool override_mac,
             Time now);
  // `ip neigh replace ... lladdr ... nud STATE`. kReachable counts from the last `now` the table was told.
  void add_static(const Device& dev, Be32 address, const MacAddress& mac, NeighbourState state);
  // `ip neigh del`: packets that wait fail.
  bool remove(const Device& dev, Be32 address);
  std::optional<MacAddress> lookup(const Device& dev, Be32 address) const;
  NeighbourState state(const Device& dev, Be32 address) const;

  // Runs timers that are due. Returns when the next one is (INT64_MAX: none).
  Time expire(Time now);
  // Forgets everything of a device that went down, lost its last address, or changed its own link address
  // (permanent entries too). twin: neigh_ifdown
  void device_down(const Device& dev);

  struct Entry {
    const Device* dev;
    Be32 address;
    MacAddress mac;
    NeighbourState state;
  };
  std::vector<Entry> entries() const;  // by ifindex, then address

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nf
