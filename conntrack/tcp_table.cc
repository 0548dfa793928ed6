#include "conntrack/tcp_table.h"

#include <array>

namespace nf::ct {
namespace {

using S = TcpState;
using T = TcpSegment;
constexpr CtDirection kOrig = CtDirection::kOriginal;
constexpr CtDirection kReply = CtDirection::kReply;

struct Transition {
  CtDirection direction;
  T segment;
  S from, to;
};

// What is not listed is kTcpInvalid.
constexpr Transition kTransitions[] = {
    // --- SYN of the originator
    {kOrig, T::kSyn, S::kNone, S::kSynSent},        // a connection begins
    {kOrig, T::kSyn, S::kSynSent, S::kSynSent},     // retransmitted
    {kOrig, T::kSyn, S::kSynSent2, S::kSynSent2},   // retransmitted, late in a simultaneous open
    {kOrig, T::kSyn, S::kSynRecv, kTcpIgnore},      // we may hold a dead connection: if the other side
    {kOrig, T::kSyn, S::kEstablished, kTcpIgnore},  //   knows it, a RST or a challenge ACK follows; if it
    {kOrig, T::kSyn, S::kFinWait, kTcpIgnore},      //   does not, a SYN,ACK that brings us back in sync
    {kOrig, T::kSyn, S::kCloseWait, kTcpIgnore},    // likewise
    {kOrig, T::kSyn, S::kLastAck, kTcpIgnore},      // likewise; a challenge ACK must not pass for the last ACK
    {kOrig, T::kSyn, S::kTimeWait, S::kSynSent},    // reopened (RFC 1122, 4.2.2.13)
    {kOrig, T::kSyn, S::kClose, S::kSynSent},       // reopened after an abort
    // --- SYN of the replier
    {kReply, T::kSyn, S::kSynSent, S::kSynSent2},   // simultaneous open
    {kReply, T::kSyn, S::kSynSent2, S::kSynSent2},  // retransmitted
    {kReply, T::kSyn, S::kTimeWait, S::kSynSent},   // reopened, the server may have become the client
    // --- SYN,ACK of the originator: only in a simultaneous open
    {kOrig, T::kSynAck, S::kSynSent2, S::kSynRecv},  // its half of it
    {kOrig, T::kSynAck, S::kSynRecv, S::kSynRecv},   // retransmitted, late
    // --- SYN,ACK of the replier
    {kReply, T::kSynAck, S::kSynSent, S::kSynRecv},     // the usual open
    {kReply, T::kSynAck, S::kSynSent2, S::kSynRecv},    // simultaneous open
    {kReply, T::kSynAck, S::kSynRecv, kTcpIgnore},      // retransmitted
    {kReply, T::kSynAck, S::kEstablished, kTcpIgnore},  // retransmitted, late; or it answers a SYN we ignored
    {kReply, T::kSynAck, S::kFinWait, kTcpIgnore},      // may answer a SYN we ignored
    {kReply, T::kSynAck, S::kCloseWait, kTcpIgnore},    // likewise
    {kReply, T::kSynAck, S::kLastAck, kTcpIgnore},      // likewise
    {kReply, T::kSynAck, S::kTimeWait, kTcpIgnore},     // likewise
    {kReply, T::kSynAck, S::kClose, kTcpIgnore},        // likewise
    // --- FIN of the originator; before a SYN,ACK nobody may send one
    {kOrig, T::kFin, S::kSynRecv, S::kFinWait},      // closes before its ACK was seen
    {kOrig, T::kFin, S::kEstablished, S::kFinWait},  // begins to close
    {kOrig, T::kFin, S::kFinWait, S::kLastAck},      // the second side closes; or the first again
    {kOrig, T::kFin, S::kCloseWait, S::kLastAck},    // the second side closes
    {kOrig, T::kFin, S::kLastAck, S::kLastAck},      // retransmitted
    {kOrig, T::kFin, S::kTimeWait, S::kTimeWait},    // retransmitted
    {kOrig, T::kFin, S::kClose, S::kClose},          // too late to matter
    // --- FIN of the replier
    {kReply, T::kFin, S::kSynRecv, S::kFinWait},      // closes before the originator's ACK was seen
    {kReply, T::kFin, S::kEstablished, S::kFinWait},  // begins to close
    {kReply, T::kFin, S::kFinWait, S::kLastAck},      // the second side closes; or the first again
    {kReply, T::kFin, S::kCloseWait, S::kLastAck},    // the second side closes
    {kReply, T::kFin, S::kLastAck, S::kLastAck},      // retransmitted
    {kReply, T::kFin, S::kTimeWait, S::kTimeWait},    // retransmitted
    {kReply, T::kFin, S::kClose, S::kClose},          // too late to matter
    // --- ACK of the originator
    {kOrig, T::kAck, S::kNone, S::kEstablished},         // picked up in the middle, if nf_conntrack_tcp_loose
    {kOrig, T::kAck, S::kSynRecv, S::kEstablished},      // the handshake ends
    {kOrig, T::kAck, S::kEstablished, S::kEstablished},  // data
    {kOrig, T::kAck, S::kFinWait, S::kCloseWait},        // acknowledges the FIN
    {kOrig, T::kAck, S::kCloseWait, S::kCloseWait},      // half closed, data goes on
    {kOrig, T::kAck, S::kLastAck, S::kTimeWait},         // the last ACK
    {kOrig, T::kAck, S::kTimeWait, S::kTimeWait},        // retransmitted
    {kOrig, T::kAck, S::kClose, S::kClose},              // too late to matter
    // --- ACK of the replier
    {kReply, T::kAck, S::kSynSent, kTcpIgnore},           // it holds an old connection and challenges the SYN
    {kReply, T::kAck, S::kSynSent2, kTcpIgnore},          // likewise
    {kReply, T::kAck, S::kSynRecv, S::kSynRecv},          // may answer a SYN resent late
    {kReply, T::kAck, S::kEstablished, S::kEstablished},  // data
    {kReply, T::kAck, S::kFinWait, S::kCloseWait},        // acknowledges the FIN
    {kReply, T::kAck, S::kCloseWait, S::kCloseWait},      // half closed, data goes on
    {kReply, T::kAck, S::kLastAck, S::kTimeWait},         // the last ACK
    {kReply, T::kAck, S::kTimeWait, S::kTimeWait},        // retransmitted
    {kReply, T::kAck, S::kClose, S::kClose},              // too late to matter
    // --- RST of the originator ends everything but nothing; whether it is believed depends on its sequence number
    {kOrig, T::kRst, S::kSynSent, S::kClose},      // gave up
    {kOrig, T::kRst, S::kSynSent2, S::kClose},     // gave up
    {kOrig, T::kRst, S::kSynRecv, S::kClose},      // did not want that SYN,ACK
    {kOrig, T::kRst, S::kEstablished, S::kClose},  // aborted
    {kOrig, T::kRst, S::kFinWait, S::kClose},      // aborted
    {kOrig, T::kRst, S::kCloseWait, S::kClose},    // aborted
    {kOrig, T::kRst, S::kLastAck, S::kClose},      // aborted
    {kOrig, T::kRst, S::kTimeWait, S::kClose},     // answers something late
    {kOrig, T::kRst, S::kClose, S::kClose},        // again
    // --- RST of the replier
    {kReply, T::kRst, S::kSynSent, S::kClose},      // refused
    {kReply, T::kRst, S::kSynSent2, S::kClose},     // refused
    {kReply, T::kRst, S::kSynRecv, S::kClose},      // changed its mind
    {kReply, T::kRst, S::kEstablished, S::kClose},  // aborted
    {kReply, T::kRst, S::kFinWait, S::kClose},      // aborted
    {kReply, T::kRst, S::kCloseWait, S::kClose},    // aborted
    {kReply, T::kRst, S::kLastAck, S::kClose},      // aborted
    {kReply, T::kRst, S::kTimeWait, S::kClose},     // answers something late
    {kReply, T::kRst, S::kClose, S::kClose},        // again
};

constexpr size_t place(CtDirection d, T t, S from) {
  return (static_cast<size_t>(d) * kTcpSegments + static_cast<size_t>(t)) * kTcpStates + static_cast<size_t>(from);
}

constexpr auto kNext = [] {
  std::array<S, 2 * kTcpSegments * kTcpStates> next{};
  next.fill(kTcpInvalid);
  for (const Transition& t : kTransitions) next[place(t.direction, t.segment, t.from)] = t.to;
  return next;
}();

constexpr bool no_entry_twice() {
  size_t listed = 0, filled = 0;
  for ([[maybe_unused]] const Transition& t : kTransitions) ++listed;
  for (const S s : kNext) filled += s != kTcpInvalid;
  return listed == filled;
}
static_assert(no_entry_twice());

}  // namespace

TcpState tcp_next_state(CtDirection direction, TcpSegment segment, TcpState from) {
  return kNext[place(direction, segment, from)];
}

const char* tcp_state_name(TcpState s) {
  constexpr const char* kNames[kTcpStates] = {"NONE",       "SYN_SENT", "SYN_RECV",  "ESTABLISHED", "FIN_WAIT",
                                              "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE",       "SYN_SENT2"};
  const auto n = static_cast<size_t>(s);
  return n < kTcpStates ? kNames[n] : "";
}

}  // namespace nf::ct
