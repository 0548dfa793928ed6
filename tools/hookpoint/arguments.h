// The words behind a command, and how a wrong one is refused.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace nf::cli {

// Prints the error and where to find help; returns kBadInput's exit code.
int refuse(const std::string& text);

// Options of one command: `--name value`, `--name=value`, flags, and the words that are neither.
class Arguments {
 public:
  Arguments(int argc, char** argv) : words_(argv, argv + argc) {}
  bool done() const { return at_ == words_.size(); }
  const std::string& peek() const { return words_[at_]; }
  std::string take() { return words_[at_++]; }
  bool flag(const char* name) {
    if (words_[at_] != name) return false;
    ++at_;
    return true;
  }
  // True when the word is `name`; `value` gets its argument, missing() is set when there is none.
  bool option(const char* name, std::string& value);
  const std::string& missing() const { return missing_; }

 private:
  std::vector<std::string> words_;
  size_t at_ = 0;
  std::string missing_;
};

// "IF=FILE"; false: it is none.
bool add_input(const std::string& word, std::vector<std::pair<std::string, std::string>>& inputs);

}  // namespace nf::cli
