#include "tools/shrink/condition.h"

#include <algorithm>

#include "datapath/base/text.h"
#include "datapath/trace/drop_reason.h"
#include "tools/words/words.h"

namespace nf::shrink {
namespace {

struct Token {
  std::string text;
  bool quoted = false;
  size_t at = 0;  // from 1
};

Error wrong(size_t at, const std::string& what) { return error("at " + std::to_string(at) + ": " + what); }

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Condition> parse() {
    if (Status s = tokens(); !s) return s.error();
    Condition out{std::string(trim(text_)), {}};
    // It is written into comments, of a line each.
    for (char& c : out.text)
      if (c == '\n' || c == '\r' || c == '\t') c = ' ';
    do {
      Result<Term> t = term();
      if (!t) return t.error();
      out.terms.push_back(t.take());
    } while (word("and"));
    if (next_ < tokens_.size()) return wrong(here(), "expected \"and\", got " + shown());
    if (std::count_if(out.terms.begin(), out.terms.end(), [](const Term& t) { return t.what == What::kDiffers; }) > 1)
      return wrong(text_.size(), "only one lab can be differed from");
    return out;
  }

 private:
  Status tokens() {
    for (size_t i = 0; i < text_.size();) {
      const char c = text_[i];
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        ++i;
        continue;
      }
      if (c == '\'' || c == '"') {
        const size_t end = text_.find(c, i + 1);
        if (end == text_.npos) return wrong(i + 1, "the quote is not closed");
        tokens_.push_back({std::string(text_.substr(i + 1, end - i - 1)), true, i + 1});
        i = end + 1;
        continue;
      }
      const size_t end = std::min(text_.find_first_of(" \t\n\r", i), text_.size());
      tokens_.push_back({std::string(text_.substr(i, end - i)), false, i + 1});
      i = end;
    }
    return {};
  }

  size_t here() const { return next_ < tokens_.size() ? tokens_[next_].at : text_.size() + 1; }
  std::string shown() const { return next_ < tokens_.size() ? '"' + tokens_[next_].text + '"' : "the end"; }
  bool is_word(std::string_view w) const {
    return next_ < tokens_.size() && !tokens_[next_].quoted && tokens_[next_].text == w;
  }
  bool word(std::string_view w) {
    if (!is_word(w)) return false;
    ++next_;
    return true;
  }
  // The next token, whatever it is; nullptr at the end.
  const Token* any() { return next_ < tokens_.size() ? &tokens_[next_++] : nullptr; }

  Result<Term> term() {
    Term t;
    t.no_packet = word("not");
    if (word("packet")) {
      const size_t at = here();
      const Token* number = any();
      const auto n = number != nullptr ? parse_number(number->text) : std::nullopt;
      if (!n || *n == 0) return wrong(at, "packet needs a number from 1");
      t.packet = *n;
    } else if (next_ < tokens_.size() && tokens_[next_].quoted) {
      t.filter = tokens_[next_].text;
      if (trim(t.filter).empty()) return wrong(here(), "an empty filter");
      ++next_;
    }
    t.does_not = word("not");
    if (t.does_not && t.packet == 0 && t.filter.empty())
      return wrong(tokens_[next_ - 1].at, "a second \"not\" needs packets in front of it");
    t.at = here();
    if (Status s = what(t); !s) return s.error();
    return t;
  }

  Status what(Term& t) {
    const size_t at = here();
    if (word("dropped")) {
      t.what = What::kDropped;
      return reason(t);
    }
    if (word("sent")) {
      t.what = What::kSent;
      if (!word("on")) return wrong(here(), "expected \"on LINK\", got " + shown());
      return argument(t, "sent on needs a link");
    }
    if (word("delivered")) {
      t.what = What::kDelivered;
      return {};
    }
    if (word("rule")) {
      t.what = What::kRule;
      t.by_text = next_ < tokens_.size() && tokens_[next_].quoted;
      const size_t rule_at = here();
      if (Status s = argument(t, "rule needs TABLE:CHAIN:NUMBER or a rule's text in quotes"); !s) return s;
      const auto parts = split(t.argument, ':');
      const bool numbered =
          parts.size() == 3 && (parts[2] == "policy" || parse_number(parts[2], UINT32_MAX).value_or(0) > 0);
      if (!t.by_text && !numbered)
        return wrong(rule_at, "\"" + t.argument + "\" is not TABLE:CHAIN:NUMBER; a rule's text stands in quotes");
      if (!word("hit")) return wrong(here(), "expected \"hit\", got " + shown());
      return {};
    }
    if (word("why")) {
      t.what = What::kWhy;
      const size_t key_at = here();
      if (Status s = argument(t, "why needs a key"); !s) return s;
      const bool pattern = t.argument.ends_with("*");
      if (!pattern && words::text_of(t.argument, words::Language::kEnglish) == t.argument)
        return wrong(key_at, "there is no key \"" + t.argument + "\"");
      return {};
    }
    if (word("event")) {
      t.what = What::kEvent;
      return argument(t, "event needs words of conntrack -E in quotes");
    }
    if (word("differs")) {
      t.what = What::kDiffers;
      if (t.no_packet || t.does_not) return wrong(at, "differs cannot be denied");
      return argument(t, "differs needs a lab");
    }
    return wrong(at, "expected dropped, sent, delivered, rule, why, event or differs, got " + shown());
  }

  Status argument(Term& t, const char* missing) {
    const size_t at = here();
    const Token* token = any();
    if (token == nullptr || trim(token->text).empty()) return wrong(at, missing);
    t.argument = token->text;
    return {};
  }

  // "TtlExpired" or "drop.TtlExpired"; none when the term ends here.
  Status reason(Term& t) {
    if (next_ == tokens_.size() || is_word("and")) return {};
    const size_t at = here();
    std::string_view name = tokens_[next_].text;
    if (name.starts_with("drop.")) name.remove_prefix(5);
    for (size_t i = 1; i < kDropReasonCount; ++i) {
      if (drop_reason_name(static_cast<DropReason>(i)) != name) continue;
      t.argument = name;
      ++next_;
      return {};
    }
    return wrong(at, "there is no reason \"" + std::string(name) + "\" to drop a packet");
  }

  std::string_view text_;
  std::vector<Token> tokens_;
  size_t next_ = 0;
};

}  // namespace

bool Condition::uses(What what) const { return first(what) != nullptr; }

const Term* Condition::first(What what) const {
  const auto at = std::find_if(terms.begin(), terms.end(), [what](const Term& t) { return t.what == what; });
  return at == terms.end() ? nullptr : &*at;
}

Result<Condition> parse_condition(std::string_view text) { return Parser(text).parse(); }

}  // namespace nf::shrink
