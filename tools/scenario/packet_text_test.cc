#include "tools/scenario/packet_text.h"

#include <gtest/gtest.h>

#include "datapath/base/random.h"
#include "datapath/base/text.h"
#include "tools/scenario/packet_describe.h"

namespace nf::scenario {
namespace {

std::vector<uint8_t> bytes_of(const std::string& hex) { return parse_hex("0x" + hex).value(); }

std::vector<uint8_t> build(const std::string& text, Layer layer = Layer::kEthernet) {
  Result<PacketSpec> spec = parse_packet(text);
  EXPECT_TRUE(spec) << text << ": " << (spec ? "" : spec.error().text);
  if (!spec) return {};
  Result<std::vector<uint8_t>> built = build_packet(*spec, layer);
  EXPECT_TRUE(built) << text << ": " << (built ? "" : built.error().text);
  return built ? built.take() : std::vector<uint8_t>{};
}

// 0, 1, 2, ... from `first`, as hexadecimal.
std::string counting_hex(size_t first, size_t length) {
  const std::vector<uint8_t> all = counting_payload(first + length);
  return hex_text(std::span(all).subspan(first)).substr(2);
}

// Frames Linux 6.18 sent by a TAP (10.1.0.1, 02:ff:00:00:00:01) to a neighbour 10.1.0.2, and what they are.
struct Recorded {
  std::string hex, text;
};
const std::string kMac = " mac 02:ff:00:00:00:01 > 02:00:0a:01:00:02";
const std::string kEthernet = "02000a01000202ff000000010800";
const Recorded kRecorded[] = {
    {"ffffffffffff02ff000000010806000108000604000102ff000000010a0100010000000000000a010002",
     "arp who-has 10.1.0.2 tell 10.1.0.1 mac 02:ff:00:00:00:01 > ff:ff:ff:ff:ff:ff"},
    {kEthernet + "45000022560f40004011d0b70a0100010a0100020fa00035000e981c68656c6c6f0a",
     "udp 10.1.0.1:4000 > 10.1.0.2:53 data \"hello\\n\" id 22031 df" + kMac},
    {kEthernet +
         "4500003c622040004006c4970a0100010a0100020fa10050f5534d1b00000000a002faf0c59a0000020405b40402080a5c88c48400"
         "0000000103030a",
     "tcp 10.1.0.1:4001 > 10.1.0.2:80 S seq 4115877147 ack 0 <mss 1460,sackOK,TS 1552467076 0,nop,wscale 10> id 25120 "
     "df" +
         kMac},
    {kEthernet +
         "45c0003da71d00004001bede0a0100010a0100020303bf97000000004500002100010000401166c70a0100020a0100011388000900"
         "0d00006162636465",
     "icmp 10.1.0.1 > 10.1.0.2 port-unreachable tos 0xc0 id 42781" + kMac +
         " [ udp 10.1.0.2:5000 > 10.1.0.1:9 data \"abcde\" id 1 no-sum ]"},
    {kEthernet + "45000024a75f00004001bf750a0100010a0100020000f3e7000700010001020304050607",
     "icmp 10.1.0.1 > 10.1.0.2 echo-reply id 7 seq 1 len 8 ip-id 42847" + kMac},
    {kEthernet + "4500002800004000400626cc0a0100010a0100020051138900000000000003e95014000084090000",
     "tcp 10.1.0.1:81 > 10.1.0.2:5001 RA seq 0 ack 1001 win 0 id 0 df" + kMac},
    // The two pieces of a datagram of 1000 bytes at an MTU of 600.
    {kEthernet + "4500025456bd20004011edd70a0100010a0100020fa0003503f042b1" + counting_hex(0, 568),
     "udp 10.1.0.1:4000 > 10.1.0.2:53 len 1000 id 22205 part 576" + kMac},
    {kEthernet + "450001c456bd004840110e200a0100010a010002" + counting_hex(568, 432),
     "udp 10.1.0.1:4000 > 10.1.0.2:53 len 1000 id 22205 frag 576 part 432" + kMac},
};

TEST(PacketText, TheKernelsFramesAreBuiltFromTheirText) {
  for (const Recorded& r : kRecorded) EXPECT_EQ(hex_text(build(r.text)), "0x" + r.hex) << r.text;
}

TEST(PacketText, TheKernelsFramesAreReadAsTheirText) {
  for (const Recorded& r : kRecorded) {
    if (r.text.find(" part ") != std::string::npos) continue;  // a piece does not know its datagram
    EXPECT_EQ(packet_text(bytes_of(r.hex), Layer::kEthernet), r.text);
    EXPECT_EQ(packet_summary(bytes_of(r.hex), Layer::kEthernet), r.text);
  }
}

TEST(PacketText, APieceIsReadWithWhatItHas) {
  const std::string first = packet_text(bytes_of(kRecorded[6].hex), Layer::kEthernet);
  EXPECT_EQ(first, "udp 10.1.0.1:4000 > 10.1.0.2:53 len 568 id 22205 mf sum 0x42b1 udp-len 1008" + kMac);
  const std::string second = packet_text(bytes_of(kRecorded[7].hex), Layer::kEthernet);
  EXPECT_TRUE(second.starts_with("proto 17 10.1.0.1 > 10.1.0.2 data 0x38393a")) << second;
  EXPECT_TRUE(second.ends_with(" id 22205 frag 576" + kMac)) << second;
}

// What is said is where the RFCs put it; sums by hand.
TEST(PacketText, BytesByArithmetic) {
  const struct {
    const char* text;
    const char* hex;
  } cases[] = {
      // 4500+0014+0000+0000+4063+0000+0a01+0002+0a01+0001 = 997c, complement 6683
      {"proto 99 10.1.0.2 > 10.1.0.1 id 0",
       "450000140000000040636683"
       "0a0100020a010001"},
      {"proto 99 10.1.0.2 > 10.1.0.1 bad-ip-sum",
       "450000140000000040636682"
       "0a0100020a010001"},
      {"proto 99 10.1.0.2 > 10.1.0.1 ip-sum 0x1234",
       "450000140000000040631234"
       "0a0100020a010001"},
      {"proto 99 10.1.0.2 > 10.1.0.1 cut 4", "45000014"},
      // version 5, ihl 6, total 7 in the header only: 5600+0007, and 0x10ed more than above in all
      {"proto 99 10.1.0.2 > 10.1.0.1 version 5 ihl 6 total 7",
       "560000070000000040635590"
       "0a0100020a010001"},
      // 46ff+0018+6002+0163+0a01+0002+0a01+0001+0101 = bd82
      {"proto 99 10.1.0.2 > 10.1.0.1 opt 0x0101 ttl 1 tos 0xff df mf frag 16",
       "46ff001800006002"
       "0163427d"
       "0a0100020a010001"
       "01010000"},
      {"icmp 10.1.0.2 > 10.1.0.1 redirect-of-nothing", nullptr},
      {"icmp 10.1.0.2 > 10.1.0.1 host-redirect gateway 10.1.0.3",
       "4500001c00000000400166dd"
       "0a0100020a010001"
       "0501f0fa"
       "0a010003"},
      {"icmp 10.1.0.2 > 10.1.0.1 12/0 pointer 9",
       "4500001c00000000400166dd"
       "0a0100020a010001"
       "0c00eaff"
       "09000000"},
      {"icmp 10.1.0.2 > 10.1.0.1 3/4 mtu 1400",
       "4500001c00000000400166dd"
       "0a0100020a010001"
       "0304f783"
       "00000578"},
      {"udp 10.1.0.2:1 > 10.1.0.1:2 no-sum",
       "4500001c00000000401166cd"
       "0a0100020a010001"
       "0001000200080000"},
      {"frame 0xABcd", "abcd"},
  };
  for (const auto& c : cases) {
    if (c.hex == nullptr)
      EXPECT_FALSE(parse_packet(c.text)) << c.text;
    else
      EXPECT_EQ(hex_text(build(c.text, Layer::kIp)), std::string("0x") + c.hex) << c.text;
  }
}

TEST(PacketText, TcpOptionsByTheirRfcs) {
  const struct {
    const char* text;
    const char* hex;
  } cases[] = {
      {"mss 1460", "020405b4"},
      {"wscale 7", "03030700"},  // padded
      {"sackOK,eol", "04020000"},
      {"TS 1 4294967295,nop,nop", "080a00000001ffffffff0101"},
      {"sack 1:2 3:4,nop,nop",
       "05120000000100000002"
       "00000003000000040101"},
      {"0x1e04abcd", "1e04abcd"},
      {"", ""},
  };
  for (const auto& c : cases) {
    const Result<std::vector<uint8_t>> parsed = parse_tcp_options(c.text);
    ASSERT_TRUE(parsed) << c.text;
    EXPECT_EQ(hex_text(*parsed), std::string("0x") + c.hex);
    const Result<std::vector<uint8_t>> again = parse_tcp_options(tcp_options_text(*parsed));
    ASSERT_TRUE(again) << c.text;
    EXPECT_EQ(*again, *parsed);
  }
  for (const char* wrong : {"mss", "mss 65536", "wscale 256", "TS 1", "sack", "sack 1", "nop 1", "what", "0x1",
                            "TS 1 2,TS 1 2,TS 1 2,TS 1 2,nop"})
    EXPECT_FALSE(parse_tcp_options(wrong)) << wrong;
}

// print(parse(text)) is text: everything said is kept, in the printer's order.
TEST(PacketText, WhatIsSaidIsPrinted) {
  for (const char* text : {
           "tcp 10.0.0.1:1 > 10.0.0.2:2",
           "tcp *:* > $a:$port{1024-65535} SA seq {1-9} ack $n win 0 urg 3 <mss 1,nop,eol,nop,eol> len 0 ttl 64 tos "
           "0x0 id 0 df mf",
           "tcp 10.0.0.1:1 > 10.0.0.2:2 0 data \"a \\\"b\\\" # [ < \\r\\n\\t\\\\\" no-df frag 8 part 16 total 3 ihl 4 "
           "version 6",
           "udplite 10.0.0.1:1 > 10.0.0.2:2 data 0x00ff sum 0x1 ip-sum 0x2 udp-len 3 bad-sum bad-ip-sum no-sum",
           "icmp 10.0.0.1 > 10.0.0.2 echo-request id 1 seq 2 ip-id 3 mac 02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff",
           "icmp 10.0.0.1 > 10.0.0.2 3/200 info 0x1 [ icmp 10.0.0.2 > 10.0.0.1 port-unreachable [ frame 0x00 ] ]",
           "gre 10.0.0.1 > 10.0.0.2 opt 0x01020304 cut 1 pad 2 vlan 3 type 0x800",
           "proto 17 10.0.0.1 > 10.0.0.2 len 3",
           "arp who-has 10.0.0.1 tell $x",
           "arp reply 10.0.0.1 is-at 02:00:00:00:00:01 to 10.0.0.2",
           "frame 0x",
       }) {
    Result<PacketSpec> spec = parse_packet(text);
    ASSERT_TRUE(spec) << text << ": " << spec.error().text;
    EXPECT_EQ(print_packet(*spec), text);
  }
}

TEST(PacketText, Errors) {
  const struct {
    const char* text;
    const char* error;
  } cases[] = {
      {"", "a packet is missing"},
      {"tpc 10.0.0.1:1 > 10.0.0.2:2",
       "\"tpc\" is not a packet: tcp, udp, udplite, icmp, proto N, a protocol's name, arp or frame"},
      {"47 10.0.0.1 > 10.0.0.2",
       "\"47\" is not a packet: tcp, udp, udplite, icmp, proto N, a protocol's name, arp or frame"},
      {"tcp 10.0.0.1:1", "\">\" is missing"},
      {"tcp 10.0.0.1:1 10.0.0.2:2", "\">\" should stand before \"10.0.0.2:2\""},
      {"tcp 10.0.0.1 > 10.0.0.2:2", "\"10.0.0.1\" needs a port: A:PORT"},
      {"icmp 10.0.0.1:1 > 10.0.0.2 echo-request", "\"10.0.0.1:1\": this protocol has no ports"},
      {"tcp 10.0.0.256:1 > 10.0.0.2:2", "\"10.0.0.256\" is not an IPv4 address"},
      {"tcp 10.0.0.1:65536 > 10.0.0.2:2", "\"65536\" is not a number up to 65535"},
      {"tcp 10.0.0.1:{9-1} > 10.0.0.2:2", "\"{9-1}\" is not a range {A-B} of numbers up to 65535"},
      {"tcp 10.0.0.1:$ > 10.0.0.2:2", "\"$\" is not a variable"},
      {"tcp 10.0.0.1:1 > 10.0.0.2:2 SX", "unexpected \"SX\""},
      {"tcp 10.0.0.1:1 > 10.0.0.2:2 S ttl", "ttl is missing"},
      {"tcp 10.0.0.1:1 > 10.0.0.2:2 S ttl 256", "\"256\" is not a number up to 255"},
      {"tcp 10.0.0.1:1 > 10.0.0.2:2 S ttl 1 ttl 2", "\"ttl\" twice"},
      {"tcp 10.0.0.1:1 > 10.0.0.2:2 len 1 data 0x00", "two payloads"},
      {"tcp 10.0.0.1:1 > 10.0.0.2:2 data \"open", "text without its closing quote"},
      {"tcp 10.0.0.1:1 > 10.0.0.2:2 data \"\\q\"", "\\q is not known: \\n \\r \\t \\\\ \\\" \\xHH"},
      {"tcp 10.0.0.1:1 > 10.0.0.2:2 data 0x123", "\"0x123\" is not hexadecimal, 0x and an even number of digits"},
      {"tcp 10.0.0.1:1 > 10.0.0.2:2 <mss>", "\"mss\" is not a TCP option"},
      {"tcp 10.0.0.1:1 > 10.0.0.2:2 <mss 1", "\"<\" without \">\""},
      {"udp 10.0.0.1:1 > 10.0.0.2:2 <mss 1>", "TCP options behind a packet that is not TCP"},
      {"udp 10.0.0.1:1 > 10.0.0.2:2 seq 1", "unexpected \"seq\""},
      {"udp 10.0.0.1:1 > 10.0.0.2:2 [ udp 1.1.1.1:1 > 1.1.1.1:1 ]", "only ICMP quotes a packet"},
      {"udp 10.0.0.1:1 > 10.0.0.2:2 frag 7", "frag needs a multiple of 8"},
      {"icmp 10.0.0.1 > 10.0.0.2 pong", "\"pong\" is not an ICMP type: a name or TYPE/CODE"},
      {"icmp 10.0.0.1 > 10.0.0.2 3/3 [ udp 10.0.0.1:1 ]", "in [ ]: \">\" is missing"},
      {"icmp 10.0.0.1 > 10.0.0.2 3/3 [ udp", "\"[\" without \"]\""},
      {"arp what", "arp needs \"who-has B tell A\" or \"reply A is-at MAC\""},
      {"arp reply 10.0.0.1 is-at 02:00", "\"02:00\" is not a link address"},
      {"arp who-has 10.0.0.1 tell 10.0.0.2 ttl 3", "unexpected \"ttl\""},
      {"frame 0x00 len 3", "unexpected \"len\""},
  };
  for (const auto& c : cases) {
    const Result<PacketSpec> spec = parse_packet(c.text);
    ASSERT_FALSE(spec) << c.text;
    EXPECT_EQ(spec.error().text, c.error) << c.text;
  }
  const Result<PacketSpec> range = parse_packet("udp 10.0.0.1:{1-2} > 10.0.0.2:$p");
  ASSERT_TRUE(range);
  EXPECT_EQ(build_packet(*range, Layer::kIp).error().text, "a range or * can only be matched, not sent");
}

// Any bytes: what packet_text writes gives them again. Bytes that are near packets must be said as packets, not as hex.
TEST(PacketText, RoundTripOfDamagedFrames) {
  Random random(1);
  size_t as_packets = 0, all = 0;
  for (int i = 0; i < 20000; ++i) {
    const Recorded& r = kRecorded[random.below(std::size(kRecorded))];
    std::vector<uint8_t> b = bytes_of(r.hex);
    const uint32_t changes = random.below(3);
    for (uint32_t c = 0; c < changes; ++c)
      b[random.below(static_cast<uint32_t>(b.size()))] = static_cast<uint8_t>(random.u32());
    if (random.below(8) == 0) b.resize(random.below(static_cast<uint32_t>(b.size())));
    if (random.below(8) == 0) b.resize(b.size() + random.below(20));
    const std::string text = packet_text(b, Layer::kEthernet);
    const Result<PacketSpec> spec = parse_packet(text);
    ASSERT_TRUE(spec) << text;
    const Result<std::vector<uint8_t>> built = build_packet(*spec, Layer::kEthernet);
    ASSERT_TRUE(built) << text;
    ASSERT_EQ(*built, b) << text;
    ++all;
    as_packets += text.starts_with("frame") ? 0 : 1;
  }
  EXPECT_GT(as_packets * 10, all * 7) << as_packets << " of " << all;
}

TEST(PacketText, ParserSurvivesAnyText) {
  Random random(2);
  const std::string letters = "tcpudi 10.2:>SA<mss,>[]{}-$\"\\0x#*len=";
  for (int i = 0; i < 20000; ++i) {
    std::string text = kRecorded[random.below(6)].text;
    for (uint32_t c = random.below(6); c-- > 0;)
      text[random.below(static_cast<uint32_t>(text.size()))] =
          letters[random.below(static_cast<uint32_t>(letters.size()))];
    const Result<PacketSpec> spec = parse_packet(text);
    if (!spec) {
      EXPECT_FALSE(spec.error().text.empty());
      continue;
    }
    // What parses says the same again.
    const Result<PacketSpec> again = parse_packet(print_packet(*spec));
    ASSERT_TRUE(again) << text << "\n" << print_packet(*spec) << "\n" << again.error().text;
    EXPECT_EQ(print_packet(*again), print_packet(*spec));
  }
}

}  // namespace
}  // namespace nf::scenario
