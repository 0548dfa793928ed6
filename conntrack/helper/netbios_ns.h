// NetBIOS name service: a query of this host to a broadcast address is answered by whoever is in that network.
// twin: net/netfilter/nf_conntrack_netbios_ns.c, nf_conntrack_broadcast.c
#pragma once

#include "conntrack/helper.h"

namespace nf::ct {

class NetbiosNsHelper final : public Helper {
 public:
  NetbiosNsHelper() : Helper("netbios-ns", kProtoUdp, 137) {}
  std::span<const ExpectPolicy> policies() const override;
  Verdict help(const HelpInput& in) const override;
};

}  // namespace nf::ct
