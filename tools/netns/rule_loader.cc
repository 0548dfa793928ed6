#include "tools/netns/rule_loader.h"

#include <algorithm>

#include "datapath/base/text.h"
#include "tools/netns/log_rules.h"
#include "tools/netns/program.h"

namespace nf::netns {
namespace {

// The built-in chains of each table. twin: xtables_ipv4, iptables/nft.c
std::vector<std::string_view> builtin_chains(std::string_view table) {
  if (table == "filter" || table == "security") return {"INPUT", "FORWARD", "OUTPUT"};
  if (table == "nat") return {"PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"};
  if (table == "mangle") return {"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"};
  if (table == "raw") return {"PREROUTING", "OUTPUT"};
  return {};
}

struct Lines {
  std::string text;
  std::vector<int> original;  // line number written -> line number given, both from 1; [0] unused
};

// What -c wants: counters behind every policy. `all_chains`: every built-in chain is declared.
Lines complete_declarations(std::string_view text, bool all_chains) {
  Lines out{{}, {0}};
  const std::vector<std::string_view> lines = split(text, '\n');
  const auto add = [&](std::string_view line, size_t i) {
    (out.text += line) += '\n';
    out.original.push_back(static_cast<int>(i) + 1);
  };
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::vector<std::string_view> words = split_words(lines[i]);
    if (words.size() == 2 && words[0].size() > 1 && words[0][0] == ':')
      add(std::string(lines[i]) + " [0:0]", i);
    else
      add(lines[i], i);
    if (!all_chains || lines[i].empty() || lines[i][0] != '*') continue;
    for (const std::string_view chain : builtin_chains(trim(lines[i].substr(1)))) {
      const std::string declared = ":" + std::string(chain) + " ";
      bool there = false;
      for (size_t k = i + 1; k < lines.size() && lines[k].substr(0, 6) != "COMMIT"; ++k)
        there |= lines[k].starts_with(declared);
      if (!there) add(declared + "ACCEPT [0:0]", i);
    }
  }
  return out;
}

Result<std::string> output_of(const std::vector<std::string>& program) {
  Result<ProgramResult> done = run_program(program);
  if (!done) return done.error();
  if (done->status != 0) return error(program[0] + ": " + std::string(trim(done->errors)));
  return std::move(done->output);
}

// "iptables-restore v1.8.9 (legacy): unknown option "--foo"\nError occurred at line: 2\n..." and
// "iptables-restore: line 3 failed".
Error refused(const ProgramResult& r, const std::string& file, const std::vector<int>& original) {
  size_t line = 0;
  for (const std::string_view before : {"line: ", "line "}) {
    const size_t at = r.errors.find(before);
    if (at == std::string::npos || line != 0) continue;
    for (size_t i = at + before.size(); i < r.errors.size() && r.errors[i] >= '0' && r.errors[i] <= '9'; ++i)
      line = line * 10 + static_cast<size_t>(r.errors[i] - '0');
  }
  if (line < original.size()) line = static_cast<size_t>(original[line]);
  size_t end = std::min(r.errors.find('\n'), r.errors.size());
  // "iptables-restore v1.8.9 (legacy): \nThe "nat" table is not intended for filtering, ..."
  if (trim(std::string_view(r.errors).substr(0, end)).ends_with("):")) end = r.errors.find('\n', end + 1);
  std::string first(trim(std::string_view(r.errors).substr(0, end)));
  std::replace(first.begin(), first.end(), '\n', ' ');
  return error_at(file, static_cast<int>(line),
                  first.empty() ? strf("iptables-restore: exit status %d", r.status) : first);
}

}  // namespace

Status RuleLoader::load(const std::string& text, const std::string& file) {
  const char* program = into_ == Into::kNfTables ? "iptables-nft-restore" : "iptables-legacy-restore";
  const LogRules rules = printed_ ? LogRules{text} : log_rules_as_nflog(text);
  if (rules.logs) {
    // What LOG itself refuses.
    Result<ProgramResult> test = run_program({program, "--test"}, text);
    if (!test) return test.error();
    if (test->status != 0) return refused(*test, file, {});
  }
  const Lines lines = complete_declarations(rules.text, into_ == Into::kNfTables);
  Result<ProgramResult> done = run_program({program, "-c"}, lines.text);
  if (!done) return done.error();
  if (done->status != 0) return refused(*done, file, lines.original);
  logs_ |= rules.logs;
  bool raw = false;
  for (const std::string_view line : split(text, '\n')) {
    if (line.empty() || line[0] != '*') continue;
    const std::string_view table = trim(line.substr(1));
    tables_.emplace(table);
    raw |= table == "raw";
  }
  if (raw) traced_ = false;
  return into_ == Into::kNfTables ? add_trace() : Status();
}

Status RuleLoader::add_trace() {
  if (traced_) return {};
  Result<ProgramResult> done = run_program({"iptables-nft-restore", "--noflush"},
                                           "*raw\n-I PREROUTING 1 -j TRACE\n-I OUTPUT 1 -j TRACE\nCOMMIT\n");
  if (!done) return done.error();
  if (done->status != 0) return error("TRACE: " + done->errors);
  traced_ = true;
  return {};
}

Result<std::string> RuleLoader::saved(bool counters) const {
  std::vector<std::string> program{into_ == Into::kNfTables ? "iptables-nft-save" : "iptables-legacy-save"};
  if (counters) program.emplace_back("-c");
  return output_of(program);
}

Result<std::string> RuleLoader::listed(const std::string& table, const std::string& chain) const {
  return output_of(
      {into_ == Into::kNfTables ? "iptables-nft" : "iptables-legacy", "-t", table, "-L", chain, "-n", "-v"});
}

int RuleLoader::own_rules(std::string_view table, std::string_view chain) const {
  if (!traced_ || table != "raw") return 0;
  if (tables_.find(table) == tables_.end()) return -1;
  return chain == "PREROUTING" || chain == "OUTPUT" ? 1 : 0;
}

Result<std::vector<RuleCount>> RuleLoader::counters() const {
  if (into_ == Into::kLegacyTables) return legacy_rule_counters();
  const Result<std::string> text = saved(true);
  if (!text) return text.error();
  std::vector<RuleCount> out;
  for (RuleCount& c : saved_rule_counters(*text)) {
    const int own = own_rules(c.table, c.chain);
    if (own < 0 || (c.number != 0 && c.number <= static_cast<uint32_t>(own))) continue;
    if (c.number != 0) c.number -= static_cast<uint32_t>(own);
    out.push_back(std::move(c));
  }
  return out;
}

}  // namespace nf::netns
