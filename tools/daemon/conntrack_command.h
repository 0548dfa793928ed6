// `conntrack -L|-C|-S|-E|-F` with the selectors of the real program that are modelled.
#pragma once

#include "tools/daemon/commands.h"

namespace nf {

CommandReply conntrack_command(Gateway& gateway, const std::vector<std::string>& words, Time now);

}  // namespace nf
