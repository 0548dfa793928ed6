#include "datapath/iptables/xt_base.h"

namespace nf::ipt {

void register_base_extensions(ExtensionRegistry& registry) {
  register_tcp(registry);
  register_udp(registry);
  register_sctp(registry);
  register_icmp(registry);
  register_addrtype(registry);
  register_comment(registry);
  register_multiport(registry);
  register_limit(registry);
  register_pkttype(registry);
  register_length(registry);
  register_mac(registry);
  register_mark(registry);
  register_ttl(registry);
  register_tos(registry);
  register_dscp(registry);
  register_ecn(registry);
  register_log(registry);
  register_reject(registry);
}

}  // namespace nf::ipt
