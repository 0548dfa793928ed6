#include "nat/xt_internal.h"

namespace nf::nat {

void register_nat_extensions(ipt::ExtensionRegistry& registry, Nat& nat) {
  registry.add(ipt::TargetSpec{"SNAT", [&nat] { return make_snat_target(nat); }});
  registry.add(ipt::TargetSpec{"DNAT", [&nat] { return make_dnat_target(nat); }});
  registry.add(ipt::TargetSpec{"MASQUERADE", [&nat] { return make_masquerade_target(nat); }});
  registry.add(ipt::TargetSpec{"REDIRECT", [&nat] { return make_redirect_target(nat); }});
  registry.add(ipt::TargetSpec{"NETMAP", [&nat] { return make_netmap_target(nat); }});
}

}  // namespace nf::nat
