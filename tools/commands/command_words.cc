#include "tools/commands/command_words.h"

namespace nf {
namespace {

bool is_option(const std::string& word) { return word.size() > 1 && word[0] == '-'; }

const OptionName* find_letter(std::span<const OptionName> names, char letter) {
  for (const OptionName& n : names)
    if (n.letter == letter) return &n;
  return nullptr;
}

// Null when there is none; `several` when the word is the beginning of more than one option.
const OptionName* find_name(std::span<const OptionName> names, std::string_view word, bool& several) {
  const OptionName* found = nullptr;
  several = false;
  for (const OptionName& n : names) {
    if (n.name == word) {
      several = false;
      return &n;
    }
    if (word.empty() || !n.name.starts_with(word)) continue;
    several = several || (found != nullptr && found->is != n.is);
    found = &n;
  }
  return several ? nullptr : found;
}

}  // namespace

Result<std::vector<GivenOption>> read_options(std::span<const std::string> words, std::span<const OptionName> names) {
  std::vector<GivenOption> out;
  size_t i = 0;
  const auto take_value = [&](const OptionName& name, GivenOption given) -> Status {
    const bool there = i + 1 < words.size() && !is_option(words[i + 1]);
    if (name.value == TakesValue::kYes && i + 1 >= words.size())
      return error("option \"" + given.written + "\" requires an argument");
    if (name.value == TakesValue::kYes || (name.value == TakesValue::kOptional && there)) {
      given.value = words[++i];
      given.has_value = true;
    }
    out.push_back(std::move(given));
    return {};
  };
  for (; i < words.size(); ++i) {
    const std::string& w = words[i];
    if (!is_option(w)) {
      out.push_back({0, w, true, w});
      continue;
    }
    if (w[1] == '-') {
      const size_t equals = w.find('=');
      const std::string_view bare = std::string_view(w).substr(2, equals == std::string::npos ? equals : equals - 2);
      bool several;
      const OptionName* name = find_name(names, bare, several);
      if (several) return error("option \"" + w + "\" is ambiguous");
      if (name == nullptr) return error("unknown option \"" + w + "\"");
      if (equals == std::string::npos) {
        if (Status s = take_value(*name, {name->is, {}, false, w}); !s) return s.error();
      } else if (name->value == TakesValue::kNo) {
        return error("option \"" + w.substr(0, equals) + "\" doesn't allow an argument");
      } else {
        out.push_back({name->is, w.substr(equals + 1), true, w.substr(0, equals)});
      }
      continue;
    }
    for (size_t k = 1; k < w.size(); ++k) {
      const std::string written{'-', w[k]};
      const OptionName* name = find_letter(names, w[k]);
      if (name == nullptr) return error("unknown option \"" + written + "\"");
      if (name->value == TakesValue::kYes && k + 1 < w.size()) {
        out.push_back({name->is, w.substr(k + 1), true, written});
        break;
      }
      const bool last = k + 1 == w.size();
      if (last || name->value == TakesValue::kYes) {
        if (Status s = take_value(*name, {name->is, {}, false, written}); !s) return s.error();
      } else {
        out.push_back({name->is, {}, false, written});
      }
    }
  }
  return out;
}

}  // namespace nf
