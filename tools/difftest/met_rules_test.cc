#include "tools/difftest/met_rules.h"

#include <gtest/gtest.h>

#include "datapath/packet/checksum.h"
#include "tools/difftest/run.h"

namespace nf::difftest {
namespace {

using trace::Step;
using trace::StepKind;

Step hook(HookPoint h, const char* in, const char* out, uint16_t made = 0) {
  Step s;
  s.kind = StepKind::kHook;
  s.made = made;
  s.in_hook = true;
  s.hook = h;
  s.fields = {{"in", in}, {"out", out}};
  return s;
}

Step rule(StepKind kind, HookPoint h, const char* table, const char* chain, uint32_t number, uint16_t made = 0) {
  Step s;
  s.kind = kind;
  s.made = made;
  s.in_hook = true;
  s.hook = h;
  s.table = table;
  s.chain = chain;
  s.number = number;
  return s;
}

// REJECT has sent its answer when its rule is told; the kernel's TRACE has the rule first (iptables-legacy -j TRACE on
// 6.18, REJECT in a chain that INPUT jumps to).
TEST(MetRules, ARuleStandsBeforeWhatItsTargetSends) {
  trace::Story story;
  Step made;
  made.kind = StepKind::kMade;
  made.made = 1;
  story.steps = {hook(HookPoint::kPreRouting, "lan", "-"),
                 hook(HookPoint::kLocalIn, "lan", "-"),
                 rule(StepKind::kRule, HookPoint::kLocalIn, "filter", "INPUT", 1),
                 made,
                 hook(HookPoint::kLocalOut, "-", "lan", 1),
                 rule(StepKind::kPolicy, HookPoint::kLocalOut, "filter", "OUTPUT", 1, 1),
                 rule(StepKind::kRule, HookPoint::kLocalIn, "filter", "foo", 1)};
  std::vector<MetRule> met;
  add_met(story, met);
  const std::vector<MetRule> expected{{HookPoint::kLocalIn, "lan", "-", "filter:INPUT:rule:1"},
                                      {HookPoint::kLocalIn, "lan", "-", "filter:foo:rule:1"},
                                      {HookPoint::kLocalOut, "-", "lan", "filter:OUTPUT:policy:1"}};
  EXPECT_FALSE(compare_met(expected, met)) << compare_met(expected, met)->second;
}

// A router that forwards UDP by rule 2 and is asked twice.
class WrongPath : public ::testing::Test {
 protected:
  static Time clock() { return 1'700'000'000 * kSecond; }

  void SetUp() override {
    GeneratedLab generated;
    generated.network = {"link set dev lan up", "link set dev wan up", "addr add 10.1.0.1/24 dev lan",
                         "addr add 10.2.0.1/24 dev wan"};
    generated.sysctl = {"net.ipv4.ip_forward = 1"};
    generated.rules = {"*filter", "-A FORWARD -p tcp -j DROP", "-A FORWARD -p udp -j DROP", "COMMIT"};
    Result<lab::Lab> lab = lab_of(generated);
    ASSERT_TRUE(lab.ok());
    BackendConfig config;
    config.lab = &*lab;
    const Status s = both_.configure(config);
    ASSERT_TRUE(s.ok()) << s.error().str();
    judge_.gateway().router().set_trace(&recorder_);
  }

  std::optional<Disagreement> play() {
    std::vector<uint8_t> frame(14 + 20 + 8, 0);
    const MacAddress& mac = both_.ports()[0].mac;
    std::copy(mac.begin(), mac.end(), frame.begin());
    frame[6] = 2;
    frame[12] = 0x08;
    auto& ip = *reinterpret_cast<Ipv4Header*>(frame.data() + 14);
    ip.version_ihl = 0x45;
    ip.total_length = be16(28);
    ip.ttl = 64;
    ip.protocol = kProtoUdp;
    ip.source = ip4(10, 1, 0, 2);
    ip.destination = ip4(10, 2, 0, 9);
    ip_send_check(ip);
    frame[14 + 20 + 5] = 8;  // UDP's length
    Result<std::optional<Disagreement>> differ = both_.play(0, frame);
    EXPECT_TRUE(differ.ok());
    return differ ? *differ : std::nullopt;
  }

  // What the judge tells, as the kernel would.
  std::vector<netns::TraceLine> told() {
    recorder_.finish();
    std::vector<netns::TraceLine> lines(1);
    lines[0].begins = true;
    for (const MetRule& m : std::exchange(met_, {}))
      lines.push_back({m.hook, m.in == "-" ? "" : m.in, m.out == "-" ? "" : m.out, 0, 0, m.place, false, 0});
    if (spoil_) spoil_(lines.back());
    return lines;
  }

  std::vector<MetRule> met_;
  trace::Recorder recorder_{{.detailed = false}, [this](const trace::Story& s) { add_met(s, met_); }};
  std::function<void(netns::TraceLine&)> spoil_;
  MemoryBackend judge_{clock()};
  SideBySide both_{judge_, [](const ct::Tuple&) { return std::nullopt; },
                   [this]() -> Result<std::vector<netns::TraceLine>> { return told(); }, &clock};
};

TEST_F(WrongPath, IsFound) {
  EXPECT_FALSE(play());
  EXPECT_EQ(both_.paths(), 1u);
  EXPECT_EQ(both_.steps(), 1u);
  static constexpr struct {
    void (*spoil)(netns::TraceLine&);
    const char* kernel;
  } kCases[] = {
      {[](netns::TraceLine& l) { l.place = "filter:FORWARD:rule:1"; }, "FORWARD lan wan filter:FORWARD:rule:1\n"},
      {[](netns::TraceLine& l) { l.out.clear(); }, "FORWARD lan - filter:FORWARD:rule:2\n"},
      {[](netns::TraceLine& l) { l.hook = HookPoint::kLocalIn; }, "INPUT lan wan filter:FORWARD:rule:2\n"},
      {[](netns::TraceLine& l) { l.begins = true; }, ""},
  };
  for (const auto& c : kCases) {
    spoil_ = c.spoil;
    const std::optional<Disagreement> differ = play();
    ASSERT_TRUE(differ) << c.kernel;
    EXPECT_EQ(differ->field, "path");
    EXPECT_EQ(differ->sides, (Difference{c.kernel, "FORWARD lan wan filter:FORWARD:rule:2\n"}));
  }
}

}  // namespace
}  // namespace nf::difftest
