// The iptables extensions that need conntrack: matches conntrack, state, connmark, connlabel, connbytes and helper,
// targets CT, NOTRACK and CONNMARK.
#pragma once

#include "conntrack/conntrack.h"
#include "datapath/iptables/extension.h"

namespace nf::ct {

void register_conntrack_extensions(ipt::ExtensionRegistry& registry, Conntrack& conntrack);

}  // namespace nf::ct
