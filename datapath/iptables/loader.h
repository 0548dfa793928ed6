// A text applied to tables: iptables-save text, `iptables -S` output, or shell lines of iptables commands.
// twin: ip46tables_restore_main, iptables/iptables-restore.c, and do_command4 per line
//
// Works on models only: nothing becomes live. What the forms mean:
//  - "*table ... COMMIT": the table is flushed first unless no_flush; policies that the text does not set stay.
//  - bare "-P", "-N", "-A" lines outside of a table (iptables -S): the same, for the table of their -t or filter.
//  - "iptables ..." lines: each changes the table as it stands, as the command would.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/base/result.h"
#include "datapath/iptables/extension.h"
#include "datapath/iptables/iptables.h"
#include "datapath/iptables/rule.h"
#include "datapath/iptables/words.h"

namespace nf::ipt {

class Loader {
 public:
  Loader(const ExtensionRegistry& registry, const LoadOptions& options) : registry_(registry), options_(options) {}

  // The table as it is now; without, the text starts from an empty one. The model's counters are the live ones.
  void start_with(TableModel table);
  Status parse(std::string_view text, const std::string& file);

  // The tables the text named, in that order, checked (check_table).
  const std::vector<TableId>& touched() const { return touched_; }
  TableModel& table(TableId id) { return *tables_[static_cast<size_t>(id)]; }

 private:
  Status line(std::string_view text);
  Status table_line(std::string_view text);
  Status chain_line(std::string_view text);
  Status restore_rule(std::string_view text);
  Status bare_rule(std::string_view text);
  Status shell_line(std::string_view text, bool& known);
  Status run(const Words& words, TableId table, const Counters* counters);
  TableModel& touch(TableId id);

  const ExtensionRegistry& registry_;
  LoadOptions options_;
  std::array<std::optional<TableModel>, kTables> tables_;
  std::vector<TableId> touched_;
  std::vector<TableId> bare_tables_;  // flushed because a bare line named them
  std::optional<TableId> open_;       // inside "*table"
  std::string file_;
  int line_ = 0;
};

}  // namespace nf::ipt
