// What came out against what a scenario says of it.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "tools/scenario/packet_text.h"

namespace nf::scenario {

struct FieldMismatch {
  std::string field, expected, actual;
};

// The first field that differs; variables that have no value yet get the actual one. Unset fields are not looked at,
// but: sums must be right, and a fragment, a cut or padded packet, a VLAN tag or IP options must have been said.
std::optional<FieldMismatch> match_packet(const PacketSpec& expected, std::span<const uint8_t> actual, Layer layer,
                                          Variables& variables);

// Whether n is what v says; a variable without a value gets it.
bool match_value(const Value& v, uint32_t n, Variables& variables);

}  // namespace nf::scenario
