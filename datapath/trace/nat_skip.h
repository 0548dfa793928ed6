// Why a nat chain was not run for a packet: the closed list.
#pragma once

#include <cstdint>
#include <string_view>

namespace nf {

#define NF_NAT_SKIPS(X)                                                                                      \
  X(kNoConntrackHooks, "no_conntrack_hooks", "nothing in this ruleset needs conntrack, so it is not active") \
  X(kUntracked, "untracked", "the packet is exempt from tracking (CT --notrack)")                            \
  X(kInvalid, "invalid", "conntrack found the packet INVALID, so it has no connection")                      \
  X(kEstablished, "established", "the connection exists; its NAT was decided by its first packet")           \
  X(kEstablishedReply, "established_reply", "a reply; the connection's NAT is undone without rules")         \
  X(kManipAlreadyDone, "manip_already_done", "this half of the connection's NAT is already set up")          \
  X(kNullBindingNoRuleMatched, "null_binding_no_rule_matched", "the chain ran, no rule set up NAT")          \
  X(kNoNatChainAtHook, "no_nat_chain_at_hook", "the nat table has no chain at this hook, or is not loaded")  \
  X(kDroppedBefore, "dropped_before", "the packet was dropped before it came to this hook")

enum class NatSkip : uint8_t {
#define NF_X(name, key, text) name,
  NF_NAT_SKIPS(NF_X)
#undef NF_X
};

std::string_view nat_skip_key(NatSkip s);
std::string_view nat_skip_text(NatSkip s);

}  // namespace nf
