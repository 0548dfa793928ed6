#include "conntrack/xt/xt.h"

#include "conntrack/xt/internal.h"

namespace nf::ct {

void register_conntrack_extensions(ipt::ExtensionRegistry& registry, Conntrack& conntrack) {
  registry.add(ipt::MatchSpec{"conntrack", [&conntrack] { return make_conntrack_match(conntrack); }});
  registry.add(ipt::MatchSpec{"state", [&conntrack] { return make_state_match(conntrack); }});
  registry.add(ipt::MatchSpec{"helper", [&conntrack] { return make_helper_match(conntrack); }});
  registry.add(ipt::MatchSpec{"connmark", [&conntrack] { return make_connmark_match(conntrack); }});
  registry.add(ipt::MatchSpec{"connlabel", [&conntrack] { return make_connlabel_match(conntrack); }});
  registry.add(ipt::MatchSpec{"connbytes", [&conntrack] { return make_connbytes_match(conntrack); }});
  registry.add(ipt::TargetSpec{"CONNMARK", [&conntrack] { return make_connmark_target(conntrack); }});
  registry.add(ipt::TargetSpec{"CT", [&conntrack] { return make_ct_target(conntrack, false); }});
  registry.add(ipt::TargetSpec{"NOTRACK", [&conntrack] { return make_ct_target(conntrack, true); }});
}

}  // namespace nf::ct
