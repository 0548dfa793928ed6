// The words of one `ip -batch` line, and iproute2's ways of reading a value from a word.
//
// The first failure sticks: from then on there are no more words, and values are empty. So a parser runs through and
// looks at failed() once. twin: NEXT_ARG, invarg, get_prefix, get_unsigned, ll_addr_a2n, lib/utils.c, lib/ll_addr.c
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/base/byteorder.h"
#include "datapath/base/result.h"
#include "datapath/base/text.h"
#include "datapath/packet/headers.h"

namespace nf::lab {

// A word of the grammar. iproute2 takes most by any of their beginnings, the first in its order that fits.
struct Keyword {
  std::string_view text;
  int id;
  bool abbreviable = false;
};

class BatchWords {
 public:
  explicit BatchWords(std::vector<std::string> words) : words_(std::move(words)) {}

  bool at_end() const { return failed_ || at_ == words_.size(); }
  // The word to come; empty at the end.
  const std::string& peek() const { return at_end() ? empty_ : words_[at_]; }
  std::string take() { return at_end() ? std::string() : words_[at_++]; }
  // The first keyword that fits the word to come, or -1; takes the word only when one fits.
  int take_keyword(std::span<const Keyword> keywords);

  // The value behind an option; fails when the line ends.
  std::string value();
  uint32_t number(uint32_t max = UINT32_MAX);  // decimal, 0x or 0 for octal
  uint8_t tos();                               // hexadecimal with or without 0x, or a DSCP name
  bool on_off();
  std::string interface_name();
  MacAddress mac();
  Be32 address();                              // "10.1" is 10.1.0.0, as in ip(8)
  Prefix4 prefix(bool* has_length = nullptr);  // also "default", "any", "all"

  void fail(std::string text);
  void fail_word(const std::string& word, const char* what) { fail("\"" + word + "\" " + what); }
  bool failed() const { return failed_; }
  const std::string& error() const { return error_; }

 private:
  Prefix4 parse_prefix(const std::string& word, bool* has_length);

  std::vector<std::string> words_;
  size_t at_ = 0;
  bool failed_ = false;
  std::string error_;
  std::string empty_;
};

// Splits as iproute2 does: blanks, and words in single or double quotes. twin: makeargs
Result<std::vector<std::string>> split_batch_line(std::string_view line);

}  // namespace nf::lab
