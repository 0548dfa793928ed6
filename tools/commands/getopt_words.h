// A command line word by word as glibc's getopt_long hands it out, with names that may grow meanwhile (a protocol
// brings its own). Unlike read_options() a letter with an optional argument takes what is glued to it, and an argument
// of its own only by take_optional(): conntrack(8) looks for it itself.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "datapath/base/result.h"
#include "tools/commands/conntrack_options.h"

namespace nf {

class GetoptWords {
 public:
  explicit GetoptWords(std::span<const std::string> words) : words_(words) {}

  struct Given {
    char letter;
    bool of_protocol;
    std::string value;
    bool has_value = false;
    std::string written;
  };
  // The next option; words that are none are passed over. nullopt: no more. The error is the program's.
  Result<std::optional<Given>> next();
  // The next word, when it is none of the options. twin: get_optional_arg
  std::optional<std::string> take_optional(const Given& given);
  // From now on these names count, too.
  void add(std::span<const CtOption> names) { own_ = names; }

 private:
  Result<std::optional<Given>> long_option(const std::string& word);
  Result<std::optional<Given>> short_option();

  std::span<const std::string> words_;
  size_t at_ = 0;
  size_t letter_ = 0;  // within a word of short options; 0: at its beginning
  bool only_words_ = false;
  std::span<const CtOption> own_;
};

}  // namespace nf
