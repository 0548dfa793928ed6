// `why` and `fate`: what a backend told of packets (ToldPacket) against what a scenario says of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/base/result.h"
#include "tools/backend/backend.h"
#include "tools/scenario/packet_spec.h"

namespace nf::scenario {

// Invariant: the key, or a key that begins as it says, is in the words table: a misspelt one would never be told.
struct Why {
  std::string key;   // "drop.TtlExpired", "invalid.tcp*"
  std::string hook;  // empty: anywhere
  std::vector<std::string> values;
};

// The words behind `why`: KEY [at HOOK] [VALUE ...].
Result<Why> parse_why(const std::vector<std::string_view>& words);
std::string print_why(const Why& why);
// Whether one step has the key, at the hook, and the values, in this order, among the words of its sentences' values.
// A value may be a range or $name, as in `entry`.
bool is_told(const Why& why, const std::vector<ToldPacket>& told, Variables& variables);
// What was told instead, a line a step: of the steps at the hook, or of all when there are none.
std::string print_told(const Why& why, const std::vector<ToldPacket>& told);

bool is_fate(std::string_view word);
// How the first packet ended. One that waited and was let go by a later one was sent. nullopt: no packet.
std::optional<std::string> fate_of(const std::vector<ToldPacket>& told);

}  // namespace nf::scenario
