// SANE: the scanner server answers NET_START with the TCP port where the image waits.
// twin: net/netfilter/nf_conntrack_sane.c
#pragma once

#include "conntrack/helper.h"

namespace nf::ct {

class SaneHelper final : public Helper {
 public:
  SaneHelper() : Helper("sane", kProtoTcp, 6566) {}
  std::span<const ExpectPolicy> policies() const override;
  Verdict help(const HelpInput& in) const override;
};

}  // namespace nf::ct
