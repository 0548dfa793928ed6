// The one place that changes addresses, ports and TTL of a packet, and keeps its checksums right (RFC 1624).
//
// All functions take a packet at its IPv4 header (Packet invariant 2). With ChecksumState::kPartial the transport
// field holds the pseudo-header's sum, uncomplemented: addresses are folded into it, ports are not.
// A UDP checksum of 0 (none) stays 0; a result of 0 is written as 0xffff.
#pragma once

#include <string_view>

#include "datapath/packet/packet.h"

namespace nf {

// Which end of a tuple is changed. twin: enum nf_nat_manip_type
enum class ManipType : uint8_t { kSource = 0, kDestination = 1 };

// IP header and, for an unfragmented or first-fragment TCP/UDP/UDPLITE packet, the transport checksum.
// twin: nf_nat_ipv4_manip_pkt + nf_csum_update
void set_address(Packet& p, ManipType which, Be32 address);

// TCP/UDP/UDPLITE/SCTP port with the transport checksum; the caller proved `transport()` holds the ports.
// twin: tcp_manip_pkt, udp_manip_pkt, net/netfilter/nf_nat_proto.c
void set_port(Packet& p, ManipType which, Be16 port);

// ICMP query id with the ICMP checksum; the caller proved 8 bytes. twin: icmp_manip_pkt
void set_icmp_id(Packet& p, Be16 id);

// The four bytes at `offset` of the TCP header, which is there as far as that, with the checksum.
// twin: inet_proto_csum_replace4(&tcph->check, skb, from, to, false)
void set_tcp_word(Packet& p, size_t offset, Be32 value);

// Puts `text` in the place of `length` bytes at `offset`, counted from behind the IPv4 header; IP length and header
// checksum, UDP length and the transport checksum (kPartial from then on, unless a UDP packet carries none) follow.
// `as`: what the packet is taken for, TCP or UDP; an ICMP error may be taken for UDP, and gets length and sum where UDP
// has them, whose header is there. The packet is in one piece afterwards, and its bytes may have moved. False: it would
// be too long. twin: mangle_contents and nf_nat_csum_recalc, net/netfilter/nf_nat_helper.c
bool replace_payload(Packet& p, PacketPool& pool, uint8_t as, uint32_t offset, uint32_t length, std::string_view text);

// TTL minus one; the header checksum follows. twin: ip_decrease_ttl
void decrease_ttl(Packet& p);
void set_ttl(Packet& p, uint8_t ttl);
// The whole TOS byte. twin: ipv4_change_dsfield
void set_tos(Packet& p, uint8_t tos);

// Verifies the transport checksum (TCP, UDP, ICMP) of a whole packet. True when right, when UDP carries none, when
// the state says trusted or partial, or when the protocol has none.
bool transport_checksum_ok(const Packet& p);
// The same as netfilter's own answers verify it: whatever is neither TCP nor UDP is summed as if it were ICMP, so that
// an OSPF packet is wrong unless its payload happens to sum up; and the IP header is summed too, which adds nothing
// unless options were filled in. twin: nf_ip_checksum
bool netfilter_checksum_ok(const Packet& p);

// The same, and what is right is not summed again later: the state becomes kUnnecessary.
// twin: nf_ip_checksum, which leaves skb->csum_valid
bool verify_transport_checksum(Packet& p);

// Completes a kPartial checksum in the packet's bytes. twin: skb_checksum_help
void complete_checksum(Packet& p);

// Computes the full transport checksum (TCP, UDP, ICMP) of a packet of our own making.
void fill_transport_checksum(Packet& p);

}  // namespace nf
