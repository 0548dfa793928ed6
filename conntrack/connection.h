// One tracked connection. twin: struct nf_conn with its extensions
//
// Split by temperature: `Connection` is what every packet touches, ConnectionDetail what is needed now and then.
// Ownership: reference counted (`use`, one thread): one reference for the table while hashed, one for each packet
// that carries it, one for whoever holds a ConnectionRef. At zero the Conntrack frees it.
// Invariants:
//  1. tuple[kReply] is the inverse of tuple[kOriginal] changed only by NAT, and only until kConfirmed is set.
//  2. A connection is in the table exactly when kConfirmed is set and kDying is not.
#pragma once

#include <cstdint>

#include "conntrack/tuple.h"
#include "datapath/base/time.h"
#include "datapath/hook/device.h"

namespace nf::ct {

// twin: enum ip_conntrack_status, IPS_* (bit numbers and values)
enum StatusBit : uint32_t {
  kExpected = 1u << 0,
  kSeenReply = 1u << 1,
  kAssured = 1u << 2,
  kConfirmed = 1u << 3,
  kSrcNat = 1u << 4,
  kDstNat = 1u << 5,
  kSeqAdjust = 1u << 6,
  kSrcNatDone = 1u << 7,
  kDstNatDone = 1u << 8,
  kDying = 1u << 9,
  kFixedTimeout = 1u << 10,
  kTemplate = 1u << 11,
  kNatClash = 1u << 12,
  kHelper = 1u << 13,
  kOffload = 1u << 14,
};
inline constexpr uint32_t kNatMask = kSrcNat | kDstNat;
inline constexpr uint32_t kNatDoneMask = kSrcNatDone | kDstNatDone;

// twin: enum tcp_conntrack (order and values)
enum class TcpState : uint8_t {
  kNone, kSynSent, kSynRecv, kEstablished, kFinWait, kCloseWait, kLastAck, kTimeWait, kClose, kSynSent2,
};
inline constexpr size_t kTcpStates = 10;
const char* tcp_state_name(TcpState s);  // "SYN_SENT"

// twin: struct ip_ct_tcp_state
struct TcpEnd {
  uint32_t end = 0;      // max of seq + len
  uint32_t max_end = 0;  // max of ack + max(win, 1)
  uint32_t max_window = 0;
  uint32_t max_ack = 0;  // td_maxack
  uint8_t scale = 0;
  uint8_t flags = 0;     // IP_CT_TCP_FLAG_*
};

// twin: struct ip_ct_tcp
struct TcpTrack {
  TcpEnd seen[2];
  TcpState state = TcpState::kNone;
  uint8_t last_dir = 0, retrans = 0, last_index = 0;
  uint32_t last_seq = 0, last_ack = 0, last_end = 0;
  uint16_t last_win = 0;
  uint8_t last_wscale = 0, last_flags = 0;
};

struct UdpTrack {
  Time stream_since = 0;  // when it may become a stream (2 s after the first packet). twin: nf_conn->proto.udp.stream_ts
};

struct Counter {
  uint64_t packets = 0, bytes = 0;
};

class Connection;

// nat's part of a connection; conntrack only carries it. twin: struct nf_conn_nat and nat_bysource
struct NatPart {
  Connection* bysource_next = nullptr;
  Connection** bysource_at = nullptr;  // null: not in the by-source index
  int masquerade_ifindex = 0;          // 0: not masqueraded
};

class Connection {
 public:
  Tuple tuple[2];        // [CtDirection]
  uint32_t status = 0;   // StatusBit
  uint32_t use = 1;
  Time expires = 0;      // unconfirmed: a duration; from confirmation on: a point in time
  uint32_t mark = 0;
  uint32_t id = 0;       // handle in the table
  // --- less often
  union {
    TcpTrack tcp;
    UdpTrack udp;
  };
  Counter counters[2];   // with nf_conntrack_acct
  Time started = 0;      // with nf_conntrack_timestamp
  NatPart nat;
  uint16_t events = 0;   // events gathered for this packet, delivered at confirm. twin: nf_conntrack_ecache
  Connection* master = nullptr;

  Connection() : tcp() {}

  bool confirmed() const { return (status & kConfirmed) != 0; }
  bool nat_initialized(bool source) const { return (status & (source ? kSrcNatDone : kDstNatDone)) != 0; }
  const Tuple& original() const { return tuple[0]; }
  const Tuple& reply() const { return tuple[1]; }
};

inline Connection* connection_of(uintptr_t ct) { return reinterpret_cast<Connection*>(ct); }

}  // namespace nf::ct
