// Rewriting a packet from its connection's tuples. No rule and no state is asked here: what a direction must look
// like is the inverse of the other direction's tuple. twin: net/netfilter/nf_nat_proto.c
#pragma once

#include "conntrack/connection.h"
#include "datapath/packet/packet.h"
#include "datapath/packet/rewrite.h"

namespace nf::nat {

// Changes one end of a packet at its IPv4 header to what `direction` of `c` shall look like. False: the transport
// header is too short to be rewritten, or a GRE version nobody can rewrite; the packet is to be dropped.
// twin: nf_nat_manip_pkt
bool nf_nat_manip_pkt(Packet& p, const ct::Connection& c, ManipType manip, CtDirection direction);

// Whether this half of the connection's NAT changes packets of this direction: source NAT changes the source of
// original packets and the destination of replies. twin: the status bit test of nf_nat_packet
bool must_rewrite(const ct::Connection& c, ManipType manip, CtDirection direction);

// The same for an ICMP error about a packet of `c` (ctinfo kRelated or kRelatedReply): the quoted header inside it,
// then its own. False: drop (truncated, bad checksum, or a redirect on a connection with NAT).
// twin: nf_nat_icmp_reply_translation
bool nf_nat_icmp_reply_translation(Packet& p, const ct::Connection& c, ManipType manip, CtDirection direction);

}  // namespace nf::nat
