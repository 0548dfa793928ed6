// Packets that differ, put together by what made them differ, the biggest group first.
//
// Invariants:
//  1. Every difference added is in exactly one group.
//  2. A packet that differs because an earlier one made (or did not make) its connection otherwise is put to that
//     one's cause.
//  3. sorted(): other outcomes before those that differ in path only; then by size, then by first packet.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tools/labdiff/compare.h"

namespace nf::labdiff {

struct Group {
  Kind kind{};
  Said cause;
  std::vector<Said> ends_a, ends_b;  // kFate: of all; otherwise of the first
  uint64_t packets = 0;
  uint64_t first = 0;         // number of the first packet
  std::string packet;         // the first, described
  uint64_t consequences = 0;  // of `packets`: those whose connection an earlier packet made otherwise
};

class Groups {
 public:
  // `number`: of the packet in the captures; `packet`: described.
  void add(uint64_t number, const std::string& packet, const Difference& difference);
  // A packet that differs and is not to be counted: what it made otherwise is known to learn().
  void pass(const Difference& difference);
  // Connections this packet made, whether it differs or not: call for every packet, behind add() or pass().
  void learn(const Happened& a, const Happened& b);

  std::vector<Group> sorted() const;
  uint64_t differ() const { return differ_; }  // with another outcome
  uint64_t path_only() const { return path_only_; }

 private:
  const Said* inherited(const Cause& cause) const;
  void remember(const Difference& difference, const Said& cause);

  std::vector<Group> groups_;
  std::map<std::string, size_t> by_key_;
  // By connection, of each lab: what made the packet differ that made it.
  std::map<uint32_t, Said> made_[2];
  Said last_;         // the cause of the packet added last
  bool any_ = false;  // and it is not learned from yet
  uint64_t differ_ = 0, path_only_ = 0;
};

}  // namespace nf::labdiff
