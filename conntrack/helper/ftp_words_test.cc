// Expected values are what the kernel's parser said in netns-tests/scenarios/helpers/ftp-*.scn, and RFC 959 and 2428.
#include "conntrack/helper/ftp_words.h"

#include <gtest/gtest.h>

namespace nf::ct {
namespace {

constexpr CtDirection kClient = CtDirection::kOriginal, kServer = CtDirection::kReply;
using Kind = FtpWord::Kind;

struct WordCase {
  const char* text;
  CtDirection direction;
  Kind kind;
  const char* numbers = "";
  Be32 address = ip4(9, 9, 9, 9);
  uint16_t port = 0;
};

TEST(FtpWords, Table) {
  const WordCase cases[] = {
      {"PORT 10,1,0,2,156,65\r\n", kClient, Kind::kFound, "10,1,0,2,156,65", ip4(10, 1, 0, 2), 40001},
      {"pOrT 10,1,0,2,156,65\r\n", kClient, Kind::kFound, "10,1,0,2,156,65", ip4(10, 1, 0, 2), 40001},
      {"PORTAL 10,1,0,2,156,65\r", kClient, Kind::kFound, "10,1,0,2,156,65", ip4(10, 1, 0, 2), 40001},
      {"PORT 10,1,0,2,0,40001\r\n", kClient, Kind::kFound, "10,1,0,2,0,40001", ip4(10, 1, 0, 2), 40001},
      {"PORT 10,0,256,2,1,2\r\n", kClient, Kind::kFound, "10,0,256,2,1,2", ip4(10, 1, 0, 2), 258},
      {"PORT ,,,,,\r\n", kClient, Kind::kFound, ",,,,,", ip4(0, 0, 0, 0), 0},
      {"PORT 10,1,0,2,156,65\n", kClient, Kind::kPartial},
      {"PORT 10,1,0,2,156,65", kClient, Kind::kPartial},
      {"PORT 10,1,0,2,156,65,1\r\n", kClient, Kind::kPartial},
      {"PORT 10,1,0,2,156\r\n", kClient, Kind::kPartial},
      {"PORT  10,1,0,2,156,65\r\n", kClient, Kind::kPartial},
      {"PORT-10,1,0,2,156,65\r\n", kClient, Kind::kPartial},
      {"P", kClient, Kind::kPartial},
      {"PORT", kClient, Kind::kPartial},
      {"e", kClient, Kind::kPartial},
      {"POST 1\r\n", kClient, Kind::kNone},
      {" PORT 10,1,0,2,156,65\r\n", kClient, Kind::kNone},
      {"EPRT |1|132.235.1.2|6275|\r\n", kClient, Kind::kFound, "|1|132.235.1.2|6275|", ip4(132, 235, 1, 2), 6275},
      {"EPRT ~1~132.235.1.2~6275~", kClient, Kind::kFound, "~1~132.235.1.2~6275~", ip4(132, 235, 1, 2), 6275},
      {"EPRT |1|10.1.0.2|105537|\r\n", kClient, Kind::kFound, "|1|10.1.0.2|105537|", ip4(10, 1, 0, 2), 40001},
      {"EPRT |1|10.1.0.2|0|\r\n", kClient, Kind::kPartial},
      {"EPRT |1|10.1.0.2|65536|\r\n", kClient, Kind::kPartial},
      {"EPRT |2|1080::8:800:200C:417A|5282|\r\n", kClient, Kind::kPartial},
      {"EPRT |1!132.235.1.2|6275|\r\n", kClient, Kind::kPartial},
      {"EPRT 010132.235.1.206275|\r\n", kClient, Kind::kPartial},
      {"EPRT |1|132.235.1|6275|\r\n", kClient, Kind::kPartial},
      {"EPRT |1|", kClient, Kind::kPartial},
      {"227 Entering Passive Mode (10,2,0,9,195,80)\r\n", kServer, Kind::kFound, "10,2,0,9,195,80", ip4(10, 2, 0, 9),
       50000},
      {"227 =10,2,0,9,195,80\r\n", kServer, Kind::kFound, "10,2,0,9,195,80", ip4(10, 2, 0, 9), 50000},
      {"227 10,2,0,9,195,80x", kServer, Kind::kFound, "10,2,0,9,195,80", ip4(10, 2, 0, 9), 50000},
      {"227 10,2,0,9,195,80", kServer, Kind::kPartial},
      {"227 v2 (10,2,0,9,195,80)\r\n", kServer, Kind::kPartial},
      {"227 nothing\r\n", kServer, Kind::kPartial},
      {"227-10,2,0,9,195,80\r\n", kServer, Kind::kNone},
      {"229 Entering Extended Passive Mode (|||6446|)\r\n", kServer, Kind::kFound, "|||6446|", ip4(9, 9, 9, 9), 6446},
      {"229 (|||6446", kServer, Kind::kPartial},
      {"229 (||1|6446|)", kServer, Kind::kPartial},
      {"229 (", kServer, Kind::kPartial},
      {"229 |||6446|\r\n", kServer, Kind::kPartial},
      {"22", kServer, Kind::kPartial},
      {"220 ready\r\n", kServer, Kind::kNone},
      {"PORT\r\n", kServer, Kind::kNone},
      {"227 nothing\r\n", kClient, Kind::kNone},
  };
  for (const WordCase& k : cases) {
    SCOPED_TRACE(k.text);
    const std::string_view text = k.text;
    const FtpWord word = find_ftp_word(text, k.direction, ip4(9, 9, 9, 9));
    ASSERT_EQ(word.kind, k.kind);
    if (k.kind != Kind::kFound) continue;
    EXPECT_EQ(text.substr(word.offset, word.length), k.numbers);
    EXPECT_EQ(word.address, k.address);
    EXPECT_EQ(word.port, k.port);
  }
}

}  // namespace
}  // namespace nf::ct
