#include "conntrack/tcp_window.h"

#include <algorithm>

#include "conntrack/reason.h"

namespace nf::ct {
namespace {

enum TcpOption : uint8_t { kOptEnd = 0, kOptNop = 1, kOptWindowScale = 3, kOptSackPermitted = 4, kOptSack = 5 };
constexpr uint8_t kMaxScale = 14;          // RFC 7323, 2.3
constexpr uint32_t kMaxAckWindow = 66000;  // twin: MAXACKWINCONST

// Calls visit(kind, body) for each option; ends at the first malformed one, or when visit returns false.
template <class Visit>
void for_each_option(std::span<const uint8_t> o, Visit&& visit) {
  while (!o.empty()) {
    const uint8_t kind = o[0];
    if (kind == kOptEnd) return;
    if (kind == kOptNop) {
      o = o.subspan(1);
      continue;
    }
    if (o.size() < 2) return;
    const size_t size = o[1];
    if (size < 2 || size > o.size()) return;
    if (!visit(kind, o.subspan(2, size - 2))) return;
    o = o.subspan(size);
  }
}

// The highest right edge of the segment's SACK blocks, or `ack` when none is higher. twin: tcp_sack
uint32_t highest_sack(const Segment& s, uint32_t ack) {
  constexpr size_t kBlock = 8;
  for_each_option(s.options, [&](uint8_t kind, std::span<const uint8_t> body) {
    if (kind != kOptSack || body.size() < kBlock || body.size() % kBlock != 0) return true;
    for (; !body.empty(); body = body.subspan(kBlock)) {
      const uint32_t right = view<Be32>(body, 4)->host();
      if (seq_after(right, ack)) ack = right;
    }
    return false;
  });
  return ack;
}

// The first SYN or SYN,ACK of a side, or one that replaces it. twin: tcp_init_sender
void init_sender(TcpEnd& sender, TcpEnd& receiver, const Segment& s, CtDirection direction) {
  sender.end = sender.max_end = s.end;
  sender.max_window = std::max<uint32_t>(s.window, 1);
  parse_syn_options(s, sender);
  // RFC 7323, 2.2: scaling is on only if both SYNs carried the option.
  if (direction == CtDirection::kReply && ((sender.flags & receiver.flags & kTcpWindowScale) == 0)) {
    sender.scale = 0;
    receiver.scale = 0;
  }
}

void note_retransmission(TcpTrack& track, CtDirection direction, const Segment& s, uint32_t seq, uint32_t ack,
                         uint32_t end) {
  if (s.kind != TcpSegment::kAck) return;
  const auto dir = static_cast<uint8_t>(direction);
  if (track.last_dir == dir && track.last_seq == seq && track.last_ack == ack && track.last_end == end &&
      track.last_win == s.window) {
    ++track.retrans;
    return;
  }
  track.last_dir = dir;
  track.last_seq = seq;
  track.last_ack = ack;
  track.last_end = end;
  track.last_win = s.window;
  track.retrans = 0;
}

}  // namespace

Segment parse_segment(std::span<const uint8_t> transport) {
  const TcpHeader& tcp = *view<TcpHeader>(transport);
  const size_t header = tcp.header_length();
  const uint32_t seq = tcp.sequence.host();
  const uint32_t payload = static_cast<uint32_t>(transport.size() - header);
  const uint32_t end = seq + payload + ((tcp.flags & kTcpSyn) != 0 ? 1 : 0) + ((tcp.flags & kTcpFin) != 0 ? 1 : 0);
  return {tcp,
          transport.subspan(sizeof(TcpHeader), header - sizeof(TcpHeader)),
          segment_kind(tcp),
          seq,
          tcp.acknowledgment.host(),
          end,
          tcp.window.host()};
}

void parse_syn_options(const Segment& s, TcpEnd& end) {
  if (s.options.empty()) return;
  end.scale = 0;
  end.flags &= kTcpBeLiberal;
  for_each_option(s.options, [&](uint8_t kind, std::span<const uint8_t> body) {
    if (kind == kOptSackPermitted && body.empty()) {
      end.flags |= kTcpSackPermitted;
    } else if (kind == kOptWindowScale && body.size() == 1) {
      end.scale = std::min(body[0], kMaxScale);
      end.flags |= kTcpWindowScale;
    }
    return true;
  });
}

WindowVerdict tcp_in_window(TcpTrack& track, CtDirection direction, const Segment& s, bool be_liberal_everywhere,
                            Reason& reason, int32_t receiver_offset) {
  const auto dir = static_cast<size_t>(direction);
  TcpEnd& sender = track.seen[dir];
  TcpEnd& receiver = track.seen[1 - dir];
  uint32_t seq = s.seq, end = s.end, ack = s.ack, sack = s.ack;
  uint32_t window = s.window;

  if ((receiver.flags & kTcpSackPermitted) != 0) sack = highest_sack(s, ack);
  ack -= static_cast<uint32_t>(receiver_offset);
  sack -= static_cast<uint32_t>(receiver_offset);

  if (sender.max_window == 0) {
    // The first we see of this side.
    if (s.syn()) {
      init_sender(sender, receiver, s, direction);
      if (!s.has_ack()) return WindowVerdict::kAccept;  // simultaneous open
    } else {
      // In the middle of a connection: believe the segment.
      sender.end = end;
      sender.max_window = std::max<uint32_t>(window << sender.scale, 1);
      sender.max_end = end + sender.max_window;
      if (receiver.max_window == 0) {
        // So that III and IV hold until the other side is seen as well.
        receiver.end = receiver.max_end = sack;
      } else if (sack == receiver.end + 1) {
        // The answer to a keep-alive.
        ++receiver.end;
      }
    }
  } else if (s.syn() && seq_after(end, sender.end) &&
             (track.state == TcpState::kSynSent || track.state == TcpState::kSynRecv)) {
    // RFC 793, 3.3: a reinitialised TCP uses larger sequence numbers; options and window may differ too.
    init_sender(sender, receiver, s, direction);
    if (direction == CtDirection::kReply && !s.has_ack()) return WindowVerdict::kAccept;
  }

  if (!s.has_ack()) {
    ack = sack = receiver.end;
  } else if (s.rst() && ack == 0) {
    // Some stacks set ACK in a RST and leave the number zero.
    ack = sack = receiver.end;
  }

  // A RST that answers a SYN carries no sequence number of its own.
  if (s.rst() && seq == 0 && track.state == TcpState::kSynSent) seq = end = sender.end;

  const bool be_liberal = be_liberal_everywhere || (sender.flags & kTcpBeLiberal) != 0;
  const uint32_t max_ack_window = std::max(sender.max_window, kMaxAckWindow);
  const bool ack_not_over = seq_before(sack, receiver.end + 1);
  const bool ack_not_under = seq_after(sack, receiver.end - max_ack_window - 1);
  const bool end_in_window = seq_after(end, sender.end - receiver.max_window - 1);
  const auto let_pass = [&] {
    // Of an end that was not seen yet nothing is known that this could be held against.
    if (receiver.max_window == 0) return WindowVerdict::kAccept;
    reason.remark_instead(be_liberal_everywhere ? "remark.tcp_be_liberal" : "remark.tcp_picked_up_liberal");
    return WindowVerdict::kAccept;
  };

  if (!seq_before(seq, sender.max_end + 1)) {
    const uint32_t overshot = end - sender.max_end + 1;
    if (receiver.max_window != 0 && end_in_window && ack_not_under && overshot <= receiver.max_window && ack_not_over) {
      // Some TCPs send more than they were allowed. If the ruleset lets it through and the peer acknowledges it, all
      // that follows would be "ACK over": so remember the end.
      sender.end = end;
      sender.flags |= kTcpDataUnacknowledged;
      if (be_liberal) return WindowVerdict::kAccept;
      reason.log("%u bytes more than expected", overshot);
      reason.remark("remark.tcp_more_than_window", end, end - sender.max_end, sender.max_end, receiver.max_window);
      return WindowVerdict::kIgnore;
    }
    reason.invalid("invalid.tcp_seq_over_window", seq, sender.max_end + 1, seq - sender.max_end, sender.max_end);
    if (be_liberal) return let_pass();
    reason.log("SEQ is over upper bound %u (over the window of the receiver)", sender.max_end + 1);
    return WindowVerdict::kInvalid;
  }
  if (!ack_not_over) {
    reason.invalid("invalid.tcp_ack_over_window", sack, receiver.end + 1, sack - receiver.end, receiver.end);
    if (be_liberal) return let_pass();
    reason.log("ACK is over upper bound %u (ACKed data not seen yet)", receiver.end + 1);
    return WindowVerdict::kInvalid;
  }
  if (receiver.max_window != 0 && !end_in_window) {
    if (be_liberal) return WindowVerdict::kAccept;
    reason.log("SEQ is under lower bound %u (already ACKed data retransmitted)", sender.end - receiver.max_window - 1);
    reason.remark("remark.tcp_seq_under_window", end, sender.end - receiver.max_window - 1);
    return WindowVerdict::kIgnore;
  }
  if (!ack_not_under) {
    if (be_liberal) return WindowVerdict::kAccept;
    reason.log("ignored ACK under lower bound %u (possible overly delayed)", receiver.end - max_ack_window - 1);
    reason.remark("remark.tcp_ack_under_window", sack, receiver.end - max_ack_window - 1);
    return WindowVerdict::kIgnore;
  }

  // RFC 7323, 2.2: the window of a SYN is never scaled.
  if (!s.syn()) window <<= sender.scale;

  sender.max_window = std::max(sender.max_window, window + (sack - ack));
  if (seq_after(end, sender.end)) {
    sender.end = end;
    sender.flags |= kTcpDataUnacknowledged;
  }
  if (s.has_ack()) {
    if ((sender.flags & kTcpMaxAckSet) == 0) {
      sender.max_ack = ack;
      sender.flags |= kTcpMaxAckSet;
    } else if (seq_after(ack, sender.max_ack)) {
      sender.max_ack = ack;
    }
  }

  if (receiver.max_window != 0 && seq_after(end, sender.max_end)) receiver.max_window += end - sender.max_end;
  if (seq_after(sack + window, receiver.max_end - 1)) {
    receiver.max_end = sack + window;
    if (window == 0) ++receiver.max_end;
  }
  if (ack == receiver.end) receiver.flags &= static_cast<uint8_t>(~kTcpDataUnacknowledged);

  note_retransmission(track, direction, s, seq, ack, end);
  return WindowVerdict::kAccept;
}

}  // namespace nf::ct
