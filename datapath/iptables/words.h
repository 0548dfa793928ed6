// A line split into words, the way iptables-restore does and the way a shell does.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "datapath/base/result.h"

namespace nf::ipt {

struct Words {
  std::vector<std::string> text;
  std::vector<bool> quoted;  // the word was (partly) in quotes: a "!" or "-x" there is an argument, not an operator
  size_t size() const { return text.size(); }
  bool operator_at(size_t i, std::string_view word) const { return i < size() && !quoted[i] && text[i] == word; }
  void insert(size_t at, std::string word);
};

// Double quotes group, a backslash in them escapes; a closing quote ends the word. twin: add_param_to_argv
Result<Words> split_restore_line(std::string_view line);
// Single and double quotes, backslash and comments. What a shell would have to expand or run is an error.
Result<Words> split_shell_line(std::string_view line);

// A word as iptables-save writes it back: one that came in quotes goes in double quotes with escapes, unless every
// character of it is harmless. twin: xtables_save_string
std::string quote_word(std::string_view word, bool was_quoted);

}  // namespace nf::ipt
