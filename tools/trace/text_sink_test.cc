#include "tools/trace/text_sink.h"

#include <gtest/gtest.h>

#include "datapath/hook/device.h"
#include "datapath/packet/pool.h"

namespace nf {
namespace {

// What the sink adds of its own: why nat had no part where the nat core was never asked.
class TextSinkTest : public testing::Test {
 protected:
  TextSinkTest() {
    in_.name = "eth0";
    out_.name = "eth1";
    auto& ip = *reinterpret_cast<Ipv4Header*>(p_->put(sizeof(Ipv4Header)));
    ip = Ipv4Header{};
    ip.version_ihl = 0x45;
    ip.total_length = be16(20);
    ip.protocol = 99;
    p_->protocol = kEtherIpv4;
    p_->dev = &in_;
    tell(trace::Received{&in_, false});
  }
  void tell(const trace::Event& e) { sink_.event(*p_, e); }
  void enter(HookPoint hook) { tell(trace::HookEntered{hook, &in_, &out_}); }
  size_t count(std::string_view text) const {
    size_t n = 0;
    for (size_t at = text_.find(text); at != std::string::npos; at = text_.find(text, at + 1)) ++n;
    return n;
  }

  PacketPool pool_;
  PacketPtr p_ = pool_.allocate(64);
  Device in_, out_;
  std::string text_;
  TextSink sink_{[this](std::string_view line) { text_ += line; }};
};

TEST_F(TextSinkTest, NoNatChainAtHook) {
  enter(HookPoint::kPreRouting);
  tell(trace::NatSkipped{HookPoint::kPreRouting, NatSkip::kEstablished});
  tell(trace::Routed{RouteType::kUnicast, &out_, {}});
  enter(HookPoint::kForward);
  enter(HookPoint::kPostRouting);
  tell(trace::NatSkipped{HookPoint::kPostRouting, NatSkip::kEstablished});
  tell(trace::Sent{&out_});
  EXPECT_EQ(count("nat FORWARD not consulted: no_nat_chain_at_hook"), 1u) << text_;
  EXPECT_EQ(count("no_nat_chain_at_hook"), 1u) << text_;
  EXPECT_EQ(count("dropped_before"), 0u) << text_;
}

TEST_F(TextSinkTest, WithoutNatTableEveryHookSaysSo) {
  enter(HookPoint::kPreRouting);
  tell(trace::Routed{RouteType::kLocal, &in_, {}});
  enter(HookPoint::kLocalIn);
  tell(trace::Delivered{});
  EXPECT_EQ(count("nat PREROUTING not consulted: no_nat_chain_at_hook"), 1u) << text_;
  EXPECT_EQ(count("nat INPUT not consulted: no_nat_chain_at_hook"), 1u) << text_;
}

TEST_F(TextSinkTest, DroppedBeforeNamesHookAndRule) {
  enter(HookPoint::kPreRouting);
  tell(trace::NatSkipped{HookPoint::kPreRouting, NatSkip::kEstablished});
  tell(trace::Routed{RouteType::kUnicast, &out_, {}});
  enter(HookPoint::kForward);
  tell(trace::PolicyReached{"filter", "FORWARD", false});
  tell(trace::Dropped{DropReason::kIptablesPolicy, HookPoint::kForward, true});
  EXPECT_EQ(count("nat POSTROUTING not consulted: dropped_before"), 1u) << text_;
  EXPECT_EQ(count("at FORWARD by filter:FORWARD:policy DROP"), 1u) << text_;
}

TEST_F(TextSinkTest, DroppedBeforeNatAtTheSameHook) {
  enter(HookPoint::kPreRouting);
  tell(trace::RuleMatched{"raw", "PREROUTING", 3, trace::RuleVerdict::kDrop, "DROP"});
  tell(trace::Dropped{DropReason::kIptablesRule, HookPoint::kPreRouting, true});
  EXPECT_EQ(count("nat PREROUTING not consulted: dropped_before"), 1u) << text_;
  EXPECT_EQ(count("by raw:PREROUTING:rule:3 DROP"), 1u) << text_;
}

TEST_F(TextSinkTest, DroppedBehindNatIsNotBefore) {
  enter(HookPoint::kPreRouting);
  tell(trace::NatSkipped{HookPoint::kPreRouting, NatSkip::kEstablished});
  tell(trace::Dropped{DropReason::kIptablesRule, HookPoint::kPreRouting, true});
  EXPECT_EQ(count("dropped_before"), 0u) << text_;
}

TEST_F(TextSinkTest, RuleStandsBeforeWhatItSetUp) {
  enter(HookPoint::kPreRouting);
  tell(trace::NatSetUp{HookPoint::kPreRouting, ManipType::kDestination, false, {}, {}});
  tell(trace::RuleMatched{"nat", "PREROUTING", 1, trace::RuleVerdict::kAccept, "DNAT"});
  const size_t rule = text_.find("nat:PREROUTING:rule:1 DNAT"), set_up = text_.find("destination half set up");
  ASSERT_NE(set_up, std::string::npos) << text_;
  EXPECT_LT(rule, set_up) << text_;
}

TEST_F(TextSinkTest, WhatThisHostSendsStandsFurtherIn) {
  tell(trace::Routed{RouteType::kUnicast, &out_, {}});
  PacketPtr answer = pool_.copy(*p_);
  answer->protocol = kEtherIpv4;
  sink_.event(*answer, trace::HookEntered{HookPoint::kLocalOut, nullptr, &in_});
  sink_.event(*answer, trace::NatSkipped{HookPoint::kLocalOut, NatSkip::kEstablishedReply});
  sink_.event(*answer, trace::Sent{&in_});
  tell(trace::Dropped{DropReason::kTtlExpired, {}, false});
  EXPECT_EQ(count("\n      OUTPUT "), 1u) << text_;
  EXPECT_EQ(count("\n      sent on eth0"), 1u) << text_;
  EXPECT_EQ(count("\n  dropped: TTL exceeded\n  nat POSTROUTING not consulted: dropped_before"), 1u) << text_;
}

}  // namespace
}  // namespace nf
