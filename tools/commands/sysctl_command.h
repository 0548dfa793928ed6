// `sysctl NAME... | NAME=VALUE... | -a` with -w, -n, -e, -q, of the gateway's own tree (docs: every name of 6.18 that
// is modelled), never the machine's. twin: sysctl(8) of procps
#pragma once

#include "tools/commands/commands.h"

namespace nf {

CommandReply sysctl_command(Gateway& gateway, const std::vector<std::string>& words);

}  // namespace nf
