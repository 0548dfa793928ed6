// An expectation as ctnetlink tells it and takes it: plain values. twin: the CTA_EXPECT_* attributes
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "conntrack/expect.h"
#include "conntrack/tuple.h"

namespace nf::ct {

struct ExpectState {
  Tuple tuple;
  Tuple mask;    // of the source; what is told of the destination is all ones
  Tuple master;  // original tuple of the connection it belongs to
  uint16_t zone = 0;
  std::optional<uint32_t> timeout;  // seconds
  uint32_t flags = 0;               // ExpectFlag
  uint32_t expect_class = 0;
  std::optional<std::string> helper;        // told only: the master's
  std::optional<std::string> given_helper;  // taken only: what the expected connection is given
  std::optional<std::string> function;      // "nat-follow-master"
  // For NAT: see Expectation.
  Be32 saved_address;
  Be16 saved_id;
  CtDirection direction = CtDirection::kOriginal;
  uint32_t id = 0;
};

// twin: ctnetlink_exp_dump_expect
ExpectState expect_state(const Expectation& e, Time now);

// 0 or the errno ctnetlink would answer with. `functions`: the expectation functions that may be named. Its time is its
// policy's, whatever the state says. twin: ctnetlink_new_expect with NLM_F_CREATE | NLM_F_EXCL
int create_expectation(Conntrack& conntrack, const ExpectState& state, std::span<const ExpectFunction* const> functions,
                       Time now);

}  // namespace nf::ct
