// Software segmentation for ports that cannot take GSO packets whole. twin: tcp_gso_segment, __udp_gso_segment
#pragma once

#include <functional>

#include "datapath/packet/pool.h"

namespace nf {

// Cuts a GSO packet at its IPv4 header (Packet invariant 2; the link-layer header, if any, is given again to each
// segment by the caller) into gso_size segments with complete checksums, IP ids counting up, PSH/FIN only on the
// last and CWR only on the first, and hands each to `emit`. A packet without GSO is passed on as it is.
//
// gso_header bytes (IP and transport header) are there and gso_size is not 0; a TCP or UDP header fits gso_header.
// Segments inherit the metadata (metadata.h), not the connection.
void segment(PacketPtr p, PacketPool& pool, const std::function<void(PacketPtr)>& emit);

// Layer-3 length of the largest segment; of the packet itself when it has no GSO. twin: skb_gso_network_seglen
uint32_t segment_length(const Packet& p);

}  // namespace nf
