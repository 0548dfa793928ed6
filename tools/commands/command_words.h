// The words of a command line as getopt_long would hand them out.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/base/result.h"

namespace nf {

enum class TakesValue : uint8_t { kNo, kYes, kOptional };  // optional: the next word, when it is no option

struct OptionName {
  char letter;  // 0: has none
  std::string_view name;
  TakesValue value;
  char is;  // what it is called in the result; several names may be one option
};

struct GivenOption {
  char is;  // 0: a word that belongs to no option
  std::string value;
  bool has_value = false;
  std::string written;  // for errors: "-t", "--table"
};

// Takes the words behind the command's name apart: "-nvL" as -n -v -L, "-tnat", "--table=nat", and long names cut
// short as far as they are unique. The error says which word, as the real programs do: `unknown option "--foo"`.
Result<std::vector<GivenOption>> read_options(std::span<const std::string> words, std::span<const OptionName> names);

}  // namespace nf
