// What happened to a packet, as plain structs. Formatting lives elsewhere (tools/trace).
//
// A trace is on or off for a packet as a whole (Packet::traced); code on the packet path tests that flag once and
// otherwise does not know about tracing. Pointers in events are valid only during Sink::event().
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "datapath/packet/packet.h"
#include "datapath/packet/rewrite.h"
#include "datapath/trace/drop_reason.h"
#include "datapath/trace/nat_skip.h"

namespace nf {

// twin: enum nf_inet_hooks (order and values)
enum class HookPoint : uint8_t { kPreRouting = 0, kLocalIn = 1, kForward = 2, kLocalOut = 3, kPostRouting = 4 };
inline constexpr size_t kHookPoints = 5;
std::string_view hook_name(HookPoint h);  // "PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"

namespace trace {

// One end of a packet's addresses, for showing tuples and rewrites.
struct Endpoints {
  Be32 source, destination;
  uint16_t source_port = 0, destination_port = 0;  // host order; ICMP: id, type<<8|code
  uint8_t protocol = 0;
};

struct Received {  // a frame came in by a port (or from the host: device is the loopback)
  const Device* device;
  bool from_host;
};
struct HookEntered {
  HookPoint hook;
  const Device *in, *out;
};
enum class RuleVerdict : uint8_t { kAccept, kDrop, kReturn, kJump, kGoto, kContinue, kOther };
struct RuleMatched {  // a rule matched, its target was run
  std::string_view table, chain;
  uint32_t number;  // 1-based in its chain
  RuleVerdict verdict;
  std::string_view target;  // name of the target or of the chain jumped to; empty: no target
};
struct PolicyReached {
  std::string_view table, chain;
  bool accept;
};
struct ConntrackSeen {
  CtInfo ctinfo;
  bool created;                    // a new, unconfirmed entry
  std::string_view before, after;  // protocol states ("SYN_SENT"); empty when the protocol has none
  Endpoints original, reply;
  std::string_view invalid_because;  // ctinfo kNone: why, in the kernel's words
};
struct ConntrackConfirmed {
  Endpoints original, reply;
};
struct NatSkipped {
  HookPoint hook;
  NatSkip reason;
};
struct NatSetUp {  // one half of a connection's NAT was decided
  HookPoint hook;
  ManipType manip;
  bool null_binding;
  Endpoints original, reply;  // after the decision
};
struct NatRewrote {  // bytes of this packet were changed
  HookPoint hook;
  ManipType manip;
  bool reply_direction;  // the inverse of what the original direction got
  Endpoints before, after;
};
struct ExpectationMade {  // a helper read in this packet's payload of a connection to come
  std::string_view helper;
  Endpoints expected;  // zero: any
};
struct ExpectationMet {  // the connection just created was expected
  std::string_view helper;  // of the master
  Endpoints master;         // its original tuple
};
struct PayloadMangled {  // NAT changed an address in the payload
  std::string_view helper;
  int32_t longer;  // bytes
};
struct SequenceAdjusted {  // TCP, for an earlier PayloadMangled
  int32_t sequence, acknowledgement;  // what was added
};
struct Routed {
  RouteType type;
  const Device* out;
  Be32 nexthop;
};
struct Bridged {
  const Device* bridge;
  const Device *in, *out;  // ports; out null: handed up to the router, or flooded
  bool flooded;
};
struct Delivered {};  // to the host port
struct Sent {
  const Device* device;
};
struct Dropped {
  DropReason reason;
  HookPoint hook;  // meaningful when at_hook
  bool at_hook;
};

using Event = std::variant<Received, HookEntered, RuleMatched, PolicyReached, ConntrackSeen, ConntrackConfirmed,
                           NatSkipped, NatSetUp, NatRewrote, ExpectationMade, ExpectationMet,
                           PayloadMangled, SequenceAdjusted, Routed, Bridged, Delivered, Sent, Dropped>;

class Sink {
 public:
  virtual ~Sink() = default;
  // `p` is the packet as it is at this moment.
  virtual void event(const Packet& p, const Event& e) = 0;
};

}  // namespace trace
}  // namespace nf
