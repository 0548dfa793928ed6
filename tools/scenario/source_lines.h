// A scenario's text line by line: comments out, continued lines joined, blocks as they stand. And the statistics by
// name, which the parser checks and the player reads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "conntrack/conntrack.h"

namespace nf::scenario {

struct SourceLine {
  int number = 0;    // 1-based; of a continued line the first
  std::string text;  // trimmed, without the comment
  std::string comment;
};

class SourceLines {
 public:
  // The text is the caller's and outlives this.
  explicit SourceLines(std::string_view text) : rest_(text) {}

  // The next line, comments and empty lines included; false at the end.
  bool next(SourceLine& line);
  // The lines up to one that is "}" alone, each with its newline, as they stand; false when there is none.
  bool block(std::string& text);
  // Whether the last line ended in a backslash.
  bool unfinished() const { return unfinished_; }

 private:
  bool physical(std::string_view& line);

  std::string_view rest_;
  int number_ = 0;
  bool unfinished_ = false;
};

// A number of `conntrack -S` by its name there; nullopt: no such name.
std::optional<uint64_t> statistic(const ct::Stats& stats, std::string_view name);

}  // namespace nf::scenario
