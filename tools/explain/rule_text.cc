#include "tools/explain/rule_text.h"

#include <algorithm>

#include "datapath/base/text.h"
#include "datapath/hook/hook.h"
#include "tools/gateway/gateway.h"

namespace nf::explain {
namespace {

constexpr size_t kCandidates = 8;

std::string joined(const std::vector<std::string>& words, size_t from) {
  std::string out;
  for (size_t i = from; i < words.size(); ++i) {
    const bool quote = words[i].empty() || words[i].find_first_of(" '\t") != std::string::npos;
    out += (out.empty() ? "" : " ") + (quote ? '"' + words[i] + '"' : words[i]);
  }
  return out;
}

Error listing(std::string text, const std::vector<const Rule*>& rules) {
  for (size_t i = 0; i < rules.size() && i < kCandidates; ++i)
    text += "\n  " + name_of(*rules[i]) + "  " + text_of(*rules[i]);
  if (rules.size() > kCandidates) text += strf("\n  and %zu more", rules.size() - kCandidates);
  return error(std::move(text));
}

std::vector<const Rule*> of_chain(const std::vector<Rule>& rules, std::string_view table, std::string_view chain) {
  std::vector<const Rule*> out;
  for (const Rule& r : rules)
    if (r.table == table && (chain.empty() || r.chain == chain)) out.push_back(&r);
  return out;
}

Result<Rule> by_name(const std::vector<Rule>& rules, const std::string& asked, const std::string& table,
                     const std::string& chain, std::string_view number) {
  const auto n = number == "policy" ? std::optional<uint64_t>(0) : parse_number(number, UINT32_MAX);
  if (!n || (*n == 0 && number != "policy")) return error("\"" + asked + "\" names no rule: it is TABLE:CHAIN:NUMBER");
  for (const Rule& r : rules)
    if (r.table == table && r.chain == chain && r.number == *n) return r;
  if (const auto there = of_chain(rules, table, chain); !there.empty())
    return listing("there is no rule " + asked + "; the chain has", there);
  const auto all = of_chain(rules, table, {});
  if (all.empty()) return error("there is no rule " + asked + ": the lab has no table " + table);
  std::string chains;
  for (size_t i = 0; i < all.size(); ++i)
    if (i == 0 || all[i]->chain != all[i - 1]->chain) chains += " " + all[i]->chain;
  return error("there is no rule " + asked + ": chains of " + table + " with rules are" + chains);
}

// As the engine prints what was typed; empty: it is no rule of this table.
std::string printed(const std::vector<Rule>& rules, const std::string& table, const std::string& chain,
                    const std::string& rule) {
  Gateway scratch(GatewayOptions{.conntrack_buckets = 1024});
  std::string text = "*" + table + "\n";
  std::vector<std::string> chains{chain};
  for (const Rule& r : rules)
    if (r.table == table) chains.push_back(r.chain);
  for (size_t i = 0; i < chains.size(); ++i) {
    const bool seen = std::find(chains.begin(), chains.begin() + static_cast<long>(i), chains[i]) !=
                      chains.begin() + static_cast<long>(i);
    bool built_in = false;
    for (size_t h = 0; h < kHookPoints; ++h) built_in = built_in || chains[i] == hook_name(static_cast<HookPoint>(h));
    if (!seen) text += ":" + chains[i] + (built_in ? " ACCEPT [0:0]\n" : " - [0:0]\n");
  }
  // What a rule jumps to must be there, though it may have no rule.
  const std::vector<std::string> words = words_of_rule(rule);
  for (size_t attempt = 0; attempt < 2; ++attempt) {
    if (scratch.iptables().load(text + "-A " + chain + " " + rule + "\nCOMMIT\n", "rule")) {
      for (const auto& c : scratch.iptables().rule_counters())
        if (c.chain == chain && c.number == 1) return c.text;
      return {};
    }
    const auto jump = std::find_if(words.begin(), words.end(), [](const auto& w) { return w == "-j" || w == "-g"; });
    if (words.end() - jump < 2) return {};
    text += ":" + *(jump + 1) + " - [0:0]\n";
  }
  return {};
}

// Takes out what a command line says wherever it likes and no rule has: -t TABLE (returned), -w [SECONDS].
std::string take_table(std::vector<std::string>& words) {
  std::string table;
  for (size_t i = 0; i < words.size();) {
    const bool value = i != 0 && words[i - 1] == "--comment";
    const std::string word = value ? std::string() : words[i];
    const auto begin = words.begin() + static_cast<long>(i);
    if ((word == "-t" || word == "--table") && i + 1 < words.size()) {
      table = words[i + 1];
      words.erase(begin, begin + 2);
    } else if (word.starts_with("--table=")) {
      table = word.substr(8);
      words.erase(begin);
    } else if (word == "-w" || word == "--wait") {
      const bool seconds = i + 1 < words.size() && parse_number(words[i + 1]);
      words.erase(begin, begin + (seconds ? 2 : 1));
    } else if (word.starts_with("--wait=")) {
      words.erase(begin);
    } else {
      ++i;
    }
  }
  return table;
}

Result<Rule> by_text(const std::vector<Rule>& rules, const std::string& asked, std::vector<std::string> words) {
  const std::string table = take_table(words);
  size_t at = 0;
  if (at < words.size() && words[at].ends_with("iptables")) ++at;
  static constexpr std::string_view kAdd[] = {"-A", "-I", "--append", "--insert"};
  if (at + 1 >= words.size() || std::find(std::begin(kAdd), std::end(kAdd), words[at]) == std::end(kAdd))
    return error("\"" + asked + "\" names no rule: TABLE:CHAIN:NUMBER, or -A CHAIN and its text");
  const bool inserted = words[at] == "-I" || words[at] == "--insert";
  const std::string chain = words[at + 1];
  at += 2;
  if (inserted && at < words.size() && parse_number(words[at])) ++at;
  const std::string rule = joined(words, at);
  std::vector<const Rule*> found, chain_rules;
  for (size_t t = 0; t < ipt::kTables; ++t) {
    const std::string name(ipt::table_name(static_cast<ipt::TableId>(t)));
    if (!table.empty() && name != table) continue;
    const std::vector<const Rule*> there = of_chain(rules, name, chain);
    if (there.empty()) continue;
    const std::string as_printed = printed(rules, name, chain, rule);
    for (const Rule* r : there) {
      if (r->number == 0) continue;
      chain_rules.push_back(r);
      if (r->text == rule || (!as_printed.empty() && r->text == as_printed)) found.push_back(r);
    }
  }
  if (found.size() == 1) return *found[0];
  if (!found.empty()) return listing("\"" + asked + "\" is more than one rule; name one of", found);
  if (chain_rules.empty())
    return error("\"" + asked + "\": no chain " + chain + " with rules" + (table.empty() ? "" : " in table " + table));
  return listing("\"" + asked + "\" is not among the rules; the chain has", chain_rules);
}

}  // namespace

std::string name_of(const Rule& rule) {
  return rule.table + ':' + rule.chain + ':' + (rule.number == 0 ? "policy" : std::to_string(rule.number));
}

std::string text_of(const Rule& rule) { return (rule.number == 0 ? "-P " : "-A ") + rule.chain + ' ' + rule.text; }

std::vector<std::string> words_of_rule(std::string_view text) {
  std::vector<std::string> out;
  std::string word;
  char quote = 0;
  bool any = false;
  for (const char c : text) {
    if (quote != 0) {
      if (c == quote)
        quote = 0;
      else
        word += c;
    } else if (c == '"' || c == '\'') {
      quote = c;
      any = true;
    } else if (c == ' ' || c == '\t') {
      if (any) out.push_back(std::exchange(word, {}));
      any = false;
    } else {
      word += c;
      any = true;
    }
  }
  if (any) out.push_back(std::move(word));
  return out;
}

std::string chain_behind(const Rule& rule, const std::vector<Rule>& rules) {
  const std::vector<std::string> words = words_of_rule(rule.text);
  for (size_t i = 0; rule.number != 0 && i + 1 < words.size(); ++i) {
    if (words[i] != "-j" && words[i] != "-g") continue;
    const auto is = [&](const Rule& r) { return r.table == rule.table && r.chain == words[i + 1]; };
    return std::any_of(rules.begin(), rules.end(), is) ? words[i + 1] : std::string();
  }
  return {};
}

Result<Rule> find_rule(const std::vector<Rule>& rules, const std::string& asked) {
  const std::vector<std::string> words = words_of_rule(asked);
  if (words.empty()) return error("--why-not needs a rule");
  if (words.size() == 1 && asked.find(':') != asked.npos) {
    const std::vector<std::string_view> parts = split(words[0], ':');
    // "nat:DOCKER:rule:2" is how stories name it.
    const bool told = parts.size() == 4 && parts[2] == "rule";
    if (parts.size() != 3 && !told) return error("\"" + asked + "\" names no rule: it is TABLE:CHAIN:NUMBER");
    return by_name(rules, asked, std::string(parts[0]), std::string(parts[1]), parts.back());
  }
  return by_text(rules, asked, words);
}

}  // namespace nf::explain
