// Lists of words that stand for bits ("NEW,RELATED"), read and printed as iptables does.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "datapath/base/result.h"

namespace nf::ct {

struct Word {
  std::string_view text;
  uint32_t bit;
};

// Every word may be shortened and in any case, as strncasecmp with the word's own length has it; the first match
// in `words` counts. The error is "Bad ctstate "FOO,NEW"": `kind` and the text from the bad word on.
Result<uint32_t> parse_word_list(std::string_view text, std::span<const Word> words, std::string_view kind);

// " A,B" in the order of `words`; nothing for an empty mask.
void append_word_list(std::string& out, uint32_t mask, std::span<const Word> words);

}  // namespace nf::ct
