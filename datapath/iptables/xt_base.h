// The extensions of this folder, one registering function per file; register_base_extensions() calls them all.
#pragma once

#include "datapath/iptables/extension.h"

namespace nf::ipt {

void register_tcp(ExtensionRegistry& registry);        // -m tcp
void register_udp(ExtensionRegistry& registry);        // -m udp
void register_sctp(ExtensionRegistry& registry);       // -m sctp
void register_icmp(ExtensionRegistry& registry);       // -m icmp
void register_addrtype(ExtensionRegistry& registry);   // -m addrtype
void register_comment(ExtensionRegistry& registry);    // -m comment
void register_multiport(ExtensionRegistry& registry);  // -m multiport
void register_limit(ExtensionRegistry& registry);      // -m limit
void register_pkttype(ExtensionRegistry& registry);    // -m pkttype
void register_length(ExtensionRegistry& registry);     // -m length
void register_mac(ExtensionRegistry& registry);        // -m mac
void register_mark(ExtensionRegistry& registry);       // -m mark, -j MARK
void register_ttl(ExtensionRegistry& registry);        // -m ttl, -j TTL
void register_tos(ExtensionRegistry& registry);        // -m tos, -j TOS
void register_dscp(ExtensionRegistry& registry);       // -m dscp, -j DSCP
void register_ecn(ExtensionRegistry& registry);        // -m ecn, -j ECN
void register_log(ExtensionRegistry& registry);        // -j LOG
void register_reject(ExtensionRegistry& registry);     // -j REJECT

}  // namespace nf::ipt
