// An SCTP association: INIT, INIT ACK, COOKIE ECHO, COOKIE ACK, data, heartbeats, shutdown or abort (RFC 9260); now and
// then out of order, with another's tag, begun from both sides, or in chunks that may not stand together.
#include <algorithm>

#include "datapath/packet/sctp.h"
#include "tools/difftest/traffic/traffic_context.h"

namespace nf::difftest {
namespace {

class SctpTalk final : public Talk {
 public:
  SctpTalk(TrafficContext& context, uint32_t flow)
      : flow_(flow), tag_{context.u32() | 1, context.u32() | 1}, left_(2 + static_cast<int>(context.below(24))) {
    // Some are met in the middle, or known by a heartbeat first.
    if (context.chance(120)) phase_ = Phase::kOpen;
    if (context.chance(80)) phase_ = Phase::kHeartbeats;
  }

  bool speak(TrafficContext& context) override {
    if (--left_ < 0 || phase_ == Phase::kOver) return false;
    if (context.odd(60)) {
      anything(context);
      return true;
    }
    const Phase at = phase_;
    switch (at) {
      case Phase::kBegin:
        say(context, End::kClient, {chunk(context, kSctpInit, 0)}, "INIT");
        if (context.chance(60)) say(context, End::kServer, {chunk(context, kSctpInit, 1)}, "INIT from the other side");
        phase_ = Phase::kInitSent;
        break;
      case Phase::kInitSent:
        say(context, End::kServer, {chunk(context, kSctpInitAck, 1)}, "INIT ACK");
        phase_ = Phase::kAnswered;
        break;
      case Phase::kAnswered:
        if (context.chance(300))
          say(context, End::kClient, {chunk(context, kSctpCookieEcho, 0), chunk(context, kSctpData, 0)},
              "COOKIE ECHO, DATA");
        else
          say(context, End::kClient, {chunk(context, kSctpCookieEcho, 0)}, "COOKIE ECHO");
        phase_ = Phase::kEchoed;
        break;
      case Phase::kEchoed:
        say(context, End::kServer, {chunk(context, kSctpCookieAck, 1)}, "COOKIE ACK");
        phase_ = Phase::kOpen;
        break;
      case Phase::kHeartbeats:
        say(context, End::kClient, {chunk(context, kSctpHeartbeat, 0)}, "HEARTBEAT of a new path");
        phase_ = context.chance(700) ? Phase::kHeartbeatSent : Phase::kOpen;
        break;
      case Phase::kHeartbeatSent:
        say(context, End::kServer, {chunk(context, kSctpHeartbeatAck, 1)}, "HEARTBEAT ACK");
        phase_ = Phase::kOpen;
        break;
      case Phase::kOpen:
        open(context);
        break;
      case Phase::kShutdownSent:
        say(context, other(closer_), {chunk(context, kSctpShutdownAck, 0)}, "SHUTDOWN ACK");
        phase_ = Phase::kShutdownAcked;
        break;
      case Phase::kShutdownAcked:
        say(context, closer_, {chunk(context, kSctpShutdownComplete, 0)}, "SHUTDOWN COMPLETE");
        phase_ = context.chance(300) ? Phase::kBegin : Phase::kOver;
        break;
      case Phase::kOver:
        break;
    }
    // Lost and sent again, or forgotten.
    if (context.odd(20)) phase_ = at;
    return true;
  }

 private:
  enum class Phase : uint8_t {
    kBegin,
    kInitSent,
    kAnswered,
    kEchoed,
    kHeartbeats,
    kHeartbeatSent,
    kOpen,
    kShutdownSent,
    kShutdownAcked,
    kOver,
  };
  using Bytes = std::vector<uint8_t>;

  static End other(End e) { return e == End::kClient ? End::kServer : End::kClient; }

  void open(TrafficContext& context) {
    const End from = context.chance(500) ? End::kClient : End::kServer;
    const size_t side = from == End::kClient ? 0 : 1;
    const uint32_t kind = context.below(100);
    if (kind < 40) {
      say(context, from, {chunk(context, kSctpData, side)}, "DATA");
    } else if (kind < 60) {
      say(context, from, {chunk(context, kSctpSack, side), chunk(context, kSctpData, side)}, "SACK, DATA");
    } else if (kind < 68) {
      say(context, from, {chunk(context, kSctpHeartbeat, side)}, "HEARTBEAT");
    } else if (kind < 76) {
      say(context, from, {chunk(context, kSctpHeartbeatAck, side)}, "HEARTBEAT ACK");
    } else if (kind < 80) {
      say(context, from, {chunk(context, kSctpError, side)}, "ERROR");
    } else if (kind < 84) {
      say(context, from, {chunk(context, kSctpAbort, side)}, "ABORT");
      phase_ = context.chance(500) ? Phase::kBegin : Phase::kOver;
    } else if (kind < 92) {
      closer_ = from;
      say(context, from, {chunk(context, kSctpShutdown, side)}, "SHUTDOWN");
      phase_ = Phase::kShutdownSent;
    } else {
      // The association begins anew: another tag.
      tag_[side] = context.u32() | 1;
      say(context, from, {chunk(context, kSctpInit, side)}, "INIT again");
      phase_ = from == End::kClient ? Phase::kInitSent : Phase::kOpen;
    }
  }

  // Any chunks, any tag.
  void anything(TrafficContext& context) {
    const End from = context.chance(500) ? End::kClient : End::kServer;
    const size_t side = from == End::kClient ? 0 : 1;
    std::vector<Bytes> chunks;
    const uint32_t count = 1 + context.below(3);
    for (uint32_t i = 0; i < count; ++i) {
      Bytes c = chunk(context, static_cast<SctpChunk>(context.below(17)), side);
      if (context.chance(60)) c[2] = c[3] = 0;                                     // of no length
      if (context.chance(60)) c[3] = static_cast<uint8_t>(1 + context.below(60));  // of another length
      if (context.chance(60)) c.resize(1 + context.below(static_cast<uint32_t>(c.size())));
      chunks.push_back(std::move(c));
    }
    say(context, from, chunks, "chunks of all kinds");
  }

  Bytes chunk(TrafficContext& context, SctpChunk type, size_t side) {
    Bytes value;
    switch (type) {
      case kSctpInit:
      case kSctpInitAck: {
        const uint32_t tag = context.odd(20) ? context.u32() : tag_[side];
        value = {static_cast<uint8_t>(tag >> 24),
                 static_cast<uint8_t>(tag >> 16),
                 static_cast<uint8_t>(tag >> 8),
                 static_cast<uint8_t>(tag),
                 0,
                 1,
                 0,
                 0,
                 0,
                 10,
                 0,
                 10,
                 0,
                 0,
                 0,
                 1};
        break;
      }
      case kSctpData:
        value.resize(context.pick<size_t>({13, 16, 28, 112, 1000}));
        break;
      case kSctpSack:
        value.resize(12);
        break;
      case kSctpHeartbeat:
      case kSctpHeartbeatAck:
      case kSctpCookieEcho:
        value.resize(8);
        break;
      case kSctpShutdown:
      case kSctpError:
        value.resize(4);
        break;
      default:
        break;
    }
    const bool t = (type == kSctpAbort || type == kSctpShutdownComplete) && context.chance(250);
    const size_t length = 4 + value.size();
    Bytes out(length);
    out[0] = type;
    out[1] = t ? 1 : 0;
    out[2] = static_cast<uint8_t>(length >> 8);
    out[3] = static_cast<uint8_t>(length);
    std::copy(value.begin(), value.end(), out.begin() + 4);
    return out;
  }

  void say(TrafficContext& context, End from, const std::vector<Bytes>& chunks, std::string_view note) {
    Step step = context.packet(flow_, from, note);
    const size_t side = from == End::kClient ? 0 : 1;
    const Bytes& first = chunks.front();
    const bool begins = first[0] == kSctpInit;
    const bool peers = first.size() > 1 && first[1] == 1;  // the T bit: one's own tag
    step.vtag = begins ? 0 : tag_[peers ? side : 1 - side];
    if (context.odd(15)) step.vtag = context.pick<uint32_t>({0, tag_[0], tag_[1], context.u32()});
    for (const Bytes& c : chunks) {
      step.data.insert(step.data.end(), c.begin(), c.end());
      if (&c != &chunks.back()) step.data.resize((step.data.size() + 3) / 4 * 4);
    }
    context.send(std::move(step));
  }

  uint32_t flow_;
  uint32_t tag_[2];  // what client and server want to read
  int left_;
  Phase phase_ = Phase::kBegin;
  End closer_ = End::kClient;
};

}  // namespace

std::unique_ptr<Talk> make_sctp_talk(TrafficContext& context, uint32_t flow) {
  return std::make_unique<SctpTalk>(context, flow);
}

}  // namespace nf::difftest
