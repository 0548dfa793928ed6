// Connections made by hand: what ctnetlink of a 6.18 kernel answered to the same wishes, and what packets then meet.
#include <gtest/gtest.h>

#include <cerrno>

#include "conntrack/entry_state.h"
#include "conntrack/expect_state.h"
#include "conntrack/helper.h"
#include "conntrack/test_support.h"

namespace nf::ct {
namespace {

using namespace test;

constexpr Be32 kClient = ip4(10, 0, 0, 1), kServer = ip4(10, 0, 0, 2);

EntryState wish(uint8_t protocol, uint16_t from, uint16_t to) {
  EntryState s;
  s.tuple[0].protocol = protocol;
  s.tuple[0].source = kClient;
  s.tuple[0].destination = kServer;
  s.tuple[0].source_id = be16(from);
  s.tuple[0].destination_id = be16(to);
  EXPECT_TRUE(Conntrack::invert(s.tuple[1], s.tuple[0]));
  s.timeout = 100;
  return s;
}

EntryState established() {
  EntryState s = wish(kProtoTcp, 1000, 80);
  s.status = kConfirmed | kSeenReply | kAssured;
  s.tcp.emplace();
  s.tcp->state = TcpState::kEstablished;
  return s;
}

class EntryTest : public ::testing::Test {
 protected:
  EntryTest() { w.ct.netns_get(); }
  ~EntryTest() override { w.ct.netns_put(); }
  int create(const EntryState& s) { return w.ct.create_entry(s, {}, w.stack.now_); }
  Connection* find(const EntryState& s) {
    CtDirection d;
    return w.ct.find(s.tuple[0], {{s.tuple[0].zone, s.tuple[1].zone}}, d, w.stack.now_);
  }
  World w;
};

TEST_F(EntryTest, Refusals) {
  EXPECT_EQ(create(established()), 0);
  EXPECT_EQ(create(established()), EEXIST);
  EntryState s = wish(kProtoUdp, 1, 2);
  s.timeout.reset();
  EXPECT_EQ(create(s), EINVAL);
  s = wish(kProtoUdp, 1, 2);
  s.tuple[1].protocol = kProtoTcp;
  EXPECT_EQ(create(s), EINVAL);
  s = wish(kProtoUdp, 1, 2);
  s.status = kConfirmed | kExpected;
  EXPECT_EQ(create(s), EBUSY);
  s = wish(kProtoUdp, 1, 2);
  s.helper = "nobody";
  EXPECT_EQ(create(s), EOPNOTSUPP);
  s = wish(kProtoUdp, 1, 2);
  s.master = s.tuple[0];
  EXPECT_EQ(create(s), ENOENT);
  s = wish(kProtoUdp, 1, 2);
  s.source_nat.emplace();
  EXPECT_EQ(create(s), EOPNOTSUPP);  // nobody here who does NAT
  // Its replies are another's.
  s = wish(kProtoUdp, 3, 4);
  EXPECT_EQ(create(s), 0);
  EntryState other = wish(kProtoUdp, 5, 4);
  other.tuple[1] = s.tuple[1];
  EXPECT_EQ(create(other), EEXIST);
  EXPECT_EQ(w.ct.count(), 2u);
}

TEST_F(EntryTest, ZonesAreApart) {
  EntryState s = wish(kProtoUdp, 1, 2);
  EXPECT_EQ(create(s), 0);
  s.tuple[0].zone = s.tuple[1].zone = 7;
  EXPECT_EQ(create(s), 0);
  EXPECT_EQ(create(s), EEXIST);
}

TEST_F(EntryTest, IsToldAndCounted) {
  w.take_events();
  EXPECT_EQ(create(established()), 0);
  EXPECT_EQ(w.take_events(), " [NEW]");
  EXPECT_EQ(w.ct.stats().insert, 1u);
  const Connection* c = find(established());
  ASSERT_NE(c, nullptr);
  EXPECT_EQ(c->use, 1u);
  EXPECT_EQ(c->expires, w.stack.now_ + 100 * kSecond);
}

// Nothing is known of its windows, so the next segment is believed wherever it is, and what follows it is checked.
TEST_F(EntryTest, WindowsAreLearned) {
  w.set("tcp_loose", "0");
  ASSERT_EQ(create(established()), 0);
  PacketPtr p =
      w.pass(tcp_packet(kClient, 1000, kServer, 80, {.flags = "PA", .seq = 0x7000'0000, .ack = 99, .length = 10}));
  ASSERT_NE(p, nullptr);
  EXPECT_EQ(p->ctinfo, CtInfo::kEstablished);
  p = w.pass(tcp_packet(kServer, 80, kClient, 1000, {.flags = "A", .seq = 99, .ack = 0x7000'000a}));
  EXPECT_EQ(p->ctinfo, CtInfo::kEstablishedReply);
  p = w.pass(tcp_packet(kClient, 1000, kServer, 80, {.flags = "A", .seq = 0x7000'000a, .ack = 99 + 0x2000'0000}));
  EXPECT_EQ(p->ct, 0u);  // INVALID
}

TEST_F(EntryTest, LiberalOnesBelieveAlways) {
  w.set("tcp_loose", "0");
  EntryState s = established();
  ASSERT_TRUE(make_creatable(s));
  ASSERT_EQ(create(s), 0);
  w.pass(tcp_packet(kServer, 80, kClient, 1000, {.flags = "PA", .seq = 5000, .ack = 100, .length = 100}));
  // It acknowledges what was sent before the first segment that was seen, and more.
  const PacketPtr p = w.pass(tcp_packet(kClient, 1000, kServer, 80, {.flags = "A", .seq = 100, .ack = 900'000}));
  EXPECT_EQ(p->ctinfo, CtInfo::kEstablished);
}

TEST_F(EntryTest, Changes) {
  ASSERT_EQ(create(established()), 0);
  Connection& c = *find(established());
  EntryState s;
  s.timeout = 7;
  s.mark = 5;
  EXPECT_EQ(w.ct.change_entry(c, s, w.stack.now_), 0);
  EXPECT_EQ(c.mark, 5u);
  EXPECT_EQ(c.expires, w.stack.now_ + 7 * kSecond);
  s = {};
  s.status = kConfirmed | kSeenReply;  // ASSURED can be set only
  EXPECT_EQ(w.ct.change_entry(c, s, w.stack.now_), EBUSY);
  s.status = c.status | kExpected;
  EXPECT_EQ(w.ct.change_entry(c, s, w.stack.now_), EBUSY);
  s.status = c.status | kSrcNat;  // passed over
  EXPECT_EQ(w.ct.change_entry(c, s, w.stack.now_), 0);
  EXPECT_EQ(c.status & kSrcNat, 0u);
  s = {};
  s.status = c.status | kFixedTimeout;
  EXPECT_EQ(w.ct.change_entry(c, s, w.stack.now_), 0);
  s = {};
  s.timeout = 9;
  EXPECT_EQ(w.ct.change_entry(c, s, w.stack.now_), EPERM);
  s = {};
  s.source_nat.emplace();
  EXPECT_EQ(w.ct.change_entry(c, s, w.stack.now_), EOPNOTSUPP);
  s = {};
  s.helper = "nobody";
  EXPECT_EQ(w.ct.change_entry(c, s, w.stack.now_), EOPNOTSUPP);
}

TEST_F(EntryTest, SctpNeedsBothTags) {
  EntryState s = wish(kProtoSctp, 1, 2);
  s.sctp = SctpEntry{SctpState::kEstablished, {be32(1), std::nullopt}};
  EXPECT_EQ(create(s), EINVAL);
  s.sctp->vtag[1] = be32(2);
  EXPECT_EQ(create(s), 0);
}

// What was told of a connection makes it anew: told again, it is the same.
TEST_F(EntryTest, ToldAndMadeAgain) {
  EntryState s = established();
  s.mark = 77;
  s.labels = Labels{{4, 2}};
  s.seqadj = {SeqAdjust{1000, 0, 4}, SeqAdjust{2000, -3, 5}};
  s.tcp->flags[0] = s.tcp->flags[1] = TcpEntry::Flags{kTcpWindowScale, kTcpWindowScale};
  s.tcp->scale[0] = uint8_t{7};
  s.tcp->scale[1] = uint8_t{9};
  ASSERT_EQ(create(s), 0);
  EntryState told = entry_state(*find(s), w.stack.now_);
  EXPECT_NE(*told.status & kSeqAdjust, 0u);
  w.ct.kill(*find(s), w.stack.now_);
  ASSERT_TRUE(make_creatable(told));
  ASSERT_EQ(create(told), 0);
  const Connection& c = *find(s);
  EXPECT_EQ(c.mark, 77u);
  EXPECT_EQ(c.tcp.seen[0].scale, 7);
  EXPECT_EQ(c.tcp.seen[1].scale, 9);
  EXPECT_EQ(c.tcp.state, TcpState::kEstablished);
  ASSERT_NE(labels_of(c), nullptr);
  EXPECT_EQ(*labels_of(c), (Labels{{4, 2}}));
  ASSERT_NE(seqadj_of(c), nullptr);
  EXPECT_EQ(seqadj_of(c)[1].offset_before, -3);
  EXPECT_EQ(c.status & (kSeenReply | kAssured | kSeqAdjust), kSeenReply | kAssured | kSeqAdjust);
}

TEST_F(EntryTest, ExpectationNeedsAHelper) {
  ASSERT_EQ(create(established()), 0);
  ExpectState e;
  e.tuple = wish(kProtoTcp, 0, 2000).tuple[0];
  e.mask.destination = be32(0xffffffff);
  e.master = wish(kProtoTcp, 4000, 80).tuple[0];
  EXPECT_EQ(create_expectation(w.ct, e, {}, w.stack.now_), ENOENT);
  e.master = established().tuple[0];
  EXPECT_EQ(create_expectation(w.ct, e, {}, w.stack.now_), EOPNOTSUPP);
}

}  // namespace
}  // namespace nf::ct
