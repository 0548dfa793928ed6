#include "tools/daemon/commands.h"

#include <optional>

#include "datapath/base/text.h"

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

// The words of one command line, with "-nvx" taken as -n -v -x. `with_argument`: letters that take a value, which
// may be glued on ("-tnat").
std::vector<std::string> separate(const std::vector<std::string>& words, std::string_view with_argument) {
  std::vector<std::string> out;
  for (size_t i = 1; i < words.size(); ++i) {
    const std::string& w = words[i];
    if (w.size() < 3 || w[0] != '-' || w[1] == '-') {
      out.push_back(w);
      continue;
    }
    for (size_t k = 1; k < w.size(); ++k) {
      out.push_back(std::string{'-', w[k]});
      if (with_argument.find(w[k]) != std::string_view::npos) {
        if (k + 1 < w.size()) out.push_back(w.substr(k + 1));
        break;
      }
    }
  }
  return out;
}

CommandReply iptables_save(Gateway& gateway, const std::vector<std::string>& words) {
  ipt::SaveOptions options;
  const std::vector<std::string> args = separate(words, "t");
  for (size_t i = 0; i < args.size(); ++i) {
    if (args[i] == "-c" || args[i] == "--counters") {
      options.counters = true;
    } else if ((args[i] == "-t" || args[i] == "--table") && i + 1 < args.size()) {
      options.table = table_by_name(args[++i]);
      if (!options.table) return refuse("iptables-save: unknown table \"" + args[i] + "\"");
    } else {
      return refuse("iptables-save: unknown option \"" + args[i] + "\"");
    }
  }
  CommandReply r;
  r.out = gateway.iptables().save(options);
  return r;
}

CommandReply iptables(Gateway& gateway, const std::vector<std::string>& words) {
  ipt::TableId table = ipt::TableId::kFilter;
  ipt::ListOptions options;
  options.numeric = false;
  char command = 0;
  std::string chain;
  const std::vector<std::string> args = separate(words, "t");
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string& a = args[i];
    if ((a == "-t" || a == "--table") && i + 1 < args.size()) {
      const auto t = table_by_name(args[++i]);
      if (!t) return refuse("iptables: unknown table \"" + args[i] + "\"");
      table = *t;
    } else if (a == "-L" || a == "--list" || a == "-S" || a == "--list-rules" || a == "-Z" || a == "--zero") {
      command = a == "-L" || a == "--list" ? 'L' : a == "-Z" || a == "--zero" ? 'Z' : 'S';
      if (i + 1 < args.size() && !args[i + 1].starts_with('-')) chain = args[++i];
    } else if (a == "-n" || a == "--numeric") {
      options.numeric = true;
    } else if (a == "-v" || a == "--verbose") {
      options.verbose = true;
    } else if (a == "-x" || a == "--exact") {
      options.exact = true;
    } else if (a == "--line-numbers") {
      options.line_numbers = true;
    } else if (a != "-w" && a != "--wait") {
      return refuse("iptables: unknown option \"" + a + "\"");
    }
  }
  CommandReply r;
  if (command == 'Z') {
    if (gateway.iptables().has_table(table)) gateway.iptables().zero(table);
    return r;
  }
  if (command == 'S') {
    r.out = gateway.iptables().list_rules(table, chain);
    return r;
  }
  if (command != 'L') return refuse("iptables: one of -L, -S and -Z is needed");
  Result<std::string> listed = gateway.iptables().list(table, chain, options);
  if (!listed) return refuse(listed.error().str());
  r.out = listed.take();
  return r;
}

CommandReply conntrack(Gateway& gateway, const std::vector<std::string>& words, Time now) {
  CommandReply r;
  char command = 0;
  const std::vector<std::string> args = separate(words, "o");
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string& a = args[i];
    if (a == "-L" || a == "--dump" || a == "-C" || a == "--count" || a == "-S" || a == "--stats" || a == "-E" ||
        a == "--event") {
      command = a == "--dump" ? 'L' : a == "--count" ? 'C' : a == "--stats" ? 'S' : a == "--event" ? 'E' : a[1];
    } else if ((a == "-o" || a == "--output") && i + 1 < args.size()) {
      for (const std::string_view form : split(args[++i], ',')) {
        if (form == "extended") r.format.extended = true;
        else if (form == "id") r.format.id = true;
        else if (form == "timestamp" || form == "ktimestamp") r.timestamps = true;
        else return refuse("conntrack: unsupported output form \"" + std::string(form) + "\"");
      }
    } else {
      return refuse("conntrack: unknown option \"" + a + "\"");
    }
  }
  ct::Conntrack& ct = gateway.conntrack();
  switch (command) {
    case 'L': {
      size_t shown = 0;
      ct.for_each([&](ct::Connection& c) {
        r.out += ct::format_entry(c, now, r.format) + '\n';
        ++shown;
      });
      r.err = strf("conntrack v1.4.7 (conntrack-tools): %zu flow entries have been shown.\n", shown);
      return r;
    }
    case 'C':
      r.out = strf("%zu\n", ct.count());
      return r;
    case 'S':
      r.out = ct::format_stats(ct.stats());
      if (!r.out.ends_with('\n')) r.out += '\n';
      return r;
    case 'E':
      r.follow_events = true;
      return r;
    default:
      return refuse("conntrack: one of -L, -C, -S and -E is needed");
  }
}

}  // namespace

CommandReply run_command(Gateway& gateway, const std::vector<std::string>& words, Time now) {
  if (words.empty()) return refuse("no command");
  if (words[0] == "iptables-save") return iptables_save(gateway, words);
  if (words[0] == "iptables") return iptables(gateway, words);
  if (words[0] == "conntrack") return conntrack(gateway, words, now);
  return refuse("unknown command \"" + words[0] + "\"");
}

}  // namespace nf
