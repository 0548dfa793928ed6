#include "tools/trace/recorder.h"

#include <gtest/gtest.h>

#include "datapath/hook/device.h"
#include "datapath/packet/pool.h"

namespace nf::trace {
namespace {

RuleMatched matched(std::string_view table, std::string_view chain, uint32_t number, RuleVerdict verdict,
                    std::string_view target) {
  return {table, chain, number, verdict, target, "-j WHATEVER"};
}

// What the recorder adds to the events: why nat had no part in a hook, who decided, where it ended.
class RecorderTest : public testing::Test {
 protected:
  RecorderTest() {
    in_.name = "eth0";
    out_.name = "eth1";
    in_.kind = out_.kind = DeviceKind::kRawIp;  // the packet stands at its IPv4 header wherever it is
    lo_.name = "lo";
    lo_.kind = DeviceKind::kLoopback;
    auto& ip = *reinterpret_cast<Ipv4Header*>(p_->put(sizeof(Ipv4Header)));
    ip = Ipv4Header{};
    ip.version_ihl = 0x45;
    ip.total_length = be16(20);
    ip.protocol = 99;
    p_->protocol = kEtherIpv4;
    p_->dev = &in_;
  }
  void tell(const Event& e) { recorder_.event(*p_, e); }
  void enter(HookPoint hook) { tell(HookEntered{hook, &in_, &out_}); }
  const Story& story(size_t n = 0) {
    recorder_.finish();
    return stories_.at(n);
  }
  // The reasons nat was not run for, "POSTROUTING established".
  std::vector<std::string> skipped(size_t n = 0) {
    std::vector<std::string> out;
    for (const Step& s : story(n).steps)
      if (s.kind == StepKind::kNatSkipped)
        out.push_back(std::string(hook_name(s.hook)) + ' ' + std::string(s.field("reason")));
    return out;
  }
  const Step& step(StepKind kind, size_t n = 0) {
    for (const Step& s : story(n).steps)
      if (s.kind == kind) return s;
    ADD_FAILURE() << "no step " << step_key(kind);
    static const Step kNone;
    return kNone;
  }
  using Words = std::vector<std::string>;

  PacketPool pool_;
  PacketPtr p_ = pool_.allocate(64);
  Device in_, out_, lo_;
  std::vector<Story> stories_;
  Recorder recorder_{{}, [this](const Story& s) { stories_.push_back(s); }};
};

TEST_F(RecorderTest, AHookWithoutNatSaysSo) {
  tell(Received{&in_, false});
  enter(HookPoint::kPreRouting);
  tell(NatSkipped{HookPoint::kPreRouting, NatSkip::kEstablished, 7});
  tell(Routed{RouteType::kUnicast, &out_, {}});
  enter(HookPoint::kForward);
  enter(HookPoint::kPostRouting);
  tell(NatSkipped{HookPoint::kPostRouting, NatSkip::kEstablished, 7});
  tell(Sent{&out_});
  EXPECT_EQ(skipped(), (Words{"PREROUTING established", "FORWARD no_nat_chain_at_hook", "POSTROUTING established"}));
  EXPECT_EQ(story().fate, Fate::kSent);
  EXPECT_EQ(story().verdict, (Said{"end.sent", {"eth1"}, {}}));
}

TEST_F(RecorderTest, WithoutNatTableEveryHookSaysSo) {
  tell(Received{&in_, false});
  enter(HookPoint::kPreRouting);
  tell(Routed{RouteType::kLocal, &in_, {}});
  enter(HookPoint::kLocalIn);
  tell(Delivered{});
  EXPECT_EQ(skipped(), (Words{"PREROUTING no_nat_chain_at_hook", "INPUT no_nat_chain_at_hook"}));
  EXPECT_EQ(story().fate, Fate::kDelivered);
}

TEST_F(RecorderTest, DroppedBeforeNamesHookAndRule) {
  tell(Received{&in_, false});
  enter(HookPoint::kPreRouting);
  tell(NatSkipped{HookPoint::kPreRouting, NatSkip::kEstablished, 7});
  tell(Routed{RouteType::kUnicast, &out_, {}});
  enter(HookPoint::kForward);
  tell(PolicyReached{"filter", "FORWARD", 3, false});
  tell(Dropped{DropReason::kIptablesPolicy, HookPoint::kForward, true});
  EXPECT_EQ(skipped(), (Words{"PREROUTING established", "POSTROUTING dropped_before"}));
  EXPECT_EQ(story().steps.back().said.inner.at(1),
            (Said{"origin.dropped_at", {"FORWARD", "filter:FORWARD:policy"}, {}}));
  EXPECT_EQ(story().fate, Fate::kDropped);
  EXPECT_EQ(story().verdict,
            (Said{"step.dropped_by", {"FORWARD", "filter:FORWARD:policy"}, {{"drop.IptablesPolicy", {}, {}}}}));
  EXPECT_EQ(step(StepKind::kPolicy).place(), "filter:FORWARD:policy:3");
  EXPECT_EQ(story().path(), Words{"filter:FORWARD:policy"});
}

TEST_F(RecorderTest, DroppedBeforeNatAtTheSameHook) {
  tell(Received{&in_, false});
  enter(HookPoint::kPreRouting);
  tell(matched("raw", "PREROUTING", 3, RuleVerdict::kDrop, "DROP"));
  tell(Dropped{DropReason::kIptablesRule, HookPoint::kPreRouting, true});
  EXPECT_EQ(skipped(), Words{"PREROUTING dropped_before"});
  EXPECT_EQ(story().path(), Words{"raw:PREROUTING:rule:3"});
}

TEST_F(RecorderTest, DroppedBehindNatIsNotBefore) {
  tell(Received{&in_, false});
  enter(HookPoint::kPreRouting);
  tell(NatSkipped{HookPoint::kPreRouting, NatSkip::kEstablished, 7});
  tell(Dropped{DropReason::kIptablesRule, HookPoint::kPreRouting, true});
  EXPECT_EQ(skipped(), Words{"PREROUTING established"});
}

// An answer's POSTROUTING undoes what the first packet's PREROUTING set up: the rule named is that one.
TEST_F(RecorderTest, TheRuleThatDecidedIsNamed) {
  ConntrackSeen seen;
  seen.ctinfo = CtInfo::kNew;
  seen.created = true;
  seen.id = 7;
  tell(Received{&in_, false});
  enter(HookPoint::kPreRouting);
  tell(seen);
  tell(matched("nat", "DOCKER", 2, RuleVerdict::kAccept, "DNAT"));
  tell(NatSetUp{HookPoint::kPreRouting, ManipType::kDestination, false, {}, {}, 7, "172.17.0.2:80", nullptr});
  tell(Sent{&out_});

  seen.ctinfo = CtInfo::kEstablishedReply;
  seen.created = false;
  tell(Received{&out_, false});
  enter(HookPoint::kPreRouting);
  tell(seen);
  tell(NatSkipped{HookPoint::kPreRouting, NatSkip::kEstablishedReply, 7});
  enter(HookPoint::kPostRouting);
  tell(NatSkipped{HookPoint::kPostRouting, NatSkip::kEstablishedReply, 7});
  tell(Sent{&in_});
  EXPECT_EQ(skipped(1), (Words{"PREROUTING established_reply", "POSTROUTING established_reply"}));
  EXPECT_EQ(step(StepKind::kConntrack, 1).said.inner.at(0), (Said{"origin.packet", {"1"}, {}}));
  std::vector<Said> decided;
  for (const Step& s : story(1).steps)
    if (s.kind == StepKind::kNatSkipped) decided.push_back(s.said.inner.at(1));
  EXPECT_EQ(decided,
            (std::vector<Said>{{"origin.no_rule", {"1"}, {}}, {"origin.rule", {"1", "nat:DOCKER:rule:2"}, {}}}));
}

TEST_F(RecorderTest, AConnectionFromBeforeSaysWhereItIsFrom) {
  recorder_.known_from(9, "table.txt:3");
  ConntrackSeen seen;
  seen.ctinfo = CtInfo::kEstablished;
  seen.id = 9;
  tell(Received{&in_, false});
  enter(HookPoint::kPreRouting);
  tell(seen);
  tell(NatSkipped{HookPoint::kPreRouting, NatSkip::kEstablished, 9});
  EXPECT_EQ(step(StepKind::kConntrack).said.inner.at(0), (Said{"origin.before", {"table.txt:3"}, {}}));
  EXPECT_EQ(step(StepKind::kNatSkipped).said.inner.at(1), (Said{"origin.before", {"table.txt:3"}, {}}));
}

TEST_F(RecorderTest, InvalidIsWhyNatWasSkipped) {
  const Said why{"invalid.unknown", {}, {}};
  ConntrackSeen seen;
  seen.invalid = &why;
  tell(Received{&in_, false});
  enter(HookPoint::kPreRouting);
  tell(seen);
  tell(NatSkipped{HookPoint::kPreRouting, NatSkip::kInvalid, 0});
  EXPECT_EQ(step(StepKind::kNatSkipped).said.inner.at(1), (Said{"origin.because", {}, {why}}));
}

TEST_F(RecorderTest, WhatThisHostSendsIsPartOfTheStory) {
  tell(Received{&in_, false});
  tell(Routed{RouteType::kUnicast, &out_, {}});
  PacketPtr answer = pool_.copy(*p_);
  answer->protocol = kEtherIpv4;
  recorder_.event(*answer, HookEntered{HookPoint::kLocalOut, nullptr, &in_});
  recorder_.event(*answer, PolicyReached{"filter", "OUTPUT", 1, true});
  recorder_.event(*answer, Sent{&in_});
  tell(Dropped{DropReason::kTtlExpired, {}, false});
  std::vector<int> about;
  for (const Step& s : story().steps) about.push_back(s.made);
  // route; made, hook, policy, nat of its hook, sent; dropped, nat skipped
  EXPECT_EQ(about, (std::vector<int>{0, 1, 1, 1, 1, 1, 0, 0}));
  EXPECT_EQ(story().fate, Fate::kDropped);
  EXPECT_EQ(story().verdict.key, "end.and");
  EXPECT_EQ(story().verdict.inner.at(0), (Said{"step.dropped", {"", ""}, {{"drop.TtlExpired", {}, {}}}}));
  EXPECT_EQ(story().path(), Words{}) << "the path is the packet's own";
  EXPECT_EQ(skipped().back(), "POSTROUTING dropped_before");
}

TEST_F(RecorderTest, OverLoIsOnePacketInTwoPasses) {
  p_->dev = &lo_;
  tell(Received{&lo_, true});
  enter(HookPoint::kLocalOut);
  tell(Sent{&lo_});
  tell(Received{&lo_, false});
  enter(HookPoint::kLocalIn);
  tell(Delivered{});
  EXPECT_EQ(story().steps.back().pass, 1);
  EXPECT_EQ(stories_.size(), 1u);
  EXPECT_TRUE(story().from_host);
  EXPECT_EQ(story().fate, Fate::kDelivered);
}

TEST_F(RecorderTest, BackOverLoBehindAnotherPacketNamesItsFirstPass) {
  tell(Received{&lo_, true});
  tell(Sent{&lo_});
  PacketPtr other = pool_.copy(*p_);
  recorder_.event(*other, Received{&in_, false});
  tell(Received{&lo_, false});
  tell(Delivered{});
  EXPECT_EQ(story(2).continues, 1u);
  EXPECT_EQ(story(1).continues, 0u);
}

TEST_F(RecorderTest, APacketThatWaitsIsNamedWhenItGoesOn) {
  tell(Received{&in_, false});
  tell(NeighbourAsked{&out_, ip4(10, 0, 0, 1), NeighbourAnswer::kAsked, {}});
  PacketPtr reply = pool_.copy(*p_);
  recorder_.event(*reply, Received{&out_, false});
  tell(Sent{&out_});
  EXPECT_EQ(story(0).fate, Fate::kWaiting);
  EXPECT_EQ(story(0).verdict.key, "end.waits");
  EXPECT_EQ(step(StepKind::kSent, 1).field("waited"), "1");
  EXPECT_EQ(story(1).fate, Fate::kNothing) << "it was another packet that was sent";
}

TEST_F(RecorderTest, APacketThatWaitedInVainIsNamed) {
  tell(Received{&in_, false});
  enter(HookPoint::kPostRouting);
  tell(NeighbourAsked{&out_, ip4(10, 0, 0, 1), NeighbourAnswer::kAsked, {}});
  recorder_.finish();
  tell(Dropped{DropReason::kNeighbourFailed, {}, false});
  EXPECT_EQ(story(0).fate, Fate::kWaiting);
  EXPECT_EQ(story(1).fate, Fate::kDropped);
  EXPECT_EQ(step(StepKind::kDropped, 1).field("waited"), "1");
}

TEST_F(RecorderTest, BehindPostroutingNothingIsDroppedBeforeIt) {
  tell(Received{&in_, false});
  tell(Routed{RouteType::kUnicast, &out_, {}});
  enter(HookPoint::kPostRouting);
  tell(NatSkipped{HookPoint::kPostRouting, NatSkip::kEstablished, 7});
  tell(Dropped{DropReason::kNeighbourQueueFull, {}, false});
  EXPECT_EQ(skipped(), Words{"POSTROUTING established"});
}

// A reset is routed before it enters OUTPUT: its route is its own.
TEST_F(RecorderTest, WhatThisHostSendsMayBeRoutedFirst) {
  tell(Received{&in_, false});
  enter(HookPoint::kLocalIn);
  PacketPtr reset = pool_.copy(*p_);
  recorder_.event(*reset, Routed{RouteType::kUnicast, &in_, {}});
  recorder_.event(*reset, HookEntered{HookPoint::kLocalOut, nullptr, &in_});
  tell(Dropped{DropReason::kIptablesReject, HookPoint::kLocalIn, true});
  std::vector<std::string> steps;
  for (const Step& s : story().steps) steps.push_back(std::string(step_key(s.kind)) + (s.made != 0 ? " made" : ""));
  EXPECT_EQ(steps,
            (Words{"hook", "made made", "route made", "hook made", "dropped", "nat_skipped", "nat_skipped made"}));
}

TEST_F(RecorderTest, FloodedCopiesAreAllNamed) {
  PacketPtr copy = pool_.copy(*p_);
  tell(Received{&in_, false});
  recorder_.event(*copy, Sent{&out_});
  tell(Sent{&in_});
  EXPECT_EQ(story().verdict.values.at(0), "eth1, eth0");
}

TEST_F(RecorderTest, EndsOfUserChainsAreNotOnThePath) {
  tell(Received{&in_, false});
  enter(HookPoint::kForward);
  tell(matched("filter", "FORWARD", 1, RuleVerdict::kJump, "USER"));
  tell(RuleMatched{"filter", "USER", 4, RuleVerdict::kReturn, "", ""});
  tell(matched("filter", "FORWARD", 2, RuleVerdict::kAccept, "ACCEPT"));
  EXPECT_EQ(story().path(), (Words{"filter:FORWARD:rule:1", "filter:FORWARD:rule:2"}));
  EXPECT_EQ(story().steps.at(2).place(), "filter:USER:return:4");
}

TEST_F(RecorderTest, BytesAreKeptWhenAskedFor) {
  std::vector<Story> stories;
  Recorder keeper({.detailed = false, .keep_bytes = true}, [&](const Story& s) { stories.push_back(s); });
  keeper.event(*p_, Received{&in_, false});
  keeper.event(*p_, HookEntered{HookPoint::kPreRouting, &in_, nullptr});
  keeper.event(*p_, Sent{&out_});
  keeper.finish();
  ASSERT_EQ(stories.size(), 1u);
  const std::vector<uint8_t> bytes(p_->bytes().begin(), p_->bytes().end());
  EXPECT_EQ(stories[0].bytes, bytes);
  for (const Step& s : stories[0].steps)
    EXPECT_EQ(s.bytes.empty(), s.kind != StepKind::kHook && s.kind != StepKind::kSent) << step_key(s.kind);
}

// A whole datagram goes on where its last piece was held, inside the same hook.
TEST_F(RecorderTest, AJoinedDatagramGoesOnInItsPiecesPlace) {
  PacketPtr whole = pool_.copy(*p_);
  tell(Received{&in_, false});
  enter(HookPoint::kPreRouting);
  tell(FragmentHeld{8, 8});
  recorder_.event(*whole, Reassembled{2, 36});
  recorder_.event(*whole, matched("raw", "PREROUTING", 1, RuleVerdict::kContinue, ""));
  recorder_.event(*whole, HookEntered{HookPoint::kForward, &in_, &out_});
  recorder_.event(*whole, PolicyReached{"filter", "FORWARD", 1, true});
  EXPECT_EQ(step(StepKind::kRule).hook, HookPoint::kPreRouting);
  EXPECT_TRUE(step(StepKind::kRule).in_hook);
  EXPECT_EQ(step(StepKind::kPolicy).hook, HookPoint::kForward);
  EXPECT_TRUE(step(StepKind::kPolicy).in_hook);
}

// A reset is routed before it enters OUTPUT: it is this host's all the same.
TEST_F(RecorderTest, WhatIsRoutedBeforeOutputIsMade) {
  PacketPtr reset = pool_.copy(*p_);
  tell(Received{&in_, false});
  enter(HookPoint::kLocalIn);
  recorder_.event(*reset, Routed{RouteType::kUnicast, &out_, {}});
  recorder_.event(*reset, HookEntered{HookPoint::kLocalOut, nullptr, &out_});
  recorder_.event(*reset, PolicyReached{"filter", "OUTPUT", 1, true});
  recorder_.event(*reset, Sent{&out_});
  tell(matched("filter", "INPUT", 1, RuleVerdict::kDrop, "REJECT"));
  EXPECT_EQ(step(StepKind::kPolicy).made, 1);
  EXPECT_EQ(step(StepKind::kRule).made, 0);
  EXPECT_EQ(story().path(), (Words{"filter:INPUT:rule:1"}));
}

// A packet's place in memory is another's when it is gone.
TEST_F(RecorderTest, APlaceUsedAgainIsAnotherPacket) {
  PacketPtr answer = pool_.copy(*p_);
  tell(Received{&in_, false});
  enter(HookPoint::kLocalIn);
  for (int i = 0; i < 2; ++i) {
    recorder_.event(*answer, HookEntered{HookPoint::kLocalOut, nullptr, &out_});
    recorder_.event(*answer, PolicyReached{"filter", "OUTPUT", 1, true});
    recorder_.event(*answer, Sent{&out_});
  }
  std::vector<uint16_t> made;
  for (const Step& s : story().steps)
    if (s.kind == StepKind::kPolicy) made.push_back(s.made);
  EXPECT_EQ(made, (std::vector<uint16_t>{1, 2}));
}

}  // namespace
}  // namespace nf::trace
