// A learning bridge's forwarding decision: which port a frame goes to. No frames are touched here.
// twin: net/bridge/br_fdb.c, br_handle_frame and br_handle_frame_finish in br_input.c, br_forward.c, br_dev_xmit
//
// Way of a received frame: arrive() - netfilter's bridge hooks - learn() - decide() - should_deliver() or
// should_flood() per port.
// Ageing is lazy on lookup plus a sweep. VLANs, spanning tree and multicast snooping are not modelled: a multicast is
// flooded, as the kernel does while no querier was heard.
//
// Ownership: ports and the bridge are Devices of the router; a port is removed before its device goes.
// Invariants:
//  1. The addresses of the bridge and of its ports are local: they are never learned, and frames to them are not
//     forwarded. Tell address_changed() when one changes.
//  2. ports() stands in the kernel's order, the newest port first: that is the order of flooding.
//  3. Only a port that is up and running forwards, and only while the bridge is up.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "datapath/base/time.h"
#include "datapath/bridge/mac_table.h"
#include "datapath/hook/device.h"
#include "datapath/packet/headers.h"

namespace nf {

struct BridgeOptions {
  Duration ageing_time = 300 * kSecond;  // 0: nothing is learned
  uint64_t hash_seed = 0;
};

struct BridgePort {
  Device* device = nullptr;
  bool hairpin = false;
  bool learning = true;
  bool flood = true;  // unknown unicast
  bool multicast_flood = true;
  bool broadcast_flood = true;
  bool isolated = false;
};

class Bridge {
 public:
  Bridge(Device& device, const BridgeOptions& options);
  Bridge(const Bridge&) = delete;
  Bridge& operator=(const Bridge&) = delete;
  Device& device() const { return device_; }
  void set_ageing_time(Duration t) { options_.ageing_time = t; }

  void add_port(const BridgePort& port);
  // Forgets what was learned there, static entries too. twin: del_nbp
  void remove_port(const Device& dev);
  // The port's device lost its link or was set down: what was learned there is forgotten, static entries stay. With
  // the bridge's own device: all ports. twin: br_stp_disable_port, br_stp_disable_bridge
  void port_down(const Device& dev);
  // The address of the bridge or of a port changed: an entry learned for it elsewhere gives way. twin: fdb_add_local
  void address_changed(const Device& dev);
  const std::vector<BridgePort>& ports() const { return ports_; }
  // null: not a port of this bridge. Valid until ports change.
  BridgePort* port(const Device& dev);
  const BridgePort* port(const Device& dev) const;
  // The address a bridge takes when nobody gave it one: the smallest of its ports'; nullopt without ports.
  // twin: br_stp_recalculate_bridge_id
  std::optional<MacAddress> automatic_address() const;

  // The port takes part: it and the bridge are up and it has a link. twin: p->state == BR_STATE_FORWARDING
  bool forwarding(const BridgePort& port) const;

  // What becomes of a frame before the bridge's hooks. twin: br_handle_frame (group_fwd_mask 0, no STP)
  enum class Arrival : uint8_t {
    kBridge,    // goes on into the bridge
    kPortOnly,  // 802.1D link-local group (01:80:c2:00:00:02..0f): learned, not forwarded, goes up with the *port* as
                // its device, never with the bridge
    kDrop,      // a source that cannot be (multicast, zero), or a pause frame (01:80:c2:00:00:01): not even learned
  };
  static Arrival arrive(const MacAddress& source, const MacAddress& destination);

  // A frame came in by `port`: its source is learned (never a multicast or an own address). A static entry moves to
  // the port like any other and stays static. twin: br_fdb_update
  void learn(const MacAddress& source, const Device& port, Time now);
  // twin: `bridge fdb add MAC dev PORT master static`
  void add_static(const MacAddress& mac, const Device& port);
  void remove_entry(const MacAddress& mac) { fdb_.erase(mac); }

  struct Decision {
    // kLocal: for the address of the bridge or of one of its ports. A received frame goes up, and only up; whether the
    // IP layer takes it depends on PacketType (kHost for the receiving port's and the bridge's address, kOtherHost for
    // another port's). A frame from the bridge device itself leaves by `port`, or is dropped when that is null.
    enum class Kind : uint8_t { kLocal, kForward, kFlood } kind;
    Device* port = nullptr;   // kForward; kLocal: the port whose address it is; null for the bridge's own
    bool also_local = false;  // kFlood: broadcast or multicast, a copy goes up
  };
  // twin: br_handle_frame_finish (in) and br_dev_xmit (from the bridge device itself, in == nullptr)
  Decision decide(const MacAddress& destination, Time now) const;
  // Whether a frame from `in` (nullptr: from the bridge device) may leave by `out`. twin: should_deliver
  bool should_deliver(const Device* in, const BridgePort& out) const;
  // The same for a frame that is flooded: the port's flood flags count too. What the bridge device itself sends is
  // kept back only by `flood`. twin: br_flood
  bool should_flood(const Device* in, const BridgePort& out, const MacAddress& destination) const;

  // Drops what is too old. twin: br_fdb_cleanup
  void sweep(Time now);
  // Entries learned or static; an aged one counts until it is swept.
  size_t fdb_size() const { return fdb_.size(); }

 private:
  bool expired(const FdbEntry& e, Time now) const { return !e.is_static && e.updated + options_.ageing_time <= now; }
  const BridgePort* port_with_address(const MacAddress& mac) const;
  bool is_local(const MacAddress& mac) const { return mac == device_.mac || port_with_address(mac) != nullptr; }

  Device& device_;
  BridgeOptions options_;
  std::vector<BridgePort> ports_;
  MacTable fdb_;
};

}  // namespace nf
