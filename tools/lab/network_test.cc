#include "tools/lab/network.h"

#include <gtest/gtest.h>

#include "datapath/base/text.h"
#include "tools/lab/lab.h"

namespace nf::lab {
namespace {

const std::string kHere = std::string(__FILE__).substr(0, std::string(__FILE__).rfind('/'));

// The table is checked against the real ip by network_grammar_check.sh.
TEST(Network, Grammar) {
  const auto text = read_file(kHere + "/network_grammar.txt");
  ASSERT_TRUE(text.ok()) << text.error().str();
  int asked = 0;
  for (const std::string_view row : split(*text, '\n')) {
    if (row.empty() || row[0] == '#') continue;
    const size_t blank = row.find(' ');
    const std::string_view who = row.substr(0, blank);
    const bool want = who == "both" || who == "lab";
    ASSERT_TRUE(want || who == "neither" || who == "ip") << row;
    const auto parsed = parse_network(row.substr(blank + 1), "network");
    EXPECT_EQ(parsed.ok(), want) << row << (parsed.ok() ? "" : "\n" + parsed.error().str());
    ++asked;
  }
  EXPECT_GT(asked, 200);
}

template <class Op>
Op parse_one(const std::string& line) {
  auto parsed = parse_network(line, "network");
  EXPECT_TRUE(parsed.ok()) << line << (parsed.ok() ? "" : parsed.error().str());
  if (!parsed.ok() || parsed->size() != 1 || !std::holds_alternative<Op>(parsed->front().operation)) {
    ADD_FAILURE() << line;
    return Op{};
  }
  return std::get<Op>(parsed->front().operation);
}

TEST(Network, LinesCommentsAndContinuation) {
  const auto parsed = parse_network(
      "# a comment\n\n  link set v0 up  # trailing\nip addr add 10.0.0.1/24 \\\n   dev v0\n\t\nroute add default dev "
      "v0",
      "network");
  ASSERT_TRUE(parsed.ok()) << parsed.error().str();
  ASSERT_EQ(parsed->size(), 3u);
  EXPECT_EQ((*parsed)[0].line, 3);
  EXPECT_EQ((*parsed)[0].text, "link set v0 up");
  EXPECT_EQ((*parsed)[1].line, 4);
  EXPECT_EQ((*parsed)[2].line, 7);
  EXPECT_TRUE(parse_network("", "network")->empty());
}

TEST(Network, ErrorsNameFileLineAndWord) {
  const struct {
    const char *text, *error;
  } kCases[] = {
      {"link set v0 up\nlink set v0 bogus on\n", "lab/network:2: \"bogus\" is a second device"},
      {"link set v0 promisc on", "lab/network:1: \"promisc\" is not modelled for a link"},
      {"link add x type ipvlan", "lab/network:1: \"ipvlan\" is a link type that is not modelled"},
      {"link add link eth0 x type vlan id 5", "lab/network:1: \"link\" is not modelled for a link"},
      {"addr add 10.0.0.1/24", "lab/network:1: \"dev\" is missing"},
      {"addr add 10.0.0.1/24 dev", "lab/network:1: the line ends where a value should follow \"dev\""},
      {"addr add fd00::1/64 dev v0", "lab/network:1: \"fd00::1/64\" is IPv6, which is not modelled"},
      {"\n\nroute add 10.0.0.0/8 dev v0 advmss 9", "lab/network:3: \"advmss\" is not modelled for a route"},
      {"route add 10.0.0.0/8 dev v0 table x", "lab/network:1: \"x\" is not a number, or too large"},
      {"rule add goto 5", "lab/network:1: \"goto\" is not modelled for a rule"},
      {"neigh add 1.2.3.4 dev v0 nud x", "lab/network:1: \"x\" is no state of a neighbour"},
      {"frob add", "lab/network:1: \"frob\" is no object of ip"},
      {"netns add x", "lab/network:1: \"netns\" is an object of ip that is not modelled"},
      {"link set 'v0 up", "lab/network:1: unterminated quoted string"},
  };
  for (const auto& c : kCases) {
    const auto parsed = parse_network(c.text, "lab/network");
    ASSERT_FALSE(parsed.ok()) << c.text;
    EXPECT_EQ(parsed.error().str(), c.error);
  }
}

TEST(Network, LinkAdd) {
  auto op = parse_one<LinkAdd>("link add docker0 address 02:42:5f:9a:dc:2c mtu 1450 up type bridge ageing_time 500");
  EXPECT_EQ(op.name, "docker0");
  EXPECT_EQ(op.kind, LinkKind::kBridge);
  EXPECT_EQ(op.settings.address, (MacAddress{0x02, 0x42, 0x5f, 0x9a, 0xdc, 0x2c}));
  EXPECT_EQ(op.settings.mtu, 1450u);
  EXPECT_EQ(op.settings.up, true);
  EXPECT_EQ(op.settings.arp, std::nullopt);
  EXPECT_EQ(op.bridge.ageing_time, 5 * kSecond);

  op = parse_one<LinkAdd>("link add va master br0 type veth peer name vb mtu 1300 address 2:0:0:0:0:9");
  EXPECT_EQ(op.kind, LinkKind::kVeth);
  EXPECT_EQ(op.settings.master, "br0");
  EXPECT_EQ(op.settings.mtu, std::nullopt);
  EXPECT_EQ(op.peer, "vb");
  EXPECT_EQ(op.peer_settings.mtu, 1300u);
  EXPECT_EQ(op.peer_settings.address, (MacAddress{2, 0, 0, 0, 0, 9}));
  EXPECT_EQ(parse_one<LinkAdd>("link add va type veth peer vb").peer, "vb");
  EXPECT_EQ(parse_one<LinkAdd>("link add va type veth").peer, "");
  EXPECT_EQ(parse_one<LinkAdd>("link add d0 type dummy").kind, LinkKind::kDummy);

  op = parse_one<LinkAdd>("tuntap add dev t1 mode tap user 1000");
  EXPECT_EQ(op.name, "t1");
  EXPECT_EQ(op.kind, LinkKind::kTap);
  EXPECT_EQ(parse_one<LinkAdd>("tuntap add mode tun name t1").kind, LinkKind::kTun);
  EXPECT_EQ(parse_one<LinkDelete>("tuntap del t1 mode tap").device, "t1");
  EXPECT_EQ(parse_one<LinkDelete>("link del dev v0").device, "v0");
}

TEST(Network, LinkSet) {
  auto op = parse_one<LinkSet>("link set dev v0 down mtu 1400 master br0 arp off address 02:00:00:00:00:01");
  EXPECT_EQ(op.device, "v0");
  EXPECT_EQ(op.settings.up, false);
  EXPECT_EQ(op.settings.mtu, 1400u);
  EXPECT_EQ(op.settings.master, "br0");
  EXPECT_EQ(op.settings.arp, false);
  EXPECT_EQ(op.settings.address, (MacAddress{2, 0, 0, 0, 0, 1}));
  EXPECT_EQ(op.new_name, std::nullopt);

  op = parse_one<LinkSet>("link set v0 nomaster name w0");
  EXPECT_EQ(op.settings.master, "");
  EXPECT_EQ(op.new_name, "w0");
  EXPECT_EQ(op.settings.up, std::nullopt);
  EXPECT_EQ(parse_one<LinkSet>("l s up lan").device, "lan");
  EXPECT_EQ(parse_one<LinkSet>("link set br0 type bridge ageing_time 0").bridge.ageing_time, 0);

  op =
      parse_one<LinkSet>("link set v0 type bridge_slave hairpin on isolated off learning off flood on mcast_flood off");
  EXPECT_EQ(op.port.hairpin, true);
  EXPECT_EQ(op.port.isolated, false);
  EXPECT_EQ(op.port.learning, false);
  EXPECT_EQ(op.port.flood, true);
  EXPECT_EQ(op.port.multicast_flood, false);
  EXPECT_EQ(op.port.broadcast_flood, std::nullopt);
}

// Expected: `ip -d addr show` after the real command.
TEST(Network, Address) {
  const struct {
    const char* line;
    Be32 local, peer;
    int length;
    Be32 broadcast;
    RouteScope scope;
    const char* label;
  } kCases[] = {
      {"addr add 10.1.0.1/24 dev v0", ip4(10, 1, 0, 1), ip4(10, 1, 0, 1), 24, {}, RouteScope::kUniverse, ""},
      {"addr add 10.1.0.1 dev v0", ip4(10, 1, 0, 1), ip4(10, 1, 0, 1), 32, {}, RouteScope::kUniverse, ""},
      {"addr add 10.1/16 dev v0", ip4(10, 1, 0, 0), ip4(10, 1, 0, 0), 16, {}, RouteScope::kUniverse, ""},
      {"addr add 012.1.0.1/255.255.255.0 dev v0",
       ip4(10, 1, 0, 1),
       ip4(10, 1, 0, 1),
       24,
       {},
       RouteScope::kUniverse,
       ""},
      {"addr add 10.1.0.1/22 brd + dev v0", ip4(10, 1, 0, 1), ip4(10, 1, 0, 1), 22, ip4(10, 1, 3, 255),
       RouteScope::kUniverse, ""},
      {"addr add 10.1.5.1/22 brd - dev v0", ip4(10, 1, 5, 1), ip4(10, 1, 5, 1), 22, ip4(10, 1, 4, 0),
       RouteScope::kUniverse, ""},
      {"addr add 10.1.0.1/31 brd + dev v0", ip4(10, 1, 0, 1), ip4(10, 1, 0, 1), 31, {}, RouteScope::kUniverse, ""},
      {"addr add 10.1.0.1/24 broadcast 10.1.0.99 dev v0", ip4(10, 1, 0, 1), ip4(10, 1, 0, 1), 24, ip4(10, 1, 0, 99),
       RouteScope::kUniverse, ""},
      {"addr add 10.1.0.1 peer 10.2.0.2/30 brd + dev v0", ip4(10, 1, 0, 1), ip4(10, 2, 0, 2), 30, ip4(10, 2, 0, 3),
       RouteScope::kUniverse, ""},
      {"addr add 10.1.0.1/24 scope link label v0:1 dev v0",
       ip4(10, 1, 0, 1),
       ip4(10, 1, 0, 1),
       24,
       {},
       RouteScope::kLink,
       "v0:1"},
      {"addr add 127.0.0.2/8 dev v0", ip4(127, 0, 0, 2), ip4(127, 0, 0, 2), 8, {}, RouteScope::kHost, ""},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.line);
    const auto op = parse_one<AddressAdd>(c.line);
    EXPECT_EQ(op.device, "v0");
    EXPECT_EQ(op.address.local, c.local);
    EXPECT_EQ(op.address.peer, c.peer);
    EXPECT_EQ(op.address.length, c.length);
    EXPECT_EQ(op.address.broadcast, c.broadcast);
    EXPECT_EQ(op.address.scope, c.scope);
    EXPECT_EQ(op.address.label, c.label);
    EXPECT_FALSE(op.replace);
  }
  EXPECT_TRUE(parse_one<AddressAdd>("addr replace 10.1.0.1/24 dev v0").replace);
  EXPECT_TRUE(parse_one<AddressDelete>("addr del 10.1.0.1 dev v0").any_length);
  EXPECT_FALSE(parse_one<AddressDelete>("addr del 10.1.0.1/24 dev v0").any_length);
}

TEST(Network, Route) {
  auto op = parse_one<RouteAdd>("route add default via 192.168.66.254 dev ens33");
  EXPECT_EQ(op.mode, RouteMode::kAdd);
  EXPECT_EQ(op.route.length, 0);
  ASSERT_EQ(op.route.nexthops.size(), 1u);
  EXPECT_EQ(op.route.nexthops[0].gateway, ip4(192, 168, 66, 254));
  EXPECT_EQ(op.devices, (std::vector<std::string>{"ens33"}));
  EXPECT_EQ(op.route.scope, RouteScope::kUniverse);
  EXPECT_EQ(op.route.table, kTableMain);
  EXPECT_EQ(op.route.protocol, "boot");

  op = parse_one<RouteAdd>("r append 10/8 dev v0 src 10.0.0.1 metric 7 mtu 1300 tos 10 proto static table 100");
  EXPECT_EQ(op.mode, RouteMode::kAppend);
  EXPECT_EQ(op.route.destination, ip4(10, 0, 0, 0));
  EXPECT_EQ(op.route.length, 8);
  EXPECT_EQ(op.route.scope, RouteScope::kLink);
  EXPECT_EQ(op.route.preferred_source, ip4(10, 0, 0, 1));
  EXPECT_EQ(op.route.metric, 7u);
  EXPECT_EQ(op.route.mtu, 1300u);
  EXPECT_EQ(op.route.tos, 0x10);
  EXPECT_EQ(op.route.protocol, "static");
  EXPECT_EQ(op.route.table, 100u);
  EXPECT_EQ(op.devices, (std::vector<std::string>{"v0"}));

  op = parse_one<RouteAdd>("route replace local 10.0.0.9 dev lo");
  EXPECT_EQ(op.mode, RouteMode::kReplace);
  EXPECT_EQ(op.route.type, RouteType::kLocal);
  EXPECT_EQ(op.route.scope, RouteScope::kHost);
  EXPECT_EQ(op.route.table, kTableLocal);

  op = parse_one<RouteAdd>("route add blackhole 10.0.0.0/8 proto 99");
  EXPECT_EQ(op.route.type, RouteType::kBlackhole);
  EXPECT_TRUE(op.route.nexthops.empty());
  EXPECT_TRUE(op.devices.empty());
  EXPECT_EQ(op.route.protocol, "openr");
  EXPECT_EQ(parse_one<RouteAdd>("route add throw 10.0.0.0/8 proto 77").route.protocol, "77");

  op = parse_one<RouteAdd>("route add 10.0.0.0/8 nexthop via 10.9.0.2 weight 3 nexthop dev v1 onlink");
  ASSERT_EQ(op.route.nexthops.size(), 2u);
  EXPECT_EQ(op.route.nexthops[0].gateway, ip4(10, 9, 0, 2));
  EXPECT_EQ(op.route.nexthops[0].weight, 3u);
  EXPECT_FALSE(op.route.nexthops[0].onlink);
  EXPECT_EQ(op.route.nexthops[1].weight, 1u);
  EXPECT_TRUE(op.route.nexthops[1].onlink);
  EXPECT_EQ(op.devices, (std::vector<std::string>{"", "v1"}));
  EXPECT_EQ(op.route.scope, RouteScope::kUniverse);
  EXPECT_TRUE(parse_one<RouteAdd>("route add 10.0.0.0/8 via 10.3.0.1 dev v0 onlink").route.nexthops[0].onlink);

  const auto del = parse_one<RouteDelete>("route del 10.0.0.0/24");
  EXPECT_EQ(del.route.type, RouteType::kUnspec);
  EXPECT_EQ(del.route.scope, RouteScope::kNowhere);
  EXPECT_EQ(del.route.protocol, "");
  EXPECT_TRUE(del.route.nexthops.empty());
  EXPECT_EQ(parse_one<RouteDelete>("route del 10.0.0.0/24 dev v0").devices, (std::vector<std::string>{"v0"}));
}

TEST(Network, Rule) {
  auto r =
      parse_one<RuleAdd>("rule add not from 10.0.0.0/8 to 11.0.0.0/8 iif v0 oif v1 tos 0x10 pref 10 table 100").rule;
  EXPECT_TRUE(r.invert);
  EXPECT_EQ(r.from, ip4(10, 0, 0, 0));
  EXPECT_EQ(r.from_length, 8);
  EXPECT_EQ(r.to, ip4(11, 0, 0, 0));
  EXPECT_EQ(r.to_length, 8);
  EXPECT_EQ(r.iif, "v0");
  EXPECT_EQ(r.oif, "v1");
  EXPECT_EQ(r.tos, 0x10);
  EXPECT_EQ(r.preference, 10u);
  EXPECT_EQ(r.table, 100u);
  EXPECT_EQ(r.action, RouteType::kUnicast);

  r = parse_one<RuleAdd>("rule add from 10.0.0.0/8").rule;
  EXPECT_EQ(r.preference, PolicyRule::kNoPreference);
  EXPECT_EQ(r.table, kTableMain);
  EXPECT_EQ(parse_one<RuleAdd>("rule add pref 0 lookup local").rule.preference, 0u);
  EXPECT_EQ(parse_one<RuleAdd>("rule add prohibit from 10.0.0.0/8").rule.action, RouteType::kProhibit);

  const struct {
    const char* text;
    uint32_t mark, mask;
  } kMarks[] = {{"1", 1, 0xffffffff}, {"0x10/0xff", 0x10, 0xff}, {"0/0xff", 0, 0xff}, {"0", 0, 0}, {"010/7", 8, 7}};
  for (const auto& m : kMarks) {
    r = parse_one<RuleAdd>(std::string("rule add table 5 fwmark ") + m.text).rule;
    EXPECT_EQ(r.mark, m.mark) << m.text;
    EXPECT_EQ(r.mark_mask, m.mask) << m.text;
  }
  r = parse_one<RuleDelete>("rule del pref 32766").rule;
  EXPECT_EQ(r.preference, 32766u);
  EXPECT_EQ(r.action, RouteType::kUnspec);
  EXPECT_EQ(r.table, 0u);
}

TEST(Network, Neighbour) {
  auto op = parse_one<NeighbourAdd>("neigh add 10.0.0.2 lladdr 02:00:00:00:00:02 dev v0");
  EXPECT_EQ(op.device, "v0");
  EXPECT_EQ(op.address, ip4(10, 0, 0, 2));
  EXPECT_EQ(op.mac, (MacAddress{2, 0, 0, 0, 0, 2}));
  EXPECT_EQ(op.state, NeighbourState::kPermanent);
  EXPECT_FALSE(op.replace);
  EXPECT_EQ(parse_one<NeighbourAdd>("neigh add 10.0.0.2 ll 2:0:0:0:0:2 dev v0 nud stale").state,
            NeighbourState::kStale);
  EXPECT_EQ(parse_one<NeighbourAdd>("neigh add 10.0.0.2 dev v0 nud failed").mac, std::nullopt);
  EXPECT_TRUE(parse_one<NeighbourAdd>("neigh replace 10.0.0.2 lladdr 2:0:0:0:0:2 dev v0").replace);
  EXPECT_EQ(parse_one<NeighbourDelete>("neigh del 10.0.0.2 dev v0").address, ip4(10, 0, 0, 2));
}

// No beginning or mutilation of an accepted line makes the parser do anything but answer.
TEST(Network, MutilatedLines) {
  const auto text = read_file(kHere + "/network_grammar.txt");
  ASSERT_TRUE(text.ok());
  uint64_t state = 1;
  int refused = 0;
  for (const std::string_view row : split(*text, '\n')) {
    for (int round = 0; round < 20; ++round) {
      state = state * 6364136223846793005 + 1442695040888963407;
      std::string line(row.substr(std::min(row.size(), row.find(' '))));
      if (line.empty()) continue;
      const size_t at = (state >> 33) % line.size();
      if (round % 2 == 0)
        line.resize(at);
      else
        line[at] = static_cast<char>(state >> 56);
      if (!parse_network(line, "network").ok()) ++refused;
    }
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace nf::lab
