#include "tools/commands/getopt_words.h"

namespace nf {
namespace {

Error unknown(const std::string& word) { return error("unknown option `" + word + "'"); }
Error needs_argument(const std::string& word) { return error("option `" + word + "' requires an argument"); }

}  // namespace

Result<std::optional<GetoptWords::Given>> GetoptWords::next() {
  for (;;) {
    if (letter_ != 0) return short_option();
    if (at_ >= words_.size()) return std::optional<Given>();
    const std::string& w = words_[at_];
    if (only_words_ || w.size() < 2 || w[0] != '-') {
      ++at_;
      continue;
    }
    if (w == "--") {
      only_words_ = true;
      ++at_;
      continue;
    }
    if (w[1] == '-') return long_option(w);
    letter_ = 1;
  }
}

Result<std::optional<GetoptWords::Given>> GetoptWords::short_option() {
  const std::string& w = words_[at_];
  const char letter = w[letter_++];
  const CtOption* option = nullptr;
  for (const CtOption& o : conntrack_options())
    if (o.letter == letter && (is_short_option(letter))) option = &o;
  const bool last = letter_ >= w.size();
  if (option == nullptr) return unknown(w);
  Given given{letter, false, {}, false, std::string{'-', letter}};
  if (option->argument == CtArgument::kNo) {
    if (last) {
      letter_ = 0;
      ++at_;
    }
    return std::optional(given);
  }
  if (!last) {
    given.value = w.substr(letter_);
    given.has_value = true;
  }
  letter_ = 0;
  ++at_;
  if (!given.has_value && option->argument == CtArgument::kYes) {
    if (at_ >= words_.size()) return needs_argument(w);
    given.value = words_[at_++];
    given.has_value = true;
  }
  return std::optional(given);
}

Result<std::optional<GetoptWords::Given>> GetoptWords::long_option(const std::string& word) {
  const size_t equals = word.find('=');
  const std::string_view name = std::string_view(word).substr(2, equals == std::string::npos ? equals : equals - 2);
  const CtOption* found = nullptr;
  bool of_protocol = false, exact = false, several = false;
  const auto look = [&](std::span<const CtOption> options, bool own) {
    for (const CtOption& o : options) {
      if (exact || !o.name.starts_with(name)) continue;
      exact = o.name == name;
      several = !exact && (several || (found != nullptr && (found->letter != o.letter || of_protocol != own)));
      found = &o;
      of_protocol = own;
    }
  };
  look(conntrack_options(), false);
  look(own_, true);
  ++at_;
  if (found == nullptr || several) return unknown(word);
  Given given{found->letter, of_protocol, {}, false, "--" + std::string(found->name)};
  if (equals != std::string::npos) {
    if (found->argument == CtArgument::kNo) return unknown(word);
    given.value = word.substr(equals + 1);
    given.has_value = true;
  } else if (found->argument == CtArgument::kYes) {
    if (at_ >= words_.size()) return needs_argument(word);
    given.value = words_[at_++];
    given.has_value = true;
  }
  return std::optional(given);
}

std::optional<std::string> GetoptWords::take_optional(const Given& given) {
  if (given.has_value || letter_ != 0 || at_ >= words_.size()) return std::nullopt;
  const std::string& w = words_[at_];
  if (!w.empty() && (w[0] == '-' || w[0] == '!')) return std::nullopt;
  ++at_;
  return w;
}

}  // namespace nf
