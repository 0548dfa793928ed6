// Changing the payload of a packet whose connection is translated, for helpers. twin: net/netfilter/nf_nat_helper.c
#pragma once

#include <cstdint>
#include <string_view>

#include "conntrack/helper.h"
#include "nat/nat.h"

namespace nf::nat {

// Replaces `length` bytes of payload at `offset` (both count from behind the TCP header) by `text`; lengths, checksums
// and the sequence numbers of all that follows are adjusted. False: the packet would be too long.
// twin: nf_nat_mangle_tcp_packet
bool mangle_tcp_packet(const ct::HelpInput& in, unsigned offset, unsigned length, std::string_view text);
// Without touching sequence numbers (PPTP changes nothing's length). twin: __nf_nat_mangle_tcp_packet with adjust false
bool mangle_tcp_packet_in_place(const ct::HelpInput& in, unsigned offset, unsigned length, std::string_view text);
// twin: nf_nat_mangle_udp_packet
bool mangle_udp_packet(const ct::HelpInput& in, unsigned offset, unsigned length, std::string_view text);

// NAT of an expected connection: its source the address the master's replies go to, its destination what the
// expectation saved. Registered as "nat-follow-master". twin: nf_nat_follow_master
const ct::ExpectFunction& follow_master(Nat& nat);

// Enters `e` with the first port from the one it wants on that is not expected by anyone; the port, or 0: none to be
// had. `e` is as entered. twin: nf_nat_exp_find_port
uint16_t expect_find_port(const ct::HelpInput& in, ct::Expectation& e, uint16_t port);

}  // namespace nf::nat
