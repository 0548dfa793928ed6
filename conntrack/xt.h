// The iptables extensions that need conntrack: matches conntrack and state, targets CT and NOTRACK.
#pragma once

#include "conntrack/conntrack.h"
#include "datapath/iptables/extension.h"

namespace nf::ct {

void register_conntrack_extensions(ipt::ExtensionRegistry& registry, Conntrack& conntrack);

}  // namespace nf::ct
