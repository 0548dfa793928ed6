// LOG lines and rule paths.
#include "tools/backend/kernel_check/kernel_fixture.h"

namespace nf::kernel_check {
namespace {

// The form is that of kernel-facts 77; the parts are those of the packet sent.
TEST_F(KernelCheck, LogLines) {
  configure(lab_of(kTwoPorts, kForward,
                   "*filter\n-A FORWARD -i lan -p udp -j LOG --log-prefix \"a \\\"b\\\" \" --log-level 6\n"
                   "-A FORWARD -i lan -p tcp -j LOG --log-tcp-sequence\n-A FORWARD -p udp -j DROP\nCOMMIT\n"));
  inject(kLan, kUdp);
  inject(kLan, kSyn);
  EXPECT_EQ(*backend_.take_log(),
            (std::vector<std::string>{
                "a \"b\" IN=lan OUT=wan MAC=02:ff:00:00:00:01:02:00:0a:01:00:02:08:00 SRC=10.1.0.2 DST=10.2.0.9 LEN=28 "
                "TOS=0x00 PREC=0x00 TTL=63 ID=1 PROTO=UDP SPT=1111 DPT=53 LEN=8 ",
                "IN=lan OUT=wan MAC=02:ff:00:00:00:01:02:00:0a:01:00:02:08:00 SRC=10.1.0.2 DST=10.2.0.9 LEN=40 "
                "TOS=0x00 PREC=0x00 TTL=63 ID=1 PROTO=TCP SPT=2222 DPT=80 SEQ=1000 ACK=0 WINDOW=64240 RES=0x00 SYN "
                "URGP=0 "}));
  const auto counters = backend_.counters();
  ASSERT_TRUE(counters.ok());
  for (const uint32_t number : {1u, 2u, 3u}) {
    EXPECT_TRUE(std::count(counters->begin(), counters->end(),
                           RuleCounter{"filter", "FORWARD", number, 1, number == 2 ? 40u : 28u}) == 1)
        << number;
  }
}

TEST_F(KernelCheck, LogLinesOfABridgeAndWithRulePaths) {
  BackendConfig config;
  config.rule_paths = true;
  configure(lab_of("link add br0 type bridge\nlink set dev p1 master br0 up\nlink set dev p2 master br0 up\n"
                   "addr add 10.1.0.1/24 dev br0\nlink set br0 up\n",
                   "net.bridge.bridge-nf-call-iptables = 1\n",
                   "*filter\n-A FORWARD -j LOG --log-prefix brid --log-macdecode\n-A FORWARD -j LOG\nCOMMIT\n"),
            config);
  std::vector<uint8_t> bytes = frame(backend_, 0, kUdp);
  bytes[0] = 0x02;
  bytes[5] = 0x99;
  ASSERT_TRUE(backend_.inject(0, bytes).ok());
  const std::string packet =
      "SRC=10.1.0.2 DST=10.2.0.9 LEN=28 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=UDP SPT=1111 DPT=53 LEN=8 ";
  EXPECT_EQ(*backend_.take_log(),
            (std::vector<std::string>{"bridIN=br0 OUT=br0 PHYSIN=p1 PHYSOUT=p2 MACSRC=02:00:0a:01:00:02 "
                                      "MACDST=02:ff:00:00:00:99 MACPROTO=0800 " +
                                          packet,
                                      "IN=br0 OUT=br0 PHYSIN=p1 PHYSOUT=p2 "
                                      "MAC=02:ff:00:00:00:99:02:00:0a:01:00:02:08:00 " +
                                          packet}));
  EXPECT_EQ(*backend_.take_paths(),
            (std::vector<RulePath>{{"filter:FORWARD:rule:1", "filter:FORWARD:rule:2", "filter:FORWARD:policy"}}));
}

TEST_F(KernelCheck, RulePathsOfRejectedAndNattedTalks) {
  BackendConfig config;
  config.rule_paths = true;
  configure(lab_of(kTwoPorts, kForward,
                   "*nat\n-A PREROUTING -i lan -p tcp --dport 80 -j DNAT --to-destination 10.2.0.9:8080\n"
                   "-A POSTROUTING -o wan -j MASQUERADE\nCOMMIT\n"
                   "*filter\n-A FORWARD -p udp -j REJECT\n-A OUTPUT -p icmp\nCOMMIT\n"),
            config);
  inject(kLan, kUdp);
  EXPECT_EQ(*backend_.take_paths(), (std::vector<RulePath>{{"nat:PREROUTING:policy", "filter:FORWARD:rule:1"},
                                                           {"filter:OUTPUT:rule:1", "filter:OUTPUT:policy"}}));
  // Packets of one flow, one after the other, in one reading.
  Segment syn = kSyn;
  syn.destination = ip4(10, 1, 0, 1);
  for (int i = 0; i < 3; ++i) inject(kLan, syn);
  EXPECT_EQ(*backend_.take_paths(),
            (std::vector<RulePath>{{"nat:PREROUTING:rule:1", "filter:FORWARD:policy", "nat:POSTROUTING:rule:1"},
                                   {"filter:FORWARD:policy"},
                                   {"filter:FORWARD:policy"}}));
}

TEST_F(KernelCheck, RulePaths) {
  BackendConfig config;
  config.rule_paths = true;
  configure(lab_of(kTwoPorts, kForward, kRules), config);
  inject(kLan, kUdp);
  EXPECT_EQ(*backend_.take_paths(),
            (std::vector<RulePath>{{"raw:PREROUTING:policy", "mangle:PREROUTING:policy", "nat:PREROUTING:policy",
                                    "mangle:FORWARD:rule:1", "mangle:FORWARD:policy", "filter:FORWARD:rule:2",
                                    "filter:AA:rule:2", "filter:FORWARD:rule:4", "mangle:POSTROUTING:policy",
                                    "nat:POSTROUTING:rule:1"}}));
  inject(kWan, {ip4(10, 2, 0, 9), ip4(10, 2, 0, 1), kProtoTcp, 3333, 80});
  EXPECT_EQ(*backend_.take_paths(),
            (std::vector<RulePath>{{"raw:PREROUTING:policy", "mangle:PREROUTING:policy", "nat:PREROUTING:rule:1",
                                    "nat:WEB:rule:1", "mangle:FORWARD:policy", "filter:FORWARD:policy"}}));
  EXPECT_TRUE(backend_.take_paths()->empty());
  // One path for the packet that goes over lo, another for what answers it.
  EXPECT_TRUE(*backend_.send_from_host(packet({ip4(127, 0, 0, 1), ip4(127, 0, 0, 1), kProtoUdp, 5, 5})));
  const auto paths = backend_.take_paths();
  ASSERT_EQ(paths->size(), 2u);
  EXPECT_EQ((*paths)[0],
            (RulePath{"raw:OUTPUT:policy", "mangle:OUTPUT:policy", "nat:OUTPUT:policy", "filter:OUTPUT:policy",
                      "mangle:POSTROUTING:policy", "nat:POSTROUTING:policy", "raw:PREROUTING:policy",
                      "mangle:PREROUTING:policy", "mangle:INPUT:policy", "filter:INPUT:policy"}));
  const auto counters = backend_.counters();
  ASSERT_TRUE(counters.ok());
  EXPECT_EQ(std::count(counters->begin(), counters->end(), RuleCounter{"filter", "AA", 2, 1, 28}), 1);
  EXPECT_EQ(std::count(counters->begin(), counters->end(), RuleCounter{"raw", "PREROUTING", 1, 0, 0}), 1);
}

// The legacy order, security before nat; rules that decide for every packet are rules; a lab may trace by itself.
TEST_F(KernelCheck, RulePathsAreThoseOfTheLegacyTables) {
  BackendConfig config;
  config.rule_paths = true;
  configure(lab_of(kTwoPorts, kForward,
                   "*raw\n:A - [0:0]\n-A PREROUTING -j TRACE\n-A PREROUTING -j A\n-A A -j RETURN\n-A A\nCOMMIT\n"
                   "*filter\n-A INPUT -j ACCEPT\nCOMMIT\n*security\n:E - [0:0]\n-A INPUT -j E\n-A E -p tcp\nCOMMIT\n"
                   "*nat\n-A INPUT -m conntrack --ctstate NEW\nCOMMIT\n"),
            config);
  Segment udp = kUdp;
  udp.destination = ip4(10, 1, 0, 1);
  inject(kLan, udp);
  const auto lines = backend_.take_trace_lines();
  ASSERT_TRUE(lines.ok());
  std::string told;
  for (const netns::TraceLine& line : *lines)
    if (line.hook == HookPoint::kPreRouting || line.hook == HookPoint::kLocalIn)
      told += line.begins ? "begins in " + line.in + "\n" : line.place + "\n";
  EXPECT_EQ(told,
            "begins in lan\n"
            "raw:PREROUTING:rule:1\nraw:PREROUTING:rule:2\nraw:A:rule:1\nraw:PREROUTING:policy:3\n"
            "nat:PREROUTING:policy:1\n"
            "filter:INPUT:rule:1\n"
            "security:INPUT:rule:1\nsecurity:E:return:2\nsecurity:INPUT:policy:2\n"
            "nat:INPUT:rule:1\nnat:INPUT:policy:2\n");
  const auto counters = backend_.counters();
  ASSERT_TRUE(counters.ok());
  for (const uint32_t number : {1u, 2u})
    EXPECT_EQ(std::count(counters->begin(), counters->end(), RuleCounter{"raw", "PREROUTING", number, 1, 28}), 1);
  EXPECT_EQ(std::count_if(counters->begin(), counters->end(),
                          [](const RuleCounter& c) { return c.table == "raw" && c.chain == "PREROUTING"; }),
            3);
}

TEST_F(KernelCheck, RulePathsWithoutARawTable) {
  BackendConfig config;
  config.rule_paths = true;
  configure(lab_of(kTwoPorts, kForward, "*filter\n-A FORWARD -j ACCEPT\nCOMMIT\n"), config);
  for (int i = 0; i < 2; ++i) inject(kLan, kUdp);
  const RulePath path{"filter:FORWARD:rule:1"};
  EXPECT_EQ(*backend_.take_paths(), (std::vector<RulePath>{path, path}));
  const auto counters = backend_.counters();
  ASSERT_TRUE(counters.ok());
  for (const RuleCounter& c : *counters) EXPECT_EQ(c.table, "filter");
  ASSERT_TRUE(backend_.apply_rules("*filter\n-A FORWARD -j DROP\nCOMMIT\n*raw\n-A PREROUTING\nCOMMIT\n", "r").ok());
  inject(kLan, kUdp);
  EXPECT_EQ(*backend_.take_paths(),
            (std::vector<RulePath>{{"raw:PREROUTING:rule:1", "raw:PREROUTING:policy", "filter:FORWARD:rule:1"}}));
}

}  // namespace
}  // namespace nf::kernel_check
