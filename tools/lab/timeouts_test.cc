// What nfct 1.4.7 takes and refuses, asked of the program in a namespace.
#include "tools/lab/timeouts.h"

#include <gtest/gtest.h>

namespace nf::lab {
namespace {

TEST(Timeouts, Lines) {
  const auto lines = parse_timeouts(
      "# policies\n"
      "nfct add timeout a inet tcp established 100 close 10\n"
      "\n"
      "  nfct timeout add b inet udp UNREPLIED 5 Replied 7\n"
      "nfct a t c inet generic timeout 9\n"
      "nfct tim ad d inet sctp shutdown_ack_sent 3\n"
      "nfct add timeout e inet tcp unacknowledged 7 retrans 8 established 1 established 2\n",
      "timeouts");
  ASSERT_TRUE(lines.ok()) << lines.error().str();
  ASSERT_EQ(lines->size(), 5u);
  const auto& rows = *lines;
  EXPECT_EQ(rows[0].name, "a");
  EXPECT_EQ(rows[0].line, 2);
  EXPECT_EQ(rows[0].text, "nfct add timeout a inet tcp established 100 close 10");
  EXPECT_EQ(rows[0].protocol, 6);
  ASSERT_EQ(rows[0].states.size(), 2u);
  EXPECT_EQ(rows[0].states[0].place, 3);  // TCP_CONNTRACK_ESTABLISHED
  EXPECT_EQ(rows[0].states[0].seconds, 100u);
  EXPECT_EQ(rows[0].states[1].place, 8);  // TCP_CONNTRACK_CLOSE
  EXPECT_EQ(rows[1].protocol, 17);
  EXPECT_EQ(rows[1].states[1].place, 1);
  EXPECT_EQ(rows[1].states[1].seconds, 7u);
  EXPECT_EQ(rows[2].protocol, 255);
  EXPECT_EQ(rows[3].states[0].place, 7);   // SCTP_CONNTRACK_SHUTDOWN_ACK_SENT
  EXPECT_EQ(rows[4].states[0].place, 13);  // TCP_CONNTRACK_UNACK
  EXPECT_EQ(rows[4].states[3].seconds, 2u);
}

TEST(Timeouts, Refused) {
  constexpr struct {
    const char *line, *words;
  } kRows[] = {
      {"add timeout a inet tcp close 1", "\"add\": lines begin with \"nfct add timeout\""},
      {"nfct", "only \"nfct add timeout\" is understood here"},
      {"nfct list timeout", "only \"nfct add timeout\" is understood here"},
      {"nfct add helper ftp inet tcp", "only \"nfct add timeout\" is understood here"},
      {"nfct add timeout w", "missing parameters"},
      {"nfct add timeout v foo tcp established 5", "unknown layer 3 protocol \"foo\""},
      {"nfct add timeout k inet foo x 5", "unknown layer 4 protocol \"foo\""},
      {"nfct add timeout c inet udp", "no state is named"},
      {"nfct add timeout l inet tcp foo 5", "wrong state name `foo' for protocol `tcp'"},
      {"nfct add timeout g inet sctp heartbeat_sent 4", "wrong state name `heartbeat_sent' for protocol `sctp'"},
      {"nfct add timeout r inet tcp unack 6", "wrong state name `unack' for protocol `tcp'"},
      {"nfct add timeout m inet tcp established", "missing value for timeout `established'"},
      {"nfct add timeout n inet tcp established 10x", "\"10x\" is not a number of seconds"},
      {"nfct add timeout p inet tcp established -5", "\"-5\" is not a number of seconds"},
      {"nfct add timeout i inet dccp request 5", "dccp: the kernel does not follow it"},
      {"nfct add timeout aaaaaaaaaabbbbbbbbbbccccccccccdd inet tcp close 5", "is longer than"},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.line);
    const auto lines = parse_timeouts(std::string("\n") + row.line + "\n", "timeouts");
    ASSERT_FALSE(lines.ok());
    EXPECT_EQ(lines.error().file, "timeouts");
    EXPECT_EQ(lines.error().line, 2);
    EXPECT_NE(lines.error().text.find(row.words), std::string::npos) << lines.error().text;
    EXPECT_EQ(lines.error().code, ExitCode::kBadInput);
  }
  const auto ipv6 = parse_timeouts("nfct add timeout j inet6 tcp established 5\n", "timeouts");
  ASSERT_FALSE(ipv6.ok());
  EXPECT_EQ(ipv6.error().code, ExitCode::kNotModelled);
}

}  // namespace
}  // namespace nf::lab
