// What the other dialects announce, as one end hears it.
#include <gtest/gtest.h>

#include "datapath/base/text.h"
#include "tools/difftest/traffic/helper_talk.h"
#include "tools/difftest/traffic/words.h"

namespace nf::difftest {
namespace {

using namespace std::string_literals;

std::string text(Dialect dialect, std::string_view payload) {
  const std::optional<Announcement> a = helper_talk(dialect).announced(payload);
  if (!a) return "none";
  return (a->address ? format_ipv4(*a->address) : "speaker") + ":" + std::to_string(a->port);
}

TEST(Announcement, OfEachDialect) {
  const std::string pptp = "\0\x20\0\1\x1a\x2b\x3c\x4d\0\x08\0\0\x9c\x40\0\0"s;
  const struct {
    Dialect dialect;
    std::string payload, announced;
  } kCases[] = {
      // RFC 1350: the answer comes to the port that asked.
      {Dialect::kTftp, "\0\1file\0octet\0"s, "speaker:0"},
      {Dialect::kIrc, "PRIVMSG bob :\1DCC SEND f 167837698 5000 9\1\r\n", "10.1.0.2:5000"},
      {Dialect::kIrc, "PRIVMSG bob :\1DCC CHAT chat 167837698  5000\1\n", "10.1.0.2:5000"},
      {Dialect::kIrc, "PRIVMSG bob :\1DCC SEND f 167837698\1\n", "none"},
      {Dialect::kIrc, "PRIVMSG bob :\1DCC SEND f 167837698 0\1\n", "none"},
      {Dialect::kIrc, "PRIVMSG bob :hello\r\n", "none"},
      {Dialect::kAmanda, "CONNECT DATA 5001 MESG 5002\n", "speaker:5001"},
      {Dialect::kAmanda, "CONNECT MESG 5002\nOPTIONS\n", "speaker:5002"},
      {Dialect::kAmanda, "CONNECT DATA x\n", "none"},
      {Dialect::kAmanda, "CONNECT\n", "none"},
      {Dialect::kAmanda, "SERVICE x\n", "none"},
      {Dialect::kSane, "\0\0\0\0\0\0\x13\x88"s, "speaker:5000"},
      {Dialect::kSane, "\0\0\0\0\0\0\x13"s, "none"},
      {Dialect::kSane, "\0\0\0\0\0\0\0\0"s, "none"},
      {Dialect::kPptp, pptp, "speaker:40000"},
      {Dialect::kPptp, pptp.substr(0, 13), "none"},
      {Dialect::kPptp, "\0\x9c\0\1\x1a\x2b\x3c\x4d\0\1\0\0\x9c\x40\0\0"s, "none"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(text(c.dialect, c.payload), c.announced) << c.payload;
    for (size_t n = 0; n < c.payload.size(); ++n) text(c.dialect, std::string_view(c.payload).substr(0, n));
  }
}

TEST(Announcement, BytesAreWordsToo) {
  const Speaker speaker{ip4(10, 1, 0, 2), ip4(10, 2, 0, 3), 0x9c40, 0x2525};
  const std::string bytes = "50% of\0\xff"s;
  const std::string words = literal_words(bytes) + "%w%W";
  EXPECT_EQ(longest_words(words), bytes.size() + 4);
  const std::vector<uint8_t> in(words.begin(), words.end());
  const std::vector<uint8_t> out = fill_words(in, bytes.size() + 4, speaker);
  EXPECT_EQ(std::string(out.begin(), out.end()), bytes + "\x9c\x40\x25\x25");
}

}  // namespace
}  // namespace nf::difftest
