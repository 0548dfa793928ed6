#include "tools/netns/rule_loader.h"

#include <algorithm>

#include "datapath/base/text.h"
#include "tools/netns/log_rules.h"
#include "tools/netns/program.h"

namespace nf::netns {
namespace {

// Of a raw table that was none of the lab's before: what counted there does not count.
constexpr std::string_view kAnew[] = {":PREROUTING ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]"};
constexpr std::string_view kOwn[] = {"[0:0] -I PREROUTING -j TRACE", "[0:0] -I OUTPUT -j TRACE"};

// What becomes of a raw table.
enum class Raw { kAsItIs, kTraced, kTracedAnew };

struct Lines {
  std::string text;
  std::vector<int> original;  // line number written -> line number given, both from 1; [0] unused
};

bool names_raw(std::string_view line) { return !line.empty() && line[0] == '*' && trim(line.substr(1)) == "raw"; }

// What -c wants: counters behind every policy. And the rules of its own.
Lines complete(std::string_view text, Raw how) {
  Lines out{{}, {0}};
  const std::vector<std::string_view> lines = split(text, '\n');
  const auto add = [&](std::string_view line, size_t i) {
    (out.text += line) += '\n';
    out.original.push_back(static_cast<int>(i) + 1);
  };
  bool raw = false;
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::vector<std::string_view> words = split_words(lines[i]);
    if (!lines[i].empty() && lines[i][0] == '*') raw = names_raw(lines[i]);
    if (raw && how != Raw::kAsItIs && lines[i].starts_with("COMMIT")) {
      for (int n = 0; n < kOwnRules; ++n)
        for (const std::string_view own : kOwn) add(own, i);
    }
    if (words.size() == 2 && words[0].size() > 1 && words[0][0] == ':')
      add(std::string(lines[i]) + " [0:0]", i);
    else
      add(lines[i], i);
    if (how == Raw::kTracedAnew && names_raw(lines[i]))
      for (const std::string_view declared : kAnew) add(declared, i);
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
  constexpr const char* kProgram = "iptables-legacy-restore";
  const LogRules rules = printed_ ? LogRules{text} : log_rules_as_nflog(text);
  if (rules.logs) {
    // What LOG itself refuses.
    Result<ProgramResult> test = run_program({kProgram, "--test"}, text);
    if (!test) return test.error();
    if (test->status != 0) return refused(*test, file, {});
  }
  const std::vector<std::string_view> given = split(text, '\n');
  const bool raw = std::any_of(given.begin(), given.end(), names_raw);
  Lines lines = complete(rules.text, !traced_ ? Raw::kAsItIs : raw_is_the_labs_ ? Raw::kTraced : Raw::kTracedAnew);
  if (traced_ && !raw && !loaded_) lines.text += complete("*raw\nCOMMIT\n", Raw::kTraced).text;
  Result<ProgramResult> done = run_program({kProgram, "-c"}, lines.text);
  if (!done) return done.error();
  if (done->status != 0) return refused(*done, file, lines.original);
  logs_ |= rules.logs;
  loaded_ = true;
  raw_is_the_labs_ |= raw;
  return {};
}

Result<std::string> RuleLoader::saved(bool counters) const {
  std::vector<std::string> program{"iptables-legacy-save"};
  if (counters) program.emplace_back("-c");
  return output_of(program);
}

Result<std::string> RuleLoader::listed(const std::string& table, const std::string& chain) const {
  return output_of({"iptables-legacy", "-t", table, "-L", chain, "-n", "-v"});
}

Result<std::vector<RuleCount>> RuleLoader::counters() const {
  Result<std::vector<RuleCount>> counts = legacy_rule_counters();
  if (!counts || !loaded_ || own_rules() == 0) return counts;
  std::erase_if(*counts, [&](RuleCount& c) {
    if (c.table != "raw") return false;
    if (!raw_is_the_labs_) return true;
    if (c.number == 0 || (c.chain != "PREROUTING" && c.chain != "OUTPUT")) return false;
    if (c.number <= kOwnRules) return true;
    c.number -= kOwnRules;
    return false;
  });
  return counts;
}

}  // namespace nf::netns
