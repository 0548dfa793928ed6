// The names of iptables 1.8.9's match and target plug-ins: what tells "not modelled here" from "no such thing".
#pragma once

#include <string_view>

namespace nf::ipt {

bool iptables_knows_match(std::string_view name);
bool iptables_knows_target(std::string_view name);

}  // namespace nf::ipt
