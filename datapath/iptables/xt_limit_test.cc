// -m limit: which bursts are refused, and when a packet passes.
// What is accepted was asked of Linux 6.18 (iptables-legacy -A INPUT -m limit ...). Times are arithmetic on
// net/netfilter/xt_limit.c with HZ=250: a packet of period P (in 1/10000 s) costs P * 250 * 128 / 10000 credits, a
// jiffy of 4 ms brings 128.
#include "datapath/base/text.h"
#include "datapath/iptables/xt_test_support.h"

namespace nf::ipt {
namespace {

TEST(LimitMatch, OverflowsWhereTheKernelSaysSo) {
  const struct {
    const char* rate;
    const char* bursts;  // + accepted, - "Numerical result out of range"
  } kRates[] = {
      {"1/day", "1+ 2- 3+ 4- 5- 9- 10- 50- 99+ 100- 119- 120- 121- 1000- 2236- 2237- 7158- 10000-"},
      {"2/day", "1+ 2+ 3+ 4- 5+ 9+ 10- 50- 99- 100- 119- 120- 121+ 1000+ 2236+ 2237- 7158- 10000+"},
      {"1/hour", "1+ 2+ 3+ 4+ 5+ 9+ 10+ 50+ 99+ 100+ 119+ 120- 121+ 1000+ 2236+ 2237+ 7158+ 10000+"},
      {"7/hour", "1+ 2+ 3+ 4+ 5+ 9+ 10+ 50+ 99+ 100+ 119+ 120+ 121+ 1000+ 2236+ 2237+ 7158+ 10000+"},
      {"1/min", "1+ 2+ 3+ 4+ 5+ 9+ 10+ 50+ 99+ 100+ 119+ 120+ 121+ 1000+ 2236+ 2237- 7158+ 10000+"},
      {"30/min", "1+ 2+ 3+ 4+ 5+ 9+ 10+ 50+ 99+ 100+ 119+ 120+ 121+ 1000+ 2236+ 2237+ 7158+ 10000+"},
      {"1/sec", "1+ 2+ 3+ 4+ 5+ 9+ 10+ 50+ 99+ 100+ 119+ 120+ 121+ 1000+ 2236+ 2237+ 7158+ 10000+"},
      {"100/sec", "1+ 2+ 3+ 4+ 5+ 9+ 10+ 50+ 99+ 100+ 119+ 120+ 121+ 1000+ 2236+ 2237+ 7158+ 10000+"},
  };
  for (const auto& r : kRates) {
    for (const std::string_view burst : split_words(r.bursts)) {
      auto match = base_registry().match("limit")->create();
      const std::string number(burst.substr(0, burst.size() - 1));
      const Status s =
          configure(*match, std::string("--limit ") + r.rate + " --limit-burst " + number, rule_context(0));
      EXPECT_EQ(s.ok(), burst.back() == '+') << r.rate << " " << number;
    }
  }
}

class LimitOverTime : public testing::Test {
 protected:
  // True when a packet `milliseconds` after the rule became live passes.
  bool at(Match& match, int64_t milliseconds) {
    const HookState state{
        .hook = HookPoint::kLocalIn, .stack = &stack_, .now = stack_.now_ + milliseconds * kMillisecond};
    return run_match(match, *packet_, state).matched;
  }
  std::unique_ptr<Match> live(std::string_view words) {
    auto match = make_match("limit", words, rule_context(0));
    match->attach(stack_);
    return match;
  }

  FakeStack stack_;
  PacketPtr packet_ = make_packet(stack_.pool_, "4500002000010000401166b80a0900020a09000100010002000c26f861626364");
};

TEST_F(LimitOverTime, OnePerSecond) {
  const auto match = live("--limit 1/sec");  // a packet costs 32000 credits: 250 jiffies
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(at(*match, 0)) << i;
  EXPECT_FALSE(at(*match, 0));
  EXPECT_FALSE(at(*match, 996));
  EXPECT_TRUE(at(*match, 1000));
  EXPECT_FALSE(at(*match, 1996));
  EXPECT_TRUE(at(*match, 2003));   // jiffy 500
  EXPECT_FALSE(at(*match, 2999));  // jiffy 749
  EXPECT_TRUE(at(*match, 3000));
}

TEST_F(LimitOverTime, ARestRefillsToTheBurstOnly) {
  const auto match = live("--limit 10/min --limit-burst 2");  // 6 s a packet
  EXPECT_TRUE(at(*match, 0));
  EXPECT_TRUE(at(*match, 0));
  EXPECT_FALSE(at(*match, 5996));
  EXPECT_TRUE(at(*match, 6000));
  EXPECT_TRUE(at(*match, 60'000));
  EXPECT_TRUE(at(*match, 60'000));
  EXPECT_FALSE(at(*match, 60'000));
}

// A replay loads its rules before the first packet tells the time.
TEST_F(LimitOverTime, TheClockMayStartAfterTheRule) {
  stack_.now_ = 0;
  const auto match = live("--limit 2/day --limit-burst 3");
  const int64_t start = 1'795'256'720'989;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(at(*match, start)) << i;
  EXPECT_FALSE(at(*match, start));
}

TEST_F(LimitOverTime, PeriodsAreTruncated) {
  // 3/sec is a period of 3333: 10665 credits (10665.6 truncated), two packets of burst are 21331.
  const auto match = live("--limit 3/sec --limit-burst 2");
  EXPECT_TRUE(at(*match, 0));
  EXPECT_TRUE(at(*match, 0));     // 1 credit is left
  EXPECT_FALSE(at(*match, 332));  // 83 jiffies: 10625
  EXPECT_TRUE(at(*match, 336));   // 84 jiffies: 10753, 88 are left
  EXPECT_FALSE(at(*match, 336 + 328));
  EXPECT_TRUE(at(*match, 336 + 332));  // 83 jiffies now do
}

TEST_F(LimitOverTime, CreditsWrapAsTheKernelsU32) {
  // One packet a day costs 2764800000 credits. 40 hours are 36000000 jiffies and 4608000000 credits, which is
  // 313032704 modulo 2^32: not enough.
  const auto match = live("--limit 1/day --limit-burst 1");
  EXPECT_TRUE(at(*match, 0));
  EXPECT_FALSE(at(*match, 40 * 3600 * int64_t{1000}));
  // 20 more hours bring 2304000000.
  EXPECT_FALSE(at(*match, 60 * 3600 * int64_t{1000}));
  // And 2 more 230400000: 2847432704.
  EXPECT_TRUE(at(*match, 62 * 3600 * int64_t{1000}));
}

TEST_F(LimitOverTime, TimeThatStepsBackBringsNothing) {
  const auto match = live("--limit 1/sec --limit-burst 1");
  EXPECT_TRUE(at(*match, 500));
  EXPECT_FALSE(at(*match, 0));
  EXPECT_FALSE(at(*match, 1496));
  EXPECT_TRUE(at(*match, 1500));
}

TEST_F(LimitOverTime, LoadingAnewFillsTheBucket) {
  const auto match = live("--limit 1/hour --limit-burst 1");
  EXPECT_TRUE(at(*match, 0));
  EXPECT_FALSE(at(*match, 0));
  match->attach(stack_);
  EXPECT_TRUE(at(*match, 0));
}

TEST_F(LimitOverTime, Explains) {
  const auto match = live("--limit 1/sec --limit-burst 1");
  const HookState state{.hook = HookPoint::kLocalIn, .stack = &stack_, .now = stack_.now_};
  EXPECT_TRUE(at(*match, 0));
  EXPECT_FALSE(at(*match, 100));
  // 128 credits a jiffy at HZ=250, 100 ms after the bucket was emptied.
  const Said why{"miss.limit", {"-m limit --limit 1/sec --limit-burst 1", "3200", "32000"}, {}};
  EXPECT_EQ(explain(*match, *packet_, state).why, why);
}

}  // namespace
}  // namespace nf::ipt
