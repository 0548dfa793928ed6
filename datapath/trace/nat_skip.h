// Why a nat chain was not run for a packet: the closed list.
#pragma once

#include <cstdint>
#include <string_view>

namespace nf {

// X(name, key): the words are those of "nat_skip.KEY" in tools/words/words.inc.
#define NF_NAT_SKIPS(X)                                        \
  X(kNoConntrackHooks, "no_conntrack_hooks")                   \
  X(kUntracked, "untracked")                                   \
  X(kInvalid, "invalid")                                       \
  X(kEstablished, "established")                               \
  X(kEstablishedReply, "established_reply")                    \
  X(kManipAlreadyDone, "manip_already_done")                   \
  X(kNullBindingNoRuleMatched, "null_binding_no_rule_matched") \
  X(kNoNatChainAtHook, "no_nat_chain_at_hook")                 \
  X(kDroppedBefore, "dropped_before")

enum class NatSkip : uint8_t {
#define NF_X(name, key) name,
  NF_NAT_SKIPS(NF_X)
#undef NF_X
};

std::string_view nat_skip_name(NatSkip s);  // "established"
std::string_view nat_skip_key(NatSkip s);   // "nat_skip.established"

}  // namespace nf
