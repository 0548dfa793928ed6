#include "tools/scenario/why.h"

#include <algorithm>

#include "datapath/base/text.h"
#include "tools/scenario/line_match.h"
#include "tools/scenario/packet_text.h"

namespace nf::scenario {
namespace {

constexpr std::string_view kKeys[] = {
#define X(key, english, chinese) key,
#include "tools/words/words.inc"
#undef X
};

bool fits(std::string_view pattern, std::string_view key) {
  if (!pattern.ends_with('*')) return pattern == key;
  pattern.remove_suffix(1);
  return key.starts_with(pattern);
}

bool is_hook(std::string_view word) {
  for (size_t h = 0; h < kHookPoints; ++h)
    if (hook_name(static_cast<HookPoint>(h)) == word) return true;
  return false;
}

std::vector<std::string_view> words_of(const std::vector<std::string>& values) {
  std::vector<std::string_view> words;
  for (const std::string& v : values)
    for (const std::string_view w : split_words(v)) words.push_back(w);
  return words;
}

bool has_values(const std::vector<std::string>& wanted, const ToldStep& step, Variables& variables) {
  const std::vector<std::string_view> actual = words_of(step.values);
  Variables trial = variables;
  size_t at = 0;
  for (const std::string& w : wanted) {
    while (at < actual.size() && !match_word(w, actual[at], trial)) ++at;
    if (at++ == actual.size()) return false;
  }
  variables = std::move(trial);
  return true;
}

}  // namespace

Result<Why> parse_why(const std::vector<std::string_view>& words) {
  if (words.empty()) return error("why needs a key: \"drop.TtlExpired\", \"nat_skip.*\"");
  Why why{std::string(words[0]), {}, {}};
  if (std::none_of(std::begin(kKeys), std::end(kKeys), [&](std::string_view key) { return fits(words[0], key); }))
    return error("there is no reason \"" + why.key + '"');
  size_t i = 1;
  if (words.size() > 1 && words[1] == "at") {
    if (words.size() == 2 || !is_hook(words[2]))
      return error("\"at\" needs PREROUTING, INPUT, FORWARD, OUTPUT or POSTROUTING");
    why.hook = words[2];
    i = 3;
  }
  for (; i < words.size(); ++i) {
    if (words[i].front() == '{' || words[i].front() == '$') {
      if (Result<Value> v = parse_value(words[i], UINT32_MAX); !v) return v.error();
    }
    why.values.emplace_back(words[i]);
  }
  return why;
}

std::string print_why(const Why& why) {
  std::string text = why.key;
  if (!why.hook.empty()) text += " at " + why.hook;
  for (const std::string& v : why.values) text += ' ' + v;
  return text;
}

bool is_told(const Why& why, const std::vector<ToldPacket>& told, Variables& variables) {
  for (const ToldPacket& packet : told) {
    for (const ToldStep& step : packet.steps) {
      if (!why.hook.empty() && step.hook != why.hook) continue;
      if (std::none_of(step.keys.begin(), step.keys.end(), [&](const std::string& k) { return fits(why.key, k); }))
        continue;
      if (has_values(why.values, step, variables)) return true;
    }
  }
  return false;
}

std::string print_told(const Why& why, const std::vector<ToldPacket>& told) {
  const auto lines_at = [&told](const std::string& hook) {
    std::string text;
    for (const ToldPacket& packet : told) {
      for (const ToldStep& step : packet.steps) {
        if (!hook.empty() && step.hook != hook) continue;
        text += "   ";
        for (const std::string& k : step.keys) text += ' ' + k;
        if (!step.hook.empty()) text += " at " + step.hook;
        for (const std::string& v : step.values) text += v.empty() ? "" : ' ' + v;
        text += '\n';
      }
    }
    return text;
  };
  std::string text = lines_at(why.hook);
  if (text.empty()) text = lines_at({});
  return text.empty() ? "  nothing was told: no packet\n" : "  told was:\n" + text;
}

bool is_fate(std::string_view word) {
  static constexpr std::string_view kFates[] = {"sent", "delivered", "dropped", "waiting", "nothing"};
  return std::find(std::begin(kFates), std::end(kFates), word) != std::end(kFates);
}

std::optional<std::string> fate_of(const std::vector<ToldPacket>& told) {
  if (told.empty()) return std::nullopt;
  const ToldPacket& first = told.front();
  if (first.fate != "waiting") return first.fate;
  for (const ToldPacket& later : told)
    for (const ToldStep& step : later.steps)
      if (!step.keys.empty() && step.keys.front() == "step.sent_waited" &&
          step.values[2] == std::to_string(first.number))
        return "sent";
  return first.fate;
}

}  // namespace nf::scenario
