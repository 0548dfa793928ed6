// Loads rules of a lab as iptables-restore does. stands for: iptables-legacy-restore, iptables-nft-restore
//
// Differences, none of which a packet sees: LOG becomes NFLOG (log_rules.h); in nf_tables mode every built-in chain of
// a table is there, as in the legacy tables, and a TRACE rule stands in front of raw's PREROUTING and OUTPUT.
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
  explicit RuleLoader(Into into) : into_(into) {}

  // Into the namespace entered last. An error has the line that the program names.
  Status load(const std::string& text, const std::string& file);
  // With kNfTables: makes sure the TRACE rules are there; load() does so itself.
  Status add_trace();
  // Some rule that was loaded logs.
  bool logs() const { return logs_; }
  // The lab's rules only.
  Result<std::vector<RuleCount>> counters() const;
  // Rules of ours in front of a chain's; -1: a table of ours.
  int own_rules(std::string_view table, std::string_view chain) const;

 private:
  Into into_;
  bool logs_ = false, traced_ = false;
  std::set<std::string, std::less<>> tables_;  // that a lab named
};

}  // namespace nf::netns
