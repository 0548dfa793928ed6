// A packet in a few words: "tcp 192.168.66.1:39002 > 192.168.66.100:80 SYN length 60".
#pragma once

#include <span>
#include <string>

#include "datapath/trace/event.h"

namespace nf::trace {

// At its IPv4 header or at its link header, wherever it stands.
std::string describe(const Packet& p);
// An Ethernet frame; bytes that begin with an IPv4 header.
std::string describe_frame(std::span<const uint8_t> bytes);
std::string describe_ipv4(std::span<const uint8_t> bytes);
std::string format_mac(const MacAddress& mac);
std::string_view ctinfo_name(CtInfo c);            // "NEW", "ESTABLISHED (reply)", "INVALID"
std::string_view route_type_name(RouteType type);  // "unicast"

}  // namespace nf::trace
