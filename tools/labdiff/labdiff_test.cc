// Two labs over packets made here; what must differ follows from the rules.
#include <gtest/gtest.h>

#include <cstring>

#include "datapath/base/random.h"
#include "datapath/packet/checksum.h"
#include "tools/labdiff/groups.h"
#include "tools/labdiff/lockstep.h"
#include "tools/labdiff/report.h"

namespace nf::labdiff {
namespace {

constexpr MacAddress kLan{2, 0, 0, 0, 0, 1}, kWan{2, 0, 0, 0, 0, 2}, kStation{2, 0, 0, 0, 0, 9};
constexpr char kNetwork[] =
    "link set dev lan up\nlink set dev wan up\naddr add 10.1.0.1/24 dev lan\naddr add 10.2.0.1/24 dev wan\n";
constexpr char kForward[] = "net.ipv4.ip_forward = 1\n";

lab::Lab lab_with(const std::string& rules, const std::string& sysctl = kForward) {
  lab::Lab lab;
  lab.folder = "lab";
  lab.network = lab::parse_network(kNetwork, "network").take();
  lab.sysctl = lab::parse_sysctl_conf(sysctl, "sysctl.conf").take();
  lab.rules_file = "rules.v4";
  if (!rules.empty()) lab.rules = rules;
  return lab;
}

struct TestPacket {
  size_t link;  // 0: lan, 1: wan
  Be32 source, destination;
  uint16_t source_port, destination_port;
  uint8_t ttl = 64;
};

// A UDP frame (RFC 768: no checksum).
std::vector<uint8_t> frame_of(const TestPacket& p) {
  std::vector<uint8_t> bytes(sizeof(EthernetHeader) + sizeof(Ipv4Header) + sizeof(UdpHeader) + 4);
  const EthernetHeader eth{p.link == 0 ? kLan : kWan, kStation, be16(kEtherIpv4)};
  Ipv4Header ip{};
  ip.version_ihl = 0x45;
  ip.total_length = be16(32);
  ip.id = be16(7);
  ip.ttl = p.ttl;
  ip.protocol = kProtoUdp;
  ip.source = p.source;
  ip.destination = p.destination;
  ip_send_check(ip);
  const UdpHeader udp{be16(p.source_port), be16(p.destination_port), be16(12), {}};
  std::memcpy(bytes.data(), &eth, sizeof eth);
  std::memcpy(bytes.data() + sizeof eth, &ip, sizeof ip);
  std::memcpy(bytes.data() + sizeof eth + sizeof ip, &udp, sizeof udp);
  return bytes;
}

struct Played {
  Groups groups;
  std::vector<Difference> differences;
};

Played play(const lab::Lab& a, const lab::Lab& b, const std::vector<TestPacket>& packets) {
  Lockstep lockstep({});
  const Status configured = lockstep.configure(a, b, {{"lan", "lan", kLan, {}}, {"wan", "wan", kWan, {}}});
  EXPECT_TRUE(configured.ok()) << (configured.ok() ? "" : configured.error().str());
  Played out;
  for (size_t i = 0; i < packets.size(); ++i) {
    const std::vector<uint8_t> bytes = frame_of(packets[i]);
    CapturedPacket captured;
    captured.time = static_cast<Time>(i + 1) * kSecond;
    captured.bytes = bytes;
    captured.original_length = static_cast<uint32_t>(bytes.size());
    lockstep.play(packets[i].link, captured, false);
    const auto difference = compare(lockstep.a(), lockstep.b(), lockstep.rules(0), lockstep.rules(1));
    if (difference) {
      out.differences.push_back(*difference);
      out.groups.add(i + 1, lockstep.a().front().packet, *difference);
    }
    out.groups.learn(lockstep.a(), lockstep.b());
  }
  return out;
}

const Be32 kClient = ip4(10, 1, 0, 7), kServer = ip4(10, 2, 0, 9), kOwnLan = ip4(10, 1, 0, 1);

std::string filter(const std::string& lines) { return "*filter\n" + lines + "COMMIT\n"; }
std::string nat(const std::string& lines) { return "*nat\n" + lines + "COMMIT\n"; }

TEST(Labdiff, FirstPlaceWhereTheyPartIsTheCause) {
  const TestPacket out{0, kClient, kServer, 1000, 53}, in{1, kServer, kClient, 53, 1000};
  struct {
    const char* about;
    std::string a, b;
    TestPacket packet;
    Kind kind;
    Said cause;
  } rows[] = {
      {"a rule only B has",
       "",
       filter("-A FORWARD -p udp -m udp --dport 53 -j DROP\n"),
       out,
       Kind::kFate,
       {"diff.cause_rule_only_b", {"-t filter -A FORWARD -p udp -m udp --dport 53 -j DROP"}, {}}},
      {"a rule only A has, behind a jump only A has",
       filter(":X - [0:0]\n-A FORWARD -j X\n-A X -s 10.1.0.0/24 -j DROP\n"),
       filter("-A FORWARD -j LOG\n"),
       out,
       Kind::kFate,
       {"diff.cause_rule_only_a", {"-t filter -A X -s 10.1.0.0/24 -j DROP"}, {}}},
      {"policies",
       filter(":FORWARD ACCEPT [0:0]\n"),
       filter(":FORWARD DROP [0:0]\n"),
       out,
       Kind::kFate,
       {"diff.cause_policy", {"filter:FORWARD", "ACCEPT", "DROP"}, {}}},
      {"policies, not the LOG in front of one",
       filter(":FORWARD ACCEPT [0:0]\n-A FORWARD -j LOG\n"),
       filter(":FORWARD DROP [0:0]\n"),
       out,
       Kind::kFate,
       {"diff.cause_policy", {"filter:FORWARD", "ACCEPT", "DROP"}, {}}},
      {"policies, not a rule that counts, nor a chain that lets everything go on",
       filter(":FORWARD ACCEPT [0:0]\n-A FORWARD -s 10.1.0.0/24\n"),
       filter(":X - [0:0]\n:FORWARD DROP [0:0]\n-A FORWARD -j X\n-A X -p udp\n"),
       out,
       Kind::kFate,
       {"diff.cause_policy", {"filter:FORWARD", "ACCEPT", "DROP"}, {}}},
      {"policies, not what is met behind one",
       filter(":FORWARD DROP [0:0]\n"),
       filter(":FORWARD ACCEPT [0:0]\n") + nat("-A POSTROUTING -j SNAT --to-source 10.2.0.5\n"),
       out,
       Kind::kFate,
       {"diff.cause_policy", {"filter:FORWARD", "DROP", "ACCEPT"}, {}}},
      {"a RETURN only B has, to a policy that drops",
       filter(":FORWARD DROP [0:0]\n-A FORWARD -p udp -j ACCEPT\n"),
       filter(":FORWARD DROP [0:0]\n-A FORWARD -s 10.1.0.0/24 -j RETURN\n-A FORWARD -p udp -j ACCEPT\n"),
       out,
       Kind::kFate,
       {"diff.cause_rule_only_b", {"-t filter -A FORWARD -s 10.1.0.0/24 -j RETURN"}, {}}},
      {"a jump only A has, to a chain both have",
       filter(":X - [0:0]\n-A FORWARD -j X\n-A X -j DROP\n"),
       filter(":X - [0:0]\n-A X -j DROP\n-A FORWARD -j LOG\n"),
       out,
       Kind::kFate,
       {"diff.cause_rule_only_a", {"-t filter -A FORWARD -j X"}, {}}},
      {"another reason to drop",
       filter("-A FORWARD -j DROP\n"),
       filter(":FORWARD DROP [0:0]\n"),
       out,
       Kind::kFate,
       {"diff.cause_rule_only_a", {"-t filter -A FORWARD -j DROP"}, {}}},
      {"a rule changed in place",
       nat("-A POSTROUTING -o wan -j SNAT --to-source 10.2.0.1\n"),
       nat("-A POSTROUTING -o wan -j SNAT --to-source 10.2.0.5\n"),
       out,
       Kind::kBytes,
       {"diff.cause_rules",
        {"-t nat -A POSTROUTING -o wan -j SNAT --to-source 10.2.0.1",
         "-t nat -A POSTROUTING -o wan -j SNAT --to-source 10.2.0.5"},
        {}}},
      {"bytes: a TTL",
       "",
       "*mangle\n-A FORWARD -j TTL --ttl-set 9\nCOMMIT\n",
       out,
       Kind::kBytes,
       {"diff.cause_rule_only_b", {"-t mangle -A FORWARD -j TTL --ttl-set 9"}, {}}},
      {"NAT set up for a packet dropped all the same",
       nat("-A PREROUTING -i wan -j DNAT --to-destination 10.1.0.8\n") + filter(":FORWARD DROP [0:0]\n"),
       nat("") + filter(":FORWARD DROP [0:0]\n"),
       in,
       Kind::kNat,
       {"diff.cause_rule_only_a", {"-t nat -A PREROUTING -i wan -j DNAT --to-destination 10.1.0.8"}, {}}},
      {"another way: a LOG",
       "",
       filter("-A FORWARD -j LOG\n"),
       out,
       Kind::kPath,
       {"diff.cause_rule_only_b", {"-t filter -A FORWARD -j LOG"}, {}}},
      {"another way: accepted by a rule, not by the policy",
       filter(""),
       filter("-A FORWARD -s 10.1.0.7/32 -j ACCEPT\n"),
       out,
       Kind::kPath,
       {"diff.cause_rule_only_b", {"-t filter -A FORWARD -s 10.1.0.7/32 -j ACCEPT"}, {}}},
      {"the rule that decides, not the LOG in front of it",
       filter(""),
       "*raw\n-A PREROUTING -j LOG\nCOMMIT\n" + filter("-A FORWARD -j DROP\n"),
       out,
       Kind::kFate,
       {"diff.cause_rule_only_b", {"-t filter -A FORWARD -j DROP"}, {}}},
      {"nor the ACCEPT that changed nothing",
       filter(""),
       "*mangle\n-A PREROUTING -j ACCEPT\nCOMMIT\n" + filter("-A FORWARD -j DROP\n"),
       out,
       Kind::kFate,
       {"diff.cause_rule_only_b", {"-t filter -A FORWARD -j DROP"}, {}}},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.about);
    const Played played = play(lab_with(row.a), lab_with(row.b), {row.packet});
    ASSERT_EQ(played.differences.size(), 1u);
    EXPECT_EQ(kind_key(played.differences[0].kind), kind_key(row.kind));
    EXPECT_EQ(played.differences[0].cause.said, row.cause)
        << words::render(played.differences[0].cause.said, words::Language::kEnglish);
  }
}

TEST(Labdiff, SysctlsAndRoutesAreCausesToo) {
  const TestPacket out{0, kClient, kServer, 1000, 53};
  const Played off = play(lab_with(""), lab_with("", ""), {out});
  ASSERT_EQ(off.differences.size(), 1u);
  EXPECT_EQ(off.differences[0].ends_a, (std::vector<Said>{{"diff.sent", {"wan"}, {}}}));
  EXPECT_EQ(off.differences[0].ends_b,
            (std::vector<Said>{{"diff.dropped", {"ForwardingOff"}, {{"drop.ForwardingOff", {}, {}}}}}));

  lab::Lab blackhole = lab_with("");
  blackhole.network = lab::parse_network(std::string(kNetwork) + "route add blackhole 10.2.0.9/32\n", "network").take();
  const Played routed = play(lab_with(""), blackhole, {out});
  ASSERT_EQ(routed.differences.size(), 1u);
  EXPECT_EQ(routed.differences[0].cause.said.key, "diff.cause_two");
  EXPECT_EQ(routed.differences[0].cause.said.inner.at(0), (Said{"diff.route", {"unicast", "wan"}, {}}));
}

// What follows from a connection made otherwise belongs to what made it so.
TEST(Labdiff, ConsequencesJoinTheirCause) {
  const std::string dnat =
      nat("-A PREROUTING -i lan -d 10.1.0.1 -p udp --dport 53 -j DNAT --to-destination 10.2.0.9\n");
  const std::string other =
      nat("-A PREROUTING -i lan -d 10.1.0.1 -p udp --dport 53 -j DNAT --to-destination 10.2.0.8\n");
  std::vector<TestPacket> packets;
  for (uint16_t i = 0; i < 5; ++i) packets.push_back({0, kClient, kOwnLan, 1000, 53});
  packets.push_back({0, kClient, kServer, 1, 1});  // the same on both
  const Played played = play(lab_with(dnat), lab_with(other), packets);
  EXPECT_EQ(played.differences.size(), 5u);
  const std::vector<Group> groups = played.groups.sorted();
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_EQ(groups[0].packets, 5u);
  EXPECT_EQ(groups[0].consequences, 4u);
  EXPECT_EQ(groups[0].first, 1u);
  EXPECT_EQ(groups[0].cause.key, "diff.cause_rules");
}

TEST(Labdiff, GroupsAreSortedOutcomesFirstThenBySize) {
  const std::string b = filter(
      "-A FORWARD -p udp -m udp --dport 3 -j LOG\n-A FORWARD -p udp -m udp --dport 1 -j DROP\n"
      "-A FORWARD -p udp -m udp --dport 2 -j DROP\n");
  std::vector<TestPacket> packets;
  for (const int port : {3, 3, 3, 3, 1, 2, 2, 9, 2})
    packets.push_back({0, kClient, kServer, 1000, static_cast<uint16_t>(port)});
  const Played played = play(lab_with(filter("")), lab_with(b), packets);
  const std::vector<Group> groups = played.groups.sorted();
  ASSERT_EQ(groups.size(), 3u);
  EXPECT_EQ(groups[0].packets, 3u);
  EXPECT_EQ(groups[0].first, 6u);
  EXPECT_EQ(groups[1].packets, 1u);
  EXPECT_EQ(groups[1].first, 5u);
  EXPECT_EQ(groups[2].packets, 4u);
  EXPECT_EQ(groups[2].kind, Kind::kPath);
  EXPECT_EQ(played.groups.differ(), 4u);
  EXPECT_EQ(played.groups.path_only(), 4u);
}

// Rules and packets by chance.
struct Chance {
  Random random;

  std::string condition() {
    static constexpr const char* kConditions[] = {"",
                                                  "-i lan ",
                                                  "-o wan ",
                                                  "-s 10.1.0.0/24 ",
                                                  "-p udp -m udp --dport 53 ",
                                                  "-m conntrack --ctstate NEW ",
                                                  "-m conntrack --ctstate RELATED,ESTABLISHED "};
    return kConditions[random.below(std::size(kConditions))];
  }
  std::vector<std::string> forward() {
    static constexpr const char* kTargets[] = {"-j ACCEPT", "-j DROP", "-j RETURN", "", "-j REJECT"};
    std::vector<std::string> lines;
    for (uint32_t i = random.below(6); i > 0; --i)
      lines.push_back("-A FORWARD " + condition() + kTargets[random.below(5)]);
    return lines;
  }
  std::string nat_rules() {
    static constexpr const char* kRules[] = {"", "-A POSTROUTING -o wan -j MASQUERADE\n",
                                             "-A PREROUTING -i lan -p udp -j DNAT --to-destination 10.2.0.8\n",
                                             "-A PREROUTING -d 10.1.0.1 -p udp -j REDIRECT --to-ports 7\n"};
    return nat(kRules[random.below(4)]);
  }
  std::vector<TestPacket> packets() {
    const Be32 lan[] = {kClient, ip4(10, 1, 0, 8)}, wan[] = {kServer, ip4(10, 2, 0, 8), ip4(10, 2, 0, 1), kOwnLan};
    std::vector<TestPacket> out;
    for (int i = 0; i < 30; ++i) {
      const Be32 l = lan[random.below(2)], w = wan[random.below(4)];
      const auto port = static_cast<uint16_t>(random.below(2) == 0 ? 53 : 7);
      const auto ttl = static_cast<uint8_t>(random.below(8) == 0 ? 1 : 64);
      if (random.below(2) == 0)
        out.push_back({0, l, w, 1000, port, ttl});
      else
        out.push_back({1, w, l, port, 1000, ttl});
    }
    return out;
  }
};

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

TEST(Labdiff, ALabDoesNotDifferFromItself) {
  Chance chance{Random(1)};
  for (int round = 0; round < 25; ++round) {
    const std::string rules = chance.nat_rules() + filter(joined(chance.forward()));
    const lab::Lab lab = lab_with(rules);
    const Played played = play(lab, lab, chance.packets());
    EXPECT_TRUE(played.differences.empty()) << rules;
  }
}

TEST(Labdiff, ALogRuleMakesOnlyAnotherWay) {
  Chance chance{Random(2)};
  size_t paths = 0;
  for (int round = 0; round < 25; ++round) {
    const std::string nat_rules = chance.nat_rules();
    std::vector<std::string> lines = chance.forward();
    const std::string without = nat_rules + filter(joined(lines));
    lines.insert(lines.begin() + chance.random.below(static_cast<uint32_t>(lines.size() + 1)), "-A FORWARD -j LOG");
    const std::string with = nat_rules + filter(joined(lines));
    const Played played = play(lab_with(without), lab_with(with), chance.packets());
    for (const Difference& d : played.differences) {
      EXPECT_EQ(d.kind, Kind::kPath) << with;
      EXPECT_EQ(d.cause.said, (Said{"diff.cause_rule_only_b", {"-t filter -A FORWARD -j LOG"}, {}})) << with;
    }
    EXPECT_EQ(played.groups.differ(), 0u);
    paths += played.differences.size();
  }
  EXPECT_GT(paths, 0u);
}

TEST(Labdiff, ALinkMustBeInBothLabs) {
  Lockstep lockstep({});
  lab::Lab other = lab_with("");
  other.folder = "other";
  other.network = lab::parse_network("link set dev lan up\n", "network").take();
  const Status s = lockstep.configure(lab_with(""), other, {{"wan", "--in wan=x.pcap", kWan, {}}});
  ASSERT_FALSE(s.ok());
  EXPECT_EQ(s.error().str(), "other: --in wan=x.pcap: the lab has no such link");
}

}  // namespace
}  // namespace nf::labdiff
