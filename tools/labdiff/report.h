// What a diff of two labs found, as text or JSON.
#pragma once

#include <string>
#include <vector>

#include "tools/labdiff/groups.h"
#include "tools/words/words.h"

namespace nf::labdiff {

// The first packet of a group, on both labs, with everything told.
struct Example {
  Happened a, b;
};

struct Report {
  std::string lab_a, lab_b;
  Rules rules_a, rules_b;
  uint64_t packets = 0, differ = 0, path_only = 0;
  std::vector<Group> groups;      // sorted
  std::vector<Example> examples;  // of the first groups; the others are not shown
};

struct TextOptions {
  words::Language language = words::Language::kEnglish;
  size_t columns = 0;  // of a terminal wide enough for both stories side by side; 0: one under the other
  bool colour = false;
};
std::string text_report(const Report& report, const TextOptions& options);

// A line for each group shown and one for the end:
//   {"group":1,"kind":"fate","packets":4,"first":7,"packet":"tcp ...","consequences":0,"cause":{SAID},
//    "a":{"ends":[SAID...],"steps":[STEP...]},"b":{...}}
//   {"packets":200,"differ":4,"groups":1,"path_only":0,"path_groups":0}
// SAID is {"key":..,"values":[..],"inner":[SAID..],"text":..}; STEP {"kind","place","hook","key","text","apart"}, of
// which "apart" is true where the two part.
std::string json_report(const Report& report, words::Language language);

}  // namespace nf::labdiff
