// Lines of conntrack and LOG against what a scenario says of them, word by word.
//
// A word, or what stands behind its '=', may be a range {A-B} or $name, for numbers and addresses. mark=0 and use=1 may
// be left out. The seconds left may be one more or one less than written.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/scenario/packet_spec.h"

namespace nf::scenario {

// One word.
bool match_word(std::string_view pattern, std::string_view actual, Variables& variables);
// Every word, in order: `event` and `log`.
bool match_line(const std::vector<std::string>& pattern, std::string_view line, Variables& variables);
// The words given are all in the line. Words with one key (src=, src=) stand in the line's order: `entry`.
bool match_entry(const std::vector<std::string>& pattern, std::string_view line, Variables& variables);

}  // namespace nf::scenario
