// Ports, local processes, time, and errors.
#include "tools/backend/kernel_check/kernel_fixture.h"

namespace nf::kernel_check {
namespace {

TEST_F(KernelCheck, LocalProcessesTakeAndAnswerNothing) {
  BackendConfig config;
  config.processes = {{kProtoTcp, 7}, {kProtoUdp, 7}};
  configure(lab_of(kTwoPorts, "", ""), config);
  for (const uint8_t protocol : {kProtoTcp, kProtoUdp}) {
    for (const uint16_t port : {uint16_t{7}, uint16_t{8}}) {
      const Segment s{ip4(10, 1, 0, 2), ip4(10, 1, 0, 1), protocol, 4000, port};
      inject(kLan, s);
      const std::vector<Emitted> out = collect();
      // Port 8 is closed: a reset, a port unreachable.
      ASSERT_EQ(out.size(), port == 7 ? 1u : 2u) << int{protocol} << ' ' << port;
      EXPECT_EQ(out.back().port, kLocalProcesses);
      EXPECT_EQ(out.back().bytes, packet(s));
    }
  }
  inject(kLan, {ip4(10, 1, 0, 2), ip4(10, 1, 0, 1), 99});
  const std::vector<Emitted> unreachable = collect();
  ASSERT_EQ(unreachable.size(), 1u);
  EXPECT_EQ(unreachable[0].port, kLan);
  EXPECT_EQ(unreachable[0].bytes[14 + 20], kIcmpUnreachable);
  EXPECT_EQ(unreachable[0].bytes[14 + 21], 2);
}

TEST_F(KernelCheck, DeliveredPacketsThatAreLostAreAnError) {
  configure(lab_of(kTwoPorts, "", "*filter\n-A OUTPUT -j DROP\nCOMMIT\n"));
  const std::vector<uint8_t> bytes =
      frame(backend_, kLan, {ip4(10, 1, 0, 2), ip4(10, 1, 0, 1), kProtoUdp, 1, 1, 0, 1400});
  std::vector<Emitted> out;
  const auto deliver = [&](int count) {
    for (int i = 0; i < count; ++i) ASSERT_TRUE(backend_.inject(kLan, bytes).ok());
  };
  deliver(500);
  ASSERT_TRUE(backend_.collect(out).ok());
  EXPECT_EQ(out.size(), 500u);
  deliver(15000);  // 20 MB, where the kernel gives 8 at most
  EXPECT_FALSE(backend_.collect(out).ok());
}

TEST_F(KernelCheck, TheHostSends) {
  configure(lab_of(kTwoPorts, "", "*filter\n-A OUTPUT -p udp --dport 9 -j DROP\nCOMMIT\n"));
  Segment s{ip4(10, 1, 0, 1), ip4(10, 1, 0, 2), kProtoUdp, 1, 2};
  EXPECT_TRUE(*backend_.send_from_host(packet(s)));
  const std::vector<Emitted> out = collect();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].port, kLan);
  EXPECT_EQ(std::vector<uint8_t>(out[0].bytes.begin() + 14, out[0].bytes.end()), packet(s));
  s.destination_port = 9;
  EXPECT_TRUE(*backend_.send_from_host(packet(s))) << "dropped on its way is not refused";
  s.destination = ip4(10, 9, 0, 1);
  EXPECT_FALSE(*backend_.send_from_host(packet(s))) << "no route";
  s = {ip4(10, 7, 7, 7), ip4(10, 1, 0, 2), kProtoUdp, 1, 2, 0, 1473};
  EXPECT_FALSE(*backend_.send_from_host(packet(s))) << "longer than the MTU";
  s.payload = 0;
  EXPECT_TRUE(*backend_.send_from_host(packet(s))) << "a source that is not the host's";
  EXPECT_EQ(collect().size(), 1u);
}

TEST_F(KernelCheck, WaitingKeepsWhatComesOut) {
  configure(lab_of(kTwoPorts, kForward, ""));
  inject(kLan, {ip4(10, 1, 0, 2), ip4(10, 2, 0, 77), kProtoUdp, 1, 1});
  // ARP asks for 10.2.0.77 at once, and again after a second.
  ASSERT_EQ(collect().size(), 1u);
  const Time start = backend_.now();
  ASSERT_TRUE(backend_.wait_until(start + 1200 * kMillisecond).ok());
  EXPECT_GE(backend_.now(), start + 1200 * kMillisecond);
  EXPECT_EQ(collect().size(), 1u);
}

TEST(KernelCheckErrors, HaveFileAndLine) {
  struct {
    std::string network, sysctl, rules, error;
    ExitCode code = ExitCode::kBadInput;
  } const cases[] = {
      {"link set dev a up\n\naddr add 10.0.0.1/24 dev a\naddr add 10.0.0.1/24 dev a\n", "", "",
       "network:4: Error: ipv4: Address already assigned. (addr add 10.0.0.1/24 dev a)"},
      {"link set dev a up\n", "\nnet.ipv4.ip_forwarding = 1\n", "",
       "sysctl.conf:2: cannot set net.ipv4.ip_forwarding to \"1\": No such file or directory"},
      {"link set dev a up\n", "net.ipv4.ip_default_ttl = 1000\n", "",
       "sysctl.conf:1: cannot set net.ipv4.ip_default_ttl to \"1000\": Invalid argument"},
      {"link set dev a up\n", "net.netfilter.nf_conntrack_buckets = 1000\n", "",
       "sysctl.conf:1: cannot set net.netfilter.nf_conntrack_buckets to \"1000\": Permission denied",
       ExitCode::kNotModelled},
      {"link set dev a up\n", "", "*filter\n-A INPUT -p udp --foo\nCOMMIT\n",
       "rules.v4:2: iptables-restore v1.8.9 (legacy): unknown option \"--foo\""},
      {"link set dev a up\n", "", "*filter\n-A INPUT\n-A INPUT -j LOG --log-prefix \"\"\nCOMMIT\n",
       "rules.v4:3: iptables-restore v1.8.9 (legacy): Argument must have a minimum length of 1 characters"},
      {"link set dev a up\n", "", "*nat\n-A PREROUTING -j SNAT --to-source 1.1.1.1\nCOMMIT\n",
       "rules.v4:3: iptables-restore: line 3 failed"},
  };
  for (const auto& c : cases) {
    const lab::Lab lab = lab_of(c.network, c.sysctl, c.rules);
    KernelBackend backend;
    BackendConfig config;
    config.lab = &lab;
    Status s = backend.configure(config);
    ASSERT_FALSE(s.ok()) << c.error;
    EXPECT_EQ(s.error().str(), c.error);
    EXPECT_EQ(s.error().code, c.code) << c.error;
  }
}

TEST(KernelCheckTwo, BackendsAreApart) {
  const lab::Lab lab = lab_of(kTwoPorts, kForward, kRules);
  BackendConfig config;
  config.lab = &lab;
  KernelBackend a, b;
  ASSERT_TRUE(a.configure(config).ok());
  ASSERT_TRUE(b.configure(config).ok());
  ASSERT_TRUE(a.inject(kLan, frame(a, kLan, kUdp)).ok());
  EXPECT_EQ(a.entries()->size(), 1u);
  EXPECT_EQ(b.entries()->size(), 0u);
  const auto used = [](Result<std::vector<RuleCounter>> counters) {
    return std::any_of(counters->begin(), counters->end(), [](const RuleCounter& c) { return c.packets != 0; });
  };
  EXPECT_TRUE(used(a.counters()));
  EXPECT_FALSE(used(b.counters()));
  ASSERT_TRUE(b.apply_sysctl({{"net.ipv4.ip_forward", "0", false, 1}}, "s").ok());
  std::vector<Emitted> out;
  ASSERT_TRUE(a.inject(kLan, frame(a, kLan, kUdp)).ok());
  ASSERT_TRUE(a.collect(out).ok());
  EXPECT_EQ(out.size(), 2u);
}

// Bridges: no report of group membership, no IPv6, the port goes on at once.
TEST_F(KernelCheck, ABridgeIsQuietAndForwards) {
  configure(
      lab_of("link add br0 type bridge\nlink set dev p1 master br0 up\nlink set dev p2 master br0 up\n"
             "addr add 10.1.0.1/24 dev br0\nlink set br0 up\n",
             "", ""));
  EXPECT_TRUE(collect().empty());
  std::vector<uint8_t> bytes = frame(backend_, 0, kUdp);
  bytes[0] = 0x02;
  bytes[5] = 0x99;
  ASSERT_TRUE(backend_.inject(0, bytes).ok());
  const std::vector<Emitted> out = collect();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].port, 1);
  EXPECT_EQ(out[0].bytes, bytes);
}

}  // namespace
}  // namespace nf::kernel_check
