// Loads rules of a lab as iptables-restore -c does. stands for: iptables-legacy-restore
//
// Differences, none of which a packet sees: a chain may be declared without counters; LOG becomes NFLOG (log_rules.h),
// unless the rules are to be printed again. One that traces makes a table raw if the lab has none, and puts TRACE rules
// of its own in front of raw's PREROUTING and OUTPUT, which neither count nor number the lab's.
#pragma once

#include <string>
#include <vector>

#include "datapath/base/result.h"
#include "tools/netns/rule_counters.h"

namespace nf::netns {

// One makes a packet traced, the other is the first rule such a packet is told to meet.
inline constexpr int kOwnRules = 2;

class RuleLoader {
 public:
  // `printed`: saved() and listed() will be asked; they print the rules of its own too. `traced`: packets are traced
  // (trace_reader.h).
  explicit RuleLoader(bool printed = false, bool traced = false) : printed_(printed), traced_(traced) {}

  // Into the namespace entered last. An error has the line that the program names.
  Status load(const std::string& text, const std::string& file);
  // Some rule that was loaded logs.
  bool logs() const { return logs_; }
  // The lab's rules only.
  Result<std::vector<RuleCount>> counters() const;
  // iptables-save [-c] and iptables -t TABLE -L CHAIN -n -v.
  Result<std::string> saved(bool counters) const;
  Result<std::string> listed(const std::string& table, const std::string& chain) const;
  // Rules of its own in front of raw's PREROUTING and OUTPUT; -1: and the table is its own.
  int own_rules() const { return !traced_ ? 0 : raw_is_the_labs_ ? kOwnRules : -1; }

 private:
  bool printed_, traced_;
  bool logs_ = false, loaded_ = false, raw_is_the_labs_ = false;
};

}  // namespace nf::netns
