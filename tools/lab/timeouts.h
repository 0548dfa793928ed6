// The file `timeouts` of a lab: policies of timeouts as one types them, "nfct add timeout NAME inet tcp established 100
// close 10", for rules to name (CT --timeout). stands for: nfct(8) 1.4.7
//
// A line may also say "nfct timeout add ..."; both words may be shortened and state names are in any case, as nfct
// takes them. Stricter than nfct: a name longer than 31 bytes and seconds that are no number are errors.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/base/result.h"

namespace nf::lab {

struct TimeoutLine {
  struct State {
    uint8_t place;     // as in ct::TimeoutPolicy::seconds
    uint32_t seconds;  // a state named twice has the last
  };
  std::string name;
  uint8_t protocol = 0;  // 255: generic
  std::vector<State> states;
  int line = 0;      // 1-based
  std::string text;  // as written
};

// Empty lines and those that begin with # are skipped. `file` is the name for errors.
Result<std::vector<TimeoutLine>> parse_timeouts(std::string_view text, const std::string& file);

}  // namespace nf::lab
