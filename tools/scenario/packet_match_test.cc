#include "tools/scenario/packet_match.h"

#include <gtest/gtest.h>

namespace nf::scenario {
namespace {

std::vector<uint8_t> build(const std::string& text) {
  Result<PacketSpec> spec = parse_packet(text);
  EXPECT_TRUE(spec) << text << ": " << (spec ? "" : spec.error().text);
  if (!spec) return {};
  return build_packet(*spec, Layer::kEthernet).take();
}

std::string match(const std::string& expected, const std::string& actual, Variables& variables) {
  const Result<PacketSpec> spec = parse_packet(expected);
  EXPECT_TRUE(spec) << expected << ": " << (spec ? "" : spec.error().text);
  if (!spec) return "unreadable";
  const auto wrong = match_packet(*spec, build(actual), Layer::kEthernet, variables);
  return wrong ? wrong->field + ": " + wrong->expected + ", " + wrong->actual : "";
}
std::string match(const std::string& expected, const std::string& actual) {
  Variables none;
  return match(expected, actual, none);
}

const std::string kTcp = "tcp 10.0.0.1:1 > 10.0.0.2:2";
const std::string kUdp = "udp 10.0.0.1:1 > 10.0.0.2:2";
const std::string kEcho = "icmp 10.0.0.1 > 10.0.0.2 echo-request";
const std::string kQuote = "icmp 10.0.0.9 > 10.0.0.1 port-unreachable [ " + kUdp;

// Each field fails on purpose, and says what it expected and got.
TEST(PacketMatch, EachFieldFails) {
  const struct {
    std::string expected, actual, mismatch;
  } cases[] = {
      {kTcp, kUdp, "form: tcp, udp"},
      {"gre 10.0.0.1 > 10.0.0.2", "esp 10.0.0.1 > 10.0.0.2", "protocol: 47, 50"},
      {"tcp 10.0.0.3:1 > 10.0.0.2:2", kTcp, "source: 10.0.0.3, 10.0.0.1"},
      {"tcp 10.0.0.1:1 > 10.0.0.3:2", kTcp, "destination: 10.0.0.3, 10.0.0.2"},
      {"tcp 10.0.0.1:3 > 10.0.0.2:2", kTcp, "source port: 3, 1"},
      {"tcp 10.0.0.1:1 > 10.0.0.2:{3-4}", kTcp, "destination port: {3-4}, 2"},
      {kTcp + " SA", kTcp + " S", "flags: SA, S"},
      {kTcp + " 0", kTcp + " W", "flags: 0, W"},
      {kTcp + " seq 5", kTcp + " seq 6", "seq: 5, 6"},
      {kTcp + " ack 5", kTcp + " ack 6", "ack: 5, 6"},
      {kTcp + " win 5", kTcp + " win 6", "win: 5, 6"},
      {kTcp + " urg 5", kTcp + " urg 6", "urg: 5, 6"},
      {kTcp + " <mss 5>", kTcp + " <mss 6>", "TCP options: <mss 5>, <mss 6>"},
      {kTcp + " <>", kTcp + " <nop>", "TCP options: <>, <nop,eol,eol,eol>"},
      {kTcp + " len 3", kTcp + " len 4", "payload length: 3, 4"},
      {kTcp + " data 0x0001", kTcp + " data 0x0002", "payload: 0x0001, 0x0002"},
      {kTcp + " ttl 63", kTcp, "ttl: 63, 64"},
      {kTcp + " tos 1", kTcp, "tos: 1, 0"},
      {kTcp + " id 1", kTcp + " id 2", "id: 1, 2"},
      {kTcp + " df", kTcp, "df: set, not set"},
      {kTcp + " no-df", kTcp + " df", "df: not set, set"},
      {kTcp + " mf", kTcp, "mf: set, not set"},
      {kTcp, kTcp + " mf", "mf: not set, set"},
      {"proto 6 10.0.0.1 > 10.0.0.2 frag 8", kTcp, "frag: 8, 0"},
      {"proto 99 10.0.0.1 > 10.0.0.2", "proto 99 10.0.0.1 > 10.0.0.2 frag 8", "frag: none, 8"},
      {kTcp + " ihl 6", kTcp, "ihl: 6, 5"},
      {kTcp, kTcp + " opt 0x01010101", "IP options: 0x, 0x01010101"},
      {kTcp + " opt 0x01010101", kTcp, "IP options: 0x01010101, 0x"},
      {kTcp + " cut 30", kTcp, "cut: 30, 0"},
      {kTcp, kTcp + " cut 40 len 9", "cut: none, 40"},
      {kTcp, kTcp + " pad 6", "pad: none, 6"},
      {kTcp, kTcp + " vlan 6", "vlan: none, 6"},
      // The right sum: 0a00+0001+0a00+0002+0006+0014 + 0001+0002+5010+faf0 = 15f20, its complement a0de.
      {kTcp, kTcp + " bad-sum", "sum: right, wrong (0xa0df)"},
      {kTcp + " bad-sum", kTcp, "sum: wrong, right"},
      {kTcp, kTcp + " bad-ip-sum", "header sum: right, wrong"},
      {kTcp + " bad-ip-sum", kTcp, "header sum: wrong, right"},
      {kUdp + " no-sum", kUdp, "sum: none, there is one"},
      {kTcp + " mac 02:00:00:00:00:01 > 02:00:00:00:00:02", kTcp + " mac 02:00:00:00:00:03 > 02:00:00:00:00:02",
       "source link address: 02:00:00:00:00:01, 02:00:00:00:00:03"},
      {kTcp + " mac 02:00:00:00:00:01 > 02:00:00:00:00:02", kTcp + " mac 02:00:00:00:00:01 > 02:00:00:00:00:03",
       "destination link address: 02:00:00:00:00:02, 02:00:00:00:00:03"},
      {kEcho, "icmp 10.0.0.1 > 10.0.0.2 13/0", "ICMP type: echo-request 8/0, timestamp 13/0"},
      {kEcho + " id 5", kEcho + " id 6", "id: 5, 6"},
      {kEcho + " seq 5", kEcho + " seq 6", "seq: 5, 6"},
      {kEcho + " ip-id 5", kEcho + " ip-id 6", "ip-id: 5, 6"},
      {"icmp 10.0.0.1 > 10.0.0.2 3/4 mtu 5", "icmp 10.0.0.1 > 10.0.0.2 3/4 mtu 6", "mtu: 5, 6"},
      {"icmp 10.0.0.1 > 10.0.0.2 5/0 gateway 1.1.1.1", "icmp 10.0.0.1 > 10.0.0.2 5/0 gateway 1.1.1.2",
       "gateway: 1.1.1.1, 1.1.1.2"},
      {"icmp 10.0.0.1 > 10.0.0.2 12/0 pointer 5", "icmp 10.0.0.1 > 10.0.0.2 12/0 pointer 6", "pointer: 5, 6"},
      {"icmp 10.0.0.1 > 10.0.0.2 12/0 info 5", "icmp 10.0.0.1 > 10.0.0.2 12/0 pointer 6", "info: 5, 100663296"},
      {kQuote + " ]", "icmp 10.0.0.9 > 10.0.0.1 port-unreachable", "quoted packet: " + kUdp + ", none"},
      {kQuote + " ttl 3 ]", kQuote + " ]", "quoted ttl: 3, 64"},
      {kQuote + " cut 28 ]", kQuote + " ]", "quoted cut: 28, 0"},
      {kQuote + " bad-sum ]", kQuote + " ]", "quoted sum: wrong, right"},
      {"arp who-has 10.0.0.1 tell 10.0.0.2", "arp who-has 10.0.0.1 tell 10.0.0.3", "source: 10.0.0.2, 10.0.0.3"},
      {"arp who-has 10.0.0.1 tell 10.0.0.2", "arp reply 10.0.0.2 is-at 02:00:00:00:00:01",
       "form: arp who-has, arp reply"},
      {"arp reply 10.0.0.2 is-at 02:00:00:00:00:02", "arp reply 10.0.0.2 is-at 02:00:00:00:00:01",
       "is-at: 02:00:00:00:00:02, 02:00:00:00:00:01"},
      {kUdp + " len 100 part 48", kUdp + " len 100 part 40", "part: 48, 40"},
      {kUdp + " len 100 part 48", kUdp + " len 100", "part: 48, 108"},
      {kUdp + " len 100 frag 48 part 60", kUdp + " len 100 frag 48 part 60 mf", "mf: not set, set"},
      {kUdp + " len 100 frag 48 part 24", kUdp + " len 100 frag 56 part 24", "payload byte 40: 40, 48"},
      {kUdp + " len 100 part 48", "udp 10.0.0.1:1 > 10.0.0.2:3 len 100 part 48", "destination port: 2, 3"},
      {kUdp + " len 100 part 200", kUdp + " len 100 part 48", "part: within 108 bytes, beyond"},
      {"frame 0x0011", "frame 0x0012", "bytes: 0x0011, 0x0012"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(match(c.expected, c.actual), c.mismatch) << c.expected << "  <>  " << c.actual;
    // What fails, fails because of that alone: the actual packet matches itself.
    EXPECT_EQ(match(c.actual, c.actual), "") << c.actual;
  }
}

TEST(PacketMatch, WhatIsNotSaidIsNotLookedAt) {
  const std::string actual =
      "tcp 10.0.0.1:1 > 10.0.0.2:2 PA seq 3 ack 4 win 5 <nop> len 6 ttl 7 tos 8 id 9 df "
      "mac 02:00:00:00:00:01 > 02:00:00:00:00:02";
  for (const char* expected : {"tcp 10.0.0.1:1 > 10.0.0.2:2", "tcp *:* > *:*", "tcp 10.0.0.1:{1-9} > 10.0.0.2:2 PA",
                               "proto 6 10.0.0.1 > 10.0.0.2"})
    EXPECT_EQ(match(expected, actual), "");
  EXPECT_EQ(match(kQuote + " ]", kQuote + " ttl 3 id 5 bad-sum bad-ip-sum opt 0x01010101 ]"), "");
  EXPECT_EQ(match(kQuote + " ]", kQuote + " len 100 cut 28 ]"), "");
}

TEST(PacketMatch, VariablesTakeTheirValueOnceAndKeepIt) {
  Variables v;
  EXPECT_EQ(match("tcp $a:$p{1-9} > 10.0.0.2:2", kTcp, v), "");
  EXPECT_EQ(v, (Variables{{"a", 0x0a000001}, {"p", 1}}));
  EXPECT_EQ(match("tcp $a:$p > 10.0.0.2:2", kTcp, v), "");
  EXPECT_EQ(match("tcp $a:1 > 10.0.0.2:$p", kTcp, v), "destination port: $p = 1, 2");
  EXPECT_EQ(match("tcp 10.0.0.1:1 > $a:2", kTcp, v), "destination: $a = 10.0.0.1, 10.0.0.2");
  // A packet that does not match gives none.
  EXPECT_EQ(match("tcp $new:1 > 10.0.0.2:3", kTcp, v), "destination port: 3, 2");
  EXPECT_EQ(v.count("new"), 0u);
  EXPECT_EQ(match("tcp 10.0.0.1:$out{5-9} > 10.0.0.2:2", kTcp, v), "source port: $out{5-9}, 1");
}

}  // namespace
}  // namespace nf::scenario
