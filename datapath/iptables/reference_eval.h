// The slow twin of Program: walks the rule model one rule at a time, calling every match. Only tests link it; every
// faster evaluator must agree with it, counters and trace included. twin: ipt_do_table
#pragma once

#include <cstdint>
#include <vector>

#include "datapath/hook/hook.h"
#include "datapath/iptables/rule.h"

namespace nf::ipt {

class ReferenceTable {
 public:
  explicit ReferenceTable(TableModel model);

  Verdict run(PacketPtr& p, const HookState& state);

  const TableModel& model() const { return model_; }
  // The policy's counters stand behind the last rule.
  const Counters& counters(size_t chain, size_t rule) const { return counters_[chain][rule]; }
  uint64_t unmodelled_packets() const { return unmodelled_; }

 private:
  // A rule, or the end of the chain when `rule` is one past its last.
  struct Position {
    size_t chain, rule;
  };
  struct Outcome {
    bool matched = false, unmodelled = false;
    size_t failed = 0;  // of explain_miss(), when not matched
  };
  static Outcome matches(const Rule& r, const MatchInput& in);
  size_t chain_index(uint32_t id) const;
  size_t base_chain(HookPoint hook) const;

  TableModel model_;
  std::vector<std::vector<Counters>> counters_;
  uint64_t unmodelled_ = 0;
};

}  // namespace nf::ipt
