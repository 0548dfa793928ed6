// For tests of rules as text, of whole nets with their extensions: what iptables-save and `iptables -nvL` print for a
// rule, and the words with which iptables refuses one. Only tests include it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "datapath/base/text.h"
#include "datapath/iptables/iptables.h"

namespace nf::ipt {

struct AcceptedRule {
  const char *table, *rule;
  const char* saved;        // null: as it was written
  const char* listed;       // what follows the addresses
  bool loads_again = true;  // false: the real program refuses what it printed
};

struct RefusedRule {
  const char *table, *rule, *words;
};

inline std::string table_text(const char* table, const char* rule) {
  return std::string("*") + table + "\n" + rule + "\nCOMMIT\n";
}

inline std::string last_line(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  return std::string(text.substr(text.rfind('\n') + 1));
}

// What stands behind the addresses of "    0     0 SNAT  0  --  *      *       0.0.0.0/0            0.0.0.0/0  ...".
inline std::string behind_addresses(std::string_view line) {
  constexpr size_t kFromOptColumn = 60;
  return std::string(line.substr(line.find("--") + kFromOptColumn));
}

// `Net` is a fresh stack with tables: a member `iptables` is all that is asked of it.
template <class Net>
void expect_printed_as_iptables(std::span<const AcceptedRule> rows) {
  for (const AcceptedRule& row : rows) {
    SCOPED_TRACE(row.rule);
    Net net;
    const Status s = net.iptables.load(table_text(row.table, row.rule), "rules");
    ASSERT_TRUE(s.ok()) << s.error().str();
    const TableId table = *table_by_name(row.table);
    const std::string saved = net.iptables.save({.counters = false, .table = table, .comments = false});
    const char* want = row.saved == nullptr ? row.rule : row.saved;
    EXPECT_NE(saved.find(std::string("\n") + want + "\n"), std::string::npos) << saved;
    const std::string chain = std::string(split_words(row.rule)[1]);
    const auto listed = net.iptables.list(table, chain, {.verbose = true});
    ASSERT_TRUE(listed.ok());
    EXPECT_EQ(behind_addresses(last_line(*listed)), row.listed);
    if (!row.loads_again) continue;
    Net again;
    ASSERT_TRUE(again.iptables.load(saved, "saved").ok());
    EXPECT_EQ(again.iptables.save({.counters = false, .table = table, .comments = false}), saved);
  }
}

template <class Net>
void expect_refused_in_iptables_words(std::span<const RefusedRule> rows) {
  for (const RefusedRule& row : rows) {
    SCOPED_TRACE(row.rule);
    Net net;
    const Status s = net.iptables.load(table_text(row.table, row.rule), "rules");
    ASSERT_FALSE(s.ok());
    EXPECT_EQ(s.error().text, row.words);
  }
}

}  // namespace nf::ipt
