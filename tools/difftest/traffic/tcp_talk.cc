// A TCP conversation: two small models of TCP ends and the segments on their way between them. Segments are lost,
// repeated and reordered on their way to the machine under test; what is sent is taken to arrive, so that the ends
// agree with what the machine saw. Now and then an end says what no sound TCP would (tcp_oddities).
//
// Sequence numbers are those of the end that sends; a segment's `options` are what stands behind the fixed header.
#include <algorithm>

#include "tools/difftest/traffic/tcp_end.h"
#include "tools/difftest/traffic/traffic_context.h"

namespace nf::difftest {
namespace {

// How a conversation ends.
enum class Farewell : uint8_t { kClientFirst, kServerFirst, kBoth, kClientResets, kServerResets, kSilence };
// How it begins.
enum class Opening : uint8_t { kHandshake, kSimultaneous, kRefused, kUnanswered, kInTheMiddle };

class TcpTalk final : public Talk {
 public:
  TcpTalk(TrafficContext& context, uint32_t flow);
  bool speak(TrafficContext& context) override;

 private:
  TcpEnd& end(End which) { return ends_[static_cast<size_t>(which)]; }
  static End other(End which) { return which == End::kClient ? End::kServer : End::kClient; }
  void begin(TrafficContext& context);
  void queue(TrafficContext& context, End from, uint8_t flags, uint16_t length, std::string_view note);
  void queue_syn(TrafficContext& context, End from, bool acknowledge, std::string_view note);
  void queue_reset(End from, bool acknowledge, std::string_view note);
  void utter(TrafficContext& context, const Segment& segment);
  void deliver(TrafficContext& context, const Segment& segment);
  void deliver_syn(TrafficContext& context, End to, const Segment& segment);
  void open(TrafficContext& context);
  void talk(TrafficContext& context);
  void part(TrafficContext& context);
  bool after(TrafficContext& context);
  void retransmit(TrafficContext& context, End from);
  bool established() const { return ends_[0].established && ends_[1].established; }

  uint32_t flow_;
  Opening opening_ = Opening::kHandshake;
  Farewell farewell_ = Farewell::kClientFirst;
  uint32_t loss_, reorder_, oddness_;  // per mille
  uint16_t largest_ = 1448;            // bytes of data in a segment
  int acts_ = 0, most_acts_ = 0;       // of the applications and timers
  int words_ = 0;                      // what is left to say before the farewell
  int last_words_ = 0;                 // after it
  int reuses_ = 0;
  bool parting_ = false, over_ = false;
  TcpEnd ends_[2];
  std::vector<Segment> flight_;
};

TcpTalk::TcpTalk(TrafficContext& context, uint32_t flow) : flow_(flow) {
  loss_ = context.odd(250) ? 20 + context.below(120) : 0;
  reorder_ = context.odd(250) ? 20 + context.below(250) : 0;
  oddness_ = context.odd(200) ? 15 + context.below(200) : 0;
  const uint32_t kind = context.below(100);
  opening_ = kind < 86   ? Opening::kHandshake
             : kind < 88 ? Opening::kSimultaneous
             : kind < 92 ? Opening::kRefused
             : kind < 95 ? Opening::kUnanswered
                         : Opening::kInTheMiddle;
  most_acts_ = 40 + static_cast<int>(context.below(80));
  last_words_ = static_cast<int>(context.below(6));
  begin(context);
}

void TcpTalk::begin(TrafficContext& context) {
  const bool timestamps = context.chance(400), sack = context.chance(600), scaling = context.chance(700);
  for (TcpEnd& e : ends_) {
    const uint32_t forward = e.next;
    e = TcpEnd{};
    // Near the wrap of sequence numbers now and then; a port used again goes on from where it was, or before it.
    e.first = context.chance(150) ? 0xffffff00u + context.below(256) : context.u32();
    if (reuses_ != 0 && context.chance(700)) e.first = forward + context.pick<uint32_t>({1, 64000, 200000, 0u - 50000});
    e.next = e.unacked = e.first;
    e.window = context.pick<uint16_t>({64240, 65535, 29200, 8192, 1000, 5840});
    e.timestamps = timestamps || context.chance(30);
    e.sack = sack || context.chance(30);
    if (scaling && context.chance(950)) e.scale = context.pick<int>({0, 2, 7, 7, 10, 14, 15});
    e.clock = context.u32();
  }
  largest_ = context.pick<uint16_t>({1448, 1448, 536, 1000, 1420});
  words_ = static_cast<int>(context.below(context.chance(200) ? 30 : 9));
  const uint32_t farewell = context.below(100);
  farewell_ = farewell < 40   ? Farewell::kClientFirst
              : farewell < 65 ? Farewell::kServerFirst
              : farewell < 75 ? Farewell::kBoth
              : farewell < 82 ? Farewell::kClientResets
              : farewell < 89 ? Farewell::kServerResets
                              : Farewell::kSilence;
  parting_ = over_ = false;
  acts_ = 0;
  flight_.clear();
  if (opening_ == Opening::kInTheMiddle) {
    // Both have talked before the machine came to see it.
    for (int i = 0; i < 2; ++i) {
      TcpEnd& e = ends_[i];
      e.syn_sent = e.established = true;
      e.next = e.unacked = e.first + 1 + context.below(100000);
      ends_[1 - i].received = e.next;
    }
  }
}

// --- saying

void TcpTalk::queue(TrafficContext& context, End from, uint8_t flags, uint16_t length, std::string_view note) {
  TcpEnd& e = end(from);
  Segment s{from, flags, e.next, e.received, e.window, length, note};
  put_segment_options(context, e, end(other(from)), s);
  e.next += length + ((flags & kTcpFin) != 0 ? 1u : 0u);
  if ((flags & kTcpFin) != 0) e.fin_sent = true;
  flight_.push_back(s);
}

void TcpTalk::queue_syn(TrafficContext& context, End from, bool acknowledge, std::string_view note) {
  TcpEnd& e = end(from);
  const uint8_t flags = static_cast<uint8_t>(kTcpSyn | (acknowledge ? kTcpAck : 0));
  Segment s{from, flags, e.first, acknowledge ? e.received : 0, e.window, 0, note};
  put_syn_options(context, e, s, acknowledge ? &end(other(from)) : nullptr);
  if (!acknowledge && context.chance(80)) s.flags |= kTcpEce | kTcpCwr;
  if (!acknowledge && context.odd(12)) {
    s.length = static_cast<uint16_t>(1 + context.below(500));
    s.note = "SYN with data";
  }
  e.syn_sent = true;
  if (e.next == e.first) e.next = e.first + 1;
  flight_.push_back(s);
}

void TcpTalk::queue_reset(End from, bool acknowledge, std::string_view note) {
  const TcpEnd& e = end(from);
  flight_.push_back({from, static_cast<uint8_t>(kTcpRst | (acknowledge ? kTcpAck : 0)), e.next,
                     acknowledge ? e.received : 0, acknowledge ? e.window : uint16_t{0}, 0, note});
}

void TcpTalk::retransmit(TrafficContext& context, End from) {
  TcpEnd& e = end(from);
  Segment s{from, kTcpAck | kTcpPsh, e.unacked, e.received, e.window, 0, "retransmitted"};
  put_segment_options(context, e, end(other(from)), s);
  const uint32_t waiting = e.next - e.unacked - (e.fin_sent ? 1u : 0u);
  if (waiting == 0) {
    s.flags = kTcpFin | kTcpAck;
    s.note = "FIN retransmitted";
  } else {
    s.length = static_cast<uint16_t>(std::min<uint32_t>(waiting, largest_));
  }
  flight_.push_back(s);
}

void TcpTalk::utter(TrafficContext& context, const Segment& s) {
  Step step = context.packet(flow_, s.from, s.note);
  step.tcp_flags = s.flags;
  step.seq = s.seq;
  step.ack = s.ack;
  step.window = s.window;
  step.payload_length = s.length;
  step.urgent = s.urgent;
  step.tcp_options.assign(s.options.begin(), s.options.begin() + s.options_length);
  context.send(std::move(step));
}

// --- hearing

void TcpTalk::deliver_syn(TrafficContext& context, End to, const Segment& s) {
  TcpEnd& e = end(to);
  if (e.established) {  // RFC 5961: challenge
    if (context.chance(800)) queue(context, to, kTcpAck, 0, "challenge ACK");
    return;
  }
  e.received = s.seq + 1;
  if ((s.flags & kTcpAck) != 0) {
    if (!e.syn_sent) return;
    e.unacked = s.ack;
    e.established = true;
    queue(context, to, kTcpAck, 0, "third of the handshake");
    return;
  }
  if (e.syn_sent) {  // both opened
    queue_syn(context, to, true, "SYN-ACK of a simultaneous open");
    return;
  }
  switch (opening_) {
    case Opening::kRefused:
      queue_reset(to, true, "refused");
      return;
    case Opening::kUnanswered:
      return;
    case Opening::kSimultaneous:
      queue_syn(context, to, false, "SYN, simultaneous open");
      return;
    default:
      queue_syn(context, to, true, "SYN-ACK");
  }
}

void TcpTalk::deliver(TrafficContext& context, const Segment& s) {
  const End to = other(s.from);
  TcpEnd& e = end(to);
  if ((s.flags & kTcpRst) != 0) {
    // A reset counts when it is the one expected (RFC 5961); others are challenged.
    if (s.seq == e.received || ((s.flags & kTcpAck) != 0 && !e.established)) {
      over_ = true;
    } else if (e.established && context.chance(500)) {
      queue(context, to, kTcpAck, 0, "challenge ACK");
    }
    return;
  }
  if ((s.flags & kTcpSyn) != 0) return deliver_syn(context, to, s);
  if ((s.flags & kTcpAck) == 0) return;
  if (s.ack - e.unacked <= e.next - e.unacked) e.unacked = s.ack;
  if (e.syn_sent && !e.established && s.ack == e.first + 1) e.established = true;

  const uint32_t length = s.length + ((s.flags & kTcpFin) != 0 ? 1u : 0u);
  if (length == 0) return;
  bool at_once = (s.flags & kTcpFin) != 0;
  const uint32_t beyond = s.seq - e.received;
  if (beyond == 0) {
    e.received += length;
    if (e.hole_end != 0 && e.received - e.hole_begin <= e.hole_end - e.hole_begin) e.received = e.hole_end;
    if (e.hole_end != 0 && e.received == e.hole_end) e.hole_begin = e.hole_end = 0;
    if ((s.flags & kTcpFin) != 0) e.fin_received = true;
  } else if (beyond < 1u << 20) {
    e.hole_begin = s.seq;
    e.hole_end = s.seq + s.length;
    if (e.hole_begin == e.hole_end) e.hole_begin = e.hole_end = 0;
    at_once = true;
  } else {
    at_once = true;  // heard before
  }
  if (at_once ? context.chance(950) : context.chance(600)) queue(context, to, kTcpAck, 0, "ACK");
}

// --- acting

void TcpTalk::open(TrafficContext& context) {
  TcpEnd& client = end(End::kClient);
  if (!client.syn_sent) return queue_syn(context, End::kClient, false, "SYN");
  const TcpEnd& server = end(End::kServer);
  if (acts_ > 5 || (opening_ != Opening::kHandshake && acts_ > 3)) {
    over_ = true;
    if (context.chance(200)) queue_reset(End::kClient, false, "gives up");
    return;
  }
  if (server.syn_sent && !client.established && context.chance(400)) {
    queue_syn(context, End::kServer, true, "SYN-ACK again");
  } else if (client.established) {  // the third was lost
    queue(context, End::kClient, kTcpAck, 0, "ACK");
  } else {
    queue_syn(context, End::kClient, false, "SYN again");
  }
}

void TcpTalk::talk(TrafficContext& context) {
  const End from = context.chance(500) ? End::kClient : End::kServer;
  TcpEnd& e = end(from);
  const uint32_t kind = context.below(1000);
  if (kind < 620) {
    const int segments = context.chance(200) ? 2 + static_cast<int>(context.below(3)) : 1;
    for (int i = 0; i < segments; ++i) {
      const uint16_t length = segments > 1 ? largest_ : context.pick<uint16_t>({1, 10, 100, 100, 536, largest_});
      queue(context, from, kTcpAck | (context.chance(600) ? kTcpPsh : 0), length, "data");
    }
    if (context.odd(10)) {
      flight_.back().flags |= kTcpUrg;
      flight_.back().urgent = static_cast<uint16_t>(context.below(flight_.back().length + 2u));
      flight_.back().note = "urgent data";
    }
  } else if (kind < 700) {
    queue(context, from, kTcpAck, 0, "ACK");
  } else if (kind < 760) {
    e.window = context.pick<uint16_t>({0, 1, 100, 8192, 64240, 65535});
    queue(context, from, kTcpAck, 0, e.window == 0 ? "zero window" : "window update");
  } else if (kind < 790) {
    queue(context, from, kTcpAck, 0, "keep-alive");
    flight_.back().seq -= 1;
    flight_.back().length = static_cast<uint16_t>(context.below(2));
  } else if (kind < 830) {
    const int times = 2 + static_cast<int>(context.below(4));
    for (int i = 0; i < times; ++i) queue(context, from, kTcpAck, 0, "duplicate ACK");
  } else if (e.unacked != e.next) {
    retransmit(context, from);
  } else {
    queue(context, from, kTcpAck | kTcpPsh, 32, "data");
  }
  if (--words_ < 0) parting_ = true;
}

void TcpTalk::part(TrafficContext& context) {
  TcpEnd &client = end(End::kClient), &server = end(End::kServer);
  switch (farewell_) {
    case Farewell::kClientResets:
    case Farewell::kServerResets:
      queue_reset(farewell_ == Farewell::kClientResets ? End::kClient : End::kServer, context.chance(400), "reset");
      over_ = true;
      return;
    case Farewell::kSilence:
      over_ = true;
      return;
    case Farewell::kBoth:
      if (!client.fin_sent && !server.fin_sent) {
        queue(context, End::kClient, kTcpFin | kTcpAck, 0, "FIN");
        queue(context, End::kServer, kTcpFin | kTcpAck, 0, "FIN at the same time");
        return;
      }
      break;
    default:
      break;
  }
  const End first = farewell_ == Farewell::kServerFirst ? End::kServer : End::kClient;
  TcpEnd &a = end(first), &b = end(other(first));
  if (!a.fin_sent) {
    queue(context, first, kTcpFin | kTcpAck, context.chance(150) ? 20 : 0, "FIN");
  } else if (!b.fin_sent && a.fin_sent && b.fin_received) {
    if (context.chance(300))
      queue(context, other(first), kTcpAck | kTcpPsh, 50, "data to a half-closed end");
    else
      queue(context, other(first), kTcpFin | kTcpAck, 0, "FIN of the other");
  } else if (a.unacked != a.next && acts_ < most_acts_) {
    retransmit(context, first);
  } else if (b.unacked != b.next && acts_ < most_acts_) {
    retransmit(context, other(first));
  } else {
    over_ = true;
  }
}

// What comes when all is said: late segments, the port used again. False: nothing more.
bool TcpTalk::after(TrafficContext& context) {
  if (--last_words_ < 0) return false;
  const End from = context.chance(600) ? End::kClient : End::kServer;
  const uint32_t kind = context.below(100);
  if (kind < 25 && reuses_ < 2) {
    ++reuses_;
    opening_ = Opening::kHandshake;
    begin(context);
    queue_syn(context, End::kClient, false, "the port used again");
  } else if (kind < 45) {
    queue(context, from, kTcpAck, 0, "late ACK");
  } else if (kind < 60) {
    queue(context, from, kTcpFin | kTcpAck, 0, "late FIN");
    flight_.back().seq -= 2;
  } else if (kind < 70) {
    queue_reset(from, context.chance(500), "late RST");
  } else if (kind < 80) {
    queue_syn(context, from, from == End::kServer, "late SYN");
  }
  return true;
}

bool TcpTalk::speak(TrafficContext& context) {
  if (!flight_.empty() && (flight_.size() > 4 || context.chance(750))) {
    const size_t which = context.chance(reorder_) ? context.below(static_cast<uint32_t>(flight_.size())) : 0;
    const Segment segment = flight_[which];
    if (!context.chance(loss_ / 4)) flight_.erase(flight_.begin() + static_cast<std::ptrdiff_t>(which));  // else twice
    if (context.chance(loss_)) return true;
    utter(context, segment);
    deliver(context, segment);
    return true;
  }
  if (++acts_ > most_acts_ + 20) return false;
  if (context.chance(oddness_)) {
    const End from = context.chance(500) ? End::kClient : End::kServer;
    put_oddities(context, end(from), end(other(from)), from, flight_);
    return true;
  }
  if (over_) {
    if (flight_.empty()) return after(context);
  } else if (parting_) {
    part(context);
  } else if (established()) {
    talk(context);
  } else if (flight_.empty()) {
    open(context);
  }
  return true;
}

}  // namespace

std::unique_ptr<Talk> make_tcp_talk(TrafficContext& context, uint32_t flow) {
  return std::make_unique<TcpTalk>(context, flow);
}

}  // namespace nf::difftest
