#include "tools/words/words.h"

#include <cstdlib>
#include <unordered_map>

namespace nf::words {
namespace {

struct Row {
  std::string_view key, english, chinese;
};

constexpr Row kRows[] = {
#define X(key, english, chinese) {key, english, chinese},
#include "tools/words/words.inc"
#undef X
};

const std::unordered_map<std::string_view, const Row*>& rows() {
  static const auto* const kByKey = [] {
    auto* rows = new std::unordered_map<std::string_view, const Row*>;
    for (const Row& row : kRows) rows->emplace(row.key, &row);
    return rows;
  }();
  return *kByKey;
}

}  // namespace

std::optional<Language> language_by_name(std::string_view name) {
  if (name == "en") return Language::kEnglish;
  if (name == "zh") return Language::kChinese;
  return std::nullopt;
}

Language language_of_locale() {
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == 0) continue;
    return std::string_view(value).starts_with("zh") ? Language::kChinese : Language::kEnglish;
  }
  return Language::kEnglish;
}

std::string_view text_of(std::string_view key, Language language) {
  const auto row = rows().find(key);
  if (row == rows().end()) return key;
  return language == Language::kChinese ? row->second->chinese : row->second->english;
}

std::string render(const Said& said, Language language) {
  const std::string_view text = text_of(said.key, language);
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool blank = text[i] == '{' && i + 2 < text.size() && text[i + 2] == '}';
    if (!blank) {
      out += text[i];
      continue;
    }
    const char name = text[i + 1];
    i += 2;
    if (name >= '0' && name <= '9') {
      const size_t n = static_cast<size_t>(name - '0');
      if (n < said.values.size()) out += said.values[n];
    } else {
      const size_t n = static_cast<size_t>(name - 'a');
      if (n < said.inner.size()) out += render(said.inner[n], language);
    }
  }
  return out;
}

}  // namespace nf::words
