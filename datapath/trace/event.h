// What happened to a packet, as plain structs. They become a story in tools/trace, words and forms in tools/words and
// tools/forms.
//
// A trace is on or off for a packet as a whole (Packet::traced); code on the packet path tests that flag once and
// otherwise does not know about tracing. Pointers and views in events are valid only during Sink::event(). What costs
// more than a few copies to tell (misses, the way through the routing tables) is told only to a detailed() sink.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "datapath/base/time.h"
#include "datapath/packet/packet.h"
#include "datapath/packet/rewrite.h"
#include "datapath/trace/drop_reason.h"
#include "datapath/trace/nat_skip.h"
#include "datapath/trace/said.h"

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
  std::string_view rule;    // what iptables-save prints behind "-A CHAIN "; empty: the end of a user chain
};
struct RuleMissed {  // a rule did not match; detailed sinks only
  std::string_view table, chain;
  uint32_t number;
  std::string_view rule;
  const Said* why;  // the first condition that failed, in the kernel's order
  // That condition is the only one that fails: without it the rule matches. False: others fail too, or cannot be asked
  // without changing them (limit).
  bool only;
};
struct PolicyReached {
  std::string_view table, chain;
  uint32_t number;  // behind the chain's last rule
  bool accept;
};
struct ConntrackSeen {
  CtInfo ctinfo = CtInfo::kNone;
  bool created = false;            // a new, unconfirmed entry
  bool carried = false;            // it came with its connection, over lo; nothing was looked up
  std::string_view before, after;  // protocol states ("SYN_SENT"); empty when the protocol has none
  Endpoints original, reply;
  const Said* invalid = nullptr;           // ctinfo kNone: why, with the numbers; null: unknown
  uint32_t id = 0;                         // of the connection, as `conntrack -o id`; 0: none
  uint32_t status_before = 0, status = 0;  // IPS_* bits; before: of an entry found
  Duration timeout = 0;                    // left to the entry after this packet
  uint16_t zone = 0;                       // of the packet's direction
};
struct ConntrackConfirmed {
  Endpoints original, reply;
  uint32_t id = 0;
  Duration timeout = 0;
};
struct NatSkipped {
  HookPoint hook;
  NatSkip reason;
  uint32_t id = 0;  // of the connection; 0: none
};
struct NatSetUp {  // one half of a connection's NAT was decided
  HookPoint hook;
  ManipType manip;
  bool null_binding;
  Endpoints original, reply;  // after the decision
  uint32_t id = 0;
  std::string_view range = {};   // that was asked for, as the target prints it ("172.17.0.2:80"); empty: any
  const Said* choice = nullptr;  // how the tuple was chosen in the range and why not the original one; null: no choice
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
struct ExpectationMet {     // the connection just created was expected
  std::string_view helper;  // of the master
  Endpoints master;         // its original tuple
};
struct PayloadMangled {  // NAT changed an address in the payload
  std::string_view helper;
  int32_t longer;  // bytes
};
struct SequenceAdjusted {             // TCP, for an earlier PayloadMangled
  int32_t sequence, acknowledgement;  // what was added
};
struct Routed {
  RouteType type;
  const Device* out;
  Be32 nexthop;
  // Detailed sinks only; empty otherwise.
  std::string_view rule = {};   // the policy rule, as `ip rule` prints it ("32766: from all lookup main")
  std::string_view route = {};  // the route, as `ip route` prints it ("172.17.0.0/16 dev docker0")
  Be32 source = {};             // chosen for a packet of this host's that had none; zero: not chosen
};
struct TtlDecremented {
  uint8_t from, to;
};
enum class NeighbourAnswer : uint8_t { kKnown, kAsked, kWaits, kFailed };
struct NeighbourAsked {  // for the next hop's link address
  const Device* device;
  Be32 address;
  NeighbourAnswer answer;  // kAsked: an ARP request goes out, the packet waits; kWaits: behind one that was asked for
  MacAddress mac;          // kKnown
};
struct FragmentHeld {       // until its datagram is whole
  uint16_t offset, length;  // bytes
};
struct Reassembled {
  uint32_t fragments;
  uint32_t length;  // bytes, of the whole datagram
};
struct Fragmented {  // into pieces of at most `mtu` bytes, each sent by itself
  uint32_t mtu;
};
struct Noted {  // what more there is to say about what comes next
  const Said* said;
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

using Event = std::variant<Received, HookEntered, RuleMatched, RuleMissed, PolicyReached, ConntrackSeen,
                           ConntrackConfirmed, NatSkipped, NatSetUp, NatRewrote, ExpectationMade, ExpectationMet,
                           PayloadMangled, SequenceAdjusted, Routed, TtlDecremented, NeighbourAsked, FragmentHeld,
                           Reassembled, Fragmented, Noted, Bridged, Delivered, Sent, Dropped>;

class Sink {
 public:
  virtual ~Sink() = default;
  // Whether it wants what is dear to tell (see above). Asked for each packet.
  virtual bool detailed() const { return false; }
  // `p` is the packet as it is at this moment.
  virtual void event(const Packet& p, const Event& e) = 0;
};

}  // namespace trace
}  // namespace nf
