#include "datapath/route/neighbour.h"

#include <gtest/gtest.h>
#include <linux/neighbour.h>

#include <cstring>
#include <string>
#include <utility>

#include "datapath/base/random.h"
#include "datapath/packet/pool.h"

namespace nf {
namespace {

using State = NeighbourState;
static_assert(static_cast<int>(State::kIncomplete) == NUD_INCOMPLETE && static_cast<int>(State::kStale) == NUD_STALE &&
              static_cast<int>(State::kProbe) == NUD_PROBE && static_cast<int>(State::kPermanent) == NUD_PERMANENT &&
              static_cast<int>(State::kNoarp) == NUD_NOARP && static_cast<int>(State::kFailed) == NUD_FAILED);

constexpr MacAddress kMacA{2, 0, 0, 0, 0, 0xaa}, kMacB{2, 0, 0, 0, 0, 0xbb};
constexpr Be32 kHop = ip4(10, 1, 0, 9);
constexpr Time kStart = 1'000'000 * kSecond;

std::string mac_text(const MacAddress& m) {
  std::string text;
  for (const uint8_t b : m) text += "0123456789abcdef"[b >> 4], text += "0123456789abcdef"[b & 15];
  return text;
}

class NeighbourTest : public testing::Test {
 protected:
  NeighbourTest() {
    device_.ifindex = 2;
    device_.name = "v0";
    device_.mac = {2, 0, 0, 0, 0, 1};
    device_.up = true;
  }
  ~NeighbourTest() override {
    table_.reset();
    EXPECT_EQ(pool_.in_use(), 0u);
  }

  // A packet of `length` bytes that carries `number`.
  PacketPtr packet(uint8_t number = 0, uint32_t length = 40) {
    PacketPtr p = pool_.allocate(length);
    std::memset(p->put(length), 0, length);
    p->data()[0] = number;
    return p;
  }
  void send(uint8_t number = 0) { table_->output(packet(number), device_, kHop, now_); }
  void reply(const MacAddress& mac = kMacA) { table_->learn(device_, kHop, mac, true, false, false, now_); }
  State state() const { return table_->state(device_, kHop); }
  // What happened since the last call.
  std::string events() { return std::exchange(events_, {}); }
  // Lets time pass in steps as the table asks for them.
  void pass(Duration d) {
    const Time end = now_ + d;
    for (Time next = table_->expire(now_); next <= end; next = table_->expire(now_)) now_ = next;
    now_ = end;
    table_->expire(now_);
  }

  PacketPool pool_;
  Device device_;
  Time now_ = kStart;
  std::string events_;
  std::unique_ptr<NeighbourTable> table_ = std::make_unique<NeighbourTable>(NeighbourTable::Actions{
      [this](const Device&, Be32, const MacAddress* known, const Packet* cause) {
        events_ += "solicit " + (known == nullptr ? "all" : mac_text(*known)) +
                   (cause == nullptr ? "" : " for " + std::to_string(cause->data()[0])) + " @" +
                   std::to_string((now_ - kStart) / kMillisecond) + "\n";
      },
      [this](PacketPtr p, const Device&, const MacAddress& mac) {
        events_ += "send " + std::to_string(p->data()[0]) + " to " + mac_text(mac) + "\n";
      },
      [this](PacketPtr p, DropReason reason) {
        events_ += "fail " + std::to_string(p->data()[0]) + " " + std::string(drop_reason_name(reason)) + "\n";
      },
      [](const Device&, Be32 address) { return address == ip4(10, 1, 0, 255); }});
};

// mcast_solicit 3, retrans_time 1 s: requests at 0, 1 and 2 s, and the answer "no" at 3 s.
TEST_F(NeighbourTest, NoAnswer) {
  send(1);
  send(2);
  EXPECT_EQ(state(), State::kIncomplete);
  EXPECT_EQ(events(), "solicit all for 1 @0\n");
  pass(2999 * kMillisecond);
  EXPECT_EQ(events(), "solicit all for 2 @1000\nsolicit all for 2 @2000\n");
  EXPECT_EQ(state(), State::kIncomplete);
  pass(kMillisecond);
  EXPECT_EQ(events(), "fail 1 NeighbourFailed\nfail 2 NeighbourFailed\n");
  EXPECT_EQ(state(), State::kFailed);
  EXPECT_EQ(table_->lookup(device_, kHop), std::nullopt);
  // The next packet asks again.
  send(3);
  EXPECT_EQ(state(), State::kIncomplete);
  EXPECT_EQ(events(), "solicit all for 3 @3000\n");
}

TEST_F(NeighbourTest, AnAnswerSendsWhatWaits) {
  send(1);
  send(2);
  events();
  pass(500 * kMillisecond);
  reply();
  EXPECT_EQ(events(), "send 1 to 0200000000aa\nsend 2 to 0200000000aa\n");
  EXPECT_EQ(state(), State::kReachable);
  EXPECT_EQ(table_->lookup(device_, kHop), kMacA);
  send(3);
  EXPECT_EQ(events(), "send 3 to 0200000000aa\n");
}

// base_reachable_time 30 s, then STALE; a packet makes it DELAY for delay_first_probe_time 5 s; then ucast_solicit 3.
TEST_F(NeighbourTest, ReachableStaleDelayProbeFailed) {
  send(1);
  reply();
  events();
  pass(30 * kSecond);
  EXPECT_EQ(state(), State::kReachable);
  pass(10 * kMillisecond);  // timers are never closer than HZ/100
  EXPECT_EQ(state(), State::kStale);
  pass(3600 * kSecond);
  EXPECT_EQ(state(), State::kStale);
  EXPECT_EQ(events(), "");

  const Time delay = now_;
  send(2);
  EXPECT_EQ(state(), State::kDelay);
  EXPECT_EQ(events(), "send 2 to 0200000000aa\n");
  pass(4999 * kMillisecond);
  EXPECT_EQ(state(), State::kDelay);
  EXPECT_EQ(events(), "");
  pass(3001 * kMillisecond - kMillisecond);
  EXPECT_EQ(state(), State::kProbe);
  const auto at = [&](Duration d) { return std::to_string((delay - kStart + d) / kMillisecond); };
  EXPECT_EQ(events(), "solicit 0200000000aa @" + at(5 * kSecond) + "\nsolicit 0200000000aa @" + at(6 * kSecond) +
                          "\nsolicit 0200000000aa @" + at(7 * kSecond) + "\n");
  send(3);
  EXPECT_EQ(events(), "send 3 to 0200000000aa\n") << "while probing, the old address serves";
  pass(kMillisecond);
  EXPECT_EQ(state(), State::kFailed);
}

TEST_F(NeighbourTest, AnAnswerToAProbeMakesItReachable) {
  send(1);
  reply();
  pass(31 * kSecond);
  send(2);
  pass(5500 * kMillisecond);
  ASSERT_EQ(state(), State::kProbe);
  reply();
  EXPECT_EQ(state(), State::kReachable);
  pass(29 * kSecond);
  EXPECT_EQ(state(), State::kReachable);
}

// Confirmed within the delay: back to REACHABLE without a probe.
TEST_F(NeighbourTest, ConfirmedWhileDelayed) {
  send(1);
  reply();
  pass(31 * kSecond);
  send(2);
  events();
  pass(2 * kSecond);
  reply();
  pass(10 * kSecond);
  EXPECT_EQ(state(), State::kReachable);
  EXPECT_EQ(events(), "");
}

// What an ARP packet teaches. twin: __neigh_update as arp_process calls it
TEST_F(NeighbourTest, Learning) {
  struct {
    const char* what;
    State before;
    bool reply, create, override_mac, same, late;
    State after;
    bool new_mac;
  } cases[] = {
      {"a stranger's reply is ignored", State::kNone, true, false, false, false, false, State::kNone, false},
      {"a request to us makes an entry", State::kNone, false, true, true, false, false, State::kStale, true},
      {"a request answers, too", State::kIncomplete, false, true, true, false, false, State::kDelay, true},
      {"a reply after failure", State::kFailed, true, false, false, false, false, State::kReachable, true},
      {"a reply confirms", State::kStale, true, false, false, true, false, State::kReachable, false},
      {"a request does not spoil reachability", State::kReachable, false, true, true, true, false, State::kReachable,
       false},
      {"another address within locktime", State::kReachable, true, false, false, false, false, State::kReachable,
       false},
      {"another address after locktime", State::kReachable, true, false, false, false, true, State::kReachable, true},
      {"another address in a request", State::kReachable, false, true, true, false, false, State::kStale, true},
      {"permanent entries learn nothing", State::kPermanent, true, true, true, false, true, State::kPermanent, false},
      {"nor do noarp ones", State::kNoarp, true, true, true, false, true, State::kNoarp, false},
  };
  uint8_t host = 1;
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    const Be32 a = ip4(10, 1, 1, host++);
    if (c.before == State::kIncomplete)
      table_->output(packet(), device_, a, now_);
    else if (c.before != State::kNone)
      table_->add_static(device_, a, kMacA, c.before);
    now_ += c.late ? 1001 * kMillisecond : kSecond;
    table_->learn(device_, a, c.same ? kMacA : kMacB, c.reply, c.create, c.override_mac, now_);
    EXPECT_EQ(table_->state(device_, a), c.after);
    if (c.after == State::kNone) continue;
    EXPECT_EQ(table_->lookup(device_, a), c.new_mac ? kMacB : kMacA);
  }
}

// Counted on a 6.18 kernel: packets of this IP length, injected by a TAP, sent after 700 waited for one ARP reply.
TEST_F(NeighbourTest, QueueHoldsWhatTheKernelHolds) {
  const struct {
    uint32_t length;
    size_t held;
  } cases[] = {{20, 302},  {40, 302},  {80, 277},   {120, 256},  {220, 237},
               {420, 195}, {720, 151}, {1020, 123}, {1420, 100}, {1500, 97}};
  uint8_t host = 1;
  for (const auto& c : cases) {
    SCOPED_TRACE(c.length);
    const Be32 hop = ip4(10, 1, 2, host++);
    events();
    for (int i = 0; i < 700; ++i) table_->output(packet(i < 600 ? 1 : 2, c.length), device_, hop, now_);
    EXPECT_EQ(pool_.in_use(), c.held);
    const std::string told = events();
    size_t failed = 0;
    for (size_t at = 0; (at = told.find("fail 1 NeighbourQueueFull", at)) != std::string::npos; ++at) ++failed;
    EXPECT_EQ(failed, std::min<size_t>(700 - c.held, 600)) << "the oldest go first";
    table_->learn(device_, hop, kMacA, true, false, false, now_);
    EXPECT_EQ(pool_.in_use(), 0u);
  }
}

TEST_F(NeighbourTest, NextHopsThatNeedNoArp) {
  Device loopback, raw, noarp;
  loopback.kind = DeviceKind::kLoopback;
  loopback.ifindex = 1;
  raw.kind = DeviceKind::kRawIp;
  raw.ifindex = 3;
  noarp.no_arp = true;
  noarp.ifindex = 4;
  noarp.mac = {2, 0, 0, 0, 0, 4};
  const struct {
    const Device& dev;
    Be32 hop;
    const char* mac;
  } cases[] = {
      {loopback, kHop, "000000000000"},
      {raw, kHop, "000000000000"},
      {noarp, kHop, "020000000004"},
      {device_, ip4(224, 0, 0, 1), "01005e000001"},
      {device_, ip4(239, 255, 255, 250), "01005e7ffffa"},  // 23 bits, RFC 1112
      {device_, ip4(255, 255, 255, 255), "ffffffffffff"},
      {device_, ip4(10, 1, 0, 255), "ffffffffffff"},
  };
  for (const auto& c : cases) {
    PacketPtr p = packet(7);
    table_->output(std::move(p), c.dev, c.hop, now_);
    EXPECT_EQ(events(), std::string("send 7 to ") + c.mac + "\n");
  }
  EXPECT_TRUE(table_->entries().empty());
}

TEST_F(NeighbourTest, StaticEntries) {
  table_->add_static(device_, kHop, kMacA, State::kPermanent);
  send(1);
  EXPECT_EQ(events(), "send 1 to 0200000000aa\n");
  pass(1000 * kSecond);
  EXPECT_EQ(state(), State::kPermanent);
  ASSERT_EQ(table_->entries().size(), 1u);
  EXPECT_EQ(table_->entries()[0].mac, kMacA);
  EXPECT_TRUE(table_->remove(device_, kHop));
  EXPECT_FALSE(table_->remove(device_, kHop));
  EXPECT_EQ(state(), State::kNone);

  send(2);
  EXPECT_TRUE(table_->remove(device_, kHop));
  EXPECT_EQ(events(), "solicit all for 2 @1000000\nfail 2 NeighbourFailed\n");
  send(3);
  table_->add_static(device_, kHop, kMacB, State::kPermanent);
  EXPECT_EQ(events(), "solicit all for 3 @1000000\nsend 3 to 0200000000bb\n");
}

TEST_F(NeighbourTest, ReachableGivenBeforeTimeRuns) {
  table_->add_static(device_, kHop, kMacA, State::kReachable);
  pass(30 * kSecond);
  EXPECT_EQ(state(), State::kReachable);
  pass(kSecond);
  EXPECT_EQ(state(), State::kStale);
}

TEST_F(NeighbourTest, ADownedDeviceIsForgotten) {
  Device other = device_;
  other.ifindex = 3;
  table_->add_static(device_, ip4(10, 1, 0, 1), kMacA, State::kPermanent);
  table_->add_static(other, ip4(10, 1, 0, 1), kMacB, State::kPermanent);
  send(1);
  table_->device_down(device_);
  EXPECT_EQ(events(), "solicit all for 1 @0\nfail 1 DeviceDown\n");
  ASSERT_EQ(table_->entries().size(), 1u);
  EXPECT_EQ(table_->entries()[0].dev, &other);
  pass(10 * kSecond);
  EXPECT_EQ(events(), "");
}

// gc_thresh3 1024: entries in use are not given up for new ones.
TEST_F(NeighbourTest, AFullTable) {
  for (uint32_t i = 0; i < 1024; ++i) table_->output(packet(), device_, be32(0x0a020000 + i), now_);
  events();
  table_->output(packet(9), device_, kHop, now_);
  EXPECT_EQ(events(), "fail 9 NeighbourQueueFull\n");
  table_->add_static(device_, ip4(10, 9, 9, 9), kMacA, State::kPermanent);
  EXPECT_EQ(table_->entries().size(), 1025u) << "permanent entries do not count";
  pass(4 * kSecond);
  EXPECT_EQ(table_->state(device_, be32(0x0a020000)), State::kFailed);
  events();
  // Failed ones make room: down to gc_thresh2, the oldest first.
  table_->output(packet(9), device_, kHop, now_);
  EXPECT_EQ(state(), State::kIncomplete);
  EXPECT_EQ(table_->entries().size(), 1 + 512 + 1u);
  EXPECT_EQ(table_->state(device_, be32(0x0a020000)), State::kNone);
  EXPECT_EQ(table_->state(device_, be32(0x0a0203ff)), State::kFailed);
}

// gc_thresh1 128, gc_stale_time 60 s.
TEST_F(NeighbourTest, UnusedEntriesFade) {
  for (uint32_t i = 0; i < 127; ++i) table_->learn(device_, be32(0x0a020000 + i), kMacA, false, true, true, now_);
  pass(300 * kSecond);
  EXPECT_EQ(table_->entries().size(), 127u) << "below the first threshold nothing is collected";
  table_->learn(device_, kHop, kMacA, false, true, true, now_);
  pass(16 * kSecond);
  EXPECT_EQ(table_->entries().size(), 1u);
  EXPECT_EQ(state(), State::kStale);
}

// Nothing is lost or sent twice, and the table stays bounded, whatever is asked of it.
TEST_F(NeighbourTest, EveryPacketHasOneEnd) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    size_t given = 0, ended = 0;
    NeighbourTable* table = nullptr;
    Device dev = device_;
    Time now = kStart;
    NeighbourTable t({[](const Device&, Be32, const MacAddress*, const Packet*) {},
                      [&](PacketPtr, const Device&, const MacAddress&) { ++ended; },
                      [&](PacketPtr p, DropReason reason) {
                        ++ended;
                        // A failure is told to the sender: that packet goes through the table, too.
                        if (reason != DropReason::kNeighbourFailed || random.below(2) == 0) return;
                        ++given;
                        table->output(std::move(p), dev, be32(0x0a030000 + random.below(50)), now);
                      },
                      [](const Device&, Be32) { return false; }});
    table = &t;
    for (int i = 0; i < 20'000; ++i) {
      const Be32 a = be32(0x0a030000 + random.below(1500));
      switch (random.below(12)) {
        case 0:
          t.learn(dev, a, kMacA, random.below(2) == 0, random.below(2) == 0, random.below(2) == 0, now);
          break;
        case 1:
          t.remove(dev, a);
          break;
        case 2:
          now += random.below(2000) * kMillisecond;
          t.expire(now);
          break;
        case 3:
          if (random.below(100) == 0) t.device_down(dev);
          break;
        case 4:
          if (random.below(10) == 0) t.add_static(dev, a, kMacB, State::kPermanent);
          break;
        default:
          ++given;
          t.output(packet(), dev, a, now);
      }
      ASSERT_EQ(given - ended, pool_.in_use());
    }
    size_t collectable = 0;
    for (const auto& e : t.entries()) collectable += e.state != State::kPermanent;
    EXPECT_LE(collectable, NeighbourTable::kMaxEntries);
    t.device_down(dev);
    EXPECT_EQ(given, ended);
  }
}

}  // namespace
}  // namespace nf
