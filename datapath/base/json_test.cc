#include "datapath/base/json.h"

#include <gtest/gtest.h>

namespace nf {
namespace {

// What is no UTF-8: a lone continuation, overlong forms, a surrogate, behind the last character, cut short.
TEST(Json, Strings) {
  const struct {
    std::string_view text, json;
  } kRows[] = {
      {"", "\"\""},
      {"a\"b", "\"a\\\"b\""},
      {"a\\b", "\"a\\\\b\""},
      {"\n\x01\x1f\x7f", "\"\\u000a\\u0001\\u001f\x7f\""},
      {std::string_view("\0", 1), "\"\\u0000\""},
      {"é€😀", "\"é€😀\""},
      {"\xf4\x8f\xbf\xbf", "\"\xf4\x8f\xbf\xbf\""},
      {"a\x80"
       "b",
       "\"a\\ufffdb\""},
      {"\xc0\xaf", "\"\\ufffd\\ufffd\""},
      {"\xe0\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\""},
      {"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""},
      {"\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
      {"\xff", "\"\\ufffd\""},
      {"\xe2\x82", "\"\\ufffd\\ufffd\""},
      {"\xc3\"", "\"\\ufffd\\\"\""},
  };
  for (const auto& row : kRows) EXPECT_EQ(json_string(row.text), row.json);
}

TEST(Json, Objects) {
  JsonObject j;
  EXPECT_EQ(JsonObject().take(), "{}");
  j.text("a\"", "b");
  j.number("n", UINT64_MAX);
  j.boolean("t", true);
  j.boolean("f", false);
  j.raw("l", json_strings({"x", "y\n"}));
  j.raw("e", json_list({}));
  EXPECT_EQ(j.take(),
            "{\"a\\\"\": \"b\", \"n\": 18446744073709551615, \"t\": true, \"f\": false, \"l\": [\"x\", \"y\\u000a\"], "
            "\"e\": []}");
}

}  // namespace
}  // namespace nf
