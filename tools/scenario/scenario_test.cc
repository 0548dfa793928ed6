// Scenarios read and played on the engine: what cannot be read, and each expectation failing on purpose.
#include "tools/scenario/scenario.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tools/scenario/play.h"

namespace nf::scenario {
namespace {

constexpr char kLab[] = R"(network {
  link set dev lan up
  link set dev wan up
  addr add 10.1.0.1/24 dev lan
  addr add 10.2.0.1/24 dev wan
}
sysctl {
  net.ipv4.ip_forward = 1
}
rules {
*nat
-A POSTROUTING -o wan -j MASQUERADE
COMMIT
*filter
-A FORWARD -p udp -m udp --dport 7 -j LOG --log-prefix "seven "
COMMIT
}
)";  // 17 lines

TEST(Scenario, ABlockOfDataIsThePayload) {
  const std::string text =
      std::string(kLab) + "in lan udp 10.1.0.2:1 > 10.2.0.2:2 ttl 9 data {\n  a: 1\n   b \\\n c\n\n  }x\n}\nnothing\n";
  const Result<Scenario> s = parse_scenario(text, "t.scn");
  ASSERT_TRUE(s) << s.error().str();
  ASSERT_EQ(s->steps.size(), 2u);
  const std::vector<uint8_t>& payload = *s->steps[0].packet.payload;
  EXPECT_EQ(std::string(payload.begin(), payload.end()), "a: 1\r\n b c\r\n\r\n}x\r\n");
  EXPECT_EQ(s->steps[1].line, 25);
}

TEST(Scenario, WhatCannotBeReadIsToldWithItsLine) {
  const struct {
    const char* steps;
    const char* error;
  } cases[] = {
      {"what\n", "t.scn:18: unknown line \"what\""},
      {"\n# comment\nin lan udp 1.1.1.1:1\n", "t.scn:20: \">\" is missing"},
      {"in dmz udp 1.1.1.1:1 > 1.1.1.1:1\n", "t.scn:18: no port \"dmz\": the lab has lan, wan"},
      {"in\n", "t.scn:18: \"in\" by which port?"},
      {"nothing\ntitle late\n", "t.scn:19: \"title\" must stand before the first step"},
      {"fact x\n", "t.scn:18: \"x\" is not a number"},
      {"lab nowhere\n", "t.scn:18: \"lab\" must stand before the blocks that add to it"},
      {"process sctp 1\n", "t.scn:18: process needs tcp or udp, and ports"},
      {"process udp 0\n", "t.scn:18: \"0\" is not a port"},
      {"backends moon\n", "t.scn:18: backends needs memory, gateway or kernel"},
      {"backends memory\n", "t.scn:18: backends needs a reason behind the names"},
      {"rules {\n}\n", "t.scn:18: two rules blocks before the first step"},
      {"nothing\nrules {\n", "t.scn:19: no line \"}\" ends this block"},
      {"network {\n\n  link set\n}\n", "t.scn:20: "},
      {"sysctl {\n  what\n}\n", "t.scn:19: "},
      {"wait 5\n", "t.scn:18: \"5\" is not a time: 2.5s, 10ms, 3m, 1h, 5d"},
      {"counter filter:FORWARD 1\n", "t.scn:18: counter needs TABLE:CHAIN:NUMBER PACKETS [BYTES]"},
      {"counter filter:FORWARD:0 1\n", "t.scn:18: \"0\" is not a rule's number, from 1, or \"policy\""},
      {"stats lost=1\n", "t.scn:18: \"lost=1\" is not NAME=N of conntrack -S"},
      {"saved\n", "t.scn:18: unknown line \"saved\""},
      {"saved -x {\n}\n", "t.scn:18: saved knows nothing but -c"},
      {"listed FORWARD {\n}\n", "t.scn:18: listed needs TABLE:CHAIN"},
      {"refused {\n", "t.scn:18: no line \"}\" ends this block"},
      {"in lan udp 10.1.0.2:1 > 10.2.0.2:2 data {\n  x\n", "t.scn:18: no line \"}\" ends this block"},
      {"in lan udp 10.1.0.2:1 > 10.2.0.2:2 what 5 data {\n  x\n}\n", "t.scn:18: "},
      {"saved {\n}\nlog x\n", "t.scn:20: path and log do not go together with saved and listed"},
      {"entries many\n", "t.scn:18: \"many\" is not a number"},
      {"event\n", "t.scn:18: \"event\" of what?"},
      {"why\n", "t.scn:18: why needs a key"},
      {"why drop.TtlExpird\n", "t.scn:18: there is no reason \"drop.TtlExpird\""},
      {"no why nat_skip.nothing*\n", "t.scn:18: there is no reason \"nat_skip.nothing*\""},
      {"why drop.* at MIDDLE\n", "t.scn:18: \"at\" needs PREROUTING, INPUT, FORWARD, OUTPUT or POSTROUTING"},
      {"why drop.* at\n", "t.scn:18: \"at\" needs PREROUTING"},
      {"why step.route {5-1}\n", "t.scn:18: "},
      {"fate\n", "t.scn:18: \"fate\" of what?"},
      {"fate lost\n", "t.scn:18: fate is sent, delivered, dropped, waiting or nothing"},
      {"deliver arp who-has 1.1.1.1 tell 1.1.1.2\n", "t.scn:18: a local process has no ARP"},
      {"nothing \\\n", "t.scn:18: the file ends in a line that goes on"},
  };
  for (const auto& c : cases) {
    const Result<Scenario> s = parse_scenario(std::string(kLab) + c.steps, "t.scn");
    ASSERT_FALSE(s) << c.steps;
    EXPECT_EQ(s.error().str().substr(0, std::string(c.error).size()), c.error) << c.steps;
    EXPECT_EQ(s.error().code, ExitCode::kBadInput);
  }
}

TEST(Scenario, TheHeadIsKept) {
  const Result<Scenario> s =
      parse_scenario(std::string("# First.\nfact 1 2\nissue 3\nbackends kernel memory it is slow\n"
                                 "process tcp 22 80\narp\n") +
                         kLab + "wait 1.5s # a while\nwait 2h\nwait \\\n 3ms\n",
                     "t.scn");
  ASSERT_TRUE(s) << s.error().str();
  EXPECT_EQ(s->title, "First.");
  EXPECT_EQ(s->facts, (std::vector<uint32_t>{1, 2}));
  EXPECT_EQ(s->issues, (std::vector<uint32_t>{3}));
  EXPECT_EQ(s->backends, (std::vector<std::string>{"kernel", "memory"}));
  EXPECT_EQ(s->backends_reason, "it is slow");
  EXPECT_TRUE(s->arp);
  ASSERT_EQ(s->processes.size(), 2u);
  ASSERT_EQ(s->steps.size(), 3u);
  EXPECT_EQ(s->steps[0].duration, 1500 * kMillisecond);
  EXPECT_EQ(s->steps[1].duration, 7200 * kSecond);
  EXPECT_EQ(s->steps[2].duration, 3 * kMillisecond);
  EXPECT_EQ(s->steps[2].line, 26);
  EXPECT_EQ(not_for(*s, "gateway"), "it is slow");
  EXPECT_EQ(not_for(*s, "kernel"), "waits longer than 10 s");
  EXPECT_EQ(not_for(*s, "memory"), "");
}

// A file named without its folder is in the current one; what stands above that is looked through too.
TEST(Scenario, ALabIsFoundFromTheCurrentFolder) {
  namespace fs = std::filesystem;
  std::string top = (fs::temp_directory_path() / "hookpoint-labs-XXXXXX").string();
  ASSERT_NE(mkdtemp(top.data()), nullptr);
  fs::create_directories(fs::path(top) / "labs" / "one");
  fs::create_directories(fs::path(top) / "scenarios");
  std::ofstream(fs::path(top) / "labs" / "one" / "network") << "link set dev lan up\n";
  const fs::path before = fs::current_path();
  fs::current_path(fs::path(top) / "scenarios");
  const Result<Scenario> s = parse_scenario("lab one\nnothing\n", "t.scn");
  fs::current_path(before);
  fs::remove_all(top);
  ASSERT_TRUE(s) << s.error().str();
  EXPECT_EQ(s->lab.network.size(), 1u);
}

Outcome play_steps(const std::string& steps) {
  const Result<Scenario> s = parse_scenario(kLab + steps, "t.scn");
  if (!s) return {ExitCode::kBadInput, s.error().str()};
  const std::unique_ptr<Backend> backend = make_memory_backend();
  return play(*s, *backend, {.trace = false, .seed = 1});
}

// What the kernel does with this lab is ordinary masquerading (netns-tests/scenarios/language plays the same there).
const std::string kSend = "in lan udp 10.1.0.2:5 > 10.2.0.9:53 len 4\n";
const std::string kCame = "out wan udp 10.2.0.1:5 > 10.2.0.9:53 len 4\n";
const std::string kNew =
    "event [NEW] udp 17 30 src=10.1.0.2 dst=10.2.0.9 sport=5 dport=53 [UNREPLIED] src=10.2.0.9 dst=10.2.0.1 sport=53 "
    "dport=5\n";

TEST(Play, EachExpectationFailsOnPurpose) {
  const struct {
    std::string steps;
    const char* failure;  // its first line begins so; empty: passes
  } cases[] = {
      {kSend + kCame + kNew + "no event\n", ""},
      {kSend, "t.scn:18: out wan: came out and is not written"},
      {kSend + "nothing\n", "t.scn:18: out wan: came out and is not written"},
      {kSend + kCame + kCame, "t.scn:20: out wan: expected a packet, got none"},
      {kSend + "out lan udp *:* > *:*\n", "t.scn:19: out lan: expected a packet, got none"},
      {kSend + "deliver udp *:* > *:*\n", "t.scn:19: deliver: expected a packet, got none"},
      {kSend + "out wan udp 10.1.0.2:5 > 10.2.0.9:53\n", "t.scn:19: source: expected 10.1.0.2, got 10.2.0.1"},
      {"wait 1s\nout wan udp *:* > *:*\n", "t.scn:19: out wan: expected a packet, got none"},
      {kSend + kCame + "path nat:POSTROUTING:rule:1\n", ""},
      {kSend + kCame + "path nat:PREROUTING:policy nat:POSTROUTING:rule:1\n",
       "t.scn:20: path: expected nat:PREROUTING:policy "},
      {kSend + kCame + "path nat:POSTROUTING:rule:2\n",
       "t.scn:20: path: expected nat:POSTROUTING:rule:2, got nat:POSTROUTING:rule:1"},
      {kSend + kCame + "path none\n", "t.scn:20: path: expected none, got "},
      {"wait 1s\npath none\npath a:b:rule:1\n", "t.scn:20: path: expected a:b:rule:1, got no packet"},
      {kSend + kCame + "counter nat:POSTROUTING:1 1 32\n", ""},
      {kSend + kCame + "counter nat:POSTROUTING:1 2\n", "t.scn:20: nat:POSTROUTING:1 packets: expected 2, got 1"},
      {kSend + kCame + "counter nat:POSTROUTING:1 1 {33-40}\n",
       "t.scn:20: nat:POSTROUTING:1 bytes: expected {33-40}, got 32"},
      {kSend + kCame + "entry udp 17 29 src=10.1.0.2 [UNREPLIED]\nentries 1\n", ""},
      {kSend + kCame + "entry udp 17 28\n", "t.scn:20: entry: expected udp 17 28, got none like it"},
      {kSend + kCame + "entry udp\nentry udp\n", "t.scn:21: entry: expected udp, got none like it"},
      {kSend + kCame + "entry src=10.2.0.9 src=10.1.0.2\n",
       "t.scn:20: entry: expected src=10.2.0.9 src=10.1.0.2, got none"},
      {kSend + kCame + "no entry udp\n", "t.scn:20: no entry: expected none, got udp"},
      {kSend + kCame + "entries 2\n", "t.scn:20: entries: expected 2, got 1"},
      {kSend + kCame + "no event\n", "t.scn:20: no event: expected none, got [NEW] udp"},
      {kSend + kCame + kNew + kNew, "t.scn:21: event: expected [NEW] udp 17 30 "},
      {kSend + kCame + "event [DESTROY]\n", "t.scn:20: event: expected [DESTROY], got [NEW] udp"},
      {"no event\n" + kSend + kCame, "t.scn:19: event: not written: [NEW] udp"},
      {"in lan udp 10.1.0.2:5 > 10.2.0.9:7\nout wan udp *:* > *:*\n", "t.scn:18: log: not written: seven IN=lan"},
      {kSend + kCame + "log nine\n", "t.scn:20: log: expected nine, got none"},
      {kSend + kCame + "why step.nat_source at POSTROUTING\nwhy step.nat_rewrote_source 10.2.0.1:5\nfate sent\n", ""},
      {kSend + kCame + "why nat_skip.*\nno why nat_skip.invalid\nno why drop.*\n", ""},
      {kSend + kCame + "why step.nat_rewrote_source POSTROUTING 10.1.0.2:{1-9}\n", ""},
      {kSend + kCame + "why step.nat_source at PREROUTING\n",
       "t.scn:20: why: expected step.nat_source at PREROUTING, got none like it\n  told was:\n"},
      {kSend + kCame + "why step.nat_rewrote_source 10.2.0.1:6\n",
       "t.scn:20: why: expected step.nat_rewrote_source 10.2.0.1:6, got none like it"},
      {kSend + kCame + "why step.nat_rewrote_source 10.2.0.1:5 POSTROUTING\n",
       "t.scn:20: why: expected step.nat_rewrote_source 10.2.0.1:5 POSTROUTING, got none like it"},
      {kSend + kCame + "no why nat_skip.* at POSTROUTING\nno why step.nat_*\n",
       "t.scn:21: no why: expected no step.nat_*"},
      {kSend + kCame + "fate dropped\n", "t.scn:20: fate: expected dropped, got sent"},
      {"flush conntrack\nfate sent\n", "t.scn:19: fate: expected sent, got no packet"},
      {"flush conntrack\nwhy drop.*\n",
       "t.scn:19: why: expected drop.*, got none like it\n  nothing was told: no packet"},
      {"in lan udp 10.1.0.2:5 > 10.2.0.9:53 ttl 1\nout lan icmp 10.1.0.1 > 10.1.0.2 time-exceeded [ udp *:* > *:* ]\n"
       "fate dropped\nwhy drop.TtlExpired\n"
       "in lan udp 10.1.0.2:6 > 10.2.0.9:53\nout wan udp *:* > *:*\nwhy drop.TtlExpired\n",
       "t.scn:24: why: expected drop.TtlExpired, got none like it"},
      {kSend + kCame + "stats insert_failed=1\n", "t.scn:20: insert_failed: expected 1, got 0"},
      {"listed nat:INPUT {\nChain INPUT (policy ACCEPT 0 packets, 0 bytes)\n}\n",
       "t.scn:19: listed: expected no line, got \" pkts bytes target "},
      {"saved {\n*nat\n}\n", "t.scn:19: saved: expected \"*nat\", got \"*"},
      {"refused {\n*filter\n-A FORWARD -j DROP\nCOMMIT\n}\n",
       "t.scn:18: refused: expected an error, but the rules are loaded"},
      {"refused not intended {\n*filter\n-A FORWARD -j WHAT\nCOMMIT\n}\n",
       "t.scn:18: refused: expected not intended, got "},
      {"refused {\n*filter\n-A FORWARD -j WHAT\nCOMMIT\n}\n", ""},
      {kSend + kCame + kSend, "t.scn:20: out wan: came out and is not written"},
  };
  for (const auto& c : cases) {
    const Outcome o = play_steps(c.steps);
    EXPECT_EQ(o.code, *c.failure == '\0' ? ExitCode::kOk : ExitCode::kExpectationFailed) << c.steps << o.text;
    EXPECT_EQ(o.text.substr(0, std::string(c.failure).size()), c.failure) << c.steps;
  }
}

// A backend that cannot say why, as a kernel: the rest is played all the same.
class Mute final : public Backend {
 public:
  std::string_view name() const override { return "mute"; }
  Status configure(const BackendConfig& config) override {
    EXPECT_FALSE(config.told);
    const Status done = real_->configure(config);
    ports_ = real_->ports();
    return done;
  }
  Status inject(int port, std::span<const uint8_t> frame) override { return real_->inject(port, frame); }
  Result<bool> send_from_host(std::span<const uint8_t> packet) override { return real_->send_from_host(packet); }
  Status collect(std::vector<Emitted>& out) override { return real_->collect(out); }
  Time now() override { return real_->now(); }
  Status wait_until(Time t) override { return real_->wait_until(t); }
  Result<std::vector<RuleCounter>> counters() override { return real_->counters(); }
  Result<std::vector<std::string>> entries() override { return real_->entries(); }
  Result<std::vector<std::string>> expectations() override { return real_->expectations(); }
  Result<std::vector<std::string>> take_events() override { return real_->take_events(); }
  Result<std::vector<std::string>> take_log() override { return real_->take_log(); }
  Result<ct::Stats> statistics() override { return real_->statistics(); }
  Result<std::vector<RulePath>> take_paths() override { return real_->take_paths(); }
  Result<std::string> saved_rules(bool c) override { return real_->saved_rules(c); }
  Result<std::string> listed_rules(const std::string& t, const std::string& c) override {
    return real_->listed_rules(t, c);
  }
  Status apply_network(const std::vector<lab::NetworkLine>& l, const std::string& f) override {
    return real_->apply_network(l, f);
  }
  Status apply_sysctl(const std::vector<lab::SysctlSetting>& s, const std::string& f) override {
    return real_->apply_sysctl(s, f);
  }
  Status apply_rules(const std::string& t, const std::string& f) override { return real_->apply_rules(t, f); }
  Status flush_conntrack() override { return real_->flush_conntrack(); }

 private:
  std::unique_ptr<Backend> real_ = make_memory_backend();
};

TEST(Play, WhoCannotTellPassesOverWhy) {
  const std::string asks = kSend + kCame + "why drop.TtlExpired\nno why step.*\nfate dropped\n";
  const Result<Scenario> passes = parse_scenario(kLab + asks, "t.scn");
  ASSERT_TRUE(passes) << passes.error().str();
  EXPECT_EQ(passes->whys(), 3u);
  Mute mute;
  EXPECT_EQ(play(*passes, mute, {}).code, ExitCode::kOk);
  const Result<Scenario> fails = parse_scenario(kLab + asks + "entries 2\n", "t.scn");
  Mute another;
  EXPECT_EQ(play(*fails, another, {}).code, ExitCode::kExpectationFailed);
}

TEST(Play, BadInputFoundWhilePlaying) {
  const struct {
    const char* steps;
    const char* error;
  } cases[] = {
      {"in lan udp 10.1.0.2:$p > 10.2.0.9:53\n", "t.scn:18: $p has no value yet"},
      {"in lan udp 10.1.0.2:{1-2} > 10.2.0.9:53\n", "t.scn:18: a range or * can only be matched, not sent"},
      {"counter mangle:FORWARD:9 1\n", "t.scn:18: there is no rule mangle:FORWARD:9"},
      {"nothing\nrules {\n*filter\n-A FORWARD -j WHAT\nCOMMIT\n}\n", "t.scn:21: "},
      {"nothing\nnetwork {\n  link set dev nowhere up\n}\n", "t.scn:20: "},
  };
  for (const auto& c : cases) {
    const Outcome o = play_steps(c.steps);
    EXPECT_EQ(o.code, ExitCode::kBadInput) << c.steps << o.text;
    EXPECT_EQ(o.text.substr(0, std::string(c.error).size()), c.error) << c.steps;
  }
}

}  // namespace
}  // namespace nf::scenario
