// What happened to one packet, kept: the steps in the order they happened, each with its sentence. Made of trace events
// by a Recorder; every form (tools/forms) and every question (tools/explain, tools/diff) is answered from it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "datapath/base/time.h"
#include "datapath/trace/event.h"
#include "datapath/trace/said.h"

namespace nf::trace {

// X(name, key): the key is what `-o json` and scenarios call it.
#define NF_STEP_KINDS(X)                                                       \
  X(kHook, "hook")                                                             \
  X(kRule, "rule")                                                             \
  X(kMiss, "miss")                                                             \
  X(kPolicy, "policy")                                                         \
  X(kConntrack, "conntrack")                                                   \
  X(kConfirmed, "confirmed")                                                   \
  X(kNatSkipped, "nat_skipped")                                                \
  X(kNatSetUp, "nat_set_up")                                                   \
  X(kNatRewrote, "nat_rewrote")                                                \
  X(kExpectationMade, "expectation_made")                                      \
  X(kExpectationMet, "expectation_met")                                        \
  X(kPayload, "payload")                                                       \
  X(kSequence, "sequence")                                                     \
  X(kRoute, "route")                                                           \
  X(kTtl, "ttl")                                                               \
  X(kNeighbour, "neighbour")                                                   \
  X(kFragment, "fragment") /* held, joined, cut */                             \
  X(kMade, "made")         /* this host sends one because of it */             \
  X(kLoopback, "loopback") /* it comes back over lo: its second pass begins */ \
  X(kNote, "note")                                                             \
  X(kBridge, "bridge")                                                         \
  X(kDelivered, "delivered")                                                   \
  X(kSent, "sent")                                                             \
  X(kDropped, "dropped")

enum class StepKind : uint8_t {
#define NF_X(name, key) name,
  NF_STEP_KINDS(NF_X)
#undef NF_X
};
std::string_view step_key(StepKind k);

// From which verbosity on a step is shown.
enum class Level : uint8_t {
  kVerdict,     // one line a packet
  kDecisions,   // what decided something
  kEverything,  // hooks without effect, empty chains' policies, null bindings, misses
};

// A packet at a rule.
struct Seen {
  std::vector<uint8_t> bytes;  // from the IPv4 header on
  std::vector<uint8_t> link;   // the Ethernet header it was received with; on lo as the kernel makes it; empty: none
  uint32_t mark = 0;
  std::string in, out, phys_in, phys_out;  // devices; phys: ports, while a bridge asks netfilter; empty: none
};

struct Step {
  StepKind kind{};
  Level level = Level::kDecisions;
  uint16_t made = 0;  // 0: about the story's packet; n: about the n-th packet this host made because of it
  uint16_t pass = 0;  // 1: the packet's second way through the hooks, over lo
  bool in_hook = false;
  HookPoint hook{};  // meaningful with in_hook
  // kRule, kMiss, kPolicy (number 0). Rules of nat tell `table` "nat".
  std::string table, chain;
  uint32_t number = 0;
  RuleVerdict verdict{};
  bool end_of_chain = false;  // kRule: the return at a user chain's end
  std::string target, rule;
  Said said;
  // What else a program wants to know, by name: "ctinfo", "original", "reply", "before", "after", "timeout", ... The
  // names a kind has are in docs/trace.md.
  std::vector<std::pair<std::string_view, std::string>> fields;
  // With RecorderOptions::keep_bytes: the IPv4 packet on entering a hook (kHook), the frame sent (kSent), the packet
  // delivered (kDelivered).
  std::vector<uint8_t> bytes;
  bool at_link = false;  // bytes begin with an Ethernet header
  // With RecorderOptions::keep_rules, of kRule and kPolicy: the packet before; and after, where the rule's target
  // changed bytes or mark.
  std::optional<Seen> seen, left;

  // "nat:DOCKER:rule:2", "filter:FOO:return:4", "filter:INPUT:policy:3" as the kernel's TRACE has it; empty: not a rule
  // or policy. A policy's number is behind the chain's last rule.
  std::string place() const;
  std::string_view field(std::string_view name) const;  // empty: none
};

enum class Fate : uint8_t { kSent, kDelivered, kDropped, kWaiting, kNothing };
std::string_view fate_key(Fate f);  // "sent", "delivered", "dropped", "waiting", "nothing"

struct Story {
  uint64_t number = 0;  // from 1
  Time time = 0;
  uint64_t continues = 0;  // the story of the same packet's first pass, when that one ended before it came back over lo
  std::string device;      // it came in by; of a packet of this host's: "lo"
  bool from_host = false;
  std::string packet;          // "tcp 192.168.66.1:39002 > 192.168.66.100:80 SYN length 60"
  std::vector<uint8_t> bytes;  // keep_bytes: the frame (from_host: the IPv4 packet) as it came
  bool at_link = false;        // bytes begin with an Ethernet header
  std::vector<Step> steps;
  Fate fate = Fate::kNothing;
  // One sentence: where it ended and why ("sent on veth0 as ...", "dropped at FORWARD: ... by filter:FORWARD:policy").
  Said verdict;
  // The rules and policies the packet itself met, over all passes: the kernel's TRACE without the ends of user chains.
  std::vector<std::string> path() const;
};

}  // namespace nf::trace
