#include "tools/labdiff/columns.h"

#include <gtest/gtest.h>

namespace nf::labdiff {
namespace {

TEST(Columns, WideCharactersTakeTwo) {
  EXPECT_EQ(display_width("abc"), 3u);
  EXPECT_EQ(display_width("丢弃"), 4u);
  EXPECT_EQ(display_width("a：b"), 4u);  // full-width punctuation
  EXPECT_EQ(display_width("é"), 1u);
  EXPECT_EQ(display_width("\xff\xfe"), 2u);  // no UTF-8: a column a byte
  EXPECT_EQ(display_width("\xe4\xb8"), 2u);  // cut in the middle
}

TEST(Columns, WrapsAtBlanksAndKeepsEverything) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(wrap("", 10), Lines{""});
  EXPECT_EQ(wrap("one two", 10), Lines{"one two"});
  EXPECT_EQ(wrap("one two three", 10), (Lines{"one two", "  three"}));
  EXPECT_EQ(wrap("0123456789 x", 10), (Lines{"0123456789", "  x"}));
  EXPECT_EQ(wrap("0123456789ab", 10), (Lines{"0123456789", "  ab"}));
  EXPECT_EQ(wrap("丢弃丢弃丢弃", 10), (Lines{"丢弃丢弃丢", "  弃"}));
}

TEST(Columns, RowsHaveTheSameWidthWhateverStandsInThem) {
  EXPECT_EQ(two_columns("left", "right", 25, false), "  left       | right\n");
  EXPECT_EQ(two_columns("丢弃", "b", 25, true), "> 丢弃       | b\n");
  EXPECT_EQ(two_columns("", "b", 25, true), ">            | b\n");
  EXPECT_EQ(two_columns("a a a a a a", "b", 25, false), "  a a a a a  | b\n    a        |\n");
}

}  // namespace
}  // namespace nf::labdiff
