#include "datapath/iptables/words.h"

#include "datapath/base/text.h"

namespace nf::ipt {
namespace {

// twin: struct xt_param_buf and MAX_ARGC
constexpr size_t kMaxWord = 1024;
constexpr size_t kMaxWords = 255;

class Collector {
 public:
  void add(char c) { word_.push_back(c); }
  void open_quote() { quoted_ = true; }
  bool pending() const { return !word_.empty() || quoted_; }
  Status end() {
    if (word_.size() >= kMaxWord) return error("Parameter too long!");
    if (words_.size() >= kMaxWords) return error("Parser cannot handle more arguments");
    words_.text.push_back(std::move(word_));
    words_.quoted.push_back(quoted_);
    word_.clear();
    quoted_ = false;
    return {};
  }
  Words take() { return std::move(words_); }

 private:
  Words words_;
  std::string word_;
  bool quoted_ = false;
};

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

void Words::insert(size_t at, std::string word) {
  text.insert(text.begin() + static_cast<std::ptrdiff_t>(at), std::move(word));
  quoted.insert(quoted.begin() + static_cast<std::ptrdiff_t>(at), true);
}

Result<Words> split_restore_line(std::string_view line) {
  Collector out;
  bool in_quotes = false;
  bool escaped = false;
  for (const char c : line) {
    if (c == '\0') return error("a NUL byte in the line");
    if (in_quotes) {
      if (escaped) {
        out.add(c);
        escaped = false;
      } else if (c == '\\') {
        escaped = true;
      } else if (c == '"') {
        in_quotes = false;
        if (Status s = out.end(); !s) return s.error();
      } else {
        out.add(c);
      }
    } else if (c == '"') {
      in_quotes = true;
      out.open_quote();
    } else if (!is_blank(c)) {
      out.add(c);
    } else if (out.pending()) {
      if (Status s = out.end(); !s) return s.error();
    }
  }
  if (in_quotes) return error("a quote is not closed");
  if (out.pending())
    if (Status s = out.end(); !s) return s.error();
  return out.take();
}

Result<Words> split_shell_line(std::string_view line) {
  Collector out;
  char quote = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '\0') return error("a NUL byte in the line");
    const bool last = i + 1 == line.size();
    if (quote == '\'') {
      if (c == '\'')
        quote = 0;
      else
        out.add(c);
    } else if (quote != 0 && c == quote) {
      quote = 0;
    } else if (c == '\\') {
      if (last) return error("a backslash ends the text");
      const char next = line[++i];
      const bool special = next == '"' || next == '\\' || next == '$' || next == '`';
      if (quote != 0 && !special) out.add(c);
      if (quote == 0) out.open_quote();
      out.add(next);
    } else if (c == '$' || c == '`') {
      return error("shell variables and substitutions are not expanded here");
    } else if (quote != 0) {
      out.add(c);
    } else if (c == '\'' || c == '"') {
      quote = c;
      out.open_quote();
    } else if (is_blank(c)) {
      if (out.pending())
        if (Status s = out.end(); !s) return s.error();
    } else if (c == '#' && !out.pending()) {
      break;
    } else if (c == ';' || c == '&' || c == '|' || c == '<' || c == '>' || c == '(' || c == ')') {
      return error(strf("shell operator `%c' is not understood here", c));
    } else {
      out.add(c);
    }
  }
  if (quote != 0) return error("a quote is not closed");
  if (out.pending())
    if (Status s = out.end(); !s) return s.error();
  return out.take();
}

std::string quote_word(std::string_view word, bool was_quoted) {
  bool harmless = !word.empty();
  for (const char c : word) {
    const bool plain =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
    harmless = harmless && plain;
  }
  if (harmless || !was_quoted) return std::string(word);
  std::string out = "\"";
  for (const char c : word) {
    if (c == '"' || c == '\\' || c == '\'') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
  return out;
}

}  // namespace nf::ipt
