// What a Backend promises (tools/backend/backend.h), verb by verb on a small router, asked of the backend named on the
// command line: gateway or kernel. What is expected is what the kernel does: it must pass there too.
//   backend_verbs gateway PROGRAM | kernel
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "datapath/base/text.h"
#include "datapath/packet/checksum.h"
#include "tools/backend/backend.h"

namespace nf {
namespace {

std::string g_backend, g_program;

constexpr char kNetwork[] =
    "link set dev lan up\n"
    "link set dev wan up\n"
    "addr add 10.1.0.1/24 dev lan\n"
    "addr add 10.2.0.1/24 dev wan\n"
    "neigh add 10.1.0.2 lladdr 02:00:0a:01:00:02 dev lan nud permanent\n"
    "neigh add 10.2.0.9 lladdr 02:00:0a:02:00:09 dev wan nud permanent\n";
constexpr char kRules[] =
    "*nat\n"
    ":PREROUTING ACCEPT [0:0]\n"
    ":INPUT ACCEPT [0:0]\n"
    ":OUTPUT ACCEPT [0:0]\n"
    ":POSTROUTING ACCEPT [0:0]\n"
    "-A PREROUTING -i wan -p udp -m udp --dport 53 -j DNAT --to-destination 10.1.0.2:5353\n"
    "COMMIT\n";

enum Port : int { kLan = 0, kWan = 1 };

std::vector<uint8_t> udp_packet(Be32 source, uint16_t sport, Be32 destination, uint16_t dport, uint8_t ttl = 64) {
  std::vector<uint8_t> bytes(sizeof(Ipv4Header) + sizeof(UdpHeader) + 4, 'x');
  Ipv4Header ip{};
  ip.version_ihl = 0x45;
  ip.total_length = be16(static_cast<uint16_t>(bytes.size()));
  ip.id = be16(7);
  ip.ttl = ttl;
  ip.protocol = kProtoUdp;
  ip.source = source;
  ip.destination = destination;
  ip_send_check(ip);
  std::memcpy(bytes.data(), &ip, sizeof ip);
  UdpHeader udp{};  // without a checksum
  udp.source = be16(sport);
  udp.destination = be16(dport);
  udp.length = be16(static_cast<uint16_t>(bytes.size() - sizeof ip));
  std::memcpy(bytes.data() + sizeof ip, &udp, sizeof udp);
  return bytes;
}

std::vector<uint8_t> framed(const MacAddress& to, std::span<const uint8_t> packet) {
  std::vector<uint8_t> frame(to.begin(), to.end());
  const uint8_t rest[] = {2, 0, 0, 0, 0, 9, 8, 0};
  frame.insert(frame.end(), std::begin(rest), std::end(rest));
  frame.insert(frame.end(), packet.begin(), packet.end());
  return frame;
}

// "wan udp 10.2.0.9:5000 > 10.1.0.2:5353 ttl 63"
std::string describe(const Emitted& e) {
  const size_t at = e.port == kLocalProcesses ? 0 : sizeof(EthernetHeader);
  std::string out = e.port == kLocalProcesses ? "local" : e.port == kLan ? "lan" : "wan";
  const std::span<const uint8_t> bytes = std::span(e.bytes).subspan(std::min(at, e.bytes.size()));
  const Ipv4Header* ip = view<Ipv4Header>(bytes);
  if (ip == nullptr || (at != 0 && (e.bytes[12] != 8 || e.bytes[13] != 0))) return out + " other";
  const std::string source = format_ipv4(ip->source), destination = format_ipv4(ip->destination);
  const std::span<const uint8_t> l4 = bytes.subspan(ip->header_length());
  if (ip->protocol == kProtoIcmp)
    return out + strf(" icmp %s > %s %u/%u ttl %u", source.c_str(), destination.c_str(), l4[0], l4[1], ip->ttl);
  const UdpHeader* udp = view<UdpHeader>(l4);
  return out + strf(" %s %s:%u > %s:%u ttl %u", ip->protocol == kProtoUdp ? "udp" : "tcp", source.c_str(),
                    udp->source.host(), destination.c_str(), udp->destination.host(), ip->ttl);
}

class BackendVerbs : public testing::Test {
 protected:
  void start(const std::string& network = kNetwork, const std::string& rules = kRules) {
    const Status s = configure(network, rules);
    ASSERT_TRUE(s.ok()) << s.error().str();
    ASSERT_EQ(backend_->ports().size(), 2u);
  }
  Status configure(const std::string& network, const std::string& rules) {
    backend_ = g_backend == "kernel" ? make_kernel_backend() : make_gateway_backend(g_program);
    lab::Lab lab;
    lab.network_file = "labs/x/network";
    lab.sysctl_file = "labs/x/sysctl.conf";
    lab.rules_file = "labs/x/rules.v4";
    auto lines = lab::parse_network(network, lab.network_file);
    EXPECT_TRUE(lines.ok());
    lab.network = lines.take();
    lab.sysctl = {{"net.ipv4.ip_forward", "1", false, 1}, {"net.netfilter.nf_conntrack_udp_timeout", "77", false, 2}};
    lab.rules = rules;
    BackendConfig config;
    config.lab = &lab;
    config.processes = {{kProtoUdp, 9000}};
    config.rule_paths = true;
    return backend_->configure(config);
  }
  void inject(int port, std::span<const uint8_t> packet) {
    const Status s = backend_->inject(port, framed(backend_->ports()[static_cast<size_t>(port)].mac, packet));
    ASSERT_TRUE(s.ok()) << s.error().str();
  }
  std::vector<std::string> collected() {
    std::vector<Emitted> out;
    const Status s = backend_->collect(out);
    EXPECT_TRUE(s.ok()) << s.error().str();
    std::vector<std::string> text;
    for (const Emitted& e : out) text.push_back(describe(e));
    return text;
  }
  template <class T>
  T value(Result<T> r) {
    EXPECT_TRUE(r.ok()) << (r.ok() ? "" : r.error().str());
    return r.ok() ? r.take() : T();
  }
  uint64_t packets(const char* table, const char* chain, uint32_t number) {
    for (const RuleCounter& c : value(backend_->counters()))
      if (c.table == table && c.chain == chain && c.number == number) return c.packets;
    return UINT64_MAX;
  }
  std::unique_ptr<Backend> backend_;
};

using Text = std::vector<std::string>;

TEST_F(BackendVerbs, ForwardedAndTranslated) {
  start();
  EXPECT_EQ(collected(), Text{});
  inject(kWan, udp_packet(ip4(10, 2, 0, 9), 5000, ip4(10, 2, 0, 1), 53));
  EXPECT_EQ(collected(), Text{"lan udp 10.2.0.9:5000 > 10.1.0.2:5353 ttl 63"});
  inject(kLan, udp_packet(ip4(10, 1, 0, 2), 5353, ip4(10, 2, 0, 9), 5000));
  EXPECT_EQ(collected(), Text{"wan udp 10.2.0.1:53 > 10.2.0.9:5000 ttl 63"});

  EXPECT_EQ(packets("nat", "PREROUTING", 1), 1u);
  EXPECT_EQ(packets("nat", "PREROUTING", 0), 0u);
  const Text entries = value(backend_->entries());
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_TRUE(entries[0].starts_with("udp      17 7")) << entries[0];  // of 77 s
  EXPECT_NE(entries[0].find("src=10.2.0.9 dst=10.2.0.1 sport=5000 dport=53 src=10.1.0.2 dst=10.2.0.9 sport=5353 "
                            "dport=5000"),
            std::string::npos)
      << entries[0];
  const Text events = value(backend_->take_events());
  ASSERT_EQ(events.size(), 2u);
  EXPECT_TRUE(events[0].starts_with("    [NEW] udp      17 77 src=10.2.0.9")) << events[0];
  EXPECT_TRUE(events[1].starts_with(" [UPDATE] udp      17 77 src=10.2.0.9")) << events[1];
  const std::vector<RulePath> paths = value(backend_->take_paths());
  ASSERT_EQ(paths.size(), 1u);
  EXPECT_EQ(paths[0][0], "nat:PREROUTING:rule:1");
  EXPECT_TRUE(value(backend_->take_paths()).empty());
  EXPECT_EQ(value(backend_->statistics()).insert_failed, 0u);

  ASSERT_TRUE(backend_->flush_conntrack().ok());
  EXPECT_EQ(value(backend_->entries()), Text{});
  const Text gone = value(backend_->take_events());
  ASSERT_EQ(gone.size(), 1u);
  EXPECT_TRUE(gone[0].starts_with("[DESTROY] udp      17 ")) << gone[0];
}

TEST_F(BackendVerbs, LocalProcesses) {
  start();
  // Port 9000 is a process's: it says nothing. Nobody has 9001.
  inject(kWan, udp_packet(ip4(10, 2, 0, 9), 5000, ip4(10, 2, 0, 1), 9000));
  EXPECT_EQ(collected(), Text{"local udp 10.2.0.9:5000 > 10.2.0.1:9000 ttl 64"});
  inject(kWan, udp_packet(ip4(10, 2, 0, 9), 5000, ip4(10, 2, 0, 1), 9001));
  EXPECT_EQ(collected(),
            (Text{"wan icmp 10.2.0.1 > 10.2.0.9 3/3 ttl 64", "local udp 10.2.0.9:5000 > 10.2.0.1:9001 ttl 64"}));

  EXPECT_TRUE(value(backend_->send_from_host(udp_packet(ip4(10, 1, 0, 1), 9000, ip4(10, 1, 0, 2), 7))));
  EXPECT_EQ(collected(), Text{"lan udp 10.1.0.1:9000 > 10.1.0.2:7 ttl 64"});
  // No route: the system call fails, and nobody hears anything.
  EXPECT_FALSE(value(backend_->send_from_host(udp_packet(ip4(10, 1, 0, 1), 9000, ip4(192, 0, 2, 1), 7))));
  EXPECT_EQ(collected(), Text{});
  // From one address of its own to another.
  EXPECT_TRUE(value(backend_->send_from_host(udp_packet(ip4(10, 1, 0, 1), 1, ip4(10, 2, 0, 1), 9000))));
  EXPECT_EQ(collected(), Text{"local udp 10.1.0.1:1 > 10.2.0.1:9000 ttl 64"});
}

// What a down link, a runt and a wrong address do to a frame is no error of the backend's.
TEST_F(BackendVerbs, FramesThatGoNowhere) {
  start();
  const std::vector<uint8_t> packet = udp_packet(ip4(10, 2, 0, 9), 5000, ip4(10, 2, 0, 1), 53);
  for (const size_t length : {0u, 1u, 13u, 14u, 20u}) {
    std::vector<uint8_t> frame = framed(backend_->ports()[kWan].mac, packet);
    frame.resize(length);
    EXPECT_TRUE(backend_->inject(kWan, frame).ok()) << length;
  }
  EXPECT_TRUE(backend_->inject(kWan, framed({2, 1, 1, 1, 1, 1}, packet)).ok());
  EXPECT_EQ(collected(), Text{});
  EXPECT_EQ(value(backend_->entries()), Text{});
}

TEST_F(BackendVerbs, RulesAndTunablesChange) {
  start();
  inject(kWan, udp_packet(ip4(10, 2, 0, 9), 5000, ip4(10, 2, 0, 1), 53));
  EXPECT_EQ(collected().size(), 1u);
  const Status rules = backend_->apply_rules(
      "*nat\n"
      ":PREROUTING ACCEPT [0:0]\n"
      ":INPUT ACCEPT [0:0]\n"
      ":OUTPUT ACCEPT [0:0]\n"
      ":POSTROUTING ACCEPT [0:0]\n"
      "-A PREROUTING -i wan -p udp -m udp --dport 53 -j DNAT --to-destination 10.1.0.2:6000\n"
      "COMMIT\n"
      "*filter\n"
      ":INPUT ACCEPT [0:0]\n"
      ":FORWARD ACCEPT [0:0]\n"
      ":OUTPUT ACCEPT [0:0]\n"
      "-A FORWARD -p udp -m udp --dport 5353 -j ACCEPT\n"
      "COMMIT\n",
      "x");
  ASSERT_TRUE(rules.ok()) << rules.error().str();
  // The connection lives on with its translation, a new one gets the new one; counters begin anew.
  inject(kWan, udp_packet(ip4(10, 2, 0, 9), 5000, ip4(10, 2, 0, 1), 53));
  inject(kWan, udp_packet(ip4(10, 2, 0, 9), 5001, ip4(10, 2, 0, 1), 53));
  EXPECT_EQ(collected(),
            (Text{"lan udp 10.2.0.9:5000 > 10.1.0.2:5353 ttl 63", "lan udp 10.2.0.9:5001 > 10.1.0.2:6000 ttl 63"}));
  EXPECT_EQ(packets("nat", "PREROUTING", 1), 1u);
  EXPECT_EQ(packets("filter", "FORWARD", 1), 1u);
  EXPECT_EQ(packets("filter", "FORWARD", 0), 1u);

  ASSERT_TRUE(backend_->apply_sysctl({{"net.ipv4.ip_forward", "0", false, 1}}, "y").ok());
  inject(kWan, udp_packet(ip4(10, 2, 0, 9), 5000, ip4(10, 2, 0, 1), 53));
  EXPECT_EQ(collected(), Text{});
}

TEST_F(BackendVerbs, ErrorsSayWhere) {
  const Status network = configure(
      "link set dev lan up\n# a remark\naddr add 10.1.0.1/24 dev nowhere\naddr add "
      "10.1.0.1/24 dev nowhere\n",
      kRules);
  ASSERT_FALSE(network.ok());
  EXPECT_EQ(network.error().file, "labs/x/network");
  EXPECT_EQ(network.error().line, 4);  // the same address twice: RTNETLINK answers: File exists
  const Status rules = configure(kNetwork, "*nat\n-A PREROUTING -j NOWHERE\nCOMMIT\n");
  ASSERT_FALSE(rules.ok());
  EXPECT_EQ(rules.error().file, "labs/x/rules.v4");
  start();
  const Status changed = backend_->apply_rules("*nat\n-A PREROUTING -j NOWHERE\nCOMMIT\n", "z.scn");
  ASSERT_FALSE(changed.ok());
  EXPECT_EQ(changed.error().file, "z.scn") << changed.error().str();
  EXPECT_FALSE(changed.error().text.starts_with("z.scn")) << changed.error().str();
  const Status tunable = backend_->apply_sysctl({{"net.ipv4.nowhere", "0", false, 12}}, "z.scn");
  ASSERT_FALSE(tunable.ok());
  EXPECT_EQ(tunable.error().file, "z.scn");
  EXPECT_EQ(tunable.error().line, 12);
  // All or nothing: the rule is still there.
  inject(kWan, udp_packet(ip4(10, 2, 0, 9), 5000, ip4(10, 2, 0, 1), 53));
  EXPECT_EQ(collected(), Text{"lan udp 10.2.0.9:5000 > 10.1.0.2:5353 ttl 63"});
}

TEST_F(BackendVerbs, TimePasses) {
  start();
  const Time before = backend_->now();
  ASSERT_TRUE(backend_->wait_until(before + 30 * kMillisecond).ok());
  EXPECT_GE(backend_->now(), before + 30 * kMillisecond);
}

}  // namespace
}  // namespace nf

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc > 1) nf::g_backend = argv[1];
  if (argc > 2) nf::g_program = argv[2];
  if (nf::g_backend != "kernel" && (nf::g_backend != "gateway" || argc < 3)) {
    std::fprintf(stderr, "usage: backend_verbs gateway PROGRAM | kernel\n");
    return 2;
  }
  return RUN_ALL_TESTS();
}
