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
    probe_ = std::make_unique<RuleProbe>(backend_.gateway(), found->table, found->text);
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
    const char* key;  // "": of a miss, whatever its words
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
    EXPECT_EQ(groups[0].first, c.packets.size());
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
