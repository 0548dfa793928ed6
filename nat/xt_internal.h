// What the NAT targets are made by; only they and their registration include it.
#pragma once

#include <memory>

#include "datapath/iptables/extension.h"
#include "nat/nat.h"

namespace nf::nat {

inline ipt::TargetVerdict target_verdict(Verdict v) {
  return v == Verdict::kAccept ? ipt::TargetVerdict::kAccept : ipt::TargetVerdict::kDrop;
}

std::unique_ptr<ipt::Target> make_snat_target(Nat& nat);
std::unique_ptr<ipt::Target> make_dnat_target(Nat& nat);
std::unique_ptr<ipt::Target> make_masquerade_target(Nat& nat);
std::unique_ptr<ipt::Target> make_redirect_target(Nat& nat);
std::unique_ptr<ipt::Target> make_netmap_target(Nat& nat);

}  // namespace nf::nat
