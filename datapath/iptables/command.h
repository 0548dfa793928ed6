// One iptables command line, read: "-A INPUT -p tcp --dport 80 -j ACCEPT". twin: do_parse, iptables/xshared.c
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "datapath/base/result.h"
#include "datapath/iptables/extension.h"
#include "datapath/iptables/rule.h"
#include "datapath/iptables/words.h"

namespace nf::ipt {

struct Command {
  enum class Kind : uint8_t {
    kNone,
    kAppend,
    kInsert,
    kReplace,
    kDelete,        // by rule
    kDeleteNumber,  // by number
    kFlush,
    kZero,
    kNewChain,
    kDeleteChain,
    kPolicy,
    kRename,
  };
  Kind kind = Kind::kNone;
  std::string chain;     // empty: all (flush, zero, delete chain)
  uint32_t number = 0;   // insert, replace, delete number; zero: 0 is the whole chain
  std::string argument;  // the policy, or the new name
  Counters counters;     // -c
  bool has_counters = false;
  // One per combination of the addresses of -s and -d, in order.
  std::vector<std::shared_ptr<Rule>> rules;
};

struct CommandContext {
  const ExtensionRegistry& registry;
  const TableModel& table;  // chains a rule may jump to
  const std::string& file;
  int line;
  bool restore;  // inside a *table block: no -t there
};

// The table that -t names; nullopt when there is no -t. An error when there is no such table.
Result<std::optional<TableId>> table_of(const Words& words);

// Errors have no place yet; the caller adds it.
Result<Command> parse_command(const Words& words, const CommandContext& context);

}  // namespace nf::ipt
