// Whether a condition holds of frames and labs: plays them and looks.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "datapath/port/capture_filter.h"
#include "tools/shrink/condition.h"
#include "tools/shrink/machine.h"
#include "tools/shrink/setup.h"

namespace nf::shrink {

// What is made small.
struct Candidate {
  Setup setup;
  std::vector<Frame> frames;
};

class Oracle {
 public:
  // Finds the rules a condition names in the labs as they were read, and compiles its filters. Errors tell the place in
  // the condition.
  static Result<Oracle> make(const Condition& condition, const Setup& setup);

  // How many of the frames it takes until every term that asks for a packet holds (and at the end all do); nullopt: it
  // does not hold. A lab that cannot be configured holds nothing.
  std::optional<size_t> holds(const Candidate& candidate) const;

 private:
  struct Wanted {
    Term term;
    std::optional<CaptureFilter> filter;
    std::set<int> rules;           // kRule: ids
    std::string policy_of, chain;  // kRule with "policy": table and chain
  };
  Oracle() = default;
  // Whether the other lab makes something else of it.
  struct Differs {
    bool meanwhile = false, own = false;
  };
  // Of the frame, and (where the term is about no packet in particular) of earlier ones in its gap.
  static bool does(const Wanted& wanted, const Frame& frame, const Seen& seen, const Differs& differs,
                   const std::vector<RulePlace>& rules);
  static bool came_so(const Wanted& wanted, const Came& came, bool differs, const std::vector<RulePlace>& rules);

  std::vector<Wanted> wanted_;
  bool differs_ = false, why_ = false, events_ = false;
};

// Whether a sentence with this key ("invalid.*": that begins so) is told, or stands in one.
bool tells(const labdiff::Happened& happened, std::string_view key);

}  // namespace nf::shrink
