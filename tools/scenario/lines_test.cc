// What is not a packet: lines of conntrack and LOG, sequence numbers, the hosts around the machine.
#include <gtest/gtest.h>

#include "datapath/base/text.h"
#include "tools/scenario/conversation.h"
#include "tools/scenario/line_match.h"
#include "tools/scenario/packet_text.h"
#include "tools/scenario/surroundings.h"

namespace nf::scenario {
namespace {

std::vector<std::string> words(std::string_view s) {
  std::vector<std::string> out;
  for (const std::string_view w : split_words(s)) out.emplace_back(w);
  return out;
}

TEST(LineMatch, EntriesAndEvents) {
  const std::string line =
      "tcp      6 119 SYN_SENT src=10.0.0.1 dst=10.0.0.2 sport=5 dport=80 [UNREPLIED] src=10.0.0.2 dst=10.0.0.9 "
      "sport=80 "
      "dport=1033 mark=0 use=1";
  const struct {
    const char* pattern;
    bool entry;
    bool whole;
  } cases[] = {
      {"tcp 6 120 SYN_SENT src=10.0.0.1 dst=10.0.0.2 sport=5 dport=80 [UNREPLIED] src=10.0.0.2 dst=10.0.0.9 sport=80 "
       "dport=1033",
       true, true},
      {"tcp 6 121 SYN_SENT", false, false},
      {"tcp 6 {110-119} dport=$p{1024-65535}", true, false},
      {"tcp 6 {110-118}", false, false},
      {"dport=$p{1-9}", false, false},
      {"SYN_SENT tcp", true, false},
      {"src=10.0.0.2 dst=10.0.0.9", true, false},
      {"src=10.0.0.2 src=10.0.0.1", false, false},  // the other way round
      {"src=10.0.0.1 src=10.0.0.1", false, false},
      {"mark=0 tcp", true, false},
      {"mark=1", false, false},
      {"[ASSURED]", false, false},
      {"dst=$a dst=$a", false, false},
  };
  for (const auto& c : cases) {
    Variables v;
    EXPECT_EQ(match_entry(words(c.pattern), line, v), c.entry) << c.pattern;
    Variables w;
    EXPECT_EQ(match_line(words(c.pattern), line, w), c.whole) << c.pattern;
  }
  Variables v;
  EXPECT_TRUE(match_entry(words("src=$server dport=$p{1024-65535}"), line, v));
  EXPECT_EQ(v, (Variables{{"server", 0x0a000001}, {"p", 1033}}));
  EXPECT_TRUE(match_line(words("[NEW] udp 17 30 src=10.0.0.1"), "    [NEW] udp      17 29 src=10.0.0.1", v));
  EXPECT_FALSE(match_line(words("[NEW] udp 17 30 src=10.0.0.1"), "    [NEW] udp      17 30 src=10.0.0.2", v));
  EXPECT_FALSE(match_line(words("ID=1 DF"), "ID=2 DF", v));
}

// A handshake through DNAT (80 -> 8080): the answers to what came out belong to it.
TEST(Conversations, FollowThroughNat) {
  Conversations c;
  const auto say = [&](const char* text, const char* came_out) {
    PacketSpec p = parse_packet(text).take();
    c.fill_in(p);
    const auto numbers = strf("%u %u", p[Field::kSequence]->low, p[Field::kAcknowledgment]->low);
    c.sent(describe_packet(build_packet(p, Layer::kIp).value(), Layer::kIp));
    if (came_out != nullptr) {
      PacketSpec out = parse_packet(came_out).take();
      out[Field::kSequence] = p[Field::kSequence];
      out[Field::kAcknowledgment] = p[Field::kAcknowledgment];
      c.came_out(describe_packet(build_packet(out, Layer::kIp).value(), Layer::kIp));
    }
    return numbers;
  };
  const char* to_server = "tcp 1.0.0.1:5 > 2.0.0.1:8080 S";
  EXPECT_EQ(say("tcp 1.0.0.1:5 > 9.0.0.1:80 S", to_server), "1000 0");
  EXPECT_EQ(say("tcp 2.0.0.1:8080 > 1.0.0.1:5 SA", "tcp 9.0.0.1:80 > 1.0.0.1:5 SA"), "5000 1001");
  EXPECT_EQ(say("tcp 1.0.0.1:5 > 9.0.0.1:80 A", "tcp 1.0.0.1:5 > 2.0.0.1:8080 A"), "1001 5001");
  EXPECT_EQ(say("tcp 1.0.0.1:5 > 9.0.0.1:80 PA len 10", "tcp 1.0.0.1:5 > 2.0.0.1:8080 PA len 10"), "1001 5001");
  // Lost on the way: sent is sent, but the other end acknowledges what it has.
  EXPECT_EQ(say("tcp 1.0.0.1:5 > 9.0.0.1:80 PA len 10", nullptr), "1011 5001");
  EXPECT_EQ(say("tcp 2.0.0.1:8080 > 1.0.0.1:5 FA", "tcp 9.0.0.1:80 > 1.0.0.1:5 FA"), "5001 1011");
  EXPECT_EQ(say("tcp 1.0.0.1:5 > 9.0.0.1:80 FA", "tcp 1.0.0.1:5 > 2.0.0.1:8080 FA"), "1021 5002");
  EXPECT_EQ(say("tcp 2.0.0.1:8080 > 1.0.0.1:5 A", nullptr), "5002 1022");
  EXPECT_EQ(say("tcp 1.0.0.1:5 > 9.0.0.1:80 A seq 7", nullptr), "7 5002");
  // Another pair is another conversation; without a handshake it stands behind one.
  EXPECT_EQ(say("tcp 1.0.0.1:6 > 9.0.0.1:80 A", nullptr), "1001 5001");
}

TEST(Surroundings, LinkAddresses) {
  const std::vector<BackendPort> ports = {
      {"lan", {2, 0xff, 0, 0, 0, 1}}, {"p1", {2, 0xff, 0, 0, 0, 2}}, {"p2", {2, 0xff, 0, 0, 0, 3}}};
  Surroundings s(ports);
  s.apply(lab::parse_network("addr add 10.1.0.1/24 dev lan\nlink add br0 type bridge\nlink set p1 master br0\n"
                             "link set p2 master br0\naddr add 10.2.0.1/24 dev br0\n",
                             "network")
              .take());
  const struct {
    int port;
    Be32 destination;
    const char* mac;
  } cases[] = {
      {0, ip4(10, 1, 0, 1), "02:ff:00:00:00:01"},
      {0, ip4(10, 1, 0, 7), "02:ff:00:00:00:01"},
      {0, ip4(10, 9, 0, 7), "02:ff:00:00:00:01"},
      {0, ip4(10, 1, 0, 255), "ff:ff:ff:ff:ff:ff"},
      {0, ip4(10, 2, 0, 255), "02:ff:00:00:00:01"},
      {1, ip4(10, 2, 0, 1), "02:ff:00:00:00:02"},
      {2, ip4(10, 2, 0, 1), "02:ff:00:00:00:02"},  // a bridge has the smallest address of its ports
      {2, ip4(10, 9, 0, 1), "02:ff:00:00:00:02"},
      {2, ip4(10, 1, 0, 1), "02:ff:00:00:00:02"},
      {2, ip4(10, 2, 0, 7), "02:00:0a:02:00:07"},
      {2, ip4(10, 2, 0, 255), "ff:ff:ff:ff:ff:ff"},
      {0, ip4(255, 255, 255, 255), "ff:ff:ff:ff:ff:ff"},
      {0, ip4(224, 129, 2, 3), "01:00:5e:01:02:03"},  // RFC 1112: 23 bits
  };
  for (const auto& c : cases)
    EXPECT_EQ(mac_text(s.destination_mac(c.port, c.destination.host())), c.mac)
        << c.port << " " << format_ipv4(c.destination);
}

TEST(Surroundings, OneStationAnswersOnABridge) {
  const std::vector<BackendPort> ports = {{"p1", {2, 0xff, 0, 0, 0, 1}}, {"p2", {2, 0xff, 0, 0, 0, 2}}};
  Surroundings s(ports);
  s.apply(lab::parse_network("link add br0 type bridge\nlink set p1 master br0\nlink set p2 master br0\n", "network")
              .take());
  const auto request = [](const char* text) {
    return build_packet(parse_packet(text).take(), Layer::kEthernet).take();
  };
  const std::vector<uint8_t> who = request("arp who-has 10.2.0.7 tell 10.2.0.1");
  EXPECT_TRUE(s.arp_reply(0, who));
  EXPECT_FALSE(s.arp_reply(1, who));
  s.sends(1, ip4(10, 2, 0, 7).host());
  EXPECT_FALSE(s.arp_reply(0, who));
  const auto reply = s.arp_reply(1, who);
  ASSERT_TRUE(reply);
  EXPECT_EQ(packet_text(*reply, Layer::kEthernet),
            "arp reply 10.2.0.7 is-at 02:00:0a:02:00:07 to 10.2.0.1 mac 02:00:0a:02:00:07 > 02:00:0a:02:00:01");
  EXPECT_FALSE(s.arp_reply(0, request("arp who-has 10.2.0.9 tell 10.2.0.9")));  // announces itself
  EXPECT_FALSE(s.arp_reply(0, *reply));
}

}  // namespace
}  // namespace nf::scenario
