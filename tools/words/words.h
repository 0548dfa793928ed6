// The words of everything the tools say about packets, in one table (words.inc): English and Chinese.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "datapath/trace/said.h"

namespace nf::words {

enum class Language : uint8_t { kEnglish, kChinese };

// "en", "zh"; nullopt: neither.
std::optional<Language> language_by_name(std::string_view name);
// Of LC_ALL, LC_MESSAGES, LANG, whichever is set first: Chinese for zh*, English otherwise.
Language language_of_locale();

// The row's text with its blanks. A key that is not in the table is a mistake of ours: it is shown as it stands.
std::string_view text_of(std::string_view key, Language language);
// The sentence. A blank without a value stays empty.
std::string render(const Said& said, Language language);

}  // namespace nf::words
