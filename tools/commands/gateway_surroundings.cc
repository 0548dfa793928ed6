#include "tools/commands/gateway_surroundings.h"

#include "datapath/base/text.h"

namespace nf {
namespace {

std::string name_of(std::string_view folder) {
  while (folder.size() > 1 && folder.ends_with('/')) folder.remove_suffix(1);
  const size_t slash = folder.rfind('/');
  return std::string(slash == folder.npos || folder.size() == 1 ? folder : folder.substr(slash + 1));
}

}  // namespace

forms::Surroundings surroundings_of(Gateway& gateway, const std::string& lab) {
  forms::Surroundings s;
  s.lab = name_of(lab);
  for (ipt::Iptables::RuleCounters& c : gateway.iptables().rule_counters())
    s.rules.push_back(
        {std::string(ipt::table_name(c.table)), std::move(c.chain), c.number, std::move(c.text), c.packets, c.bytes});
  Router& router = gateway.router();
  for (const auto& dev : router.devices()) {
    forms::Surroundings::Device d{dev->name, {}, dev->master != nullptr ? dev->master->name : std::string()};
    for (const auto& a : router.routing().addresses(*dev))
      d.addresses += strf("%s%s/%u", d.addresses.empty() ? "" : " ", format_ipv4(a.local).c_str(), a.length);
    s.devices.push_back(std::move(d));
  }
  return s;
}

}  // namespace nf
