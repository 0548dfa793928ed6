// The life of connections: found, created, confirmed, told of, ended.
#include "conntrack/conntrack.h"

#include "conntrack/test_support.h"
#include "datapath/trace/drop_reason.h"
#include "datapath/trace/event.h"

namespace nf::ct {
namespace {

using namespace test;

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
  Connection* zone = w.ct.template_alloc({.zone = {7, 7}});
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
                     std::string(s->after) + " " + (s->invalid != nullptr ? s->invalid->key : ""));
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
      "INVALID SYN_RECV> invalid.tcp_flags",
      "NEW created > ",
      "confirmed",
      "INVALID > invalid.icmp_no_answer",
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

// Whatever stands behind a valid IPv4 header: no crash, no leak.
TEST(Robust, AnyTransportBytes) {
  Random r(23);
  World w;
  constexpr uint8_t kProtocols[] = {kProtoTcp, kProtoUdp, kProtoIcmp, kProtoGre, kProtoUdplite, kProtoSctp, 99};
  for (const char* checksum : {"0", "1"}) {
    w.set("checksum", checksum);
    for (int i = 0; i < 30000; ++i) {
      Bytes l4(r.below(80));
      for (uint8_t& b : l4) b = static_cast<uint8_t>(r.below(4) == 0 ? r.u32() : r.below(20));
      if (l4.size() > 12 && r.below(2) == 0) l4[12] = static_cast<uint8_t>((5 + r.below(5)) << 4);
      if (l4.size() > 28 && r.below(3) == 0) l4[8] = 0x45;  // an ICMP error's quotation
      const bool forth = r.below(2) != 0;
      const uint8_t protocol = kProtocols[r.below(std::size(kProtocols))];
      const PacketPtr p = w.pass(ip_packet(forth ? kHostA : kHostB, forth ? kHostB : kHostA, protocol, l4));
      ASSERT_TRUE(p) << "conntrack drops nothing of this";
      if (i % 1000 == 0) w.advance(20 * kSecond);
      if (i % 5000 == 0) w.ct.gc(w.stack.now_);
    }
  }
  EXPECT_GT(w.ct.count(), 0u);
  w.ct.flush(w.stack.now_);
  EXPECT_EQ(w.ct.count(), 0u);
  EXPECT_EQ(w.stack.pool_.in_use(), 0u);
}

}  // namespace
}  // namespace nf::ct
