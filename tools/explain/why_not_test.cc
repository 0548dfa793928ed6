// What --why-not says of packets whose way is known: which group, by which sentence, how many.
#include "tools/explain/why_not.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tools/backend/memory_backend.h"
#include "tools/commands/gateway_surroundings.h"
#include "tools/explain/conntrack_text.h"
#include "tools/explain/ends.h"
#include "tools/explain/told_packets.h"
#include "tools/scenario/scenario.h"
#include "tools/scenario/sender.h"

namespace nf::explain {
namespace {

constexpr char kNetwork[] = R"(network {
  link set dev lan up
  link set dev wan up
  addr add 10.1.0.1/24 dev lan
  addr add 10.2.0.1/24 dev wan
}
sysctl {
  net.ipv4.ip_forward = 1
}
)";

// Packets through a lab, and what is said of a rule.
class Asking {
 public:
  Asking(const std::string& rules, const std::string& rule) {
    Result<scenario::Scenario> s =
        scenario::parse_scenario(std::string(kNetwork) + "rules {\n" + rules + "\n}\nnothing\n", "t.scn");
    EXPECT_TRUE(s) << (s ? "" : s.error().str());
    lab_ = s->lab;
    BackendConfig config;
    config.lab = &lab_;
    const Status configured = backend_.configure(config);
    EXPECT_TRUE(configured) << configured.error().str();
    const auto around = surroundings_of(backend_.gateway(), "lab");
    Result<Rule> found = find_rule(around.rules, rule);
    EXPECT_TRUE(found) << (found ? "" : found.error().str());
    probe_ = std::make_unique<RuleProbe>(backend_.gateway(), *found, around.rules);
    why_not_ = std::make_unique<WhyNot>(*found, around.rules);
    told_.probe(probe_.get());
    backend_.gateway().router().set_trace(&told_);
    sender_.apply(lab_.network);
    sender_.on_arp_answer = [this](bool answering) { told_.hide_arp(answering); };
  }
  ~Asking() { backend_.gateway().router().set_trace(nullptr); }

  void send(const std::string& text) {
    const Result<PortPacket> p = parse_port_packet(text, backend_.ports());
    ASSERT_TRUE(p) << p.error().str();
    ASSERT_TRUE(sender_.send(p->port, p->packet));
    std::vector<Emitted> emitted;
    ASSERT_TRUE(sender_.gather(emitted, true));
    told_.finish();
  }
  void entries(const std::string& text) {
    const auto read = read_conntrack_text(text, "table");
    ASSERT_TRUE(read);
    ASSERT_TRUE(put_entries(backend_.gateway(), *read, "table", backend_.now(), [](uint32_t, int) {}));
  }
  const WhyNot& said() const { return *why_not_; }

 private:
  lab::Lab lab_;
  MemoryBackend backend_;
  scenario::Sender sender_{backend_};
  std::unique_ptr<RuleProbe> probe_;
  std::unique_ptr<WhyNot> why_not_;
  ToldPackets told_{{}, [this](const trace::Story& s) { why_not_->story(s, probe_->fits()); }};
};

using Kind = WhyNotGroup::Kind;

TEST(WhyNot, EachWayToMissARule) {
  const struct {
    const char* name;
    const char* rules;
    const char* rule;
    std::vector<const char*> packets;
    uint64_t matched;
    Kind kind;
    const char* key;         // "": of a miss, whatever its words
    const char* place = "";  // its first value
  } cases[] = {
      {"one condition",
       "*filter\n-A FORWARD -p tcp -m tcp --dport 80 -j ACCEPT\nCOMMIT",
       "filter:FORWARD:1",
       {"lan: tcp 10.1.0.2:5000 > 10.2.0.2:81 S"},
       0,
       Kind::kMissedOnly,
       ""},
      {"several conditions",
       "*filter\n-A FORWARD -i wan -p tcp -m tcp --dport 80 -j ACCEPT\nCOMMIT",
       "filter:FORWARD:1",
       {"lan: tcp 10.1.0.2:5000 > 10.2.0.2:81 S"},
       0,
       Kind::kMissed,
       ""},
      {"an earlier rule",
       "*filter\n-A FORWARD -i lan -j ACCEPT\n-A FORWARD -p tcp -j DROP\nCOMMIT",
       "filter:FORWARD:2",
       {"lan: tcp 10.1.0.2:5000 > 10.2.0.2:81 S"},
       0,
       Kind::kFitsUnreached,
       "why_not.ended"},
      {"an earlier rule of a chain below",
       "*filter\n:C - [0:0]\n-A FORWARD -j C\n-A FORWARD -p tcp -j DROP\n-A C -i lan -j ACCEPT\nCOMMIT",
       "filter:FORWARD:2",
       {"lan: tcp 10.1.0.2:5000 > 10.2.0.2:81 S"},
       0,
       Kind::kFitsUnreached,
       "why_not.ended"},
      {"a return",
       "*filter\n:C - [0:0]\n-A FORWARD -j C\n-A C -i lan -j RETURN\n-A C -p tcp -j DROP\n-A FORWARD -j ACCEPT\nCOMMIT",
       "filter:C:2",
       {"lan: tcp 10.1.0.2:5000 > 10.2.0.2:81 S"},
       0,
       Kind::kFitsUnreached,
       "why_not.ended"},
      {"the rule that leads there",
       "*filter\n:C - [0:0]\n-A FORWARD -i wan -j C\n-A C -p tcp -j DROP\nCOMMIT",
       "filter:C:1",
       {"lan: tcp 10.1.0.2:5000 > 10.2.0.2:81 S"},
       0,
       Kind::kFitsUnreached,
       "why_not.jump_missed"},
      {"nothing leads there",
       "*filter\n:C - [0:0]\n-A C -p tcp -j DROP\nCOMMIT",
       "filter:C:1",
       {"lan: tcp 10.1.0.2:5000 > 10.2.0.2:81 S"},
       0,
       Kind::kFitsUnreached,
       "why_not.no_jump"},
      {"forwarded",
       "*filter\n-A INPUT -p tcp -j DROP\nCOMMIT",
       "filter:INPUT:1",
       {"lan: tcp 10.1.0.2:5000 > 10.2.0.2:81 S"},
       0,
       Kind::kFitsUnreached,
       "why_not.forwarded"},
      {"for this host",
       "*filter\n-A FORWARD -p udp -j DROP\nCOMMIT",
       "filter:FORWARD:1",
       {"lan: udp 10.1.0.2:5000 > 10.1.0.1:81"},
       0,
       Kind::kFitsUnreached,
       "why_not.for_this_host"},
      {"from elsewhere",
       "*nat\n-A OUTPUT -p tcp -j DNAT --to-destination 10.2.0.9\nCOMMIT",
       "nat:OUTPUT:1",
       {"lan: tcp 10.1.0.2:5000 > 10.2.0.2:81 S"},
       0,
       Kind::kFitsUnreached,
       "why_not.not_from_host"},
      {"this host's own",
       "*nat\n-A PREROUTING -p tcp -j DNAT --to-destination 10.2.0.9\nCOMMIT",
       "nat:PREROUTING:1",
       {"host: tcp 10.2.0.1:5000 > 10.2.0.2:81 S"},
       0,
       Kind::kFitsUnreached,
       "why_not.from_host"},
      {"dropped before",
       "*raw\n-A PREROUTING -p tcp -j DROP\nCOMMIT\n*nat\n-A POSTROUTING -p tcp -j MASQUERADE\nCOMMIT",
       "nat:POSTROUTING:1",
       {"lan: tcp 10.1.0.2:5000 > 10.2.0.2:81 S"},
       0,
       Kind::kFitsUnreached,
       "why_not.dropped_before"},
      {"the second packet of a connection",
       "*nat\n-A POSTROUTING -p udp -j MASQUERADE\nCOMMIT",
       "nat:POSTROUTING:1",
       {"lan: udp 10.1.0.2:5000 > 10.2.0.2:53", "wan: udp 10.2.0.2:53 > 10.2.0.1:5000"},
       1,
       Kind::kFitsUnreached,
       "step.nat_skipped"},
      // X is left by a goto inside Y: what Z does not decide goes on behind the jump to Y.
      {"a goto",
       "*filter\n:X - [0:0]\n:Y - [0:0]\n:Z - [0:0]\n-A FORWARD -p tcp -j X\n-A FORWARD -j ACCEPT\n"
       "-A X -p tcp -m tcp --dport 1 -j RETURN\n-A X -j Y\n-A X -p udp\n-A Y -p tcp -m tcp --dport 2 -j DROP\n"
       "-A Y -p tcp -m tcp --dport 444 -g Z\n-A Y -p tcp -j DROP\n-A Z -j RETURN\nCOMMIT",
       "filter:Y:3",
       {"lan: tcp 10.1.0.2:5000 > 10.2.0.2:444 S"},
       0,
       Kind::kFitsUnreached,
       "why_not.ended",
       "filter:Y:rule:2"},
      // One jump to C missed; the other never had its turn.
      {"an ended jump is nearer than a missed one",
       "*filter\n:C - [0:0]\n-A FORWARD -i wan -j C\n-A FORWARD -p tcp -j ACCEPT\n-A FORWARD -j C\n"
       "-A C -p tcp -j DROP\nCOMMIT",
       "filter:C:1",
       {"lan: tcp 10.1.0.2:5000 > 10.2.0.2:81 S"},
       0,
       Kind::kFitsUnreached,
       "why_not.ended",
       "filter:FORWARD:rule:2"},
      // At PREROUTING the destination fails, at FORWARD the device alone.
      {"met at two hooks",
       "*nat\n-A PREROUTING -d 10.1.0.1 -p tcp -j DNAT --to-destination 10.2.0.2\nCOMMIT\n"
       "*mangle\n:M - [0:0]\n-A PREROUTING -j M\n-A FORWARD -j M\n-A M -d 10.2.0.2 -o lan -p tcp -j DROP\nCOMMIT",
       "mangle:M:1",
       {"lan: tcp 10.1.0.2:5000 > 10.1.0.1:81 S"},
       0,
       Kind::kMissedOnly,
       "miss.out_device"},
      {"of no concern",
       "*nat\n-A PREROUTING -p udp -j DNAT --to-destination 10.2.0.9\nCOMMIT",
       "nat:PREROUTING:1",
       {"host: tcp 10.2.0.1:5000 > 10.2.0.2:81 S"},
       0,
       Kind::kDoesNotFit,
       "why_not.from_host"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    Asking asking(c.rules, c.rule);
    for (const char* p : c.packets) asking.send(p);
    EXPECT_EQ(asking.said().matched(), c.matched);
    const std::vector<WhyNotGroup> groups = asking.said().groups();
    ASSERT_FALSE(groups.empty());
    EXPECT_EQ(static_cast<int>(groups[0].kind), static_cast<int>(c.kind)) << asking.said().text({});
    if (*c.key != 0) {
      EXPECT_EQ(groups[0].why.key, c.key) << asking.said().text({});
    } else {
      EXPECT_TRUE(groups[0].why.key.starts_with("miss.")) << groups[0].why.key;
    }
    if (*c.place != 0) {
      ASSERT_FALSE(groups[0].why.values.empty());
      EXPECT_EQ(groups[0].why.values[0], c.place);
    }
    EXPECT_EQ(groups[0].first, c.packets.size());
  }
}

// Whether a packet that never came to a rule fits it: as it would have come there.
TEST(WhyNot, APacketFitsARuleWhereTheRuleStands) {
  const std::string before = "*filter\n-A FORWARD -i lan -o wan -j ACCEPT\n-A FORWARD ",
                    port = "-p tcp -m tcp --dport ";
  const std::string dnat =
      "*nat\n-A PREROUTING -d 10.1.0.1 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.2.0.5:80\n";
  const std::string mark = "*mangle\n-A PREROUTING -p tcp -j MARK --set-xmark 0x1/0xffffffff\nCOMMIT\n";
  const std::string syn = "lan: tcp 10.1.0.2:5000 > 10.2.0.5:80 S",
                    published = "lan: tcp 10.1.0.2:5000 > 10.1.0.1:8080 S",
                    local = "lan: udp 10.1.0.2:5000 > 10.1.0.1:53";
  const struct {
    const char* name;
    std::string rules;
    const char* rule;
    std::string packet;
    Kind kind;
  } cases[] = {
      {"the port before DNAT", dnat + "COMMIT\n" + before + "-d 10.1.0.1/32 " + port + "8080 -j DROP\nCOMMIT",
       "filter:FORWARD:2", published, Kind::kDoesNotFit},
      {"the port behind DNAT", dnat + "COMMIT\n" + before + "-d 10.2.0.5/32 " + port + "80 -j DROP\nCOMMIT",
       "filter:FORWARD:2", published, Kind::kFitsUnreached},
      {"another way: as it came", dnat + "COMMIT\n*filter\n-A INPUT -i lan " + port + "8080 -j DROP\nCOMMIT",
       "filter:INPUT:1", published, Kind::kFitsUnreached},
      {"later on its way: as it was last",
       dnat + "-A POSTROUTING -d 10.2.0.5/32 " + port + "80 -j MASQUERADE\nCOMMIT\n*filter\n-A FORWARD -j DROP\nCOMMIT",
       "nat:POSTROUTING:1", published, Kind::kFitsUnreached},
      {"later on its way, with the port before DNAT",
       dnat + "-A POSTROUTING " + port + "8080 -j MASQUERADE\nCOMMIT\n*filter\n-A FORWARD -j DROP\nCOMMIT",
       "nat:POSTROUTING:1", published, Kind::kDoesNotFit},
      {"a mark set before", mark + before + "-m mark --mark 0x1 -j DROP\nCOMMIT", "filter:FORWARD:2", syn,
       Kind::kFitsUnreached},
      {"no mark any more", mark + before + "-m mark --mark 0x0 -j DROP\nCOMMIT", "filter:FORWARD:2", syn,
       Kind::kDoesNotFit},
      {"a mark of a rule before it, in its own chain",
       "*mangle\n-A FORWARD -j MARK --set-xmark 0x1/0xffffffff\n-A FORWARD -j ACCEPT\n-A FORWARD -m mark --mark 0x1 -j "
       "DROP\nCOMMIT",
       "mangle:FORWARD:3", syn, Kind::kFitsUnreached},
      {"NEW is not INVALID", before + "-m conntrack --ctstate INVALID -j DROP\nCOMMIT", "filter:FORWARD:2", syn,
       Kind::kDoesNotFit},
      {"INVALID, behind conntrack",
       "*mangle\n-A PREROUTING -p tcp -j ACCEPT\n-A PREROUTING -m conntrack --ctstate INVALID -j DROP\nCOMMIT",
       "mangle:PREROUTING:2", syn, Kind::kDoesNotFit},
      {"NEW, behind conntrack",
       "*mangle\n-A PREROUTING -p tcp -j ACCEPT\n-A PREROUTING -m conntrack --ctstate NEW -j DROP\nCOMMIT",
       "mangle:PREROUTING:2", syn, Kind::kFitsUnreached},
      {"dropped before conntrack saw it",
       "*raw\n-A PREROUTING -p tcp -j DROP\nCOMMIT\n*mangle\n-A PREROUTING -m conntrack --ctstate INVALID -j "
       "DROP\nCOMMIT",
       "mangle:PREROUTING:1", syn, Kind::kUnreached},
      {"dropped before conntrack saw it, and of another protocol",
       "*raw\n-A PREROUTING -p tcp -j DROP\nCOMMIT\n*mangle\n-A PREROUTING -p udp -m conntrack --ctstate INVALID -j "
       "DROP\nCOMMIT",
       "mangle:PREROUTING:1", syn, Kind::kDoesNotFit},
      {"no device it goes out by", "*nat\n-A POSTROUTING -s 10.1.0.0/24 ! -o lan -j MASQUERADE\nCOMMIT",
       "nat:POSTROUTING:1", local, Kind::kUnreached},
      {"no device, and another source", "*nat\n-A POSTROUTING -s 10.9.0.0/24 ! -o lan -j MASQUERADE\nCOMMIT",
       "nat:POSTROUTING:1", local, Kind::kDoesNotFit},
      {"the device it came in by", "*filter\n-A FORWARD -i wan -p udp -j DROP\nCOMMIT", "filter:FORWARD:1", local,
       Kind::kDoesNotFit},
      {"a chain of a hook it came to and one it did not",
       dnat + "COMMIT\n*filter\n-A FORWARD -j DROP\nCOMMIT\n*mangle\n:C - [0:0]\n-A PREROUTING -i wan -j C\n"
              "-A POSTROUTING -j C\n-A C -d 10.2.0.5/32 -p tcp -j DROP\nCOMMIT",
       "mangle:C:1", published, Kind::kUnreached},
      {"a chain of FORWARD, behind DNAT",
       dnat + "COMMIT\n*filter\n:C - [0:0]\n-A FORWARD -i wan -j C\n-A C " + port + "8080 -j DROP\nCOMMIT",
       "filter:C:1", published, Kind::kDoesNotFit},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    Asking asking(c.rules, c.rule);
    asking.send(c.packet);
    const auto groups = asking.said().groups();
    const auto own = std::find_if(groups.begin(), groups.end(), [](const WhyNotGroup& g) { return !g.made; });
    ASSERT_NE(own, groups.end());
    EXPECT_EQ(static_cast<int>(own->kind), static_cast<int>(c.kind)) << asking.said().text({});
  }
}

TEST(WhyNot, ConditionsNobodyCanKnowAreLeftOut) {
  const std::string all =
      "-s 10.0.0.0/8 ! -i lan -o wan -p tcp -m tcp ! --dport 80 -m comment --comment \"a ! -m mark -i\" -m conntrack ! "
      "--ctstate NEW -m mark --mark 0x1 -m limit --limit 1/sec ";
  const struct {
    Askable askable;
    const char* text;
  } cases[] = {
      {{},
       "-s 10.0.0.0/8 ! -i lan -o wan -p tcp -m tcp ! --dport 80 -m comment --comment \"a ! -m mark -i\" -m conntrack "
       "! "
       "--ctstate NEW -m mark --mark 0x1 "},
      {{.in = false, .connection = false},
       "-s 10.0.0.0/8 -o wan -p tcp -m tcp ! --dport 80 -m comment --comment \"a ! -m mark -i\" -m mark --mark 0x1 "},
      {{.out = false, .beyond_bytes = false},
       "-s 10.0.0.0/8 ! -i lan -p tcp -m tcp ! --dport 80 -m comment --comment \"a ! -m mark -i\" "},
  };
  for (const auto& c : cases) {
    const Conditions left = askable_conditions(all, c.askable);
    EXPECT_EQ(left.text, c.text);
    EXPECT_FALSE(left.whole);  // the limit
  }
  EXPECT_TRUE(askable_conditions("! -i lan -p tcp", {}).whole);
}

TEST(WhyNot, AChainIsRunWhereItsJumpsComeFrom) {
  const std::vector<Rule> rules = {{"mangle", "PREROUTING", 1, "-j A", 0, 0}, {"mangle", "A", 1, "-g B", 0, 0},
                                   {"mangle", "B", 1, "-p tcp -j A", 0, 0},   {"mangle", "FORWARD", 1, "-j B", 0, 0},
                                   {"filter", "INPUT", 1, "-j B", 0, 0},      {"filter", "B", 1, "-j DROP", 0, 0},
                                   {"mangle", "C", 1, "-j DROP", 0, 0}};
  const std::array<bool, kHookPoints> pre_and_forward{true, false, true, false, false}, input{false, true}, none{};
  EXPECT_EQ(hooks_of(rules[2], rules), pre_and_forward);
  EXPECT_EQ(hooks_of(rules[5], rules), input);
  EXPECT_EQ(hooks_of(rules[6], rules), none);
  EXPECT_EQ(hooks_of(rules[4], rules), input);
}

TEST(WhyNot, AnotherRuleThatLeadsThereIsTold) {
  const std::string chains = "*filter\n:C - [0:0]\n-A FORWARD -i wan -j C\n",
                    leads = "-A FORWARD -s 10.9.0.0/16 -j C\n", end = "-A C -p tcp -j DROP\nCOMMIT",
                    ended = "-A FORWARD -p tcp -j ACCEPT\n-A FORWARD -j C\n";
  const struct {
    std::string rules;
    const char *key, *place, *also, *also_place;
  } cases[] = {
      {chains + leads + end, "why_not.jump_missed", "filter:FORWARD:rule:1", "why_not.jump_missed",
       "filter:FORWARD:rule:2"},
      {chains + ended + end, "why_not.ended", "filter:FORWARD:rule:2", "why_not.jump_missed", "filter:FORWARD:rule:1"},
      {chains + end, "why_not.jump_missed", "filter:FORWARD:rule:1", nullptr, nullptr},
      {"*filter\n:C - [0:0]\n-A FORWARD -p tcp -j ACCEPT\n-A FORWARD -j C\n-A FORWARD -j C\n" + end, "why_not.ended",
       "filter:FORWARD:rule:1", nullptr, nullptr},
  };
  for (const auto& c : cases) {
    Asking asking(c.rules, "filter:C:1");
    asking.send("lan: tcp 10.1.0.2:5000 > 10.2.0.2:81 S");
    const Said why = asking.said().groups().at(0).why;
    EXPECT_EQ(why.key, c.key);
    EXPECT_EQ(why.values.at(0), c.place);
    ASSERT_EQ(why.inner.size() > 1, c.also != nullptr) << asking.said().text({});
    if (c.also == nullptr) continue;
    EXPECT_EQ(why.inner[1].key, "why_not.also");
    EXPECT_EQ(why.inner[1].inner.at(0).key, c.also);
    EXPECT_EQ(why.inner[1].inner.at(0).values.at(0), c.also_place);
    EXPECT_NE(asking.said().text({}).find(c.also_place), std::string::npos);
  }
}

// What this host answers is asked of nobody, and told behind what came to the rule.
TEST(WhyNot, WhatThisHostMakesStandsBehindTheMisses) {
  Asking asking("*filter\n-A INPUT -i lan -p udp -m udp --dport 54 -j DROP\nCOMMIT", "filter:INPUT:1");
  asking.send("lan: udp 10.1.0.2:5000 > 10.1.0.1:53");
  const auto groups = asking.said().groups();
  ASSERT_EQ(groups.size(), 2u) << asking.said().text({});
  EXPECT_FALSE(groups[0].made);
  EXPECT_TRUE(groups[1].made);
  Asking both("*filter\n-A INPUT -i wan -p udp -m udp --dport 54 -j DROP\nCOMMIT", "filter:INPUT:1");
  both.send("lan: udp 10.1.0.2:5000 > 10.1.0.1:53");
  ASSERT_EQ(both.said().groups().size(), 2u) << both.said().text({});
  EXPECT_EQ(both.said().groups()[0].kind, Kind::kMissed);
  EXPECT_TRUE(both.said().groups()[1].made);
}

TEST(WhyNot, NoEmptyBracketsWithoutARoute) {
  trace::Story story;
  story.from_host = true;
  story.fate = trace::Fate::kSent;
  const Rule rule{"filter", "INPUT", 1, "-j DROP", 0, 0};
  for (const bool routed : {false, true}) {
    if (routed) {
      trace::Step route;
      route.kind = trace::StepKind::kRoute;
      route.said = {"step.route", {"unicast", "wan", "10.2.0.2"}, {{}, {}}};
      story.steps.push_back(route);
    }
    const Said why = reach_of(walks_of(story)[0], rule, {rule}).why;
    const std::string text = words::render(why, words::Language::kEnglish);
    EXPECT_EQ(text.find("()"), std::string::npos) << text;
    EXPECT_EQ(why.key, routed ? "why_not.leaves_host" : "why_not.left_host");
    EXPECT_EQ(why.inner.size(), routed ? 1u : 0u);
  }
}

// The case behind many threads: the rule is right, but it came after the connection.
TEST(WhyNot, ARuleAddedWhileAnOldEntryLives) {
  Asking asking("*nat\n-A PREROUTING -p udp -m udp --dport 53 -j DNAT --to-destination 10.2.0.9\nCOMMIT",
                "-A PREROUTING -p udp --dport 53 -j DNAT --to-destination 10.2.0.9");
  asking.entries(
      "udp 17 28 src=10.1.0.2 dst=10.2.0.2 sport=5000 dport=53 [UNREPLIED] src=10.2.0.2 dst=10.1.0.2 sport=53 "
      "dport=5000 mark=0 use=1\n");
  for (int i = 0; i < 3; ++i) asking.send("lan: udp 10.1.0.2:5000 > 10.2.0.2:53");
  asking.send("lan: udp 10.1.0.2:5001 > 10.2.0.2:54");
  asking.send("lan: tcp 10.1.0.2:5001 > 10.2.0.2:54 S");
  const WhyNot& said = asking.said();
  EXPECT_EQ(said.packets(), 5u);
  EXPECT_EQ(said.matched(), 0u);
  const auto groups = said.groups();
  ASSERT_EQ(groups.size(), 3u) << said.text({});
  EXPECT_EQ(groups[0].kind, Kind::kFitsUnreached);
  EXPECT_EQ(groups[0].packets, 3u);
  EXPECT_EQ(groups[0].why.key, "step.nat_skipped");
  EXPECT_EQ(groups[1].kind, Kind::kMissedOnly);
  const std::string text = said.text({});
  EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 15);
}

TEST(WhyNot, ManyKindsOfPacketsStayAFewLines) {
  Asking asking("*filter\n-A FORWARD -p tcp -m tcp --dport 80 -j ACCEPT\nCOMMIT", "filter:FORWARD:1");
  for (int i = 0; i < 40; ++i) {
    asking.send("lan: tcp 10.1.0.2:" + std::to_string(5000 + i) + " > 10.2.0.2:" + std::to_string(100 + i) + " S");
    asking.send("lan: proto " + std::to_string(100 + i) + " 10.1.0.2 > 10.2.0.2");
    asking.send("lan: udp 10.1.0.2:1 > 10.1.0.1:" + std::to_string(100 + i));
  }
  const std::string text = asking.said().text({});
  EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 15) << text;
  uint64_t all = asking.said().matched();
  for (const WhyNotGroup& g : asking.said().groups()) all += g.packets;
  EXPECT_EQ(all, asking.said().packets());
}

}  // namespace
}  // namespace nf::explain
