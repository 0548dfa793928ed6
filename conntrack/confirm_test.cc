// What stands in the way of a new connection: a full table, a chain too long, another with the same tuple.
#include "conntrack/test_support.h"
#include "datapath/trace/drop_reason.h"

namespace nf::ct {
namespace {

using namespace test;

TEST(Full, NothingToEvictNearby) {
  // Of 262144 buckets, eight are looked at; the two connections there are stand elsewhere.
  World w;
  w.set("max", "2");
  ASSERT_TRUE(w.pass(ask(1)));
  ASSERT_TRUE(w.pass(ask(2)));
  for (int i = 0; i < 12; ++i) {
    PacketPtr p = w.make(ask(3));
    ASSERT_EQ(w.in(p), Verdict::kDrop);
    EXPECT_EQ(p->drop_reason, static_cast<uint8_t>(DropReason::kConntrackTableFull));
  }
  EXPECT_EQ(w.ct.count(), 2u);
  EXPECT_EQ(w.ct.stats().drop, 12u);
  EXPECT_EQ(w.ct.stats().invalid, 0u);
  ASSERT_EQ(w.stack.log_.size(), 10u) << "ten in five seconds";
  EXPECT_EQ(w.stack.log_[0], "nf_conntrack: nf_conntrack: table full, dropping packet");
  w.advance(6 * kSecond);
  PacketPtr p = w.make(ask(3));
  EXPECT_EQ(w.in(p), Verdict::kDrop);
  ASSERT_EQ(w.stack.log_.size(), 12u);
  EXPECT_EQ(w.stack.log_[10], "net_ratelimit: 2 callbacks suppressed");
  EXPECT_TRUE(w.pass(ask(1))) << "what exists goes on";
  w.set("max", "0");
  EXPECT_TRUE(w.pass(ask(3))) << "0 is no limit";
}

TEST(Full, UnassuredNearbyGo) {
  World w;
  w.set("buckets", "4");  // so that eight buckets are all of them
  w.set("max", "3");
  establish(w, 1);
  ASSERT_TRUE(w.pass(ask(2)));
  ASSERT_TRUE(w.pass(ask(3)));
  EXPECT_TRUE(w.pass(ask(4)));
  const uint64_t evicted = w.ct.stats().early_drop;
  EXPECT_GE(evicted, 1u);
  EXPECT_LE(evicted, 2u);
  EXPECT_EQ(w.ct.count(), 4u - evicted);
  bool assured_there = false;
  w.ct.for_each([&](Connection& c) { assured_there |= (c.status & kAssured) != 0; });
  EXPECT_TRUE(assured_there);
  EXPECT_TRUE(w.stack.log_.empty());
}

TEST(Full, AssuredStay) {
  World w;
  w.set("buckets", "1");
  w.set("max", "2");
  establish(w, 1);
  establish(w, 2);
  PacketPtr p = w.make(ask(3));
  EXPECT_EQ(w.in(p), Verdict::kDrop);
  EXPECT_EQ(w.ct.count(), 2u);
  // Ninety-five per cent of less than a hundred are none: the sweep takes nobody, closing or not.
  ASSERT_TRUE(w.pass(test::tcp_packet(kHostA, 1, kHostB, 80, {.flags = "FA", .seq = 1001, .ack = 5001})));
  w.ct.gc(w.stack.now_);
  EXPECT_EQ(w.ct.count(), 2u);
}

// The failed attempt lets the next sweep, and no other, take closing connections until the table is less than 95 %
// full.
TEST(Full, ClosingOnesAreSwept) {
  World w;
  w.set("max", "100");
  for (uint16_t port = 1; port <= 100; ++port) establish(w, port);
  for (uint16_t port = 1; port <= 10; ++port) {
    ASSERT_TRUE(w.pass(test::tcp_packet(kHostA, port, kHostB, 80, {.flags = "FA", .seq = 1001, .ack = 5001})));
  }
  w.ct.gc(w.stack.now_);
  EXPECT_EQ(w.ct.count(), 100u) << "nobody was turned away";
  PacketPtr p = w.make(ask(300));
  ASSERT_EQ(w.in(p), Verdict::kDrop);
  w.ct.gc(w.stack.now_);
  EXPECT_EQ(w.ct.count(), 94u);
  for (uint16_t port = 101; port <= 106; ++port) establish(w, port);
  w.ct.gc(w.stack.now_);
  EXPECT_EQ(w.ct.count(), 100u);
}

// Of one bucket all that may go goes, however long its chain: the kernel ends nobody's list early.
TEST(Full, AWholeBucketGoes) {
  World w;
  for (uint16_t port = 1; port <= 70; ++port) establish(w, port);
  for (uint16_t port = 101; port <= 170; ++port) ASSERT_TRUE(w.pass(ask(port)));
  w.set("buckets", "1");
  w.set("max", "140");
  PacketPtr p = w.make(ask(300));
  EXPECT_EQ(w.in(p), Verdict::kAccept);
  EXPECT_EQ(w.ct.stats().early_drop, 70u);
  EXPECT_EQ(w.ct.count(), 71u);
}

TEST(Full, ChainTooLong) {
  World w;
  w.set("buckets", "1");
  uint16_t port = 1;
  while (w.pass(ask(port))) ++port;
  // Two entries a connection; the limit is drawn from 50..79, and one more is allowed.
  EXPECT_EQ(w.ct.stats().chaintoolong, 1u);
  EXPECT_EQ(w.ct.stats().insert_failed, 1u);
  EXPECT_EQ(w.ct.count(), size_t{port} - 1);
  EXPECT_GT(2 * w.ct.count(), 50u);
  EXPECT_LE(2 * w.ct.count(), 82u);
}

// Two packets of one flow that met no entry, as from two threads of one socket.
// A kernel's bridge, which took in a broadcast frame: an entry, and [NEW] with the flow's next packet.
TEST(Confirm, ByABridgeIsToldLater) {
  World w;
  PacketPtr p = w.make(ask());
  ASSERT_EQ(w.in(p), Verdict::kAccept);
  const ConnectionHooks& hooks = w.stack.hooks_.connection();
  ASSERT_EQ(hooks.confirm(hooks.self, p, w.at(HookPoint::kLocalIn)), Verdict::kAccept);
  EXPECT_TRUE(connection_of(p->ct)->confirmed());
  EXPECT_EQ(w.take_events(), "");
  ASSERT_TRUE(w.pass(ask()));
  EXPECT_EQ(w.take_events(), " [NEW]");
}

// A kernel told [NEW] and [UPDATE] of two packets of protocol 99 from an address to itself.
TEST(Confirm, OfEqualTuplesTheReplyIsFound) {
  World w;
  const Bytes to_itself = ip_packet(kHostA, kHostA, 99, Bytes(8));
  ASSERT_TRUE(w.pass(ask()));
  PacketPtr first = w.pass(to_itself);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->ctinfo, CtInfo::kNew);
  PacketPtr second = w.pass(to_itself);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->ctinfo, CtInfo::kEstablishedReply);
  EXPECT_EQ(w.take_events(), " [NEW] [NEW] [UPDATE]");
  first.reset();
  second.reset();
  EXPECT_EQ(w.ct.flush(w.stack.now_), 2u);
  PacketPtr again = w.pass(to_itself);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->ctinfo, CtInfo::kNew);
}

TEST(Clash, UdpOfTheSameFlowMerges) {
  World w;
  w.set("acct", "1");
  PacketPtr first = w.make(ask()), second = w.make(ask());
  ASSERT_EQ(w.in(first), Verdict::kAccept);
  ASSERT_EQ(w.in(second), Verdict::kAccept);
  ASSERT_NE(first->ct, second->ct);
  ASSERT_EQ(w.confirm(first), Verdict::kAccept);
  ASSERT_EQ(w.confirm(second), Verdict::kAccept);
  EXPECT_EQ(first->ct, second->ct);
  EXPECT_EQ(w.ct.count(), 1u);
  EXPECT_EQ(w.ct.stats().clash_resolve, 1u);
  EXPECT_EQ(connection_of(first->ct)->counters[0].packets, 2u);
  EXPECT_EQ(connection_of(first->ct)->counters[0].bytes, 2 * first->length());
}

TEST(Clash, UdpFromBothEndsMerges) {
  World w;
  PacketPtr first = w.make(ask()), second = w.make(answer());
  ASSERT_EQ(w.in(first), Verdict::kAccept);
  ASSERT_EQ(w.in(second), Verdict::kAccept);
  ASSERT_EQ(w.confirm(first), Verdict::kAccept);
  ASSERT_EQ(w.confirm(second), Verdict::kAccept);
  EXPECT_EQ(first->ct, second->ct);
  EXPECT_EQ(w.ct.stats().clash_resolve, 1u);
}

TEST(Clash, TcpIsDropped) {
  World w;
  PacketPtr first = w.make(syn()), second = w.make(syn());
  ASSERT_EQ(w.in(first), Verdict::kAccept);
  ASSERT_EQ(w.in(second), Verdict::kAccept);
  ASSERT_EQ(w.confirm(first), Verdict::kAccept);
  ASSERT_EQ(w.confirm(second), Verdict::kDrop);
  EXPECT_EQ(second->drop_reason, static_cast<uint8_t>(DropReason::kConntrackClash));
  EXPECT_EQ(w.ct.stats().insert_failed, 1u);
  EXPECT_EQ(w.ct.stats().drop, 1u);
}

Tuple reply_to(const Connection& c, uint16_t port) {
  Tuple t = c.reply();
  t.destination_id = be16(port);
  return t;
}

TEST(Clash, OriginalTakenReplyFree) {
  World w;
  PacketPtr first = w.make(ask()), second = w.make(ask());
  ASSERT_EQ(w.in(first), Verdict::kAccept);
  ASSERT_EQ(w.in(second), Verdict::kAccept);
  Connection& loser = *connection_of(second->ct);
  w.ct.alter_reply(loser, reply_to(loser, 9999));
  ASSERT_EQ(w.confirm(first), Verdict::kAccept);
  ASSERT_EQ(w.confirm(second), Verdict::kAccept);
  EXPECT_EQ(w.take_events(), " [NEW]") << "the loser is hidden";
  EXPECT_EQ(loser.status & (kNatClash | kFixedTimeout), kNatClash | kFixedTimeout);
  EXPECT_EQ(loser.expires, w.stack.now_ + kSecond);
  int shown = 0;
  w.ct.for_each([&](Connection&) { ++shown; });
  EXPECT_EQ(shown, 1);
  CtDirection direction;
  EXPECT_EQ(w.ct.find(loser.reply(), direction, w.stack.now_), &loser);
  EXPECT_EQ(direction, CtDirection::kReply);
  EXPECT_EQ(w.ct.find(loser.original(), direction, w.stack.now_), connection_of(first->ct));
  EXPECT_EQ(w.pass(answer(9999))->ctinfo, CtInfo::kEstablishedReply);
  EXPECT_EQ(loser.expires, w.stack.now_ + kSecond) << "not refreshed";
  second.reset();
  w.advance(kSecond);
  w.ct.gc(w.stack.now_);
  EXPECT_EQ(w.ct.count(), 1u);
  EXPECT_EQ(w.pass(ask())->ctinfo, CtInfo::kNew) << "the winner keeps its tuple";
  EXPECT_EQ(w.ct.count(), 1u);
}

TEST(Clash, ReplyTakenByAnotherIsDropped) {
  World w;
  PacketPtr first = w.make(ask(4000)), second = w.make(ask(4001));
  ASSERT_EQ(w.in(first), Verdict::kAccept);
  ASSERT_EQ(w.in(second), Verdict::kAccept);
  Connection& c = *connection_of(second->ct);
  EXPECT_FALSE(w.ct.tuple_taken(reply_to(c, 4000), c, w.stack.now_)) << "unconfirmed entries take nothing";
  ASSERT_EQ(w.confirm(first), Verdict::kAccept);
  EXPECT_TRUE(w.ct.tuple_taken(reply_to(c, 4000), c, w.stack.now_));
  EXPECT_EQ(w.ct.stats().found, 1u);
  EXPECT_FALSE(w.ct.tuple_taken(reply_to(c, 4002), c, w.stack.now_));
  w.ct.alter_reply(c, reply_to(c, 4000));
  EXPECT_EQ(w.confirm(second), Verdict::kDrop);
  EXPECT_EQ(w.ct.stats().insert_failed, 1u);
}

TEST(Clash, TupleOfTheSameFlowIsNotTaken) {
  World w;
  PacketPtr first = w.make(ask()), second = w.make(ask());
  ASSERT_EQ(w.in(first), Verdict::kAccept);
  ASSERT_EQ(w.in(second), Verdict::kAccept);
  ASSERT_EQ(w.confirm(first), Verdict::kAccept);
  const Connection& c = *connection_of(second->ct);
  EXPECT_FALSE(w.ct.tuple_taken(c.reply(), c, w.stack.now_));
  EXPECT_EQ(w.ct.stats().found, 0u);
  w.advance(40 * kSecond);
  Tuple other = c.original();
  other.source_id = be16(1);
  EXPECT_FALSE(w.ct.tuple_taken(c.reply(), *connection_of(w.pass(ask(1))->ct), w.stack.now_)) << "expired";
}

}  // namespace
}  // namespace nf::ct
