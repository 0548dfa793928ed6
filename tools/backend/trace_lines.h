// What a gateway's trace says (`hookpoint run --trace FILE --trace-form json`, docs/trace.md), line by line: the rules
// that decided about its packets, what is told of them, and the same for people.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "datapath/base/result.h"
#include "tools/backend/backend.h"
#include "tools/backend/json_line.h"

namespace nf {

class TraceLines {
 public:
  // Whole lines. The error: one that is no line of a trace.
  Status add(std::string_view text);

  // Of the packets since the last call, all at their end.
  // What this host sends because of a packet is a packet of its own; what went over lo stands in two stories and is
  // one. Packets no rule or policy decided about have no path. In the order the packets began.
  std::vector<RulePath> take_paths();
  std::vector<ToldPacket> take_told() { return std::exchange(told_, {}); }
  std::string take_text() { return std::exchange(text_, {}); }

 private:
  // A packet by its story and its number among those made in it.
  using Name = std::pair<uint64_t, uint64_t>;
  void packet(const JsonLine& line);
  void step(const JsonLine& line);
  void end(const JsonLine& line);
  size_t path_of(const Name& name);

  std::vector<RulePath> paths_;                            // of every packet, in the order they began; some stay empty
  std::map<Name, size_t> by_name_;                         // into paths_
  std::map<uint64_t, std::vector<uint64_t>> on_loopback_;  // by story: what it sent on lo, in order
  std::vector<ToldPacket> told_;
  std::string text_;
};

}  // namespace nf
