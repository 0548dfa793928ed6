// Loads rules of a lab as iptables-restore -c does. stands for: iptables-legacy-restore, iptables-nft-restore
//
// Differences, none of which a packet sees: a chain may be declared without counters; LOG becomes NFLOG (log_rules.h),
// unless the rules are to be printed again; in nf_tables mode every built-in chain of a table is there, as in the
// legacy tables, and a TRACE rule stands in front of raw's PREROUTING and OUTPUT. One that a packet sees: in nf_tables
// mode security INPUT stands behind nat INPUT (iptables-nft has it at 150).
#pragma once

#include <set>
#include <string>
#include <vector>

#include "datapath/base/result.h"
#include "tools/netns/rule_counters.h"

namespace nf::netns {

class RuleLoader {
 public:
  enum class Into { kLegacyTables, kNfTables };
  // `printed`: saved() and listed() will be asked.
  explicit RuleLoader(Into into, bool printed = false) : into_(into), printed_(printed) {}

  // Into the namespace entered last. An error has the line that the program names.
  Status load(const std::string& text, const std::string& file);
  // With kNfTables: makes sure the TRACE rules are there; load() does so itself.
  Status add_trace();
  // Some rule that was loaded logs.
  bool logs() const { return logs_; }
  // The lab's rules only.
  Result<std::vector<RuleCount>> counters() const;
  // iptables-save [-c] and iptables -t TABLE -L CHAIN -n -v.
  Result<std::string> saved(bool counters) const;
  Result<std::string> listed(const std::string& table, const std::string& chain) const;
  // Rules of ours in front of a chain's; -1: a table of ours.
  int own_rules(std::string_view table, std::string_view chain) const;

 private:
  Into into_;
  bool printed_ = false, logs_ = false, traced_ = false;
  std::set<std::string, std::less<>> tables_;  // that a lab named
};

}  // namespace nf::netns
