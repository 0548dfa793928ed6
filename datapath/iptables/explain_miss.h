// Why a rule did not match a packet: the first condition that failed, in the kernel's order (ip_packet_match, then the
// matches as the rule has them), with what the packet has instead.
//
// Invariants:
//  1. values[0] of what is said is a piece of what save_rule() prints, and what is left without it is again a rule:
//     one condition of the header ("! -s 10.0.0.0/8"), one option of a match ("--dport 80"), or "-m NAME" with all
//     its options where the match cannot do without that one, or is asked of a packet that has nothing to ask it of (a
//     later fragment has no ports).
//  2. "-p udp" takes those matches with it that a rule may not have without it (Match::needs_protocol).
//  3. What iptables-save does not write ("! -i +", "! --dport 0:65535": matches nothing) is said as it is written on
//     the command line; the rule as saved is then the rule without it.
//  4. Nothing is changed by asking why: matches that are not pure() are not asked.
#pragma once

#include <cstddef>
#include <cstdint>

#include "datapath/iptables/rule.h"

namespace nf::ipt {

inline constexpr size_t kHeaderFailed = SIZE_MAX;

struct RuleMiss {
  Said why;
  // Without that condition the rule matches. False: others fail, too, or cannot be asked: a match that is not pure or
  // not modelled, an option of a match that goes with -p.
  bool only;
};

// `failed`: the place in rule.matches of the first that did not hold, or kHeaderFailed. No match was hotdrop's.
RuleMiss explain_miss(const Rule& rule, const MatchInput& in, size_t failed);

}  // namespace nf::ipt
