// TFTP, IRC, Amanda, SANE, NetBIOS: what they take for an announcement. What follows from it is in
// netns-tests/scenarios/helpers, where the kernel says the same.
#include <gtest/gtest.h>

#include "conntrack/helper/irc.h"
#include "conntrack/helper/test_talk.h"

namespace nf::ct {
namespace {

using test::HelperTalk;
using test::say_anything;
using Lines = std::vector<std::string>;

std::string bytes(std::initializer_list<unsigned> list) {
  std::string s;
  for (const unsigned b : list) s += static_cast<char>(b);
  return s;
}

// What a beginning of `message` announces, and the whole of it.
void expect_only_whole(HelperTalk& talk, bool client, const std::string& message, size_t announces) {
  for (size_t n = 1; n < message.size(); ++n) {
    ASSERT_TRUE(talk.say(client, message.substr(0, n)));
    ASSERT_EQ(talk.forget(), 0u) << n;
  }
  ASSERT_TRUE(talk.say(client, message));
  EXPECT_EQ(talk.forget(), announces);
}

TEST(Tftp, RequestsAnnounceTheAnswer) {
  HelperTalk talk("tftp", kProtoUdp);
  EXPECT_TRUE(talk.say(true, bytes({0})));
  EXPECT_EQ(talk.forget(), 0u);
  for (unsigned opcode = 0; opcode < 8; ++opcode) {
    EXPECT_TRUE(talk.say(true, bytes({0, opcode})));
    EXPECT_EQ(talk.expected(), opcode == 1 || opcode == 2 ? Lines{"10.0.2.2:* > 10.0.1.2:40000/17"} : Lines{});
    talk.forget();
  }
  say_anything(talk, {bytes({0, 1, 'a', 0, 'o', 0}), bytes({0, 2, 'a', 0, 'o', 0})}, 1);
}

// 300 seconds, one at a time. twin: tftp_exp_policy
TEST(Tftp, TheAnswerHasFiveMinutes) {
  HelperTalk talk("tftp", kProtoUdp);
  EXPECT_TRUE(talk.say(true, bytes({0, 1})));
  talk.w.advance(299 * kSecond);
  EXPECT_EQ(talk.expected().size(), 1u);
  talk.w.advance(kSecond);
  EXPECT_EQ(talk.expected().size(), 0u);
}

TEST(Irc, WhatAnOfferSays) {
  struct Case {
    std::string text;
    bool ok;
    Be32 address = {};
    uint16_t port = 0;
    unsigned offset = 0, length = 0;
  };
  const Case kCases[] = {
      {"file 167837954 5000 1\1\n", true, ip4(10, 1, 1, 2), 5000, 5, 14},
      {"f 1677216 99\1\n", true, be32(1677216), 99, 2, 10},
      {"f 167837954   5000\n", true, ip4(10, 1, 1, 2), 5000, 2, 16},
      {"f 4462805250 65537\n", true, ip4(10, 1, 1, 2), 1, 2, 16},  // 2^32 and 2^16 more
      {"f 167837954\n5000000\n", true, ip4(10, 1, 1, 2), 0, 2, 9},
      {"f abcdefgh 5000\1\n", true, {}, 0, 2, 0},
      {"f 167837954 5000\1", false},
      {"longer than what is left 1\n", true, {}, 0, 7, 0},
      {"nothing-in-it-is-blank-\n", false},
      {" 1 2\n", true, be32(1), 2, 1, 3},
      {"f 1 2\n", false},
      {"fil 1 2\n", false},
      {"", false},
      {" ", false},
      {"\n", false},
  };
  for (const Case& c : kCases) {
    const std::optional<DccOffer> got = parse_dcc(c.text);
    ASSERT_EQ(got.has_value(), c.ok) << c.text;
    if (!got) continue;
    EXPECT_EQ(got->address, c.address) << c.text;
    EXPECT_EQ(got->port, c.port) << c.text;
    EXPECT_EQ(got->offset, c.offset) << c.text;
    EXPECT_EQ(got->length, c.length) << c.text;
  }
}

TEST(Irc, OffersOfTheClient) {
  HelperTalk talk("irc", kProtoTcp);
  talk.handshake();
  const std::string offer = "PRIVMSG bob :\1DCC SEND file 167772418 5000 1000\1\r\n";  // 10.0.1.2
  expect_only_whole(talk, true, offer, 1);
  EXPECT_TRUE(talk.say(false, offer));
  EXPECT_EQ(talk.forget(), 0u);
  // Only the first 4095 bytes of a segment are looked at.
  for (const size_t in_front : {4095 - offer.size(), 4096 - offer.size()}) {
    EXPECT_TRUE(talk.say(true, std::string(in_front, ' ') + offer));
    EXPECT_EQ(talk.forget(), in_front + offer.size() == 4095 ? 1u : 0u);
  }
  EXPECT_TRUE(talk.say(true, "PRIVMSG bob :\1DCC SEND file 167772419 5000 1000\1\r\n"));
  EXPECT_EQ(talk.forget(), 0u);
  ASSERT_EQ(talk.w.stack.log_.size(), 1u);
  EXPECT_NE(talk.w.stack.log_[0].find("Forged DCC command from 10.0.1.2: 10.0.1.3:5000"), std::string::npos);
  say_anything(talk, {offer, "PRIVMSG a :\1DCC SCHAT chat 167772418 1\1\n"}, 8);
}

TEST(Amanda, PortsOfAnAnswer) {
  HelperTalk talk("amanda", kProtoUdp);
  ASSERT_TRUE(talk.say(true, "SERVICE\n"));
  const std::string answer = "CONNECT DATA 5001 MESG 5002 INDEX 5003 STATE 5004\n";
  ASSERT_TRUE(talk.say(false, answer));
  EXPECT_EQ(talk.expected(), (Lines{"10.0.1.2:* > 10.0.2.2:5001/6", "10.0.1.2:* > 10.0.2.2:5002/6",
                                    "10.0.1.2:* > 10.0.2.2:5003/6", "10.0.1.2:* > 10.0.2.2:5004/6"}));
  talk.forget();
  expect_only_whole(talk, false, answer, 4);
  say_anything(talk, {answer}, 4);
}

TEST(Sane, PortOfAStartedScan) {
  HelperTalk talk("sane", kProtoTcp);
  talk.handshake();
  const std::string start = bytes({0, 0, 0, 7, 0, 0, 0, 1});
  const std::string port = bytes({0, 0, 0, 0, 0, 0, 0x13, 0x88});
  for (size_t n = 1; n <= port.size(); ++n) {
    ASSERT_TRUE(talk.say(true, start));
    ASSERT_TRUE(talk.say(false, port.substr(0, n)));
    EXPECT_EQ(talk.expected(), n == port.size() ? Lines{"10.0.1.2:* > 10.0.2.2:5000/6"} : Lines{}) << n;
  }
  talk.forget();
  say_anything(talk, {start, port}, 1);
}

// A query of this host to a broadcast address of its own, and which packets are none.
TEST(NetbiosNs, QueriesOfThisHost) {
  const Device lan{};
  const struct {
    const char* what;
    RouteType type;
    bool from_socket, known_broadcast;
    size_t announces;
  } kCases[] = {
      {"a query", RouteType::kBroadcast, true, true, 1},
      {"its copy, or another host's", RouteType::kBroadcast, false, true, 0},
      {"to one host", RouteType::kUnicast, true, true, 0},
      {"an address without broadcast address", RouteType::kBroadcast, true, false, 0},
  };
  for (const auto& c : kCases) {
    test::World w;
    register_helpers(w.ct, {});
    Connection* tmpl = w.ct.template_alloc({.helper = w.ct.helpers().find("netbios-ns", kProtoUdp)});
    const Be32 broadcast = ip4(10, 0, 1, 255);
    if (c.known_broadcast) w.stack.broadcast_masks_[broadcast] = prefix_mask(24);
    PacketPtr p = w.make(test::udp_packet(test::kHostA, 40137, broadcast, 137));
    p->ct = reinterpret_cast<uintptr_t>(tmpl);
    p->ctinfo = CtInfo::kNew;
    p->from_socket = c.from_socket;
    p->dst.type = c.type;
    p->dst.out = &lan;
    ASSERT_EQ(w.in(p, HookPoint::kLocalOut), Verdict::kAccept);
    ASSERT_EQ(w.confirm(p), Verdict::kAccept);
    size_t seen = 0;
    w.ct.expectations().for_each(
        [&](Expectation& e) {
          ++seen;
          EXPECT_EQ(e.flags, kExpectPermanent);
          EXPECT_EQ(e.mask_source, prefix_mask(24));
          EXPECT_EQ(e.tuple.source_id, be16(137));
          EXPECT_EQ(e.tuple.destination_id, be16(40137));
          EXPECT_EQ(seconds_left(e, w.stack.now_), 3);
        },
        w.stack.now_);
    EXPECT_EQ(seen, c.announces) << c.what;
    EXPECT_EQ(connection_of(p->ct)->expires, w.stack.now_ + (c.announces != 0 ? 3 : 30) * kSecond) << c.what;
  }
}

}  // namespace
}  // namespace nf::ct
