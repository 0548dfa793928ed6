#include "tools/difftest/traffic/tcp_end.h"

#include <algorithm>

namespace nf::difftest {
namespace {

// RFC 793, 7323, 2018.
enum TcpOption : uint8_t { kNop = 1, kMss = 2, kScale = 3, kSackPermitted = 4, kSack = 5, kTimestamps = 8 };

void put(Segment& s, std::initializer_list<uint8_t> bytes) {
  for (const uint8_t b : bytes)
    if (s.options_length < s.options.size()) s.options[s.options_length++] = b;
}
void put32(Segment& s, uint32_t v) {
  put(s, {static_cast<uint8_t>(v >> 24), static_cast<uint8_t>(v >> 16), static_cast<uint8_t>(v >> 8),
          static_cast<uint8_t>(v)});
}
void align(Segment& s) {
  while (s.options_length % 4 != 0) put(s, {kNop});
}

}  // namespace

void put_syn_options(TrafficContext& context, TcpEnd& own, Segment& s, const TcpEnd* peer) {
  const bool answers = peer != nullptr;
  const uint16_t mss = context.pick<uint16_t>({1460, 1460, 1460, 536, 8960, 65535, 0});
  if (!context.odd(40)) put(s, {kMss, 4, static_cast<uint8_t>(mss >> 8), static_cast<uint8_t>(mss)});
  if (own.sack && (!answers || peer->sack)) put(s, {kSackPermitted, 2});
  if (own.timestamps && (!answers || peer->timestamps)) {
    put(s, {kTimestamps, 10});
    put32(s, own.clock++);
    put32(s, answers ? peer->clock : 0);
  }
  // An answer that scales although it was not asked to is something trackers have to stand.
  if (own.scale >= 0 && (!answers || peer->scale >= 0 || context.odd(20)))
    put(s, {kNop, kScale, 3, static_cast<uint8_t>(own.scale)});
  if (context.odd(12)) {
    switch (context.below(5)) {
      case 0:
        put(s, {kScale});
        break;  // cut
      case 1:
        put(s, {kScale, 0});
        break;  // no length
      case 2:
        put(s, {34, 1});
        break;  // too short
      case 3:
        put(s, {kNop, kNop, 0, kScale});
        break;  // behind the end of the list
      default:
        put(s, {253, 8, 0xf9, 0x89, 1, 2, 3, 4});
    }
  }
  align(s);
}

void put_segment_options(TrafficContext& context, TcpEnd& own, const TcpEnd& peer, Segment& s) {
  if (own.timestamps && peer.timestamps) {
    put(s, {kNop, kNop, kTimestamps, 10});
    put32(s, own.clock++);
    put32(s, peer.clock);
  }
  if (!own.sack || !peer.sack || s.length != 0) return;
  uint32_t begin = own.hole_begin, end = own.hole_end;
  if (begin == end && context.odd(15)) {  // about what was never lost
    begin = own.received + context.below(3000);
    end = begin + context.pick<uint32_t>({1, 100, 1448, 60000, 0});
  }
  if (begin == end) return;
  put(s, {kNop, kNop, kSack, 10});
  put32(s, begin);
  put32(s, end);
}

void put_oddities(TrafficContext& context, const TcpEnd& own, const TcpEnd& peer, End from,
                  std::vector<Segment>& flight) {
  const auto say = [&](uint8_t flags, uint32_t seq, uint32_t ack, uint16_t length, std::string_view note) {
    flight.push_back({from, flags, seq, ack, own.window, length, note});
    return &flight.back();
  };
  const uint32_t scaled = static_cast<uint32_t>(peer.window) << (peer.scale > 0 ? std::min(peer.scale, 14) : 0);
  const uint16_t some = context.pick<uint16_t>({0, 1, 100, 1000});
  switch (context.below(16)) {
    case 0:
      say(context.pick<uint8_t>({0, kTcpFin, kTcpSyn | kTcpFin, kTcpSyn | kTcpRst, 0x3f, 0xff, kTcpPsh, kTcpUrg,
                                 kTcpRst | kTcpFin, kTcpSyn | kTcpUrg, kTcpAck | kTcpUrg, kTcpSyn | kTcpAck | kTcpFin,
                                 kTcpFin | kTcpAck | kTcpUrg, kTcpFin | kTcpAck | kTcpPsh, kTcpRst | kTcpAck | kTcpPsh,
                                 kTcpSyn | kTcpAck | kTcpRst}),
          own.next, own.received, some, "odd flags");
      return;
    case 1:
      say(kTcpRst, own.next, 0, 0, "RST, exact");
      return;
    case 2:
      say(kTcpRst, own.next + 1 + context.below(scaled + 1), 0, 0, "RST in the window");
      return;
    case 3:
      say(kTcpRst, own.next + context.pick<uint32_t>({0u - 1, 0u - 1000, 0u - 100000, 100000, 5000000, 1u << 31}), 0, 0,
          "RST outside of the window");
      return;
    case 4:
      say(kTcpRst | kTcpAck, own.next, own.received, 0, "RST-ACK");
      return;
    case 5:
      say(kTcpAck | kTcpPsh, own.next + scaled + context.pick<uint32_t>({0u - 1000, 0, 1, 1000, 70000, 5000000}),
          own.received, some, "beyond the window");
      return;
    case 6:
      say(kTcpAck | kTcpPsh, own.next - context.pick<uint32_t>({1, 1000, 65535, 66001, 70000, 5000000}), own.received,
          some, "before the window");
      return;
    case 7:
      say(kTcpAck, own.next, own.received + context.pick<uint32_t>({1, 100, 70000, 5000000}), some,
          "acknowledges what was not sent");
      return;
    case 8:
      say(kTcpAck, own.next, own.received - context.pick<uint32_t>({1, 100, 66000, 70000, 5000000}), some, "old ACK");
      return;
    case 9: {
      Segment* s = say(kTcpSyn, own.next + context.pick<uint32_t>({0, 1000, 0u - 1000, 1u << 30}), 0, 0,
                       "SYN on a live connection");
      TcpEnd copy = own;
      put_syn_options(context, copy, *s, nullptr);
      return;
    }
    case 10: {
      Segment* s = say(kTcpSyn | kTcpAck, own.first + context.pick<uint32_t>({0, 0, 1, 1000}),
                       own.received + context.pick<uint32_t>({0, 0, 5}), 0, "SYN-ACK on a live connection");
      TcpEnd copy = own;
      put_syn_options(context, copy, *s, &peer);
      return;
    }
    case 11:
      say(kTcpFin | kTcpAck, own.next + context.pick<uint32_t>({0, 10, 1000, 90000}), own.received, 0, "early FIN");
      return;
    case 12:
      for (int i = 0; i < 5; ++i) say(kTcpAck, own.next, own.received, 0, "the same ACK again");
      return;
    case 13:
      // The tracker's rule for both directions: window 0 right after data it has not seen.
      say(kTcpAck, own.next, own.received, 0, "zero window")->window = 0;
      return;
    case 14:
      say(kTcpSyn, own.first, 0, 0, "bare SYN of old");
      return;
    default: {
      // Somebody else, with the ports right and the numbers guessed.
      say(context.pick<uint8_t>({kTcpAck, kTcpRst, kTcpSyn, kTcpAck | kTcpPsh, kTcpFin | kTcpAck}), context.u32(),
          context.u32(), some, "blind guess");
    }
  }
}

}  // namespace nf::difftest
