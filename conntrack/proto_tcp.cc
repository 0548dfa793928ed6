// TCP: one segment of a connection. twin: nf_conntrack_tcp_packet, net/netfilter/nf_conntrack_proto_tcp.c
//
// The table says where a segment would lead; then come the cases the table is not clever enough for, the window, and
// the timeout.
#include <algorithm>
#include <string>

#include "conntrack/proto.h"
#include "conntrack/seqadj.h"
#include "conntrack/tcp_table.h"
#include "conntrack/tcp_window.h"
#include "datapath/packet/rewrite.h"

namespace nf::ct {
namespace {

// Flags but PSH, ECE and CWR, which may be anything. twin: tcp_valid_flags
bool valid_flags(uint8_t flags) {
  switch (flags & ~(kTcpPsh | kTcpEce | kTcpCwr)) {
    case kTcpSyn:
    case kTcpSyn | kTcpUrg:
    case kTcpSyn | kTcpAck:
    case kTcpRst:
    case kTcpRst | kTcpAck:
    case kTcpFin | kTcpAck:
    case kTcpFin | kTcpAck | kTcpUrg:
    case kTcpAck:
    case kTcpAck | kTcpUrg:
      return true;
    default:
      return false;
  }
}

// As `--tcp-flags` has them: "SYN,RST", "NONE".
std::string flag_names(uint8_t flags) {
  static constexpr struct {
    TcpFlag flag;
    const char* name;
  } kNames[] = {{kTcpFin, "FIN"}, {kTcpSyn, "SYN"}, {kTcpRst, "RST"},
                {kTcpPsh, "PSH"}, {kTcpAck, "ACK"}, {kTcpUrg, "URG"}};
  std::string names;
  for (const auto& n : kNames) {
    if ((flags & n.flag) == 0) continue;
    if (!names.empty()) names += ',';
    names += n.name;
  }
  return names.empty() ? "NONE" : names;
}

const char* kind_name(TcpSegment kind) {
  static constexpr const char* kNames[kTcpSegments] = {"SYN", "SYN,ACK", "FIN", "ACK", "RST", "NONE"};
  return kNames[static_cast<size_t>(kind)];
}

const char* direction_name(CtDirection direction) { return direction == CtDirection::kOriginal ? "ORIGINAL" : "REPLY"; }

// twin: tcp_error
bool tcp_error(const TrackInput& in) {
  const TcpHeader* tcp = view<TcpHeader>(in.transport);
  Reason& reason = in.core.reason;
  if (tcp == nullptr) {  // of which the kernel logs nothing
    reason.invalid("invalid.truncated", "TCP", in.transport.size(), sizeof(TcpHeader));
    return true;
  }
  if (tcp->header_length() < sizeof(TcpHeader) || in.transport.size() < tcp->header_length()) {
    reason.log("truncated packet");
    if (tcp->header_length() < sizeof(TcpHeader))
      reason.invalid("invalid.tcp_header", tcp->header_length());
    else
      reason.invalid("invalid.truncated", "TCP", in.transport.size(), tcp->header_length());
    return true;
  }
  if (in.check_sums() && !verify_transport_checksum(in.p)) {
    reason.log("bad checksum");
    invalid_checksum(reason, in.p, "TCP", offsetof(TcpHeader, checksum), kProtoTcp);
    return true;
  }
  if (!valid_flags(tcp->flags)) {
    reason.log("invalid tcp flag combination");
    if (reason.told()) reason.invalid("invalid.tcp_flags", flag_names(tcp->flags));
    return true;
  }
  return false;
}

// The first segment of a connection nobody knew. twin: tcp_new
bool tcp_new(const TrackInput& in, const Segment& s) {
  const TcpState state = tcp_next_state(CtDirection::kOriginal, s.kind, TcpState::kNone);
  if (state == kTcpInvalid) {
    in.core.reason.log("invalid new");
    in.core.reason.invalid("invalid.tcp_new", kind_name(s.kind));
    return false;
  }
  const bool pick_up = state != TcpState::kSynSent;
  if (pick_up && in.core.settings.tcp_loose == 0) {
    in.core.reason.invalid("invalid.tcp_not_first", kind_name(s.kind));
    return false;
  }
  TcpTrack& track = in.c.tcp;
  track = TcpTrack{};
  TcpEnd& sender = track.seen[0];
  sender.end = s.end;
  sender.max_window = s.window == 0 ? 1 : s.window;
  sender.max_end = sender.end;
  if (pick_up) {
    in.core.reason.remark("remark.tcp_picked_up", kind_name(s.kind));
    sender.max_end += sender.max_window;
    // The SYNs with the options are lost: assume SACK, and let windows pass that scaling would explain.
    sender.flags = track.seen[1].flags = kTcpSackPermitted | kTcpBeLiberal;
  } else {
    parse_syn_options(s, sender);
  }
  track.last_index = static_cast<uint8_t>(TcpSegment::kNone);
  return true;
}

bool last_was(const TcpTrack& t, TcpSegment kind) { return t.last_index == static_cast<uint8_t>(kind); }

// twin: nf_conntrack_tcp_established
bool established(const Connection& c) { return c.tcp.state == TcpState::kEstablished && (c.status & kAssured) != 0; }

// What a segment in hand may still become.
struct Step {
  TcpState from, to;
  bool skip_window = false;
};

// Ends the tracking of a segment early; nothing of the connection changes after it.
enum class Outcome : uint8_t { kGoOn, kAccept, kInvalid, kRepeat, kDrop };

// The SYN,ACK acknowledges a SYN that was ignored: the ends agree and we are behind. Take the SYN as the beginning.
void resynchronise(TcpTrack& t, size_t dir, Step& step) {
  step.from = TcpState::kSynSent;
  step.to = TcpState::kSynRecv;
  TcpEnd& opener = t.seen[t.last_dir];
  opener.end = opener.max_end = t.last_end;
  opener.max_window = t.last_win == 0 ? 1 : t.last_win;
  opener.scale = t.last_wscale;
  t.last_flags &= static_cast<uint8_t>(~kTcpExpectChallengeAck);
  opener.flags = t.last_flags;
  const uint8_t keep = t.seen[dir].flags & kTcpBeLiberal;
  t.seen[dir] = TcpEnd{};
  t.seen[dir].flags = keep;
}

// We may be out of sync; the segment passes, and what it says is noted for the answer it may get: a RST, a challenge
// ACK (RFC 5961), or a SYN,ACK.
Outcome ignore(const TrackInput& in, const Segment& s, Step& step) {
  TcpTrack& t = in.c.tcp;
  const auto dir = static_cast<uint8_t>(in.direction());
  if (s.kind == TcpSegment::kSynAck && last_was(t, TcpSegment::kSyn) && t.last_dir != dir && s.ack == t.last_end) {
    in.core.reason.remark("remark.tcp_resynchronised", tcp_state_name(step.from));
    resynchronise(t, dir, step);
    return Outcome::kGoOn;
  }
  t.last_index = static_cast<uint8_t>(s.kind);
  t.last_dir = dir;
  t.last_seq = s.seq;
  t.last_end = s.end;
  t.last_win = s.window;
  if (s.kind == TcpSegment::kSyn && in.direction() == CtDirection::kOriginal) {
    TcpEnd seen;
    parse_syn_options(s, seen);
    t.last_flags = seen.flags;
    t.last_wscale = seen.scale;
    // In LAST_ACK an ACK would be taken for that of the last FIN.
    if (step.from == TcpState::kLastAck) t.last_flags |= kTcpExpectChallengeAck;
  }
  if (step.from == TcpState::kSynSent && s.kind == TcpSegment::kAck && in.direction() == CtDirection::kReply)
    t.last_ack = s.ack;
  in.core.reason.log("packet (index %d) in dir %d ignored, state %s", static_cast<int>(s.kind), dir,
                     tcp_state_name(step.from));
  in.core.reason.remark("remark.tcp_ignored", kind_name(s.kind), direction_name(in.direction()),
                        tcp_state_name(step.from));
  return Outcome::kAccept;
}

// A RST, whose table entry says CLOSE.
Outcome reset(const TrackInput& in, const Segment& s, Step& step) {
  Connection& c = in.c;
  TcpTrack& t = c.tcp;
  // Once closing, the tuple may be in use again already, and what we know of windows is of the past.
  if (tcp_can_early_drop(c)) {
    step.skip_window = true;
    return Outcome::kGoOn;
  }
  const auto dir = static_cast<size_t>(in.direction());
  const TcpEnd& other = t.seen[1 - dir];
  // After a SYN that was let through, max_ack may be of an older connection.
  if ((other.flags & kTcpMaxAckSet) != 0 && !last_was(t, TcpSegment::kSyn)) {
    // Not established and no sequence number: most likely the answer to a SYN.
    if (s.seq == 0 && !established(c)) return Outcome::kGoOn;
    if (seq_before(s.seq, other.max_ack) && in.core.settings.tcp_ignore_invalid_rst == 0) {
      in.core.reason.log("invalid rst");
      in.core.reason.invalid("invalid.tcp_rst", s.seq, other.max_ack);
      return Outcome::kInvalid;
    }
    if (!established(c) || s.seq == other.max_ack) return Outcome::kGoOn;
    // Directly behind the sender's last data.
    if (last_was(t, TcpSegment::kAck) && t.last_dir == dir && s.seq == t.last_end) return Outcome::kGoOn;
    // Not exact: a conforming receiver answers with a challenge ACK (RFC 5961, 3.2), so the connection lives.
    step.to = step.from;
    in.core.reason.remark("remark.tcp_rst_inexact", s.seq, other.max_ack, tcp_state_name(step.from));
  }
  const bool answers_let_through =
      ((c.status & kSeenReply) != 0 && t.last_dir != dir && last_was(t, TcpSegment::kSyn)) ||
      ((c.status & kAssured) == 0 && last_was(t, TcpSegment::kAck));
  if (answers_let_through && s.ack == t.last_end) {
    step.skip_window = true;
    return Outcome::kGoOn;
  }
  // The answer to a challenge ACK that was let through.
  if (step.from == TcpState::kSynSent && last_was(t, TcpSegment::kAck) &&
      t.last_dir == static_cast<uint8_t>(CtDirection::kReply) && s.seq == t.last_ack)
    step.skip_window = true;
  return Outcome::kGoOn;
}

// What the table cannot know. May change `step`.
Outcome special_cases(const TrackInput& in, const Segment& s, Step& step) {
  Connection& c = in.c;
  TcpTrack& t = c.tcp;
  const auto dir = static_cast<uint8_t>(in.direction());
  if (step.to == kTcpIgnore) return ignore(in, s, step);
  if (step.to == kTcpInvalid) {
    in.core.reason.log("packet (index %d) in dir %d invalid, state %s", static_cast<int>(s.kind), dir,
                       tcp_state_name(step.from));
    in.core.reason.invalid("invalid.tcp_state", kind_name(s.kind), direction_name(in.direction()),
                           tcp_state_name(step.from));
    return Outcome::kInvalid;
  }
  switch (step.to) {
    case TcpState::kSynSent:
      if (step.from < TcpState::kTimeWait) return Outcome::kGoOn;
      // A SYN for a closed connection opens a new one, if it was closed in order or the sender itself reset it.
      if (((t.seen[0].flags | t.seen[1].flags) & kTcpCloseInit) != 0 ||
          (t.last_dir == dir && last_was(t, TcpSegment::kRst))) {
        in.core.reason.remark("remark.tcp_reopened", tcp_state_name(step.from));
        return in.core.kill(c, in.state.now) ? Outcome::kRepeat : Outcome::kDrop;
      }
      return ignore(in, s, step);
    case TcpState::kTimeWait:
      if (step.from == TcpState::kLastAck && s.kind == TcpSegment::kAck && t.last_dir != dir &&
          last_was(t, TcpSegment::kSyn) && (t.last_flags & kTcpExpectChallengeAck) != 0) {
        t.last_flags &= static_cast<uint8_t>(~kTcpExpectChallengeAck);
        in.core.reason.log("challenge-ack ignored");
        in.core.reason.remark("remark.tcp_challenge_ack");
        return Outcome::kAccept;
      }
      return Outcome::kGoOn;
    case TcpState::kSynSent2:
      t.last_flags |= kTcpSimultaneousOpen;
      return Outcome::kGoOn;
    case TcpState::kSynRecv:
      if (in.direction() == CtDirection::kReply && s.kind == TcpSegment::kAck &&
          (t.last_flags & kTcpSimultaneousOpen) != 0)
        step.to = TcpState::kEstablished;
      return Outcome::kGoOn;
    case TcpState::kClose:
      return s.kind == TcpSegment::kRst ? reset(in, s, step) : Outcome::kGoOn;
    default:
      return Outcome::kGoOn;
  }
}

// The kernel shows this one time in its own unit.
constexpr int64_t kJiffies = 250;

// An out-of-window FIN or RST from each side: the ends are through with each other and we are out of sync. The entry
// shall not stay for days. twin: nf_tcp_handle_invalid
void handle_invalid(const TrackInput& in, const Segment& s) {
  Connection& c = in.c;
  if ((c.status & (kAssured | kFixedTimeout)) != kAssured) return;
  if (s.kind != TcpSegment::kRst && s.kind != TcpSegment::kFin) return;
  TcpTrack& t = c.tcp;
  const auto dir = static_cast<uint8_t>(in.direction());
  if (t.last_dir == dir || !(last_was(t, TcpSegment::kFin) || last_was(t, TcpSegment::kRst))) {
    t.last_index = static_cast<uint8_t>(s.kind);
    t.last_dir = dir;
    return;
  }
  constexpr Duration kSoonAnyway = 120 * kSecond;
  const Duration left = c.expires - in.state.now;
  if (left < kSoonAnyway) return;
  const int64_t seconds = in.timeouts(in.core.settings.tcp_timeout)[kTcpTimeoutUnacknowledged];
  if (left <= seconds * kSecond) return;
  in.core.reason.log("packet (index %d, dir %d) response for index %d lower timeout to %u", static_cast<int>(s.kind),
                     dir, t.last_index, static_cast<unsigned>(seconds * kJiffies));
  in.core.reason.invalid_part("invalid.and_tcp_timeout_lowered", kind_name(static_cast<TcpSegment>(t.last_index)),
                              seconds);
  c.expires = in.state.now + seconds * kSecond;
}

// In seconds.
int64_t timeout_for(const TrackInput& in, const Segment& s, TcpState to) {
  const TcpTrack& t = in.c.tcp;
  const int64_t* timeout = in.timeouts(in.core.settings.tcp_timeout);
  const int64_t normal = timeout[static_cast<size_t>(to)];
  const bool longer_than_retrans = normal > timeout[kTcpTimeoutRetrans];
  if (t.retrans >= in.core.settings.tcp_max_retrans && longer_than_retrans) return timeout[kTcpTimeoutRetrans];
  if (s.kind == TcpSegment::kRst) return timeout[static_cast<size_t>(TcpState::kClose)];
  if (((t.seen[0].flags | t.seen[1].flags) & kTcpDataUnacknowledged) != 0 &&
      normal > timeout[kTcpTimeoutUnacknowledged])
    return timeout[kTcpTimeoutUnacknowledged];
  if (t.last_win == 0 && longer_than_retrans) return timeout[kTcpTimeoutRetrans];
  return normal;
}

// The segment is good: state, timeout, status.
Track accept(const TrackInput& in, const Segment& s, const Step& step) {
  Connection& c = in.c;
  TcpTrack& t = c.tcp;
  t.last_index = static_cast<uint8_t>(s.kind);
  t.last_dir = static_cast<uint8_t>(in.direction());
  t.state = step.to;
  if (step.from != step.to) {
    if (step.to == TcpState::kFinWait) t.seen[t.last_dir].flags |= kTcpCloseInit;
    Conntrack::event_cache(c, kEventProtoinfo);
  }
  int64_t seconds = timeout_for(in, s, step.to);
  if ((c.status & kSeenReply) == 0) {
    if (s.rst()) {
      // Refused, or given up, before anything came of it.
      in.core.reason.remark("remark.tcp_refused", direction_name(in.direction()));
      Core::acct(c, in.ctinfo, in.p.length());
      in.core.kill(c, in.state.now);
      return Track::kAccept;
    }
    // A SYN sent again must not keep the entry, and with it an old NAT mapping, alive for ever.
    if (s.kind == TcpSegment::kSyn && step.from == TcpState::kSynSent) {
      in.core.reason.remark("remark.tcp_syn_again");
      return Track::kAccept;
    }
    // Picked up in the middle and not answered.
    if (step.to == TcpState::kEstablished)
      seconds = std::min(seconds, in.timeouts(in.core.settings.tcp_timeout)[kTcpTimeoutUnacknowledged]);
  } else if ((c.status & kAssured) == 0 && step.to == TcpState::kEstablished &&
             (step.from == TcpState::kSynRecv || step.from == TcpState::kEstablished)) {
    c.status |= kAssured;
    Conntrack::event_cache(c, kEventAssured);
  }
  in.refresh(seconds);
  return Track::kAccept;
}

}  // namespace

Track tcp_packet(const TrackInput& in) {
  if (tcp_error(in)) return Track::kInvalid;
  const Segment s = parse_segment(in.transport);
  Connection& c = in.c;
  if (!c.confirmed() && !tcp_new(in, s)) return Track::kInvalid;

  Step step{c.tcp.state, tcp_next_state(in.direction(), s.kind, c.tcp.state)};
  switch (special_cases(in, s, step)) {
    case Outcome::kAccept:
      return Track::kAccept;
    case Outcome::kInvalid:
      return Track::kInvalid;
    case Outcome::kRepeat:
      return Track::kRepeat;
    case Outcome::kDrop:
      return Track::kDrop;
    case Outcome::kGoOn:
      break;
  }
  if (!step.skip_window) {
    const CtDirection other = in.direction() == CtDirection::kOriginal ? CtDirection::kReply : CtDirection::kOriginal;
    const int32_t offset = seq_offset(c, other, s.ack - 1);
    switch (tcp_in_window(c.tcp, in.direction(), s, in.core.settings.tcp_be_liberal != 0, in.core.reason, offset)) {
      case WindowVerdict::kIgnore:
        return Track::kAccept;
      case WindowVerdict::kInvalid:
        handle_invalid(in, s);
        return Track::kInvalid;
      case WindowVerdict::kAccept:
        break;
    }
  }
  return accept(in, s, step);
}

void tcp_set_closing(Core& core, Connection& c, Time now) {
  if (!c.confirmed()) return;
  const TcpState before = c.tcp.state;
  c.tcp.state = TcpState::kClose;
  if (before == TcpState::kClose || (c.status & kFixedTimeout) != 0) return;
  const int64_t* timeout = connection_timeouts(c, core.settings.tcp_timeout);
  c.expires = now + timeout[static_cast<size_t>(TcpState::kClose)] * kSecond;
  Conntrack::event_cache(c, kEventProtoinfo);
}

bool tcp_can_early_drop(const Connection& c) {
  switch (c.tcp.state) {
    case TcpState::kFinWait:
    case TcpState::kCloseWait:
    case TcpState::kLastAck:
    case TcpState::kTimeWait:
    case TcpState::kClose:
      return true;
    default:
      return false;
  }
}

}  // namespace nf::ct
