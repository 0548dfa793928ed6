// The life of connections: found, created, confirmed, told of, ended.
#include "conntrack/conntrack.h"

#include <algorithm>

#include "conntrack/test_support.h"
#include "datapath/trace/drop_reason.h"
#include "datapath/trace/event.h"

namespace nf::ct {
namespace {

using namespace test;

Bytes ask(uint16_t sport = 4000) { return test::udp_packet(kHostA, sport, kHostB, 53); }
Bytes answer(uint16_t dport = 4000) { return test::udp_packet(kHostB, 53, kHostA, dport); }
Bytes syn(uint16_t sport = 4000) { return test::tcp_packet(kHostA, sport, kHostB, 80, {.flags = "S", .seq = 1000}); }
Bytes syn_ack(uint16_t dport = 4000) {
  return test::tcp_packet(kHostB, 80, kHostA, dport, {.flags = "SA", .seq = 5000, .ack = 1001});
}
Bytes ack(uint16_t sport = 4000) {
  return test::tcp_packet(kHostA, sport, kHostB, 80, {.flags = "A", .seq = 1001, .ack = 5001});
}
void establish(World& w, uint16_t port) {
  ASSERT_TRUE(w.pass(syn(port)));
  ASSERT_TRUE(w.pass(syn_ack(port)));
  ASSERT_TRUE(w.pass(ack(port)));
}

TEST(Hooks, OnlyWhileNeeded) {
  World w;
  const auto registered = [&] {
    std::string s;
    for (size_t h = 0; h < kHookPoints; ++h)
      for (const auto& e : w.stack.hooks_.entries(static_cast<HookPoint>(h)))
        s += std::string(hook_name(static_cast<HookPoint>(h))) + " " + std::to_string(e.priority) + "; ";
    return s;
  };
  EXPECT_EQ(registered(), "");
  w.ct.netns_get();
  w.ct.netns_get();
  EXPECT_EQ(registered(), "PREROUTING -200; INPUT 2147483647; OUTPUT -200; POSTROUTING 2147483647; ");
  EXPECT_EQ(w.stack.defrag_users_, 1);
  w.ct.netns_put();
  EXPECT_TRUE(w.ct.active());
  w.ct.netns_put();
  EXPECT_FALSE(w.ct.active());
  EXPECT_EQ(registered(), "");
  EXPECT_EQ(w.stack.defrag_users_, 0);
}

// twin: nf_ct_tcp_fixup
TEST(Hooks, WindowsAreForgottenWhileNobodyLooked) {
  World w;
  w.ct.netns_get();
  establish(w, 4000);
  w.ct.netns_put();
  w.ct.netns_get();
  const Bytes far = test::tcp_packet(kHostA, 4000, kHostB, 80, {.flags = "A", .seq = 9000000, .ack = 8000000});
  EXPECT_EQ(w.pass(far)->ctinfo, CtInfo::kEstablished);
}

TEST(Life, UnconfirmedDiesWithItsPacket) {
  World w;
  int destroyed = 0;
  w.ct.on_destroy([&](Connection& c) {
    EXPECT_FALSE(c.confirmed());
    ++destroyed;
  });
  PacketPtr p = w.make(ask());
  ASSERT_EQ(w.in(p), Verdict::kAccept);
  EXPECT_EQ(p->ctinfo, CtInfo::kNew);
  EXPECT_EQ(w.ct.count(), 1u) << "nf_conntrack_count counts it";
  Connection& c = *connection_of(p->ct);
  EXPECT_EQ(c.expires, 30 * kSecond) << "a duration until confirmed";
  w.ct.for_each([](Connection&) { ADD_FAILURE() << "it is in no table"; });
  p.reset();
  EXPECT_EQ(w.ct.count(), 0u);
  EXPECT_EQ(destroyed, 1);
  EXPECT_EQ(w.events, "");
}

TEST(Life, TimeoutCountsFromConfirm) {
  World w;
  PacketPtr p = w.make(ask());
  ASSERT_EQ(w.in(p), Verdict::kAccept);
  w.advance(5 * kSecond);
  ASSERT_EQ(w.confirm(p), Verdict::kAccept);
  EXPECT_EQ(connection_of(p->ct)->expires, w.stack.now_ + 30 * kSecond);
}

TEST(Life, AcrossLoopbackThePacketKeepsItsConnection) {
  World w;
  PacketPtr p = w.make(ask());
  ASSERT_EQ(w.in(p, HookPoint::kLocalOut), Verdict::kAccept);
  ASSERT_EQ(w.confirm(p, HookPoint::kPostRouting), Verdict::kAccept);
  const uintptr_t ct = p->ct;
  ASSERT_EQ(w.in(p, HookPoint::kPreRouting), Verdict::kAccept);
  ASSERT_EQ(w.confirm(p, HookPoint::kLocalIn), Verdict::kAccept);
  EXPECT_EQ(p->ct, ct);
  EXPECT_EQ(p->ctinfo, CtInfo::kNew);
  EXPECT_EQ(w.take_events(), " [NEW]");
  EXPECT_EQ(w.ct.count(), 1u);
}

TEST(Life, UntrackedAndFragmentsOfOurOwn) {
  World w;
  PacketPtr p = w.make(ask());
  p->ctinfo = CtInfo::kUntracked;
  ASSERT_EQ(w.in(p), Verdict::kAccept);
  ASSERT_EQ(w.confirm(p), Verdict::kAccept);
  EXPECT_EQ(p->ctinfo, CtInfo::kUntracked);

  Bytes b = ask();
  put16(b, 6, kIpMoreFragments);
  p = w.make(b);
  ASSERT_EQ(w.in(p, HookPoint::kLocalOut), Verdict::kAccept);
  EXPECT_EQ(p->ct, 0u);
  EXPECT_EQ(w.ct.stats().invalid, 0u);

  put16(b, 6, 5);
  p = w.make(b);
  ASSERT_EQ(w.in(p), Verdict::kAccept);
  EXPECT_EQ(p->ctinfo, CtInfo::kNone);
  EXPECT_EQ(w.ct.stats().invalid, 1u);
  EXPECT_EQ(w.ct.count(), 0u);
}

TEST(Life, ZonesAreApart) {
  World w;
  Connection* zone = w.ct.template_alloc(7);
  for (int i = 0; i < 2; ++i) {
    PacketPtr p = w.make(ask());
    Conntrack::get(*zone);
    p->ct = reinterpret_cast<uintptr_t>(zone);
    p->ctinfo = CtInfo::kNew;
    ASSERT_EQ(w.in(p), Verdict::kAccept);
    ASSERT_EQ(w.confirm(p), Verdict::kAccept);
    EXPECT_EQ(connection_of(p->ct)->original().zone, 7);
    EXPECT_EQ(zone->use, 1u) << "the packet's reference on the template is given back";
  }
  EXPECT_EQ(w.ct.count(), 1u);
  ASSERT_TRUE(w.pass(ask()));
  EXPECT_EQ(w.ct.count(), 2u);
  // A fragment of our own gives its template back too.
  Bytes b = ask();
  put16(b, 6, kIpMoreFragments);
  PacketPtr p = w.make(b);
  Conntrack::get(*zone);
  p->ct = reinterpret_cast<uintptr_t>(zone);
  ASSERT_EQ(w.in(p, HookPoint::kLocalOut), Verdict::kAccept);
  EXPECT_EQ(p->ct, 0u);
  EXPECT_EQ(zone->use, 1u);
  w.ct.put(*zone);
}

TEST(Life, ExpiredIsAbsentAndMadeAnew) {
  World w;
  ASSERT_TRUE(w.pass(ask()));
  uint32_t id = 0;
  w.ct.for_each([&](Connection& c) { id = c.id; });
  w.advance(30 * kSecond);
  w.ct.for_each([](Connection&) { ADD_FAILURE() << "expired entries are not shown"; });
  const PacketPtr p = w.pass(ask());
  EXPECT_EQ(p->ctinfo, CtInfo::kNew);
  EXPECT_EQ(w.take_events(), " [NEW] [DESTROY] [NEW]");
  EXPECT_NE(connection_of(p->ct)->id, id);
  EXPECT_EQ(w.ct.count(), 1u);
}

TEST(Life, SweepEndsWhatExpired) {
  World w;
  for (uint16_t port = 1; port <= 100; ++port) ASSERT_TRUE(w.pass(ask(port)));
  w.advance(10 * kSecond);
  for (uint16_t port = 101; port <= 150; ++port) ASSERT_TRUE(w.pass(ask(port)));
  const Time soonest = w.stack.now_ + 20 * kSecond;
  EXPECT_EQ(w.ct.gc(w.stack.now_), soonest) << "when the first is due";
  EXPECT_EQ(w.ct.count(), 150u);
  w.stack.now_ = soonest;
  EXPECT_EQ(w.ct.gc(w.stack.now_), soonest + 10 * kSecond);
  EXPECT_EQ(w.ct.count(), 50u);
  EXPECT_EQ(w.ct.flush(w.stack.now_), 50u);
  EXPECT_EQ(w.ct.count(), 0u);
  EXPECT_EQ(w.ct.gc(w.stack.now_), w.stack.now_ + 60 * kSecond);
}

TEST(Life, KilledWhileAPacketCarriesIt) {
  World w;
  int destroyed = 0;
  w.ct.on_destroy([&](Connection&) { ++destroyed; });
  PacketPtr p = w.pass(ask());
  Connection& c = *connection_of(p->ct);
  EXPECT_EQ(c.use, 2u);
  EXPECT_TRUE(w.ct.kill(c, w.stack.now_));
  EXPECT_FALSE(w.ct.kill(c, w.stack.now_)) << "dying already";
  EXPECT_EQ(w.take_events(), " [NEW] [DESTROY]");
  EXPECT_EQ(destroyed, 0);
  Conntrack::event_cache(c, kEventMark);
  EXPECT_EQ(w.confirm(p), Verdict::kAccept);
  EXPECT_EQ(w.take_events(), "") << "nothing after the end";
  p.reset();
  EXPECT_EQ(destroyed, 1);
  EXPECT_EQ(w.ct.count(), 0u);
}

TEST(Life, KilledBeforeConfirmIsDropped) {
  World w;
  PacketPtr p = w.make(ask());
  ASSERT_EQ(w.in(p), Verdict::kAccept);
  EXPECT_TRUE(w.ct.kill(*connection_of(p->ct), w.stack.now_));
  EXPECT_EQ(w.confirm(p), Verdict::kDrop);
  EXPECT_EQ(p->drop_reason, static_cast<uint8_t>(DropReason::kConntrackDying));
  EXPECT_EQ(w.ct.stats().insert_failed, 1u);
  EXPECT_EQ(w.events, "");
}

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
  // The failed attempt lets the sweep take closing connections when the table is nearly full.
  p = w.pass(test::tcp_packet(kHostA, 1, kHostB, 80, {.flags = "FA", .seq = 1001, .ack = 5001}));
  p.reset();
  w.ct.gc(w.stack.now_);
  EXPECT_EQ(w.ct.count(), 1u);
  w.ct.gc(w.stack.now_);
  EXPECT_EQ(w.ct.count(), 1u);
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

TEST(Events, OnlyWhileAskedFor) {
  FakeStack stack;
  {
    Conntrack ct(stack, {});
    HookState state{HookPoint::kPreRouting, nullptr, nullptr, &stack, stack.now_, nullptr};
    const auto pass = [&](uint16_t port) {
      const Bytes b = ask(port);
      PacketPtr p = stack.pool_.allocate(static_cast<uint32_t>(b.size()));
      std::memcpy(p->put(static_cast<uint32_t>(b.size())), b.data(), b.size());
      ct.nf_conntrack_in(p, state);
      ct.nf_conntrack_confirm(p, state);
    };
    int heard = 0;
    pass(1);
    const ListenerId id = ct.listen([&](const EventReport&) { ++heard; });
    ASSERT_NE(id, 0u);
    pass(2);
    EXPECT_EQ(heard, 1);
    ct.flush(stack.now_);
    EXPECT_EQ(heard, 2) << "what began before anybody listened ends in silence";
    ASSERT_TRUE(stack.sysctl_.set("net.netfilter.nf_conntrack_events", "0").ok());
    pass(3);
    EXPECT_EQ(heard, 2);
    ct.flush(stack.now_);
    ASSERT_TRUE(stack.sysctl_.set("net.netfilter.nf_conntrack_events", "1").ok());
    ct.unlisten(id);
    pass(4);
    EXPECT_EQ(heard, 2);
    ct.listen([&](const EventReport&) { ++heard; });
    ct.flush(stack.now_);
    EXPECT_EQ(heard, 3) << "with 1, gathered although nobody listened";
  }
  EXPECT_EQ(stack.pool_.in_use(), 0u);
}

TEST(Events, BitsOfOnePacketComeTogether) {
  World w;
  ASSERT_TRUE(w.pass(syn()));
  EXPECT_EQ(w.event_bits, kEventNew | kEventProtoinfo);
  EXPECT_EQ(w.take_events(), " [NEW]");
  ASSERT_TRUE(w.pass(syn_ack()));
  EXPECT_EQ(w.event_bits, kEventReply | kEventProtoinfo);
  EXPECT_EQ(w.take_events(), " [UPDATE]");
  ASSERT_TRUE(w.pass(ack()));
  EXPECT_EQ(w.event_bits, kEventAssured | kEventProtoinfo);
  EXPECT_EQ(w.take_events(), " [UPDATE]");
}

TEST(Accounting, AsItWasWhenTheConnectionBegan) {
  World w;
  ASSERT_TRUE(w.pass(ask(1)));
  w.set("acct", "1");
  w.set("timestamp", "1");
  ASSERT_TRUE(w.pass(ask(1)));
  const PacketPtr p = w.pass(ask(2));
  w.advance(kSecond);
  ASSERT_TRUE(w.pass(answer(2)));
  w.set("acct", "0");
  ASSERT_TRUE(w.pass(ask(2)));
  const Connection& c = *connection_of(p->ct);
  EXPECT_EQ(c.counters[0].packets, 2u);
  EXPECT_EQ(c.counters[0].bytes, 2u * p->length());
  EXPECT_EQ(c.counters[1].packets, 1u);
  EXPECT_EQ(c.started, w.stack.now_ - kSecond);
  const PacketPtr old = w.pass(ask(1));
  EXPECT_EQ(connection_of(old->ct)->counters[0].packets, 0u);
  EXPECT_EQ(connection_of(old->ct)->extensions & (kExtAcct | kExtTimestamp), 0);
}

TEST(Reject, ResetClosesAndIsRelated) {
  World w;
  ASSERT_TRUE(w.pass(syn()));
  ASSERT_TRUE(w.pass(syn_ack()));
  PacketPtr p = w.pass(ack());
  w.take_events();
  PacketPtr reset = w.make(test::tcp_packet(kHostB, 80, kHostA, 4000, {.flags = "RA", .seq = 5001, .ack = 1001}));
  w.ct.attach(*reset, *p);
  EXPECT_EQ(reset->ctinfo, CtInfo::kRelatedReply);
  EXPECT_EQ(reset->ct, p->ct);
  w.ct.set_closing(p->ct);
  EXPECT_EQ(connection_of(p->ct)->tcp.state, TcpState::kClose);
  EXPECT_EQ(connection_of(p->ct)->expires, w.stack.now_ + 10 * kSecond);
  ASSERT_EQ(w.in(reset, HookPoint::kLocalOut), Verdict::kAccept);
  ASSERT_EQ(w.confirm(reset), Verdict::kAccept);
  EXPECT_EQ(w.take_events(), " [UPDATE]");

  PacketPtr related = w.make(ask());
  w.ct.attach(*related, *reset);
  EXPECT_EQ(related->ctinfo, CtInfo::kRelated);
}

TEST(Reject, AnswerToAnUnconfirmedPacketConfirmsNothing) {
  World w;
  PacketPtr p = w.make(syn());
  ASSERT_EQ(w.in(p), Verdict::kAccept);
  PacketPtr reset = w.make(test::tcp_packet(kHostB, 80, kHostA, 4000, {.flags = "RA", .seq = 0, .ack = 1001}));
  w.ct.attach(*reset, *p);
  w.ct.set_closing(p->ct);
  EXPECT_EQ(w.confirm(reset), Verdict::kAccept);
  EXPECT_FALSE(connection_of(p->ct)->confirmed());
  p.reset();
  EXPECT_EQ(w.ct.count(), 1u) << "the reset still carries it";
  reset.reset();
  EXPECT_EQ(w.ct.count(), 0u);
  PacketPtr nothing = w.make(ask());
  w.ct.attach(*nothing, *w.make(ask()));
  EXPECT_EQ(nothing->ctinfo, CtInfo::kNone);
}

TEST(Checksum, OnlyOnTheWayIn) {
  World w;
  Bytes b = ask();
  b[27] ^= 1;
  PacketPtr p = w.make(b);
  ASSERT_EQ(w.in(p, HookPoint::kLocalOut), Verdict::kAccept);
  EXPECT_EQ(p->ctinfo, CtInfo::kNew);
  p = w.make(b);
  ASSERT_EQ(w.in(p), Verdict::kAccept);
  EXPECT_EQ(p->ctinfo, CtInfo::kNone);
  p = w.make(b);
  p->checksum = ChecksumState::kPartial;
  ASSERT_EQ(w.in(p), Verdict::kAccept);
  EXPECT_EQ(p->ctinfo, CtInfo::kNew);
  w.set("checksum", "0");
  p = w.make(b);
  ASSERT_EQ(w.in(p), Verdict::kAccept);
  EXPECT_EQ(p->ctinfo, CtInfo::kNew);
}

TEST(LogInvalid, OfTheProtocolAskedFor) {
  World w;
  const Bytes null_scan = test::tcp_packet(kHostA, 4000, kHostB, 80, {.flags = "", .seq = 7});
  ASSERT_TRUE(w.pass(null_scan));
  w.set("log_invalid", "17");
  ASSERT_TRUE(w.pass(null_scan));
  EXPECT_TRUE(w.stack.log_.empty());
  w.set("log_invalid", "6");
  ASSERT_TRUE(w.pass(null_scan));
  w.set("log_invalid", "255");
  ASSERT_TRUE(w.pass(null_scan));
  ASSERT_EQ(w.stack.log_.size(), 2u);
  EXPECT_EQ(w.stack.log_[0],
            "nf_ct_proto_6: invalid tcp flag combination IN= OUT= SRC=10.0.1.2 DST=10.0.2.2 LEN=40 TOS=0x00 PREC=0x00 "
            "TTL=64 ID=0 PROTO=TCP SPT=4000 DPT=80 SEQ=7 ACK=0 WINDOW=65535 RES=0x00 URGP=0 ");
}

struct Recorder final : trace::Sink {
  std::vector<std::string> seen;
  void event(const Packet&, const trace::Event& e) override {
    if (const auto* s = std::get_if<trace::ConntrackSeen>(&e))
      seen.push_back(World::ctinfo_name(s->ctinfo) + (s->created ? " created " : " ") + std::string(s->before) + ">" +
                     std::string(s->after) + " " + std::string(s->invalid_because));
    if (std::holds_alternative<trace::ConntrackConfirmed>(e)) seen.push_back("confirmed");
  }
};

TEST(Trace, SaysWhatHappenedAndWhy) {
  World w;
  Recorder sink;
  HookState state = w.at(HookPoint::kPreRouting);
  state.trace = &sink;
  const auto pass = [&](const Bytes& b) {
    PacketPtr p = w.make(b);
    w.ct.nf_conntrack_in(p, state);
    w.ct.nf_conntrack_confirm(p, state);
  };
  pass(syn());
  pass(syn_ack());
  pass(test::tcp_packet(kHostA, 4000, kHostB, 80, {.flags = "SR"}));
  pass(ask());
  pass(icmp_packet(kHostA, kHostB, 9, 1));
  const std::vector<std::string> expected = {
      "NEW created >SYN_SENT ",
      "confirmed",
      "ESTABLISHED_REPLY SYN_SENT>SYN_RECV ",
      "INVALID SYN_RECV> invalid tcp flag combination",
      "NEW created > ",
      "confirmed",
      "INVALID > an ICMP type that nothing answers",
  };
  EXPECT_EQ(sink.seen, expected);
}

// The prepare stage changes nothing but speed, whatever happens to the headers in between.
TEST(Prepare, SameResultsWithAndWithout) {
  Random r(11);
  World plain, prepared;
  prepared.ct.netns_get();
  for (int round = 0; round < 300; ++round) {
    std::vector<PacketPtr> a, b;
    const size_t n = 1 + r.below(40);
    for (size_t i = 0; i < n; ++i) {
      const auto port = static_cast<uint16_t>(4000 + r.below(20));
      Bytes bytes;
      switch (r.below(7)) {
        case 0:
          bytes = ask(port);
          break;
        case 1:
          bytes = answer(port);
          break;
        case 2:
          bytes = syn(port);
          break;
        case 3:
          bytes = syn_ack(port);
          break;
        case 4:
          bytes = ack(port);
          break;
        case 5:
          bytes = icmp_packet(kHostA, kHostB, 8, port);
          break;
        default:
          bytes = ask(port);
          put16(bytes, 6, r.below(2) != 0 ? kIpMoreFragments : 3);
          break;
      }
      a.push_back(plain.make(bytes));
      b.push_back(prepared.make(bytes));
    }
    std::vector<Packet*> batch;
    for (const PacketPtr& p : b) batch.push_back(p.get());
    prepared.stack.hooks_.prepare(batch);
    for (size_t i = 0; i < n; ++i) {
      if (r.below(5) == 0)  // a raw or mangle rule was there
        for (PacketPtr* p : {&a[i], &b[i]}) set_address(**p, ManipType::kDestination, ip4(10, 0, 2, 9));
      if (r.below(50) == 0) b[i]->ct_prepared = r.u64();
      const Verdict va = plain.in(a[i]), vb = prepared.in(b[i]);
      ASSERT_EQ(va, vb);
      ASSERT_EQ(a[i]->ctinfo, b[i]->ctinfo);
      if (r.below(10) != 0) {
        ASSERT_EQ(plain.confirm(a[i]), prepared.confirm(b[i]));
      }
    }
    if (r.below(10) == 0)
      for (World* w : {&plain, &prepared}) w->advance(40 * kSecond);
    ASSERT_EQ(plain.take_events(), prepared.take_events());
    ASSERT_EQ(plain.ct.count(), prepared.ct.count());
  }
  EXPECT_EQ(plain.ct.stats().invalid, prepared.ct.stats().invalid);
  EXPECT_GT(prepared.ct.count(), 0u);
}

}  // namespace
}  // namespace nf::ct
