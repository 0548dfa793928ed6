// Expectations: which of two that say the same stays, how long, and who fulfils one. (nf_conntrack_expect.c)
#include "conntrack/expect.h"

#include <gtest/gtest.h>

#include "conntrack/helper.h"
#include "conntrack/test_support.h"

namespace nf::ct {
namespace {

constexpr Be32 kClient = ip4(10, 0, 1, 2), kOther = ip4(10, 0, 1, 3), kServer = ip4(10, 0, 2, 2);

class Listener final : public Helper {
 public:
  Listener() : Helper("listener", kProtoUdp, 53) {}
  std::span<const ExpectPolicy> policies() const override {
    static constexpr ExpectPolicy kPolicies[] = {{"one", 1, 300}, {"many", 0, 10}, {"two", 2, 100}};
    return kPolicies;
  }
  Verdict help(const HelpInput&) const override { return Verdict::kAccept; }
  void destroy(Conntrack&, Connection&, Time) const override { ++destroyed; }
  mutable int destroyed = 0;
};

struct Net : test::World {
  Listener listener;
  std::string told;

  Net() {
    expectations().listen([this](const ExpectReport& r) {
      told += (r.kind == ExpectReport::Kind::kNew ? " new " : " end ") +
              std::to_string(r.expectation.tuple.destination_id.host());
    });
  }
  Expectations& expectations() { return ct.expectations(); }

  // A connection with the helper; its packet has passed the last hook, or not.
  Connection& master(Be32 client, bool confirmed = true) {
    waiting = make(test::udp_packet(client, 1000, kServer, 53));
    in(waiting);
    Connection& c = *connection_of(waiting->ct);
    add_help(c).helper = &listener;
    if (confirmed) confirm(waiting);
    return c;
  }
  // From the server to `client`, port `to`.
  static Expectation of(Connection& master, uint16_t to, uint8_t expect_class = 1) {
    return Expectations::make(master, expect_class, &kServer, kClient, kProtoUdp, nullptr, be16(to));
  }
  ExpectError enter(Connection& master, uint16_t to, uint8_t expect_class = 1, bool any_master = false) {
    return expectations().related(of(master, to, expect_class), stack.now_, any_master);
  }
  std::string ports() {
    std::string out;
    expectations().for_each([&](const Expectation& e) { out += ' ' + std::to_string(e.tuple.destination_id.host()); },
                            stack.now_);
    return out;
  }
  static Tuple tuple(Be32 source, uint16_t source_port, uint16_t to) {
    Tuple t;
    t.source = source;
    t.destination = kClient;
    t.source_id = be16(source_port);
    t.destination_id = be16(to);
    t.protocol = kProtoUdp;
    return t;
  }

  PacketPtr waiting;
};

TEST(Expect, TheSameAgainTakesItsPlaceAndTime) {
  Net n;
  Connection& m = n.master(kClient);
  EXPECT_EQ(n.enter(m, 7000), ExpectError::kNone);
  n.advance(8 * kSecond);
  EXPECT_EQ(n.enter(m, 7000), ExpectError::kNone);
  EXPECT_EQ(n.told, " new 7000 end 7000 new 7000");
  n.advance(8 * kSecond);
  EXPECT_EQ(n.ports(), " 7000");
  n.advance(2 * kSecond);
  EXPECT_EQ(n.ports(), "");
  EXPECT_EQ(n.ct.stats().expect_create, 2u);
  EXPECT_EQ(n.ct.stats().expect_delete, 2u);
}

TEST(Expect, SomebodyElsesIsBusy) {
  Net n;
  Connection &m = n.master(kClient), &other = n.master(kOther);
  EXPECT_EQ(n.enter(m, 7000), ExpectError::kNone);
  EXPECT_EQ(n.enter(other, 7000), ExpectError::kBusy);
  EXPECT_EQ(n.enter(other, 7000, 1, true), ExpectError::kAlready);
  EXPECT_EQ(n.enter(m, 7000, 2), ExpectError::kAlready) << "of another class";
  // One that any host can fulfil clashes with one that the server can.
  Expectation any = Expectations::make(other, 1, nullptr, kClient, kProtoUdp, nullptr, be16(7000));
  EXPECT_EQ(n.expectations().related(any, n.stack.now_), ExpectError::kBusy);
  any.tuple.destination_id = be16(7001);
  EXPECT_EQ(n.expectations().related(any, n.stack.now_), ExpectError::kNone);
  EXPECT_EQ(n.ports(), " 7000 7001");
}

TEST(Expect, TheOldestGoesWhenThereAreTooMany) {
  Net n;
  Connection& m = n.master(kClient);
  for (const int port : {7000, 7001}) EXPECT_EQ(n.enter(m, static_cast<uint16_t>(port), 0), ExpectError::kNone);
  EXPECT_EQ(n.ports(), " 7001");
  for (const int port : {8000, 8001, 8002}) EXPECT_EQ(n.enter(m, static_cast<uint16_t>(port), 2), ExpectError::kNone);
  EXPECT_EQ(n.ports(), " 7001 8001 8002") << "each class for itself";
}

TEST(Expect, WhoFulfilsIt) {
  Net n;
  Connection& m = n.master(kClient);
  ASSERT_EQ(n.enter(m, 7000), ExpectError::kNone);
  const Time now = n.stack.now_;
  EXPECT_FALSE(n.expectations().take(Net::tuple(kOther, 9, 7000), 0, true, now));
  EXPECT_FALSE(n.expectations().take(Net::tuple(kServer, 9, 7001), 0, true, now));
  EXPECT_FALSE(n.expectations().take(Net::tuple(kServer, 9, 7000), 5, true, now)) << "another zone";
  EXPECT_TRUE(n.expectations().take(Net::tuple(kServer, 9, 7000), 0, false, now));
  EXPECT_TRUE(n.expectations().take(Net::tuple(kServer, 9, 7000), 0, true, now));
  EXPECT_FALSE(n.expectations().take(Net::tuple(kServer, 9, 7000), 0, true, now)) << "once";

  Expectation e = Net::of(m, 7000);
  e.flags = kExpectInactive;
  ASSERT_EQ(n.expectations().related(e, now), ExpectError::kNone);
  EXPECT_FALSE(n.expectations().take(Net::tuple(kServer, 9, 7000), 0, true, now));
  e.flags = kExpectPermanent;
  ASSERT_EQ(n.expectations().related(e, now), ExpectError::kNone);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(n.expectations().take(Net::tuple(kServer, 9, 7000), 0, true, now));
}

TEST(Expect, NotOfAMasterThatHasNotPassed) {
  Net n;
  Connection& m = n.master(kClient, false);
  ASSERT_EQ(n.enter(m, 7000), ExpectError::kNone);
  EXPECT_FALSE(n.expectations().take(Net::tuple(kServer, 9, 7000), 0, true, n.stack.now_));
  n.confirm(n.waiting);
  EXPECT_TRUE(n.expectations().take(Net::tuple(kServer, 9, 7000), 0, true, n.stack.now_));
}

// Dropped on its way, or at the end of its life: its expectations go with it.
TEST(Expect, TheyGoWithTheirMaster) {
  Net n;
  Connection& unconfirmed = n.master(kClient, false);
  ASSERT_EQ(n.enter(unconfirmed, 7000), ExpectError::kNone);
  n.waiting.reset();
  EXPECT_EQ(n.ports(), "");
  EXPECT_EQ(n.listener.destroyed, 0);

  Connection& m = n.master(kClient);
  ASSERT_EQ(n.enter(m, 7000), ExpectError::kNone);
  n.ct.flush(n.stack.now_);
  EXPECT_EQ(n.ports(), "");
  EXPECT_EQ(n.listener.destroyed, 1);
}

TEST(Expect, TheNewConnectionBelongsToItsMaster) {
  Net n;
  Connection& m = n.master(kClient);
  m.mark = 42;
  Expectation e = Net::of(m, 7000);
  e.helper = &n.listener;
  int ran = 0;
  const ExpectFunction function{"test", [&](Packet&, Connection& c, const Expectation& by, const HookState&) {
                                  ++ran;
                                  EXPECT_EQ(c.master, &m);
                                  EXPECT_EQ(by.tuple.destination_id, be16(7000));
                                }};
  e.expectfn = &function;
  ASSERT_EQ(n.expectations().related(e, n.stack.now_), ExpectError::kNone);
  PacketPtr p = n.make(test::udp_packet(kServer, 9, kClient, 7000));
  n.in(p);
  Connection& c = *connection_of(p->ct);
  EXPECT_EQ(p->ctinfo, CtInfo::kRelated);
  EXPECT_EQ(c.master, &m);
  EXPECT_EQ(c.mark, 42u);
  EXPECT_NE(c.status & kExpected, 0u);
  EXPECT_EQ(help_of(c)->helper, &n.listener);
  EXPECT_EQ(ran, 1);
  EXPECT_EQ(n.ct.stats().expect_new, 1u);
  n.confirm(p);
  EXPECT_NE(n.event_bits & kEventRelated, 0);
  EXPECT_NE(n.event_bits & kEventHelper, 0);
  // The master lives as long as its child needs it.
  EXPECT_EQ(m.use, 3u) << "the table, its packet, the child";
}

TEST(Expect, TheSweepEndsThem) {
  Net n;
  Connection& m = n.master(kClient);
  ASSERT_EQ(n.enter(m, 7000, 1), ExpectError::kNone);
  EXPECT_EQ(n.ct.gc(n.stack.now_), n.stack.now_ + 10 * kSecond);
  n.advance(10 * kSecond);
  n.told.clear();
  n.ct.gc(n.stack.now_);
  EXPECT_EQ(n.told, " end 7000");
}

}  // namespace
}  // namespace nf::ct
