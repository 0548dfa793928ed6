// Whatever bytes stand in a SIP message, behind NAT: a packet is dropped or leaves whole, its lengths and sums right.
// What it says then is compared with the kernel in netns-tests/scenarios/helpers.
#include <gtest/gtest.h>

#include <string>

#include "conntrack/helper.h"
#include "conntrack/helper/helpers.h"
#include "nat/helper/helpers.h"
#include "nat/test_net.h"

namespace nf::nat {
namespace {

constexpr std::string_view kMessages[] = {
    "INVITE sip:bob@10.2.0.9 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 10.1.0.2:5060;rport=5060;received=10.2.0.9;maddr=10.1.0.2\r\n"
    "From: <sip:ann@10.1.0.2>\r\n"
    "To: <sip:bob@10.2.0.9:5060>\r\n"
    "CSeq: 1 INVITE\r\n"
    "Contact: <sip:ann@10.1.0.2:5060>, <sip:10.1.0.2>\r\n"
    "Content-Length: 100\r\n"
    "\r\n"
    "v=0\r\n"
    "o=ann 1 1 IN IP4 10.1.0.2\r\n"
    "c=IN IP4 10.1.0.2\r\n"
    "m=audio 4000 RTP/AVP 0\r\n"
    "m=video 4002 RTP/AVP 0\r\n"
    "c=IN IP4 10.1.0.2\r\n",
    "REGISTER sip:10.2.0.9 SIP/2.0\r\n"
    "v: SIP/2.0/UDP 10.1.0.2:5060\r\n"
    "CSeq: 2 REGISTER\r\n"
    "m: <sip:ann@10.1.0.2:5062>;expires=60\r\n"
    "\r\n",
    "SIP/2.0 200 OK\r\n"
    "v: SIP/2.0/UDP 10.2.0.9:5060;rport=5060\r\n"
    "CSeq: 2 INVITE\r\n"
    "l: 90\r\n"
    "\r\n"
    "v=0\r\n"
    "o=ann 1 1 IN IP4 10.1.0.2\r\n"
    "c=IN IP4 10.1.0.2\r\n"
    "m=image 5000 udptl t38\r\n",
};

Bytes udp_message(std::string_view text) {
  const Flow flow{ip4(10, 1, 0, 2), ip4(10, 2, 0, 9), 5060, 5060};
  Bytes b = TestNet::ip_bytes(flow, kProtoUdp, sizeof(UdpHeader) + text.size());
  UdpHeader& udp = *view<UdpHeader>(std::span<uint8_t>(b), 20);
  udp.source = be16(flow.source_port);
  udp.destination = be16(flow.destination_port);
  udp.length = be16(static_cast<uint16_t>(sizeof(UdpHeader) + text.size()));
  std::copy(text.begin(), text.end(), b.begin() + 28);
  const Sum pseudo =
      checksum_pseudo(flow.source, flow.destination, kProtoUdp, static_cast<uint32_t>(sizeof(UdpHeader) + text.size()));
  udp.checksum = checksum_finish(checksum_add(std::span<const uint8_t>(b).subspan(20), pseudo));
  return b;
}

class SipNat : public ::testing::Test {
 protected:
  SipNat() : nats_(net_.nat) {
    ct::register_helpers(net_.conntrack, nats_.interfaces());
    net_.load(
        "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
        "-A PREROUTING -p udp -m udp --dport 5060 -j CT --helper sip\nCOMMIT\n");
    net_.nat_rules("-A POSTROUTING -o right -j SNAT --to-source 10.2.0.100\n");
  }

  // How it leaves; empty: dropped.
  std::string pass(std::string_view text) {
    const PacketPtr p = net_.forward(udp_message(text), net_.left);
    if (p == nullptr) {
      EXPECT_EQ(net_.reason, DropReason::kConntrackHelper) << text;
      return {};
    }
    complete_checksum(*p);
    p->checksum = ChecksumState::kNone;
    EXPECT_EQ(p->ip().total_length.host(), p->length()) << text;
    const auto udp = std::as_const(*p).transport();
    EXPECT_EQ(view<UdpHeader>(udp)->length.host(), udp.size()) << text;
    EXPECT_TRUE(transport_checksum_ok(*p)) << text;
    EXPECT_EQ(p->ip().source, ip4(10, 2, 0, 100));
    return {reinterpret_cast<const char*>(udp.data()) + 8, udp.size() - 8};
  }

  TestNet net_;
  HelperNats nats_;
};

TEST_F(SipNat, AWholeMessageSaysTheOtherAddressThroughout) {
  const std::string out = pass(kMessages[0]);
  EXPECT_EQ(out.find("10.1.0.2"), std::string::npos) << out;
  const size_t body = out.find("v=0");
  EXPECT_NE(out.find("Content-Length: " + std::to_string(out.size() - body) + "\r\n"), std::string::npos) << out;
}

TEST_F(SipNat, EveryTruncationLeavesWholeOrNotAtAll) {
  for (const std::string_view whole : kMessages)
    for (size_t n = 0; n <= whole.size(); ++n) pass(whole.substr(0, n));
}

TEST_F(SipNat, AnyBytesLeaveWholeOrNotAtAll) {
  Random random(5060);
  constexpr std::string_view kLikely = "\r\n \t:;,@.=0123456789sipvmoc%";
  for (int round = 0; round < 3000; ++round) {
    std::string text(kMessages[random.below(3)]);
    for (uint32_t n = random.below(6) + 1; n > 0; --n) {
      const size_t at = random.below(static_cast<uint32_t>(text.size()));
      switch (random.below(4)) {
        case 0:
          text[at] = kLikely[random.below(static_cast<uint32_t>(kLikely.size()))];
          break;
        case 1:
          text[at] = static_cast<char>(random.below(256));
          break;
        case 2:
          text.erase(at, random.below(30));
          break;
        default:
          text.insert(at, text.substr(random.below(static_cast<uint32_t>(text.size())), random.below(60)));
      }
      if (text.empty()) text = "x";
    }
    pass(text);
    net_.stack.now_ += random.below(100) * kSecond / 10;
  }
}

}  // namespace
}  // namespace nf::nat
