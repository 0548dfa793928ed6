// What NAT changes in SIP messages: the addresses of a translated connection wherever a message names them, and where
// media and calls are expected. twin: net/netfilter/nf_nat_sip.c
#pragma once

#include <memory>

#include "conntrack/helper/sip.h"
#include "nat/nat.h"

namespace nf::nat {

// Its expectations carry the function "sip". `nat` outlives it.
std::unique_ptr<ct::SipNat> make_sip_nat(Nat& nat);

}  // namespace nf::nat
