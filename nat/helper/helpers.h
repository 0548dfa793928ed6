// What NAT changes in the words of the helpers' protocols. twin: nf_nat_ftp.c, nf_nat_tftp.c, nf_nat_irc.c,
// nf_nat_sip.c, nf_nat_pptp.c, nf_nat_amanda.c
#pragma once

#include <memory>

#include "conntrack/helper/helpers.h"
#include "nat/nat.h"

namespace nf::nat {

class HelperNats {
 public:
  explicit HelperNats(Nat& nat);
  ~HelperNats();
  const ct::HelperNat& interfaces() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nf::nat
