// One tracked connection. twin: struct nf_conn with its extensions
//
// Laid out by temperature: what every packet touches comes first (two cache lines: status, timeout, protocol state and
// the tuples, which nat reads), what is needed now and then behind it.
// Ownership: reference counted (`use`, one thread): one reference for the table while hashed, one for each packet
// that carries it, one for whoever else holds it (Conntrack::get/put). At zero the Conntrack frees it.
// Invariants:
//  1. tuple[kReply] is the inverse of tuple[kOriginal] changed only by NAT, and only until kConfirmed is set.
//  2. A connection is in the table exactly when kConfirmed is set and kDying is not. With kNatClash only its reply
//     tuple is.
//  3. What is counted, stamped and told of a connection is decided when it is created (`extensions`), as the kernel
//     decides by the sysctls of that moment.
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
  kNone,
  kSynSent,
  kSynRecv,
  kEstablished,
  kFinWait,
  kCloseWait,
  kLastAck,
  kTimeWait,
  kClose,
  kSynSent2,
};
inline constexpr size_t kTcpStates = 10;
const char* tcp_state_name(TcpState s);  // "SYN_SENT"

// twin: IP_CT_TCP_FLAG_*, IP_CT_EXP_CHALLENGE_ACK and IP_CT_TCP_SIMULTANEOUS_OPEN (values)
enum TcpTrackFlag : uint8_t {
  kTcpWindowScale = 0x01,         // the peer sent the window scale option
  kTcpSackPermitted = 0x02,       // the peer sent SACK permitted
  kTcpCloseInit = 0x04,           // this side sent the first FIN
  kTcpBeLiberal = 0x08,           // picked up in the middle: windows are not known
  kTcpDataUnacknowledged = 0x10,  // this side sent data the other has not acknowledged
  kTcpMaxAckSet = 0x20,           // TcpEnd::max_ack is valid
  kTcpExpectChallengeAck = 0x40,  // a SYN in LAST_ACK may be answered with a challenge ACK (RFC 5961)
  kTcpSimultaneousOpen = 0x80,    // both sides sent a SYN
};

// One side of a connection. twin: struct ip_ct_tcp_state
struct TcpEnd {
  uint32_t end = 0;         // td_end: max of seq + len it sent
  uint32_t max_end = 0;     // td_maxend: max of ack + max(win, 1) the other side sent
  uint32_t max_window = 0;  // td_maxwin; 0: nothing seen of this side yet
  uint32_t max_ack = 0;     // td_maxack
  uint8_t scale = 0;
  uint8_t flags = 0;  // TcpTrackFlag
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

// twin: enum sctp_conntrack (order and values)
enum class SctpState : uint8_t {
  kNone,
  kClosed,
  kCookieWait,
  kCookieEchoed,
  kEstablished,
  kShutdownSent,
  kShutdownReceived,
  kShutdownAckSent,
  kHeartbeatSent,
};
inline constexpr size_t kSctpStates = 9;
const char* sctp_state_name(SctpState s);  // "COOKIE_WAIT"

// twin: struct ip_ct_sctp
struct SctpTrack {
  SctpState state = SctpState::kNone;
  Be32 vtag[2];
  uint8_t init[2] = {};  // an INIT of this direction was seen
  uint8_t last_dir = 0;
  uint8_t flags = 0;
};

struct UdpTrack {
  Time stream_since =
      0;  // when it may become a stream (2 s after the first packet). twin: nf_conn->proto.udp.stream_ts
};

// Seconds, fixed by the first packet. twin: struct nf_ct_gre
struct GreTrack {
  int64_t timeout = 0, stream_timeout = 0;
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

struct RareParts;

// What a connection was created with. twin: enum nf_ct_ext_id
enum ExtensionBit : uint8_t {
  kExtAcct = 1u << 0,       // counters are kept and shown
  kExtTimestamp = 1u << 1,  // `started` is kept and shown
  kExtEvents = 1u << 2,     // events are gathered (nf_conn_ecache)
};

class alignas(64) Connection {
 public:
  uint32_t status = 0;  // StatusBit
  uint32_t use = 1;
  Time expires = 0;  // unconfirmed: a duration; from confirmation on: a point in time
  uint32_t mark = 0;
  uint32_t id = 0;         // never used twice at a time; as `conntrack -o id` shows it. twin: nf_ct_get_id
  uint32_t handle = 0;     // place in the table's slabs, 0: not from a table
  uint16_t events = 0;     // EventBit gathered for this packet, delivered at confirm. twin: nf_conntrack_ecache.cache
  uint8_t extensions = 0;  // ExtensionBit
  union {
    TcpTrack tcp;
    UdpTrack udp;
    GreTrack gre;
    SctpTrack sctp;
  };
  Tuple tuple[2];  // [CtDirection]
  // --- less often
  Counter counters[2];  // with kExtAcct
  Time started = 0;     // with kExtTimestamp, from confirmation on
  NatPart nat;
  Connection* master = nullptr;  // owned reference: it was expected by this one (kExpected)
  RareParts* rare = nullptr;     // owned; conntrack/rare_parts.h
  uint16_t event_mask = 0xffff;  // EventBit that are told (CT --ctevents). twin: nf_conntrack_ecache.ctmask
  uint16_t expect_event_mask = 0xffff;

  Connection() : tcp() {}

  bool confirmed() const { return (status & kConfirmed) != 0; }
  bool dying() const { return (status & kDying) != 0; }
  bool nat_initialized(bool source) const { return (status & (source ? kSrcNatDone : kDstNatDone)) != 0; }
  // Meaningful once confirmed. twin: nf_ct_is_expired
  bool expired(Time now) const { return expires <= now; }
  ZoneIds zone() const { return {{tuple[0].zone, tuple[1].zone}}; }
  const Tuple& original() const { return tuple[0]; }
  const Tuple& reply() const { return tuple[1]; }
};
static_assert(sizeof(Connection) <= 256);

inline Connection* connection_of(uintptr_t ct) { return reinterpret_cast<Connection*>(ct); }

}  // namespace nf::ct
