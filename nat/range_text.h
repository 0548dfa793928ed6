// Ranges of addresses and ports as iptables' NAT targets write them.
// twin: parse_to, parse_ports and sprint_range, extensions/libxt_NAT.c
#pragma once

#include <string>
#include <string_view>

#include "datapath/base/result.h"
#include "datapath/iptables/extension.h"
#include "nat/nat.h"

namespace nf::nat {

// "80", "80-90", "80-90/8080" (the base of a shifted range); service names for numbers. Adds to `range`.
Status parse_ports(std::string_view text, Range& range);
// "1.2.3.4", "1.2.3.4-1.2.3.9", either with ":ports", or ":ports" alone. Adds to `range`.
Status parse_to(std::string_view text, Range& range);

std::string format_ports(const Range& range);
std::string format_range(const Range& range);
// " --random --random-fully --persistent" as far as set; `prefix` is "--" or empty.
void append_flags(std::string& out, std::string_view prefix, const Range& range);

// Ports need a protocol that has them (ICMP counts: its ids).
Status check_port_protocol(const ipt::RuleContext& rule, const Range& range);

}  // namespace nf::nat
