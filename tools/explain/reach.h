// How far one packet came on its way to one rule: the answer to --why-not for a single packet, read off its story.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/explain/rule_text.h"
#include "tools/trace/story.h"

namespace nf::explain {

// A packet of a story: the one it is about, or one this host made because of it.
struct Walk {
  uint64_t number = 0;  // the story's
  uint16_t made = 0;
  bool from_host = false;
  std::string device, packet;
  trace::Fate fate{};
  Said verdict;                           // the story's; of a packet made: empty
  std::vector<const trace::Step*> steps;  // the story's
};
std::vector<Walk> walks_of(const trace::Story& story);

struct Reach {
  enum class Kind : uint8_t { kMatched, kMissed, kUnreached };
  Kind kind = Kind::kUnreached;
  bool only = false;  // kMissed: the one condition that failed (trace::RuleMissed::only)
  Said why;           // kMissed: the condition, with both values; kUnreached: what kept the packet from the rule
  std::string group;  // the same for packets with the same reason
  std::string has;    // kMissed: what the packet has instead
  // kUnreached: what the connection's first packet decided, which was told as well; that one's way is the cause.
  bool follows = false;
  int closeness = 0;  // kUnreached: the larger, the nearer it came; kMissed: the condition's place in the rule
};

// A policy (number 0) is reached or not; it misses nothing. The story was told in detail.
Reach reach_of(const Walk& walk, const Rule& rule, const std::vector<Rule>& rules);

}  // namespace nf::explain
