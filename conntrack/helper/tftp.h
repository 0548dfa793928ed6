// TFTP: each read or write request announces the server's answer, which comes from any port.
// twin: net/netfilter/nf_conntrack_tftp.c
#pragma once

#include "conntrack/helper.h"

namespace nf::ct {

// twin: nf_nat_tftp_hook. In nat/helper/tftp.cc
class TftpNat {
 public:
  virtual ~TftpNat() = default;
  // Enters `e` so that what it expects is translated as the request was.
  virtual Verdict expect(const HelpInput& in, Expectation& e) = 0;
};

class TftpHelper final : public Helper {
 public:
  explicit TftpHelper(TftpNat* nat) : Helper("tftp", kProtoUdp, 69), nat_(nat) {}
  std::span<const ExpectPolicy> policies() const override;
  Verdict help(const HelpInput& in) const override;

 private:
  TftpNat* nat_;
};

}  // namespace nf::ct
