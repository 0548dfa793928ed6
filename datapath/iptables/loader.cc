#include "datapath/iptables/loader.h"

#include <algorithm>

#include "datapath/base/text.h"
#include "datapath/iptables/command.h"
#include "datapath/iptables/print.h"
#include "datapath/iptables/words.h"

namespace nf::ipt {
namespace {

std::optional<Counters> parse_counters(std::string_view text) {
  if (text.size() < 5 || text.front() != '[' || text.back() != ']') return std::nullopt;
  const auto parts = split(text.substr(1, text.size() - 2), ':');
  if (parts.size() != 2) return std::nullopt;
  const auto packets = parse_number(parts[0]);
  const auto bytes = parse_number(parts[1]);
  if (!packets || !bytes) return std::nullopt;
  return Counters{*packets, *bytes};
}

// The same rule but for its counters, as -D compares. twin: is_same and target_same, libiptc
bool same_rule(const TableModel& table, const Rule& a, const Rule& b) {
  return save_rule(table, a) == save_rule(table, b);
}

Status delete_rules(TableModel& table, const Command& command) {
  for (const auto& rule : command.rules) {
    const Chain* chain = table.find(command.chain);
    if (chain == nullptr) return table.remove(command.chain, 1);
    uint32_t number = 1;
    while (number <= chain->rules.size() && !same_rule(table, *chain->rules[number - 1].rule, *rule)) ++number;
    if (number > chain->rules.size()) return error("Bad rule (does a matching rule exist in that chain?)");
    if (Status s = table.remove(command.chain, number); !s) return s;
  }
  return {};
}

Status zero(TableModel& table, const Command& command) {
  if (!command.chain.empty() && table.find(command.chain) == nullptr)
    return error("No chain/target/match by that name: chain `" + command.chain + "'");
  for (Chain& c : table.chains()) {
    if (!command.chain.empty() && c.name != command.chain) continue;
    if (command.number > c.rules.size()) return error("Index of counter too big");
    if (command.number != 0) {
      c.rules[command.number - 1].counters = {};
      continue;
    }
    c.counters = {};
    for (RuleEntry& e : c.rules) e.counters = {};
  }
  return {};
}

Status delete_chains(TableModel& table, const Command& command) {
  if (!command.chain.empty()) return table.delete_chain(command.chain);
  std::vector<std::string> names;
  for (const Chain& c : table.chains())
    if (!c.hook) names.push_back(c.name);
  for (const std::string& name : names)
    if (Status s = table.delete_chain(name); !s) return s;
  return {};
}

Status flush(TableModel& table, const Command& command) {
  if (!command.chain.empty() && table.find(command.chain) == nullptr)
    return error("No chain/target/match by that name: chain `" + command.chain + "'");
  for (Chain& c : table.chains())
    if (command.chain.empty() || c.name == command.chain) c.rules.clear();
  return {};
}

Status add_rules(TableModel& table, const Command& command, const Counters& counters) {
  using K = Command::Kind;
  for (const auto& rule : command.rules) {
    RuleEntry entry{rule, counters, 0};
    Status s;
    if (command.kind == K::kAppend) s = table.append(command.chain, std::move(entry));
    if (command.kind == K::kInsert) s = table.insert(command.chain, command.number, std::move(entry));
    if (command.kind == K::kReplace) s = table.replace(command.chain, command.number, std::move(entry));
    if (!s) return s;
  }
  return {};
}

Status apply(TableModel& table, const Command& command, const Counters& counters) {
  using K = Command::Kind;
  switch (command.kind) {
    case K::kNone:
      return {};
    case K::kAppend:
    case K::kInsert:
    case K::kReplace:
      return add_rules(table, command, counters);
    case K::kDelete:
      return delete_rules(table, command);
    case K::kDeleteNumber:
      return table.remove(command.chain, command.number);
    case K::kFlush:
      return flush(table, command);
    case K::kZero:
      return zero(table, command);
    case K::kNewChain:
      return table.create_chain(command.chain);
    case K::kDeleteChain:
      return delete_chains(table, command);
    case K::kRename:
      return table.rename_chain(command.chain, command.argument);
    case K::kPolicy: {
      if (Status s = table.set_policy(command.chain, command.argument); !s) return s;
      if (command.has_counters) table.find(command.chain)->counters = command.counters;
      return {};
    }
  }
  return {};
}

// "iptables", with a path, behind sudo, or a variant's name.
bool is_iptables(std::string_view word) {
  const size_t slash = word.rfind('/');
  if (slash != std::string_view::npos) word.remove_prefix(slash + 1);
  return word == "iptables" || word == "iptables-legacy" || word == "iptables-nft";
}

}  // namespace

void Loader::start_with(TableModel table) {
  const size_t at = static_cast<size_t>(table.id());
  tables_[at] = std::move(table);
}

TableModel& Loader::touch(TableId id) {
  auto& table = tables_[static_cast<size_t>(id)];
  if (!table) table.emplace(id);
  if (std::find(touched_.begin(), touched_.end(), id) == touched_.end()) touched_.push_back(id);
  return *table;
}

Status Loader::parse(std::string_view text, const std::string& file) {
  file_ = file;
  line_ = 0;
  int here = 0;
  std::string joined;  // shell lines continued by a backslash
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view raw = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++here;
    if (joined.empty()) line_ = here;
    if (!open_ && raw.ends_with('\\') && !text.empty()) {
      joined += std::string(raw.substr(0, raw.size() - 1)) + " ";
      continue;
    }
    joined += raw;
    Status s = line(trim(joined));
    joined.clear();
    if (!s) {
      if (!s.error().file.empty()) return s;
      return error_at(file, line_, s.error().text);
    }
  }
  if (open_) return error_at(file, here + 1, "COMMIT expected");
  for (const TableId id : touched_)
    if (Status s = check_table(table(id)); !s) return s;
  return {};
}

Status Loader::line(std::string_view text) {
  if (text.empty() || text.front() == '#') return {};
  if (open_) {
    if (text == "COMMIT") {
      open_.reset();
      return {};
    }
    if (text.front() == ':') return chain_line(text);
    return restore_rule(text);
  }
  if (text.front() == '*') return table_line(text);
  if (text.front() == '-' || text.front() == '[') return bare_rule(text);
  bool known = false;
  Status s = shell_line(text, known);
  if (!known)
    return error(strf("neither a table, a rule nor an iptables command: `%s'",
                      std::string(text.substr(0, std::min<size_t>(text.size(), 60))).c_str()));
  return s;
}

Status Loader::table_line(std::string_view text) {
  const auto words = split_words(text.substr(1));
  if (words.empty()) return error("table name invalid");
  const auto id = table_by_name(words[0]);
  if (!id) return error(strf("unable to initialize table '%s'", std::string(words[0]).c_str()));
  TableModel& table = touch(*id);
  if (!options_.no_flush) table.flush();
  open_ = *id;
  return {};
}

Status Loader::chain_line(std::string_view text) {
  TableModel& table = this->table(*open_);
  const auto words = split_words(text.substr(1));
  if (words.empty()) return error("chain name invalid");
  const std::string_view name = words[0];
  Chain* chain = table.find(name);
  if (chain == nullptr) {
    if (Status s = table.create_chain(name); !s) return s;
  } else if (!chain->hook) {
    if (!options_.no_flush) return error(strf("Chain already exists: `%s'", std::string(name).c_str()));
    chain->rules.clear();
  }
  if (words.size() < 2) return error("policy invalid");
  if (words[1] == "-") return {};
  if (Status s = table.set_policy(name, words[1]); !s) return s;
  Counters counters;
  if (words.size() > 2) {
    const auto parsed = parse_counters(words[2]);
    if (!parsed) return error(strf("invalid policy counters for chain '%s'", std::string(name).c_str()));
    if (options_.counters) counters = *parsed;
  }
  table.find(name)->counters = counters;
  return {};
}

Status Loader::restore_rule(std::string_view text) {
  Counters counters;
  const bool has_counters = text.front() == '[';
  if (has_counters) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return error("need ]");
    const auto parsed = parse_counters(text.substr(0, end + 1));
    if (!parsed) return error("bad counters, [packets:bytes] expected");
    counters = *parsed;
    text.remove_prefix(end + 1);
  }
  auto words = split_restore_line(text);
  if (!words) return words.error();
  return run(*words, *open_, has_counters && options_.counters ? &counters : nullptr);
}

Status Loader::bare_rule(std::string_view text) {
  auto words = split_restore_line(text.substr(text.front() == '[' ? text.find(']') + 1 : 0));
  if (!words) return words.error();
  auto named = table_of(*words);
  if (!named) return named.error();
  const TableId id = named->value_or(TableId::kFilter);
  if (std::find(bare_tables_.begin(), bare_tables_.end(), id) == bare_tables_.end()) {
    bare_tables_.push_back(id);
    TableModel& table = touch(id);
    if (!options_.no_flush) table.flush();
  }
  std::optional<Counters> counters;
  if (text.front() == '[') {
    counters = parse_counters(text.substr(0, text.find(']') + 1));
    if (!counters) return error("bad counters, [packets:bytes] expected");
    if (!options_.counters) counters.reset();
  }
  return run(*words, id, counters ? &*counters : nullptr);
}

Status Loader::shell_line(std::string_view text, bool& known) {
  auto plain = split_words(text);
  size_t first = !plain.empty() && plain[0] == "sudo" ? 1 : 0;
  known = first < plain.size() && is_iptables(plain[first]);
  if (!known) return {};
  auto words = split_shell_line(text);
  if (!words) return words.error();
  if (words->size() <= first) return error("no command specified");
  words->text.erase(words->text.begin(), words->text.begin() + static_cast<std::ptrdiff_t>(first + 1));
  words->quoted.erase(words->quoted.begin(), words->quoted.begin() + static_cast<std::ptrdiff_t>(first + 1));
  auto named = table_of(*words);
  if (!named) return named.error();
  const TableId id = named->value_or(TableId::kFilter);
  touch(id);
  return run(*words, id, nullptr);
}

Status Loader::run(const Words& words, TableId id, const Counters* counters) {
  TableModel& table = touch(id);
  const CommandContext context{registry_, table, file_, line_, open_.has_value()};
  auto command = parse_command(words, context);
  if (!command) return command.error();
  if (command->has_counters && counters != nullptr) return error("multiple -c flags not allowed");
  Counters start;
  if (counters != nullptr) start = *counters;
  if (command->has_counters && options_.counters) start = command->counters;
  return apply(table, *command, start);
}

}  // namespace nf::ipt
