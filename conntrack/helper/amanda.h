// Amanda: the backup client answers a request with the TCP ports where the server is to fetch data, messages, index.
// twin: net/netfilter/nf_conntrack_amanda.c
#pragma once

#include "conntrack/helper.h"

namespace nf::ct {

// twin: nf_nat_amanda_hook. In nat/helper/amanda.cc
class AmandaNat {
 public:
  virtual ~AmandaNat() = default;
  // Enters `e` and writes the port it got over the `length` bytes at `offset` of the payload.
  virtual Verdict expect(const HelpInput& in, unsigned offset, unsigned length, Expectation& e) = 0;
};

class AmandaHelper final : public Helper {
 public:
  explicit AmandaHelper(AmandaNat* nat) : Helper("amanda", kProtoUdp, 10080), nat_(nat) {}
  std::span<const ExpectPolicy> policies() const override;
  Verdict help(const HelpInput& in) const override;

 private:
  AmandaNat* nat_;
};

}  // namespace nf::ct
