// The control connection of PPTP, every message of it. With NAT, and GRE behind it: netns-tests/scenarios/helpers.
#include "conntrack/helper/pptp.h"

#include <gtest/gtest.h>

#include "conntrack/gre_keymap.h"
#include "conntrack/helper/test_talk.h"

namespace nf::ct {
namespace {

using test::HelperTalk;
using Lines = std::vector<std::string>;

// RFC 2637, 2.1 to 2.15: length of each message, header included, by its number.
constexpr size_t kLength[] = {0, 156, 156, 16, 16, 16, 20, 168, 32, 220, 24, 28, 16, 148, 40, 24};

// A message with 16-bit numbers at some offsets of its body.
std::string message(PptpMessage which, std::initializer_list<std::pair<size_t, unsigned>> numbers = {}) {
  const auto n = static_cast<size_t>(which);
  test::Bytes b(kLength[n]);
  test::put16(b, 0, static_cast<unsigned>(b.size()));
  test::put16(b, 2, 1);
  test::put32(b, 4, 0x1a2b3c4d);
  test::put16(b, 8, static_cast<unsigned>(n));
  for (const auto& [at, value] : numbers) test::put16(b, PptpControl::kBody + at, value);
  return {b.begin(), b.end()};
}
constexpr unsigned kOk = 0x0100;  // the result code's byte

const std::string kStart = message(PptpMessage::kStartSessionRequest);
const std::string kStarted = message(PptpMessage::kStartSessionReply, {{2, kOk}});
const std::string kCall = message(PptpMessage::kOutCallRequest, {{0, 0x11}});
const std::string kCalled = message(PptpMessage::kOutCallReply, {{0, 0x22}, {2, 0x11}, {4, kOk}});
const Lines kBothWays = {"10.0.1.2:17 > 10.0.2.2:34/47", "10.0.2.2:34 > 10.0.1.2:17/47"};

class Pptp : public ::testing::Test {
 protected:
  void SetUp() override { talk.handshake(); }
  void client(const std::string& s) { ASSERT_TRUE(talk.say(true, s)); }
  void server(const std::string& s) { ASSERT_TRUE(talk.say(false, s)); }
  void start() {
    client(kStart);
    server(kStarted);
  }
  GreKeymap& keymap() { return talk.w.ct.gre_keymap(); }
  HelperTalk talk{"pptp", kProtoTcp};
};

TEST_F(Pptp, AnOutgoingCall) {
  start();
  client(kCall);
  EXPECT_EQ(talk.expected(), Lines{});
  server(kCalled);
  EXPECT_EQ(talk.expected(), kBothWays);
  EXPECT_FALSE(keymap().empty());
  server(kCalled);
  EXPECT_EQ(talk.expected(), kBothWays) << "repeated";
  server(message(PptpMessage::kCallDisconnectNotify));
  EXPECT_EQ(talk.expected(), Lines{});
  EXPECT_TRUE(keymap().empty());
}

TEST_F(Pptp, AnIncomingCall) {
  start();
  server(message(PptpMessage::kInCallRequest, {{0, 0x22}}));
  client(message(PptpMessage::kInCallReply, {{0, 0x11}, {2, 0x22}, {4, kOk}}));
  EXPECT_EQ(talk.expected(), Lines{});
  server(message(PptpMessage::kInCallConnect, {{0, 0x11}}));
  EXPECT_EQ(talk.expected(), kBothWays);
}

TEST_F(Pptp, MessagesThatAreTooShortAreNotRead) {
  start();
  client(kCall);
  for (size_t n = 1; n < kCalled.size(); ++n) {
    server(kCalled.substr(0, n));
    ASSERT_EQ(talk.forget(), 0u) << n;
  }
  for (size_t n = 1; n < kCall.size(); ++n) client(message(PptpMessage::kOutCallRequest, {{0, 0x99}}).substr(0, n));
  server(kCalled);
  EXPECT_EQ(talk.expected(), kBothWays);
}

// Each line, with a started session before it and a good answer to call 0x11 behind it.
TEST_F(Pptp, WhatComesBetweenCallAndAnswer) {
  const struct {
    const char* what;
    bool from_client;
    std::string said;
    bool answered;
  } kCases[] = {
      {"nothing of note", true, message(PptpMessage::kEchoRequest), true},
      {"echo reply", false, message(PptpMessage::kEchoReply), true},
      {"link info", true, message(PptpMessage::kSetLinkInfo), true},
      {"link info back", false, message(PptpMessage::kSetLinkInfo), true},
      {"line errors", false, message(PptpMessage::kWanErrorNotify), true},
      {"a second start", true, kStart, true},
      {"hanging up", true, message(PptpMessage::kCallClearRequest), false},
      {"hanging up, of the wrong side", false, message(PptpMessage::kCallClearRequest), true},
      {"disconnected", false, message(PptpMessage::kCallDisconnectNotify), false},
      {"disconnected, of the wrong side", true, message(PptpMessage::kCallDisconnectNotify), true},
      {"stopping", true, message(PptpMessage::kStopSessionRequest), false},
      {"stopping, of the wrong side", false, message(PptpMessage::kStopSessionRequest), true},
      {"stopped unasked", false, message(PptpMessage::kStopSessionReply, {{0, kOk}}), true},
      {"started again", false, kStarted, true},
      {"refused after all", false, message(PptpMessage::kStartSessionReply, {{2, 0x0200}}), false},
      {"another call", true, message(PptpMessage::kOutCallRequest, {{0, 0x12}}), false},
      {"a call comes in", false, message(PptpMessage::kInCallRequest, {{0, 0x33}}), false},
      {"an answer to no call", true, message(PptpMessage::kInCallReply, {{0, 0x11}, {2, 0}, {4, kOk}}), true},
      {"connected without a call", false, message(PptpMessage::kInCallConnect, {{0, 0x11}}), true},
  };
  for (const auto& c : kCases) {
    HelperTalk fresh("pptp", kProtoTcp);
    fresh.handshake();
    ASSERT_TRUE(fresh.say(true, kStart) && fresh.say(false, kStarted) && fresh.say(true, kCall));
    ASSERT_TRUE(fresh.say(c.from_client, c.said));
    ASSERT_TRUE(fresh.say(false, kCalled));
    EXPECT_EQ(fresh.expected(), c.answered ? kBothWays : Lines{}) << c.what;
  }
}

// The other direction's expectation goes with the first packet, the connection with the control connection.
TEST_F(Pptp, GreOfACall) {
  start();
  client(kCall);
  server(kCalled);
  test::Bytes gre(8);
  gre[0] = 0x30;
  gre[1] = 1;
  test::put16(gre, 2, 0x880b);
  test::put16(gre, 6, 0x22);
  const PacketPtr p = talk.w.pass(test::ip_packet(test::kHostA, test::kHostB, kProtoGre, gre));
  ASSERT_NE(p, nullptr);
  EXPECT_EQ(p->ctinfo, CtInfo::kRelated);
  EXPECT_EQ(talk.expected(), Lines{});
  const auto live = [&] {
    size_t n = 0;
    talk.w.ct.for_each([&n](Connection&) { ++n; });
    return n;
  };
  EXPECT_EQ(live(), 2u);
  Connection* control = connection_of(p->ct)->master;
  ASSERT_NE(control, nullptr);
  ASSERT_TRUE(talk.w.ct.kill(*control, talk.w.stack.now_));
  EXPECT_EQ(live(), 0u);
  EXPECT_TRUE(keymap().empty());
}

TEST_F(Pptp, AnythingMayBeSaid) {
  test::say_anything(talk,
                     {kStart, kStarted, kCall, kCalled, message(PptpMessage::kInCallRequest, {{0, 0x22}}),
                      message(PptpMessage::kInCallReply, {{0, 0x11}, {2, 0x22}, {4, kOk}}),
                      message(PptpMessage::kInCallConnect, {{0, 0x11}}), message(PptpMessage::kCallClearRequest),
                      message(PptpMessage::kCallDisconnectNotify)},
                     2);
}

}  // namespace
}  // namespace nf::ct
