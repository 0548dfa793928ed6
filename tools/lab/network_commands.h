// The objects of `ip`, one function each: the words behind "link", "address", ... become an operation. Internal to
// tools/lab; failures are in the words.
#pragma once

#include "tools/lab/batch_words.h"
#include "tools/lab/network.h"

namespace nf::lab {

Operation parse_link(BatchWords& w);       // twin: do_iplink, ip/iplink.c
Operation parse_tuntap(BatchWords& w);     // twin: do_iptuntap, ip/iptuntap.c
Operation parse_address(BatchWords& w);    // twin: do_ipaddr, ip/ipaddress.c
Operation parse_route(BatchWords& w);      // twin: do_iproute, ip/iproute.c
Operation parse_rule(BatchWords& w);       // twin: do_iprule, ip/iprule.c
Operation parse_neighbour(BatchWords& w);  // twin: do_ipneigh, ip/ipneigh.c

// A routing table by name or number. twin: rtnl_rttable_a2n
uint32_t table_id(BatchWords& w);
// A scope by name or number. twin: rtnl_rtscope_a2n
RouteScope scope_id(BatchWords& w);
// The route type a word names, or kUnspec. twin: rtnl_rtntype_a2n
RouteType route_type(const std::string& word);

}  // namespace nf::lab
