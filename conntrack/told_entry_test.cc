// What is told of the entry a packet meets, and of packets that end where it would be confirmed.
#include "conntrack/helper.h"
#include "conntrack/told_test_support.h"

namespace nf::ct {
namespace {

using namespace test;

// --- what needs more than packets one after the other

TEST(ToldEntry, WhoHasTheTupleAtConfirm) {
  const auto clash = [](const Bytes& bytes, uint16_t reply_port) {
    World w;
    PacketPtr first = w.make(bytes), second = w.make(bytes);
    w.in(first);
    w.in(second);
    if (reply_port != 0) {
      Connection& loser = *connection_of(second->ct);
      Tuple reply = loser.reply();
      reply.destination_id = be16(reply_port);
      w.ct.alter_reply(loser, reply);
    }
    w.confirm(first);
    Listener sink;
    HookState state = w.at(HookPoint::kPostRouting);
    state.trace = &sink;
    const Verdict v = w.ct.nf_conntrack_confirm(second, state);
    EXPECT_EQ(sink.heard.size(), 1u);
    EXPECT_EQ(v == Verdict::kDrop, sink.heard.at(0).said.key == "remark.clash");
    return sink.heard.at(0).said;
  };
  EXPECT_EQ(clash(syn(), 0),
            (Said{"remark.clash", {"10.0.1.2:4000 > 10.0.2.2:80", "10.0.1.2:4000 > 10.0.2.2:80"}, {}}));
  EXPECT_EQ(clash(ask(), 0), (Said{"remark.clash_merged", {"10.0.1.2:4000 > 10.0.2.2:53"}, {}}));
  EXPECT_EQ(clash(ask(), 9999),
            (Said{"remark.clash_reply_only", {"10.0.1.2:4000 > 10.0.2.2:53", "10.0.1.2:4000 > 10.0.2.2:53"}, {}}));
}

class Refusing final : public Helper {
 public:
  Refusing() : Helper("refusing", kProtoUdp, 53) {}
  std::span<const ExpectPolicy> policies() const override { return {}; }
  Verdict help(const HelpInput& in) const override { return drop(in, "cannot add expectation"); }
};

TEST(ToldEntry, WhatAHelperSaysWhenItDrops) {
  World w;
  const Refusing helper;
  Connection* tmpl = w.ct.template_alloc({.helper = &helper});
  PacketPtr p = w.make(ask());
  Conntrack::get(*tmpl);
  p->ct = reinterpret_cast<uintptr_t>(tmpl);
  p->ctinfo = CtInfo::kNew;
  Listener sink;
  HookState state = w.at(HookPoint::kPreRouting);
  state.trace = &sink;
  ASSERT_EQ(w.ct.nf_conntrack_in(p, state), Verdict::kAccept);
  state.hook = HookPoint::kPostRouting;
  ASSERT_EQ(w.ct.nf_conntrack_confirm(p, state), Verdict::kDrop);
  ASSERT_EQ(sink.heard.size(), 1u);
  EXPECT_EQ(sink.heard[0].said, (Said{"remark.helper", {"refusing", "cannot add expectation"}, {}}));
  w.ct.put(*tmpl);
}

// --- the entry

TEST(ToldEntry, TheEntryBeforeAndAfter) {
  World w;
  Listener sink;
  for (const Step& s : {Step{syn()}, Step{syn_ack()}, Step{ack()}}) {
    pass(w, s, &sink);
    w.advance(kSecond);
  }
  ASSERT_EQ(sink.seen.size(), 3u);
  CtDirection direction;
  Tuple tuple;
  ASSERT_TRUE(Conntrack::get_tuple(syn(), tuple));
  const Connection& c = *w.ct.find(tuple, direction, w.stack.now_);
  struct {
    std::string_view before, after;
    uint32_t status_before, status;
    Duration timeout;
  } const kExpected[] = {
      {"", "SYN_SENT", 0, 0, 120 * kSecond},
      {"SYN_SENT", "SYN_RECV", kConfirmed, kConfirmed | kSeenReply, 60 * kSecond},
      {"SYN_RECV", "ESTABLISHED", kConfirmed | kSeenReply, kConfirmed | kSeenReply | kAssured, 432000 * kSecond},
  };
  for (size_t i = 0; i < 3; ++i) {
    const trace::ConntrackSeen& s = sink.seen[i];
    EXPECT_EQ(s.id, c.id);
    EXPECT_EQ(s.created, i == 0);
    EXPECT_EQ(s.before, kExpected[i].before);
    EXPECT_EQ(s.after, kExpected[i].after);
    EXPECT_EQ(s.status_before, kExpected[i].status_before);
    EXPECT_EQ(s.status, kExpected[i].status);
    EXPECT_EQ(s.timeout, kExpected[i].timeout);
  }
  ASSERT_EQ(sink.confirmed.size(), 1u);
  EXPECT_EQ(sink.confirmed[0].id, c.id);
  EXPECT_EQ(sink.confirmed[0].timeout, 120 * kSecond);
}

TEST(ToldEntry, AnInvalidPacketAndTheEntryItMet) {
  World w;
  establish(w, 4000);
  Listener sink;
  pass(w, a({.flags = "SR", .seq = 1001}), &sink);
  ASSERT_EQ(sink.seen.size(), 1u);
  EXPECT_EQ(sink.seen[0].ctinfo, CtInfo::kNone);
  EXPECT_EQ(sink.seen[0].before, "ESTABLISHED");
  EXPECT_EQ(sink.seen[0].after, "");
  EXPECT_EQ(sink.seen[0].id, 0u);
}

TEST(ToldEntry, AnErrorIsToldOfTheConnectionItIsAbout) {
  World w;
  pass(w, {syn()}, nullptr);
  w.advance(3 * kSecond);
  Listener sink;
  pass(w, {icmp_error_about(syn())}, &sink);
  ASSERT_EQ(sink.seen.size(), 1u);
  EXPECT_EQ(sink.seen[0].ctinfo, CtInfo::kRelatedReply);
  EXPECT_EQ(sink.seen[0].before, "SYN_SENT");
  EXPECT_EQ(sink.seen[0].after, "SYN_SENT");
  EXPECT_EQ(sink.seen[0].timeout, 117 * kSecond);
}

TEST(ToldEntry, TheZoneOfItsDirection) {
  World w;
  Connection* tmpl = w.ct.template_alloc({.zone = {5, 0}});
  Listener sink;
  HookState state = w.at(HookPoint::kPreRouting);
  state.trace = &sink;
  PacketPtr p = w.make(ask());
  Conntrack::get(*tmpl);
  p->ct = reinterpret_cast<uintptr_t>(tmpl);
  p->ctinfo = CtInfo::kNew;
  ASSERT_EQ(w.ct.nf_conntrack_in(p, state), Verdict::kAccept);
  ASSERT_EQ(w.confirm(p), Verdict::kAccept);
  pass(w, {answer()}, &sink);
  ASSERT_EQ(sink.seen.size(), 2u);
  EXPECT_EQ(sink.seen[0].zone, 5);
  EXPECT_EQ(sink.seen[1].ctinfo, CtInfo::kEstablishedReply);
  EXPECT_EQ(sink.seen[1].zone, 0);
  w.ct.put(*tmpl);
}

// As over lo: nothing is looked up again, nothing changes.
TEST(ToldEntry, APacketThatBroughtItsConnection) {
  World w;
  PacketPtr p = w.pass(syn());
  Listener sink;
  HookState state = w.at(HookPoint::kPreRouting);
  state.trace = &sink;
  ASSERT_EQ(w.ct.nf_conntrack_in(p, state), Verdict::kAccept);
  ASSERT_EQ(sink.seen.size(), 1u);
  EXPECT_TRUE(sink.seen[0].carried);
  EXPECT_FALSE(sink.seen[0].created);
  EXPECT_EQ(sink.seen[0].id, connection_of(p->ct)->id);
  EXPECT_EQ(sink.seen[0].before, "SYN_SENT");
  EXPECT_EQ(sink.seen[0].after, "SYN_SENT");
  EXPECT_EQ(sink.seen[0].status_before, sink.seen[0].status);
}

// An entry that a reset ends has no time left.
TEST(ToldEntry, OfAnEntryThatDies) {
  World w;
  pass(w, {syn()}, nullptr);
  Listener sink;
  pass(w, b({.flags = "RA", .seq = 0, .ack = 1001, .window = 0}), &sink);
  ASSERT_EQ(sink.seen.size(), 1u);
  EXPECT_EQ(sink.seen[0].timeout, 0);
  EXPECT_NE(sink.seen[0].status & kDying, 0u);
}

}  // namespace
}  // namespace nf::ct
