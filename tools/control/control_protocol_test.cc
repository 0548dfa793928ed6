#include "tools/control/control_protocol.h"

#include <gtest/gtest.h>

namespace nf::control {
namespace {

// The byte order of control_protocol.h, written out.
TEST(ControlProtocol, BytesOnTheWire) {
  EXPECT_EQ(encode_request({"conntrack", "-L"}), std::string("conntrack\0-L\0\0", 14));
  EXPECT_EQ(encode_frame('x', "\2"), std::string("x\0\0\0\1\2", 6));
  EXPECT_EQ(encode_frame('o', std::string(258, 'a')).substr(0, 6), std::string("o\0\0\1\2a", 6));
}

TEST(ControlProtocol, RequestInPieces) {
  const std::vector<std::string> words{"iptables-restore", "--", "rules.v4", file_word("*nat\nCOMMIT\n")};
  const std::string whole = encode_request(words);
  for (size_t n = 0; n < whole.size(); ++n) EXPECT_FALSE(decode_request(whole.substr(0, n))) << n;
  EXPECT_EQ(decode_request(whole), words);
}

TEST(ControlProtocol, FramesInPieces) {
  const std::string whole = encode_frame('o', "") + encode_frame('e', "words");
  std::string buffer;
  std::vector<Frame> got;
  for (const char c : whole) {
    buffer += c;
    while (auto frame = take_frame(buffer)) got.push_back(*frame);
  }
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0].channel, 'o');
  EXPECT_EQ(got[0].bytes, "");
  EXPECT_EQ(got[1].channel, 'e');
  EXPECT_EQ(got[1].bytes, "words");
  EXPECT_EQ(buffer, "");
}

TEST(ControlProtocol, FilesAsWords) {
  for (const std::string_view text : {"", "\n", "file\n", "*filter\nCOMMIT\n"}) {
    const std::string word = file_word(text);
    EXPECT_NE(word, "");
    EXPECT_EQ(file_text(word), text);
  }
  EXPECT_FALSE(file_text("-n"));
  EXPECT_FALSE(file_text(""));
}

}  // namespace
}  // namespace nf::control
