// The neighbour (ARP) table: next hop address -> link address, with the kernel's states.
// twin: net/core/neighbour.c, net/ipv4/arp.c (the state machine; ARP packets are built by router/arp.cc)
//
// Packets that wait for an answer are held here (unres_qlen_bytes, oldest dropped first).
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
  // What the table asks of its owner.
  struct Actions {
    // Send an ARP request for `target` out of `dev` (unicast to `known` when probing).
    std::function<void(const Device& dev, Be32 target, const MacAddress* known, const Packet* cause)> solicit;
    // A packet whose next hop got an address; it is at its IPv4 header.
    std::function<void(PacketPtr p, const Device& dev, const MacAddress& mac)> output;
    // A packet given up: kNeighbourFailed (an ICMP host unreachable follows) or kNeighbourQueueFull.
    std::function<void(PacketPtr p, DropReason reason)> fail;
  };
  explicit NeighbourTable(Actions actions);
  ~NeighbourTable();

  // Sends `p` to `nexthop` on `dev`: at once when the address is known, else it waits. The table owns it then.
  // twin: neigh_resolve_output
  void output(PacketPtr p, const Device& dev, Be32 nexthop, Time now);
  // An ARP packet taught this. `reply`: it was a unicast reply (REACHABLE), otherwise STALE; `create`: make an
  // entry when there is none (a request addressed to us). twin: neigh_update as arp_process calls it
  void learn(const Device& dev, Be32 address, const MacAddress& mac, bool reply, bool create, bool override_mac,
             Time now);
  // `ip neigh add ... lladdr ... nud permanent`.
  void add_static(const Device& dev, Be32 address, const MacAddress& mac, NeighbourState state);
  bool remove(const Device& dev, Be32 address);
  std::optional<MacAddress> lookup(const Device& dev, Be32 address) const;
  NeighbourState state(const Device& dev, Be32 address) const;

  // Runs timers that are due. Returns when the next one is (INT64_MAX: none).
  Time expire(Time now);
  // Forgets everything of a device that went down (permanent entries too). twin: neigh_ifdown
  void device_down(const Device& dev);

  struct Entry {
    const Device* dev;
    Be32 address;
    MacAddress mac;
    NeighbourState state;
  };
  std::vector<Entry> entries() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nf
