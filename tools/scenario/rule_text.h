// What `saved` and `listed` compare: text of iptables programs, line by line and byte for byte.
//
// Left out on both sides are comment lines and empty ones, and blanks at the end of a line. In `saved` a chain written
// without counters (":FORWARD ACCEPT") may have any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nf::scenario {

struct TextDifference {
  int line;                      // of `expected`, from 1; its last one when there is a line too many
  std::string expected, actual;  // empty: no such line
};

// nullopt: the same.
std::optional<TextDifference> compare_rule_text(std::string_view expected, std::string_view actual);

}  // namespace nf::scenario
