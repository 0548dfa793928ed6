#include "tools/hookpoint/arguments.h"

#include <cstdio>
#include <cstring>

#include "datapath/base/result.h"

namespace nf::cli {

int refuse(const std::string& text) {
  std::fprintf(stderr, "hookpoint: %s\nTry: hookpoint --help\n", text.c_str());
  return static_cast<int>(nf::ExitCode::kBadInput);
}

bool Arguments::option(const char* name, std::string& value) {
  const std::string& w = words_[at_];
  const size_t n = std::strlen(name);
  if (w.compare(0, n, name) != 0) return false;
  if (w.size() > n && w[n] == '=') {
    value = w.substr(n + 1);
    ++at_;
    return true;
  }
  if (w.size() != n) return false;
  if (at_ + 1 == words_.size()) {
    missing_ = name;
    at_ = words_.size();
    return true;
  }
  value = words_[at_ + 1];
  at_ += 2;
  return true;
}

bool add_input(const std::string& word, std::vector<std::pair<std::string, std::string>>& inputs) {
  const size_t equals = word.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == word.size()) return false;
  inputs.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  return true;
}

}  // namespace nf::cli
