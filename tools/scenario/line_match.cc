#include "tools/scenario/line_match.h"

#include <algorithm>
#include <map>

#include "datapath/base/text.h"
#include "tools/scenario/packet_match.h"

namespace nf::scenario {
namespace {

std::optional<uint32_t> number_in(std::string_view s) {
  if (const auto address = parse_ipv4(s)) return address->host();
  const auto n = parse_number(s, UINT32_MAX);
  return n ? std::optional<uint32_t>(static_cast<uint32_t>(*n)) : std::nullopt;
}

bool optional_word(std::string_view w) { return w == "mark=0" || w == "use=1"; }

std::vector<std::string_view> wanted_words(std::string_view line) {
  std::vector<std::string_view> words = split_words(line);
  std::erase_if(words, optional_word);
  return words;
}
std::vector<std::string_view> wanted_words(const std::vector<std::string>& pattern) {
  std::vector<std::string_view> words(pattern.begin(), pattern.end());
  std::erase_if(words, optional_word);
  return words;
}

bool is_number(std::string_view w) { return parse_number(w).has_value(); }

// Where the seconds left stand: "tcp 6 120 ...", behind the protocol's name and number; "120 proto=6 ..." of an
// expectation. words.size(): nowhere.
size_t seconds_at(const std::vector<std::string_view>& words) {
  const size_t name = !words.empty() && words[0].starts_with('[') ? 1 : 0;
  if (words.size() > name + 1 && words[name + 1].starts_with("proto=")) return name;
  const bool there =
      words.size() > name + 2 && !is_number(words[name]) && is_number(words[name + 1]) &&
      (is_number(words[name + 2]) || words[name + 2].starts_with('{') || words[name + 2].starts_with('$'));
  return there ? name + 2 : words.size();
}

bool match_seconds(std::string_view pattern, std::string_view actual, Variables& variables) {
  const auto wanted = parse_number(pattern), is = parse_number(actual);
  if (wanted && is) return *wanted <= *is + 1 && *is <= *wanted + 1;
  return match_word(pattern, actual, variables);
}

// "src=" of "src=10.0.0.1"; a word without '=' is its own key.
std::string_view key_of(std::string_view word) { return word.substr(0, word.find('=')); }

}  // namespace

bool match_word(std::string_view pattern, std::string_view actual, Variables& variables) {
  if (pattern == actual) return true;
  const size_t special = pattern.find_first_of("${");
  if (special == std::string_view::npos || !actual.starts_with(pattern.substr(0, special))) return false;
  const Result<Value> value = parse_value(pattern.substr(special), UINT32_MAX);
  const auto n = number_in(actual.substr(special));
  return value.ok() && n && match_value(*value, *n, variables);
}

bool match_line(const std::vector<std::string>& pattern, std::string_view line, Variables& variables) {
  const auto wanted = wanted_words(pattern), actual = wanted_words(line);
  if (wanted.size() != actual.size()) return false;
  const size_t seconds = seconds_at(wanted);
  Variables trial = variables;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const bool fits = i == seconds && seconds_at(actual) == seconds ? match_seconds(wanted[i], actual[i], trial)
                                                                    : match_word(wanted[i], actual[i], trial);
    if (!fits) return false;
  }
  variables = std::move(trial);
  return true;
}

bool match_entry(const std::vector<std::string>& pattern, std::string_view line, Variables& variables) {
  const auto wanted = wanted_words(pattern), actual = wanted_words(line);
  const size_t seconds = seconds_at(wanted), actual_seconds = seconds_at(actual);
  std::vector<bool> used(actual.size());
  std::map<std::string_view, size_t> after;  // by key: where the next word with it may stand
  Variables trial = variables;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const bool alone = wanted[i].starts_with('{') || is_number(wanted[i]);
    bool found = false;
    for (size_t j = after[key_of(wanted[i])]; j < actual.size() && !found; ++j) {
      if (used[j]) continue;
      const bool is_seconds = j == actual_seconds;
      if (is_seconds != (i == seconds || (alone && seconds == wanted.size() && is_seconds))) continue;
      if (!(is_seconds ? match_seconds(wanted[i], actual[j], trial) : match_word(wanted[i], actual[j], trial)))
        continue;
      used[j] = found = true;
      after[key_of(wanted[i])] = j + 1;
    }
    if (!found) return false;
  }
  variables = std::move(trial);
  return true;
}

}  // namespace nf::scenario
