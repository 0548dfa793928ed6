// How rules and tables are written, byte for byte as iptables-legacy 1.8.9 does. Live counters are asked of the
// caller, who has the Program. twin: print_rule4 and list_entries, iptables/iptables.c; do_output, iptables-save.c
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "datapath/iptables/iptables.h"
#include "datapath/iptables/rule.h"

namespace nf::ipt {

// What a printer asks for the counters of a table.
class CounterSource {
 public:
  virtual ~CounterSource() = default;
  virtual Counters rule(const Chain& chain, size_t index) const = 0;
  virtual Counters policy(const Chain& chain) const = 0;
};

// One condition of a rule's own (" ! -s 10.0.0.0/8"); empty when it is not asked for. A lone "+" is not
// written, inverted or not, as it matches everything.
std::string save_header(const Rule& rule, HeaderField field);
// Everything behind "-A CHAIN", with its leading blank.
std::string save_rule(const TableModel& table, const Rule& rule);
// The same without the blank: how events tell a rule.
std::string rule_text(const TableModel& table, const Rule& rule);

// "*filter ... COMMIT"
void save_table(const TableModel& table, const CounterSource& counters, bool with_counters, std::string& out);
// iptables -S; empty chain: all of them.
void list_rules(const TableModel& table, std::string_view chain, std::string& out);
// iptables -L; empty chain: all of them. Addresses are never turned into host names.
void list_table(const TableModel& table, const CounterSource& counters, std::string_view chain,
                const ListOptions& options, std::string& out);

// "100K": how -L shows a number. twin: xtables_print_num
std::string scaled_number(uint64_t number);

}  // namespace nf::ipt
