// A learning bridge's forwarding decision: which port a frame goes to. No frames are touched here.
// twin: net/bridge/br_fdb.c, br_handle_frame_finish in br_input.c
//
// Ageing is lazy on lookup plus a sweep. VLANs and spanning tree are not modelled.
#pragma once

#include <cstdint>
#include <vector>

#include "datapath/base/time.h"
#include "datapath/hook/device.h"
#include "datapath/packet/headers.h"

namespace nf {

struct BridgeOptions {
  Duration ageing_time = 300 * kSecond;
};

struct BridgePort {
  Device* device = nullptr;
  bool hairpin = false;
  bool learning = true;
  bool flood = true;            // unknown unicast
  bool multicast_flood = true;
  bool broadcast_flood = true;
  bool isolated = false;
};

class Bridge {
 public:
  Bridge(Device& device, const BridgeOptions& options);
  ~Bridge();
  Device& device() const { return device_; }

  void add_port(const BridgePort& port);
  void remove_port(const Device& dev);
  const std::vector<BridgePort>& ports() const { return ports_; }
  BridgePort* port(const Device& dev);

  // A frame came in by `port`: its source is learned (never a multicast or an own address).
  void learn(const MacAddress& source, const Device& port, Time now);
  void add_static(const MacAddress& mac, const Device& port);

  struct Decision {
    enum class Kind : uint8_t { kLocal, kForward, kFlood } kind;  // kLocal: for the bridge's own address
    Device* port = nullptr;       // kForward
    bool also_local = false;      // kFlood: broadcast or multicast, a copy goes up
  };
  // twin: br_handle_frame_finish (in) and br_dev_xmit (from the bridge device itself, in == nullptr)
  Decision decide(const MacAddress& destination, Time now) const;
  // Whether a frame from `in` (nullptr: from the bridge device) may leave by `out`. twin: should_deliver
  bool should_deliver(const Device* in, const BridgePort& out) const;

  void sweep(Time now);
  size_t fdb_size() const;

 private:
  Device& device_;
  BridgeOptions options_;
  std::vector<BridgePort> ports_;
  struct Table;
  Table* fdb_;
};

}  // namespace nf
