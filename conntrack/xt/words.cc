#include "conntrack/xt/words.h"

#include <strings.h>

namespace nf::ct {

Result<uint32_t> parse_word_list(std::string_view text, std::span<const Word> words, std::string_view kind) {
  uint32_t mask = 0;
  std::string_view left = text;
  for (;;) {
    const size_t comma = left.find(',');
    const std::string_view word = left.substr(0, comma);
    const Word* found = nullptr;
    for (const Word& w : words) {
      const bool same =
          !word.empty() && word.size() <= w.text.size() && strncasecmp(word.data(), w.text.data(), word.size()) == 0;
      if (same && found == nullptr) found = &w;
    }
    if (found == nullptr) return error("Bad " + std::string(kind) + " \"" + std::string(left) + "\"");
    mask |= found->bit;
    if (comma == std::string_view::npos) return mask;
    left.remove_prefix(comma + 1);
  }
}

void append_word_list(std::string& out, uint32_t mask, std::span<const Word> words) {
  char separator = ' ';
  for (const Word& w : words) {
    if ((mask & w.bit) == 0) continue;
    out += separator;
    out += w.text;
    separator = ',';
  }
}

}  // namespace nf::ct
