// TCP window tracking: whether a segment can belong to the connection, judged by sequence numbers.
//
// After Guido van Rooij, "Real Stateful TCP Packet Filtering in IP Filter" (2000), with the bounds of RFC 793: a
// segment is good when it intersects the window. With `sack` the highest right edge of a SACK block, or the ack:
//   I.   seq <= sender.max_end                            not beyond what the receiver allowed
//   II.  seq + len >= sender.end - receiver.max_window    not older than the receiver's window
//   III. sack <= receiver.end                             acknowledges only what was sent
//   IV.  sack >= receiver.end - max(66000, sender.max_window)
// Knows nothing of states' meaning beyond what SYN handling needs, and nothing of packets beyond the segment.
// twin: tcp_in_window, net/netfilter/nf_conntrack_proto_tcp.c
#pragma once

#include <cstdint>
#include <span>

#include "conntrack/connection.h"
#include "conntrack/tcp_table.h"
#include "datapath/packet/headers.h"

namespace nf::ct {

class Reason;

// A segment whose header, options included, is proved to be there.
struct Segment {
  const TcpHeader& tcp;
  std::span<const uint8_t> options;
  TcpSegment kind;
  uint32_t seq, ack;
  uint32_t end;  // seq + payload + SYN + FIN
  uint16_t window;
  bool syn() const { return (tcp.flags & kTcpSyn) != 0; }
  bool has_ack() const { return (tcp.flags & kTcpAck) != 0; }
  bool rst() const { return (tcp.flags & kTcpRst) != 0; }
};

// `transport` holds the whole header (data offset checked by the caller).
Segment parse_segment(std::span<const uint8_t> transport);

// Sequence numbers in a circle. twin: before, after
inline bool seq_before(uint32_t a, uint32_t b) { return static_cast<int32_t>(a - b) < 0; }
inline bool seq_after(uint32_t a, uint32_t b) { return seq_before(b, a); }

// Window scale and SACK-permitted of a SYN, into `end`; without options nothing is changed. twin: tcp_options
void parse_syn_options(const Segment& s, TcpEnd& end);

// twin: enum nf_ct_tcp_action
enum class WindowVerdict : uint8_t {
  kAccept,
  kIgnore,  // passes, but teaches us nothing
  kInvalid,
};

// `receiver_offset`: how far the numbers this segment acknowledges are from what the other side counted when it sent
// them, since NAT changed the length of that (seqadj.h); what is tracked of a side is as it counts itself.
WindowVerdict tcp_in_window(TcpTrack& track, CtDirection direction, const Segment& s, bool be_liberal, Reason& reason,
                            int32_t receiver_offset = 0);

}  // namespace nf::ct
