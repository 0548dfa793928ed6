#include "tools/commands/commands.h"

#include <optional>

#include "datapath/base/text.h"
#include "tools/commands/command_words.h"
#include "tools/commands/conntrack_command.h"
#include "tools/commands/restore_command.h"
#include "tools/commands/sysctl_command.h"

namespace nf {
namespace {

CommandReply refuse(std::string text) {
  CommandReply r;
  r.err = std::move(text) + '\n';
  r.exit_code = static_cast<int>(ExitCode::kBadInput);
  return r;
}

std::optional<ipt::TableId> table_by_name(std::string_view name) {
  for (size_t i = 0; i < ipt::kTables; ++i) {
    const auto id = static_cast<ipt::TableId>(i);
    if (ipt::table_name(id) == name) return id;
  }
  return std::nullopt;
}

Status read_table(const std::string& name, ipt::TableId& table) {
  const auto found = table_by_name(name);
  // The words of iptables-legacy, whose tables are kernel modules.
  if (!found) return error("can't initialize iptables table `" + name + "': Table does not exist");
  table = *found;
  return {};
}

// twin: iptables-save.c, options
constexpr OptionName kSaveNames[] = {
    {'c', "counters", TakesValue::kNo, 'c'},
    {'t', "table", TakesValue::kYes, 't'},
};

CommandReply iptables_save(Gateway& gateway, const std::vector<std::string>& words) {
  Result<std::vector<GivenOption>> given = read_options(std::span(words).subspan(1), kSaveNames);
  if (!given) return refuse("iptables-save: " + given.error().str());
  ipt::SaveOptions options;
  for (const GivenOption& o : *given) {
    if (o.is == 0) return refuse("iptables-save: unknown arguments found on commandline: " + o.value);
    if (o.is == 'c') {
      options.counters = true;
      continue;
    }
    ipt::TableId table;
    if (Status s = read_table(o.value, table); !s) return refuse("iptables-save: " + s.error().str());
    options.table = table;
  }
  CommandReply r;
  r.out = gateway.iptables().save(options);
  return r;
}

// twin: original_opts, iptables.c
constexpr OptionName kIptablesNames[] = {
    {'t', "table", TakesValue::kYes, 't'},
    {'L', "list", TakesValue::kOptional, 'L'},
    {'S', "list-rules", TakesValue::kOptional, 'S'},
    {'Z', "zero", TakesValue::kOptional, 'Z'},
    {'n', "numeric", TakesValue::kNo, 'n'},
    {'v', "verbose", TakesValue::kNo, 'v'},
    {'x', "exact", TakesValue::kNo, 'x'},
    {0, "line-numbers", TakesValue::kNo, '0'},
    {'w', "wait", TakesValue::kOptional, 'w'},
    {'4', "ipv4", TakesValue::kNo, '4'},
};

struct IptablesRequest {
  ipt::TableId table = ipt::TableId::kFilter;
  ipt::ListOptions list;
  char command = 0;   // L, S or Z
  bool zero = false;  // -Z, alone or beside -L or -S: printed, then zeroed
  std::string chain;
  uint32_t number = 0;
};

Status read_iptables(const std::vector<GivenOption>& given, IptablesRequest& r) {
  r.list.numeric = false;
  for (size_t i = 0; i < given.size(); ++i) {
    const GivenOption& o = given[i];
    switch (o.is) {
      case 't':
        if (Status s = read_table(o.value, r.table); !s) return s;
        break;
      case 'L':
      case 'S':
      case 'Z':
        if (o.is == 'Z')
          r.zero = true;
        else if (r.command == 'L' || r.command == 'S')
          return error("Cannot use " + o.written + " with -" + r.command);
        if (o.is != 'Z' || r.command == 0) r.command = o.is;
        if (o.has_value) r.chain = o.value;
        if (o.has_value && i + 1 < given.size() && given[i + 1].is == 0) {
          const auto number = parse_number(given[++i].value, UINT32_MAX);
          if (!number || *number == 0) return error("Invalid rule number `" + given[i].value + "'");
          r.number = static_cast<uint32_t>(*number);
        }
        break;
      case 'n':
        r.list.numeric = true;
        break;
      case 'v':
        r.list.verbose = true;
        break;
      case 'x':
        r.list.exact = true;
        break;
      case '0':
        r.list.line_numbers = true;
        break;
      case 'w':
      case '4':
        break;
      default:
        return error("Bad argument `" + o.value + "'");
    }
  }
  if (r.command == 0) return error("no command specified: one of -L, -S and -Z is needed");
  if (r.number != 0 && r.command != 'Z') return error("listing a single rule is not supported");
  return {};
}

// The first option that would change rules; its own options need not be known to refuse it.
const std::string* changes_rules(const std::vector<std::string>& words) {
  static constexpr std::string_view kChanging[] = {"append", "delete",    "insert",       "replace", "flush",
                                                   "check",  "new-chain", "delete-chain", "policy",  "rename-chain"};
  for (const std::string& w : words) {
    if (w.size() == 2 && w[0] == '-' && std::string_view("ADIRFNXPEC").find(w[1]) != std::string_view::npos) return &w;
    for (const std::string_view name : kChanging)
      if (w.starts_with("--") && std::string_view(w).substr(2) == name) return &w;
  }
  return nullptr;
}

CommandReply iptables(Gateway& gateway, const std::vector<std::string>& words) {
  if (const std::string* w = changes_rules(words))
    return refuse(
        "iptables v1.8.9 (legacy): " + *w +
        ": single rules cannot be changed while it runs; iptables-restore changes whole tables (-n adds to them)");
  Result<std::vector<GivenOption>> given = read_options(std::span(words).subspan(1), kIptablesNames);
  if (!given) return refuse("iptables v1.8.9 (legacy): " + given.error().str());
  IptablesRequest request;
  if (Status s = read_iptables(*given, request); !s) return refuse("iptables v1.8.9 (legacy): " + s.error().str());
  ipt::Iptables& iptables = gateway.iptables();
  CommandReply r;
  if (request.command != 'Z') {
    // Made for -S too, because it knows whether there is such a chain.
    Result<std::string> listed = iptables.list(request.table, request.chain, request.list);
    if (!listed) return refuse("iptables: " + listed.error().str());
    r.out = request.command == 'L' ? listed.take() : iptables.list_rules(request.table, request.chain);
  }
  if (!request.zero) return r;
  if (request.chain.empty()) {
    iptables.zero(request.table);
  } else if (Status s = iptables.zero(request.table, request.chain, request.number); !s) {
    return refuse("iptables: " + s.error().str());
  }
  return r;
}

}  // namespace

CommandReply run_command(Gateway& gateway, const std::vector<std::string>& words, Time now) {
  if (words.empty()) return refuse("no command");
  if (words[0] == "iptables-save") return iptables_save(gateway, words);
  if (words[0] == "iptables") return iptables(gateway, words);
  if (words[0] == "conntrack") return conntrack_command(gateway, words, now);
  if (words[0] == "iptables-restore") return restore_command(gateway, words);
  if (words[0] == "sysctl") return sysctl_command(gateway, words);
  return refuse("unknown command \"" + words[0] + "\"");
}

}  // namespace nf
