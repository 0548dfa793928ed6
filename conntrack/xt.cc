#include "conntrack/xt.h"

#include "conntrack/xt_internal.h"

namespace nf::ct {

void register_conntrack_extensions(ipt::ExtensionRegistry& registry, Conntrack& conntrack) {
  registry.add(ipt::MatchSpec{"conntrack", [&conntrack] { return make_conntrack_match(conntrack); }});
  registry.add(ipt::MatchSpec{"state", [&conntrack] { return make_state_match(conntrack); }});
  registry.add(ipt::TargetSpec{"CT", [&conntrack] { return make_ct_target(conntrack, false); }});
  registry.add(ipt::TargetSpec{"NOTRACK", [&conntrack] { return make_ct_target(conntrack, true); }});
}

}  // namespace nf::ct
