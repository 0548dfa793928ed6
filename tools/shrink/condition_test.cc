#include "tools/shrink/condition.h"

#include <gtest/gtest.h>

namespace nf::shrink {
namespace {

// A condition in one line: what the parser understood.
std::string shown(const Condition& c) {
  static constexpr const char* kNames[] = {"dropped", "sent", "delivered", "rule", "why", "event", "differs"};
  std::string out;
  for (const Term& t : c.terms) {
    if (!out.empty()) out += " & ";
    if (t.no_packet) out += "no: ";
    if (t.packet != 0) out += "#" + std::to_string(t.packet) + " ";
    if (!t.filter.empty()) out += "[" + t.filter + "] ";
    if (t.does_not) out += "not ";
    out += kNames[static_cast<size_t>(t.what)];
    if (!t.argument.empty()) out += (t.by_text ? "~" : "=") + t.argument;
  }
  return out;
}

TEST(Condition, IsRead) {
  static constexpr struct {
    const char *text, *meaning;
  } kRows[] = {
      {"dropped", "dropped"},
      {"  dropped  TtlExpired ", "dropped=TtlExpired"},
      {"dropped drop.IptablesPolicy", "dropped=IptablesPolicy"},
      {"sent on eth0", "sent=eth0"},
      {"delivered", "delivered"},
      {"rule nat:PREROUTING:2 hit", "rule=nat:PREROUTING:2"},
      {"rule filter:FORWARD:policy hit", "rule=filter:FORWARD:policy"},
      {"rule '-o docker0 -j ACCEPT' hit", "rule~-o docker0 -j ACCEPT"},
      {"rule \"--comment 'x'\" hit", "rule~--comment 'x'"},
      {"why drop.TtlExpired", "why=drop.TtlExpired"},
      {"why nat_skip.invalid", "why=nat_skip.invalid"},
      {"why invalid.*", "why=invalid.*"},
      {"event '[DESTROY] tcp dport=80'", "event=[DESTROY] tcp dport=80"},
      {"differs ../other", "differs=../other"},
      {"differs '../an other'", "differs=../an other"},
      {"packet 17 dropped", "#17 dropped"},
      {"'tcp port 80' dropped", "[tcp port 80] dropped"},
      {"\"tcp port 80\" sent on and", "[tcp port 80] sent=and"},
      {"not dropped", "no: dropped"},
      {"not 'icmp' dropped IptablesRule", "no: [icmp] dropped=IptablesRule"},
      {"packet 3 not delivered", "#3 not delivered"},
      {"not packet 3 not delivered", "no: #3 not delivered"},
      {"packet 1 dropped and not rule filter:INPUT:1 hit and 'udp' delivered",
       "#1 dropped & no: rule=filter:INPUT:1 & [udp] delivered"},
      {"dropped and dropped", "dropped & dropped"},
  };
  for (const auto& row : kRows) {
    const Result<Condition> c = parse_condition(row.text);
    ASSERT_TRUE(c.ok()) << row.text << ": " << c.error().text;
    EXPECT_EQ(shown(*c), row.meaning) << row.text;
  }
}

TEST(Condition, ErrorsTellTheirPlace) {
  static constexpr struct {
    const char *text, *error;
  } kRows[] = {
      {"", "at 1: expected dropped, sent, delivered, rule, why, event or differs, got the end"},
      {"drpped", "at 1: expected dropped, sent, delivered, rule, why, event or differs, got \"drpped\""},
      {"dropped TtlExpird", "at 9: there is no reason \"TtlExpird\" to drop a packet"},
      {"dropped None", "at 9: there is no reason \"None\" to drop a packet"},
      {"dropped and", "at 12: expected dropped, sent, delivered, rule, why, event or differs, got the end"},
      {"delivered now", "at 11: expected \"and\", got \"now\""},
      {"sent eth0", "at 6: expected \"on LINK\", got \"eth0\""},
      {"sent on", "at 8: sent on needs a link"},
      {"rule nat:PREROUTING hit", "at 6: \"nat:PREROUTING\" is not TABLE:CHAIN:NUMBER; a rule's text stands in quotes"},
      {"rule nat:PREROUTING:0 hit",
       "at 6: \"nat:PREROUTING:0\" is not TABLE:CHAIN:NUMBER; a rule's text stands in quotes"},
      {"rule nat:PREROUTING:1", "at 22: expected \"hit\", got the end"},
      {"rule '' hit", "at 6: rule needs TABLE:CHAIN:NUMBER or a rule's text in quotes"},
      {"why", "at 4: why needs a key"},
      {"why drop.Nonsense", "at 5: there is no key \"drop.Nonsense\""},
      {"event", "at 6: event needs words of conntrack -E in quotes"},
      {"differs", "at 8: differs needs a lab"},
      {"not differs b", "at 5: differs cannot be denied"},
      {"differs b and differs c", "at 23: only one lab can be differed from"},
      {"packet x dropped", "at 8: packet needs a number from 1"},
      {"packet 0 dropped", "at 8: packet needs a number from 1"},
      {"not not dropped", "at 5: a second \"not\" needs packets in front of it"},
      {"'tcp dropped", "at 1: the quote is not closed"},
      {"' ' dropped", "at 1: an empty filter"},
  };
  for (const auto& row : kRows) {
    const Result<Condition> c = parse_condition(row.text);
    ASSERT_FALSE(c.ok()) << row.text;
    EXPECT_EQ(c.error().text, row.error) << row.text;
  }
}

// The text stands in comments of what is written.
TEST(Condition, TextIsOneLine) {
  const Result<Condition> c = parse_condition("\n'udp'\r\n\tdropped\nand delivered\n");
  ASSERT_TRUE(c.ok()) << c.error().text;
  EXPECT_EQ(c->text, "'udp'   dropped and delivered");
  EXPECT_EQ(shown(*c), "[udp] dropped & delivered");
}

}  // namespace
}  // namespace nf::shrink
