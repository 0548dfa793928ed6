#include "nat/unique_tuple.h"

#include <set>

#include "nat/test_net.h"

namespace nf::nat {
namespace {

// --- step 2: addresses a 6.18 kernel chose, with `conntrack -L`

struct RangeText {
  const char *min, *max;
  ManipType manip;
  uint32_t flags;
};
constexpr RangeText kRange1{"10.50.0.0", "10.50.3.231", ManipType::kDestination, 0};
constexpr RangeText kRange2{"10.50.0.7", "10.50.0.9", ManipType::kDestination, kRangePersistent};
constexpr RangeText kRange3{"10.60.0.1", "10.60.0.200", ManipType::kSource, 0};
constexpr RangeText kRange4{"10.60.0.1", "10.60.0.200", ManipType::kSource, kRangePersistent};

struct Choice {
  const RangeText& range;
  const char *source, *destination, *chosen;
};
const Choice kChoices[] = {
    {kRange1, "172.31.130.183", "10.9.14.216", "10.50.2.71"},
    {kRange1, "10.7.238.127", "10.9.26.231", "10.50.0.251"},
    {kRange1, "172.31.80.57", "10.9.190.121", "10.50.3.201"},
    {kRange1, "10.7.126.194", "10.9.52.147", "10.50.0.117"},
    {kRange1, "172.31.127.6", "10.9.110.105", "10.50.2.65"},
    {kRange1, "10.7.143.93", "10.9.199.41", "10.50.2.159"},
    {kRange1, "172.31.36.71", "10.9.227.33", "10.50.0.231"},
    {kRange1, "10.7.67.0", "10.9.2.54", "10.50.1.29"},
    {kRange2, "172.31.110.84", "10.9.85.75", "10.50.0.8"},
    {kRange2, "10.7.160.101", "10.9.104.47", "10.50.0.8"},
    {kRange2, "172.31.100.196", "10.9.152.6", "10.50.0.8"},
    {kRange2, "10.7.184.212", "10.9.84.240", "10.50.0.7"},
    {kRange2, "172.31.74.135", "10.9.33.85", "10.50.0.9"},
    {kRange2, "10.7.154.1", "10.9.173.17", "10.50.0.8"},
    {kRange2, "172.31.158.181", "10.9.156.124", "10.50.0.8"},
    {kRange2, "10.7.161.94", "10.9.246.121", "10.50.0.7"},
    {kRange3, "172.31.90.29", "10.9.131.250", "10.60.0.72"},
    {kRange3, "10.7.11.183", "10.9.206.5", "10.60.0.7"},
    {kRange3, "172.31.214.187", "10.9.192.149", "10.60.0.90"},
    {kRange3, "10.7.4.231", "10.9.23.182", "10.60.0.51"},
    {kRange3, "172.31.92.100", "10.9.60.194", "10.60.0.85"},
    {kRange3, "10.7.125.236", "10.9.176.132", "10.60.0.112"},
    {kRange3, "172.31.181.128", "10.9.236.28", "10.60.0.160"},
    {kRange3, "10.7.188.151", "10.9.18.111", "10.60.0.158"},
    {kRange4, "172.31.46.106", "10.9.174.132", "10.60.0.4"},
    {kRange4, "10.7.185.75", "10.9.174.71", "10.60.0.87"},
    {kRange4, "172.31.47.159", "10.9.162.79", "10.60.0.109"},
    {kRange4, "10.7.90.40", "10.9.76.185", "10.60.0.21"},
    {kRange4, "172.31.158.247", "10.9.82.185", "10.60.0.81"},
    {kRange4, "10.7.24.41", "10.9.207.9", "10.60.0.37"},
    {kRange4, "172.31.121.176", "10.9.128.117", "10.60.0.189"},
    {kRange4, "10.7.215.74", "10.9.28.251", "10.60.0.64"},
};

TEST(FindBestIpsProto, ChoosesTheKernelsAddress) {
  for (const Choice& c : kChoices) {
    Range range;
    range.flags = kRangeMapIps | c.range.flags;
    range.min_address = *parse_ipv4(c.range.min);
    range.max_address = *parse_ipv4(c.range.max);
    ct::Tuple tuple;
    tuple.source = *parse_ipv4(c.source);
    tuple.destination = *parse_ipv4(c.destination);
    find_best_ips_proto(tuple, range, c.range.manip, 0);
    const bool source = c.range.manip == ManipType::kSource;
    EXPECT_EQ(format_ipv4(source ? tuple.source : tuple.destination), c.chosen) << c.source << " " << c.destination;
    EXPECT_EQ(format_ipv4(source ? tuple.destination : tuple.source), source ? c.destination : c.source);
  }
}

// --- the whole choice, through rules. What a 6.18 kernel sent for the same packets stands in the tables; "*" where
// it drew a port at random.

constexpr Be32 kA = ip4(10, 1, 0, 2), kB = ip4(10, 1, 0, 3), kC = ip4(10, 1, 0, 99);
constexpr Be32 kS = ip4(10, 2, 0, 2), kT = ip4(10, 2, 0, 3), kU = ip4(10, 2, 0, 99);

struct Sent {
  Flow flow;
  const char* received;  // "dropped", or with "*" for a source port that is not the original one
};
struct Script {
  const char* name;
  const char* rules;
  std::vector<Sent> packets;
};
const Script kScripts[] = {
    {"null binding changes a clashing source port",
     "-A POSTROUTING -o right -s 10.1.0.2/32 -j SNAT --to-source 10.1.0.3\n",
     {{{kA, kS, 40000, 53}, "10.1.0.3:40000 > 10.2.0.2:53"}, {{kB, kS, 40000, 53}, "10.1.0.3:* > 10.2.0.2:53"}}},
    {"a port range of DNAT is filled from its first port",
     "-A PREROUTING -i left -p udp -d 10.2.0.0/24 -j DNAT --to-destination 10.2.0.2:100-102\n",
     {{{kA, kS, 4000, 53}, "10.1.0.2:4000 > 10.2.0.2:100"},
      {{kA, kT, 4000, 53}, "10.1.0.2:4000 > 10.2.0.2:101"},
      {{kA, kS, 4000, 102}, "10.1.0.2:4000 > 10.2.0.2:102"},
      // All taken: the last candidate stays, and the null binding of the source half finds the clash.
      {{kA, kS, 4000, 54}, "10.1.0.2:* > 10.2.0.2:102"},
      {{kA, kU, 4000, 101}, "10.1.0.2:* > 10.2.0.2:102"},
      {{kB, kS, 4000, 53}, "10.1.0.3:4000 > 10.2.0.2:100"}}},
    {"a port inside the range of DNAT is kept while it is free",
     "-A PREROUTING -i left -p udp -d 10.2.0.0/24 -j DNAT --to-destination 10.2.0.2:100-102\n",
     {{{kA, kT, 4000, 101}, "10.1.0.2:4000 > 10.2.0.2:101"},
      {{kA, kS, 4000, 102}, "10.1.0.2:4000 > 10.2.0.2:102"},
      {{kA, kU, 4000, 101}, "10.1.0.2:4000 > 10.2.0.2:100"}}},
    {"a single port of DNAT is not asked for",
     "-A PREROUTING -i left -p udp -d 10.2.0.0/24 -j DNAT --to-destination 10.2.0.2:100\n",
     {{{kA, kT, 4000, 100}, "10.1.0.2:4000 > 10.2.0.2:100"},
      {{kA, kU, 4000, 100}, "10.1.0.2:* > 10.2.0.2:100"},
      {{kA, kU, 4000, 99}, "10.1.0.2:* > 10.2.0.2:100"}}},
    {"DNAT without ports never changes a port, the source half does",
     "-A PREROUTING -i left -p udp -d 10.2.0.0/24 -j DNAT --to-destination 10.2.0.2\n",
     {{{kA, kT, 4000, 100}, "10.1.0.2:4000 > 10.2.0.2:100"}, {{kA, kU, 4000, 100}, "10.1.0.2:* > 10.2.0.2:100"}}},
    {"a shifted range adds the distance from its base",
     "-A PREROUTING -i left -p udp -d 10.2.0.0/24 --dport 8000:8010 -j DNAT --to-destination "
     "10.2.0.2:5000-5010/8000\n",
     {{{kA, kT, 4000, 8003}, "10.1.0.2:4000 > 10.2.0.2:5003"},
      {{kA, kT, 4000, 8010}, "10.1.0.2:4000 > 10.2.0.2:5010"},
      {{kA, kU, 4000, 8003}, "10.1.0.2:4000 > 10.2.0.2:5004"},
      {{kA, kU, 4000, 8010}, "10.1.0.2:4000 > 10.2.0.2:5000"}}},
    {"a shifted range wraps at 16 bits, then at its size",
     "-A PREROUTING -i left -p udp -d 10.2.0.0/24 -j DNAT --to-destination 10.2.0.2:5000-5010/8000\n",
     {{{kA, kT, 4000, 7999}, "10.1.0.2:4000 > 10.2.0.2:5008"},
      {{kA, kT, 4001, 8011}, "10.1.0.2:4001 > 10.2.0.2:5000"},
      {{kA, kT, 4002, 1}, "10.1.0.2:4002 > 10.2.0.2:5007"}}},
    {"a shifted range of SNAT has base 0",
     "-A POSTROUTING -o right -p udp -j SNAT --to-source 10.2.0.9:5000-5010/300\n",
     {{{kA, kT, 4003, 7999}, "10.2.0.9:5010 > 10.2.0.3:7999"},
      {{kA, kT, 5001, 7999}, "10.2.0.9:5007 > 10.2.0.3:7999"}}},
    {"a single port of SNAT serves one client per server and port",
     "-A POSTROUTING -o right -p udp -j SNAT --to-source 10.2.0.9:5000\n",
     {{{kA, kS, 4000, 53}, "10.2.0.9:5000 > 10.2.0.2:53"},
      {{kA, kS, 4001, 53}, "dropped"},
      {{kA, kS, 4001, 54}, "10.2.0.9:5000 > 10.2.0.2:54"},
      {{kA, kT, 5000, 54}, "10.2.0.9:5000 > 10.2.0.3:54"},
      {{kB, kT, 5000, 54}, "dropped"}}},
};

TEST(UniqueTuple, IsTheKernels) {
  for (const Script& script : kScripts) {
    SCOPED_TRACE(script.name);
    TestNet net;
    net.nat_rules(script.rules);
    for (const Sent& s : script.packets) {
      std::optional<Flow> got = net.udp(s.flow);
      const std::string want = s.received;
      if (const size_t star = want.find('*'); star != std::string::npos && got) {
        EXPECT_NE(got->source_port, s.flow.source_port);
        const std::string port = std::to_string(got->source_port);
        EXPECT_EQ(text(got), want.substr(0, star) + port + want.substr(star + 1));
      } else {
        EXPECT_EQ(text(got), want);
      }
    }
  }
}

// A kernel: .3:40000 was mapped to 43401 towards .2:53, then towards .3:53 and .2:54 too, where 40000 was free.
TEST(UniqueTuple, OneMappingForAllDestinations) {
  TestNet net;
  net.nat_rules("-A POSTROUTING -o right -j SNAT --to-source 10.2.0.9\n");
  ASSERT_EQ(net.udp({kA, kS, 40000, 53})->source_port, 40000);
  const uint16_t mapped = net.udp({kB, kS, 40000, 53})->source_port;
  EXPECT_NE(mapped, 40000);
  EXPECT_EQ(net.udp({kB, kT, 40000, 53})->source_port, mapped);
  EXPECT_EQ(net.udp({kA, kT, 40000, 53})->source_port, 40000);
  EXPECT_EQ(net.udp({kB, kS, 40000, 54})->source_port, mapped);
}

TEST(UniqueTuple, MappingIsForgottenWithItsLastConnection) {
  TestNet net;
  net.nat_rules("-A POSTROUTING -o right -j SNAT --to-source 10.2.0.9\n");
  ASSERT_TRUE(net.udp({kA, kS, 40000, 53}));
  ASSERT_NE(net.udp({kB, kS, 40000, 53})->source_port, 40000);
  EXPECT_EQ(net.conntrack.flush(net.stack.now_), 2u);
  EXPECT_EQ(net.udp({kB, kT, 40000, 53})->source_port, 40000);
}

TEST(UniqueTuple, PortsStayInTheirClass) {
  struct {
    uint16_t port, low, high;
  } const kClasses[] = {{1, 1, 511},      {511, 1, 511},     {512, 600, 1023},    {550, 600, 1023},
                        {600, 600, 1023}, {1023, 600, 1023}, {1024, 1024, 65535}, {65535, 1024, 65535}};
  for (const auto& c : kClasses) {
    for (int round = 0; round < 20; ++round) {
      TestNet net;
      net.stack.random_ = Random(static_cast<uint64_t>(round));
      net.nat_rules("-A POSTROUTING -o right -j SNAT --to-source 10.2.0.9\n");
      ASSERT_TRUE(net.udp({kA, kS, c.port, 53}));
      const auto got = net.udp({kB, kS, c.port, 53});
      ASSERT_TRUE(got);
      EXPECT_NE(got->source_port, c.port);
      EXPECT_GE(got->source_port, c.low);
      EXPECT_LE(got->source_port, c.high);
    }
  }
}

// A kernel dropped the third and fourth at confirm, and counted insert_failed=2 drop=2.
TEST(UniqueTuple, ExhaustedRangeDropsAtConfirm) {
  TestNet net;
  net.nat_rules("-A POSTROUTING -o right -p udp -j SNAT --to-source 10.2.0.9:5000-5001\n");
  std::set<uint16_t> ports;
  for (uint16_t i = 0; i < 2; ++i) {
    const auto got = net.udp({kA, kS, static_cast<uint16_t>(4000 + i), 53});
    ASSERT_TRUE(got);
    ports.insert(got->source_port);
  }
  EXPECT_EQ(ports, (std::set<uint16_t>{5000, 5001}));
  for (uint16_t i = 2; i < 4; ++i) {
    EXPECT_FALSE(net.udp({kA, kS, static_cast<uint16_t>(4000 + i), 53}));
    EXPECT_EQ(net.reason, DropReason::kConntrackClash);
  }
  EXPECT_EQ(net.conntrack.stats().insert_failed, 2u);
  EXPECT_EQ(net.conntrack.stats().drop, 2u);
  EXPECT_EQ(net.conntrack.count(), 2u);
  EXPECT_TRUE(net.udp({kA, kS, 4003, 54}));
}

class BeginAt final : public PortSearch {
 public:
  explicit BeginAt(uint16_t start) : start_(start) {}
  uint16_t start(const ct::Connection&, ManipType, uint16_t, unsigned) override { return start_; }

 private:
  uint16_t start_;
};

// Both ports serve the client's port already: the destination half takes one all the same, here the one it is told, and
// the source half looks for another source port.
TEST(UniqueTuple, GivesUpWithTheCandidateTold) {
  TestNet net;
  BeginAt search(1);
  net.nat.set_port_search(&search);
  net.nat_rules("-A PREROUTING -p udp -j DNAT --to-destination 10.2.0.2:5000-5001 --random\n");
  EXPECT_EQ(text(net.udp({kA, ip4(10, 2, 0, 50), 4000, 53})), "10.1.0.2:4000 > 10.2.0.2:5001");
  EXPECT_EQ(text(net.udp({kA, ip4(10, 2, 0, 51), 4000, 53})), "10.1.0.2:4000 > 10.2.0.2:5000");
  EXPECT_EQ(text(net.udp({kA, ip4(10, 2, 0, 52), 4000, 53})), "10.1.0.2:1025 > 10.2.0.2:5001");
}

TEST(UniqueTuple, RandomFlagsLeaveNoPortAlone) {
  for (const char* flag : {"--random", "--random-fully"}) {
    TestNet net;
    net.nat_rules(std::string("-A POSTROUTING -o right -p udp -j SNAT --to-source 10.2.0.9 ") + flag + "\n");
    unsigned kept = 0;
    for (uint16_t i = 0; i < 10; ++i) {
      const uint16_t port = static_cast<uint16_t>(4000 + i);
      const auto got = net.udp({kA, kS, port, 53});
      ASSERT_TRUE(got);
      EXPECT_GE(got->source_port, 1024);
      kept += got->source_port == port;
    }
    EXPECT_LT(kept, 2u) << flag;
  }
}

// A kernel chose 115 102 107 146 164 for five flows to port 150, which the range has; and kept 150 without a range.
TEST(UniqueTuple, RandomDnatChangesPortsOnlyInARange) {
  TestNet ranged, plain;
  ranged.nat_rules("-A PREROUTING -i left -p udp -j DNAT --to-destination 10.2.0.3:100-200 --random\n");
  plain.nat_rules("-A PREROUTING -i left -p udp -j DNAT --to-destination 10.2.0.3 --random\n");
  std::set<uint16_t> ports;
  for (uint16_t i = 0; i < 5; ++i) {
    const Flow f{kA, kS, static_cast<uint16_t>(4000 + i), 150};
    const auto got = ranged.udp(f);
    ASSERT_TRUE(got);
    EXPECT_GE(got->destination_port, 100);
    EXPECT_LE(got->destination_port, 200);
    ports.insert(got->destination_port);
    EXPECT_EQ(plain.udp(f)->destination_port, 150);
  }
  EXPECT_GT(ports.size(), 2u);
}

// --- ICMP ids and protocols without ports

Bytes echo_bytes(Be32 source, uint16_t id) {
  Bytes b = TestNet::ip_bytes({source, kS, 0, 0}, kProtoIcmp, sizeof(IcmpHeader));
  IcmpHeader& icmp = *view<IcmpHeader>(std::span<uint8_t>(b), 20);
  icmp.type = kIcmpEcho;
  icmp.id = be16(id);
  icmp.checksum = checksum_finish(checksum_add(std::span<const uint8_t>(b).subspan(20)));
  return b;
}

TEST(UniqueTuple, IcmpIdsAreSearched) {
  TestNet net;
  net.nat_rules("-A POSTROUTING -o right -p icmp -j SNAT --to-source 10.2.0.9:10-11\n");
  std::set<uint16_t> ids;
  for (const Be32 client : {kA, kB}) {
    const PacketPtr p = net.forward(echo_bytes(client, 0x42), net.left);
    ASSERT_NE(p, nullptr);
    ids.insert(view<IcmpHeader>(p->transport())->id.host());
    EXPECT_TRUE(transport_checksum_ok(*p));
  }
  EXPECT_EQ(ids, (std::set<uint16_t>{10, 11}));
  EXPECT_EQ(net.forward(echo_bytes(kC, 0x42), net.left), nullptr);
  EXPECT_EQ(net.reason, DropReason::kConntrackClash);
}

TEST(UniqueTuple, IcmpIdIsKeptWhileFree) {
  TestNet net;
  net.nat_rules("-A POSTROUTING -o right -j SNAT --to-source 10.2.0.9\n");
  const PacketPtr first = net.forward(echo_bytes(kA, 0x42), net.left);
  const PacketPtr second = net.forward(echo_bytes(kB, 0x42), net.left);
  ASSERT_NE(first, nullptr);
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(view<IcmpHeader>(first->transport())->id.host(), 0x42);
  EXPECT_NE(view<IcmpHeader>(second->transport())->id.host(), 0x42);
}

// Nothing distinguishes a second client's packets: the kernel dropped them, for protocol 99 and for GRE.
TEST(UniqueTuple, ProtocolsWithoutPortsServeOneClient) {
  for (const uint8_t protocol : {uint8_t{99}, uint8_t{kProtoGre}}) {
    TestNet net;
    net.nat_rules("-A POSTROUTING -o right -j SNAT --to-source 10.2.0.9\n");
    EXPECT_NE(net.forward(TestNet::ip_bytes({kA, kS, 0, 0}, protocol, 8), net.left), nullptr);
    EXPECT_EQ(net.forward(TestNet::ip_bytes({kB, kS, 0, 0}, protocol, 8), net.left), nullptr);
    EXPECT_EQ(net.reason, DropReason::kConntrackClash);
  }
}

// --- eviction of TIME_WAIT

// A connection of `client` from SYN to what `until` says; the port it was given.
uint16_t connect(TestNet& net, Be32 client, uint16_t port, uint32_t seq, bool close) {
  const Flow to{client, kS, port, 80};
  const auto syn = net.tcp(to, kTcpSyn, seq, 0);
  if (!syn) return 0;
  const Flow back{kS, ip4(10, 2, 0, 9), 80, syn->source_port};
  net.tcp(back, kTcpSyn | kTcpAck, 5000, seq + 1, false);
  net.tcp(to, kTcpAck, seq + 1, 5001);
  if (close) {
    net.tcp(to, kTcpFin | kTcpAck, seq + 1, 5001);
    net.tcp(back, kTcpFin | kTcpAck, 5001, seq + 2, false);
    net.tcp(to, kTcpAck, seq + 2, 5002);
  }
  return syn->source_port;
}

// Two ports, one in TIME_WAIT (it ended at 1002), one established: a kernel gave the third client the first one's
// port from sequence number 1002 on, and dropped its SYN below.
TEST(UniqueTuple, EvictsTimeWaitWhenTheSequenceHasAdvanced) {
  for (const uint32_t seq : {900u, 1001u, 1002u, 1003u, 2000u}) {
    TestNet net;
    net.nat_rules("-A POSTROUTING -o right -p tcp -j SNAT --to-source 10.2.0.9:6000-6001\n");
    const uint16_t closed = connect(net, kA, 1000, 1000, true);
    const uint16_t open = connect(net, kA, 1001, 1000, false);
    ASSERT_NE(closed, open);
    const auto third = net.tcp({kB, kS, 1002, 80}, kTcpSyn, seq, 0);
    if (seq < 1002) {
      EXPECT_FALSE(third) << seq;
    } else {
      ASSERT_TRUE(third) << seq;
      EXPECT_EQ(third->source_port, closed);
    }
    EXPECT_EQ(net.conntrack.count(), 2u);
  }
}

TEST(UniqueTuple, NeverEvictsAnEstablishedConnection) {
  TestNet net;
  net.nat_rules("-A POSTROUTING -o right -p tcp -j SNAT --to-source 10.2.0.9:6000\n");
  ASSERT_EQ(connect(net, kA, 1000, 1000, false), 6000);
  EXPECT_FALSE(net.tcp({kB, kS, 1002, 80}, kTcpSyn, 5'000'000, 0));
  EXPECT_EQ(net.conntrack.count(), 1u);
}

}  // namespace
}  // namespace nf::nat
