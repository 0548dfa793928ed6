// Two labs' doings with one packet, held against each other: whether they differ, in what, and where they part.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/labdiff/decisions.h"

namespace nf::labdiff {

// From what matters most: a packet that differs in several has the first.
enum class Kind : uint8_t {
  kFate,   // where it ended: ports, delivered, dropped for what reason; what this host made because of it
  kBytes,  // the same ends, other bytes
  kNat,    // the same bytes, but another NAT was set up for its connection
  kPath,   // the same outcome by another way: other rules
};
std::string_view kind_key(Kind k);  // "fate", "bytes", "nat", "path"

// The two stories side by side: what both did in one row, else one of them is empty.
struct Row {
  const Decision* a;
  const Decision* b;
};
// The shortest way from one to the other; of very long ones a short way (common_lines.h). twin: diff(1)
std::vector<Row> align(const std::vector<Decision>& a, const std::vector<Decision>& b);

// Rows [from, to) of which none is of both: the two are apart there.
struct Parting {
  size_t from = 0, to = 0;
  const Decision* a = nullptr;  // the first that weighs on each side; null: none
  const Decision* b = nullptr;
};
// The first one that can have made the difference (kPath: where rules differ); of several that cannot, the first.
// nullopt: they never part.
std::optional<Parting> find_parting(const std::vector<Row>& rows, Kind kind);

struct Cause {
  Said said;
  // Of the connections the two have the packet in, where those are what differs; 0: that is not it.
  uint32_t connection_a = 0, connection_b = 0;
};

struct Difference {
  Kind kind;
  std::vector<Said> ends_a, ends_b;
  Cause cause;
};

// nullopt: the same outcome by the same way. `rules_*`: of the labs.
std::optional<Difference> compare(const Happened& a, const Happened& b, const Rules& rules_a, const Rules& rules_b);

}  // namespace nf::labdiff
