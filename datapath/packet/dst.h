// Where routing sends a packet: what a packet carries as skb_dst. Plain values, no reference into the tables.
#pragma once

#include <cstdint>

#include "datapath/base/byteorder.h"

namespace nf {

struct Device;

// twin: RTN_*, uapi/linux/rtnetlink.h (order and values)
enum class RouteType : uint8_t {
  kUnspec = 0,
  kUnicast = 1,
  kLocal = 2,
  kBroadcast = 3,
  kAnycast = 4,
  kMulticast = 5,
  kBlackhole = 6,
  kUnreachable = 7,
  kProhibit = 8,
  kThrow = 9,
};

// twin: RT_SCOPE_*
enum class RouteScope : uint8_t { kUniverse = 0, kSite = 200, kLink = 253, kHost = 254, kNowhere = 255 };

struct Dst {
  const Device* out = nullptr;  // kLocal: the loopback device
  // Where the packet was received, when it was routed as received; null for the host's own and for the stand-in a
  // bridge hangs on what it forwards. twin: rt_is_input_route, with inet_iif
  const Device* received_by = nullptr;
  Be32 nexthop;           // address to resolve on `out`: the gateway, or the destination itself
  Be32 preferred_source;  // source for packets of the host's own; zero when none
  uint32_t mtu = 0;       // bytes, of route or device
  RouteType type = RouteType::kUnspec;
  bool via_gateway = false;
  bool do_redirect = false;  // in == out and the sender could have gone direct (RTCF_DOREDIRECT)
  bool valid() const { return type != RouteType::kUnspec; }
};

}  // namespace nf
