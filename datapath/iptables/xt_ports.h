// TCP and UDP ports in rules: ranges, service names, and how they are printed.
// twin: port_match, net/netfilter/xt_tcpudp.c; print_ports, libxt_tcp.c and libxt_udp.c
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "datapath/base/result.h"
#include "datapath/trace/said.h"

namespace nf::ipt {

// Ports are in host order.
struct PortRange {
  uint16_t min = 0, max = 0xffff;
  bool inverted = false;
  bool matches(uint16_t port) const { return (port >= min && port <= max) != inverted; }
  bool all() const { return min == 0 && max == 0xffff; }
};

// A number (decimal, 0x, octal) or a service name of `protocol` from /etc/services. twin: xtables_parse_port
Result<uint16_t> parse_port(std::string_view text, const char* protocol);
// As getaddrinfo(3) reads a service: a decimal number of which the low 16 bits count, or a service name of any
// protocol. twin: xtables_getportbyname
Result<uint16_t> parse_port_any_protocol(std::string_view text);

// The service's name, or the number. `protocol` may be null: numbers only.
std::string port_text(uint16_t port, const char* protocol, bool numeric);

// " ! --sport 1:2"; nothing for the full range, inverted or not (1.8.9 loses the inversion).
void save_ports(std::string& out, std::string_view option, const PortRange& range);
// " spts:!1:2". `label` is "spt" or "dpt".
void list_ports(std::string& out, std::string_view label, const PortRange& range, const char* protocol, bool numeric);
// Why a range of the options --sport, --dport does not hold.
Said source_port_missed(const PortRange& range, uint16_t port);
Said destination_port_missed(const PortRange& range, uint16_t port);

}  // namespace nf::ipt
