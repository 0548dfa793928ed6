// The TCP state table: what a segment does to a connection in a state, before windows are looked at.
// twin: tcp_conntracks, net/netfilter/nf_conntrack_proto_tcp.c
//
// We stand between the two ends and see what passes; a state is what we believe of the end that spoke last.
//   NONE         nothing seen
//   SYN_SENT     SYN seen from the originator
//   SYN_SENT2    SYN seen from both sides (simultaneous open)
//   SYN_RECV     SYN,ACK seen
//   ESTABLISHED  the ACK that ends the handshake seen
//   FIN_WAIT     FIN seen
//   CLOSE_WAIT   the ACK of that FIN seen
//   LAST_ACK     FIN of the other side seen
//   TIME_WAIT    the last ACK seen
//   CLOSE        RST seen
#pragma once

#include <cstddef>
#include <cstdint>

#include "conntrack/connection.h"
#include "datapath/packet/headers.h"

namespace nf::ct {

// What a segment is, by the first of RST, SYN, FIN, ACK it has set. twin: enum tcp_bit_set (order and values)
enum class TcpSegment : uint8_t { kSyn, kSynAck, kFin, kAck, kRst, kNone };
inline constexpr size_t kTcpSegments = 6;

// twin: get_conntrack_index
inline TcpSegment segment_kind(const TcpHeader& tcp) {
  if ((tcp.flags & kTcpRst) != 0) return TcpSegment::kRst;
  if ((tcp.flags & kTcpSyn) != 0) return (tcp.flags & kTcpAck) != 0 ? TcpSegment::kSynAck : TcpSegment::kSyn;
  if ((tcp.flags & kTcpFin) != 0) return TcpSegment::kFin;
  if ((tcp.flags & kTcpAck) != 0) return TcpSegment::kAck;
  return TcpSegment::kNone;
}

// Two results that are no states. twin: TCP_CONNTRACK_MAX, TCP_CONNTRACK_IGNORE (values)
inline constexpr TcpState kTcpInvalid = static_cast<TcpState>(10);  // cannot belong to this connection
inline constexpr TcpState kTcpIgnore = static_cast<TcpState>(11);   // valid or not, the receiver's answer will tell

TcpState tcp_next_state(CtDirection direction, TcpSegment segment, TcpState from);

}  // namespace nf::ct
