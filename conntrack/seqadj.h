// Sequence numbers of a TCP connection whose payload NAT made longer or shorter. Host order.
// twin: net/netfilter/nf_conntrack_seqadj.c
#pragma once

#include <cstdint>

#include "conntrack/rare_parts.h"
#include "datapath/hook/hook.h"

namespace nf::ct {

// From `sequence` on (as the sender counts), what is sent in this packet's direction is `change` bytes longer. Sets
// kSeqAdjust; nobody is told. twin: nf_ct_seqadj_set
void seqadj_set(Connection& c, CtInfo ctinfo, uint32_t sequence, int32_t change);
// Rewrites sequence number, acknowledgement and SACK blocks of a TCP packet, checksum included. False: it cannot be
// read. twin: nf_ct_seq_adjust
bool seq_adjust(Packet& p, Connection& c, CtInfo ctinfo);
// How far this direction's numbers at `sequence` are from the sender's; 0 without adjustment. twin: nf_ct_seq_offset
int32_t seq_offset(const Connection& c, CtDirection direction, uint32_t sequence);

}  // namespace nf::ct
