// Entries, events, statistics and counters are what the machine's own programs print.
#include <tuple>

#include "conntrack/text/format.h"
#include "tools/backend/kernel_check/conntrack_program.h"
#include "tools/backend/kernel_check/kernel_fixture.h"
#include "tools/netns/rule_counters.h"

namespace nf::kernel_check {
namespace {

TEST_F(KernelCheck, EntriesAreThoseOfConntrackL) {
  configure(lab_of(kTwoPorts, std::string(kForward) + "net.netfilter.nf_conntrack_acct = 1\n", kRules));
  traffic();
  // The clock may tick between the two readings; then both are read again.
  std::vector<std::string> ours, theirs;
  for (int i = 0; i < 5 && (ours.empty() || ours != theirs); ++i) {
    ours = sorted(*backend_.entries());
    theirs = sorted(lines(output({"conntrack", "-L"})));
  }
  EXPECT_EQ(ours, theirs);
  EXPECT_GE(ours.size(), 6u);
}

TEST_F(KernelCheck, EventsAreThoseOfConntrackE) {
  configure(lab_of(kTwoPorts, std::string(kForward) + "net.netfilter.nf_conntrack_acct = 1\n", kRules));
  EventProgram program;
  traffic();
  ASSERT_TRUE(backend_.flush_conntrack().ok());
  // An entry that ends with no time left: the list finds it expired.
  ASSERT_TRUE(backend_.apply_sysctl({{"net.netfilter.nf_conntrack_udp_timeout", "0", false, 1}}, "s").ok());
  inject(kLan, kUdp);
  EXPECT_TRUE(backend_.entries()->empty());
  collect();
  std::vector<std::string> ours = *backend_.take_events();
  EXPECT_GE(ours.size(), 16u);
  std::vector<std::string> theirs = program.lines(ours.size());
  for (std::string& line : theirs) {
    // Who asked for an end is told by the program only.
    if (const size_t at = line.find(" [USERSPACE]"); at != std::string::npos) line.resize(at);
  }
  EXPECT_EQ(ours, theirs);
  EXPECT_TRUE(backend_.take_events()->empty());
}

TEST_F(KernelCheck, StatisticsAreThoseOfConntrackS) {
  configure(lab_of(kTwoPorts, kForward, kRules));
  traffic();
  inject(kLan, {ip4(10, 1, 0, 2), ip4(10, 2, 0, 9), kProtoTcp, 5, 6, kTcpFin});  // invalid
  ct::Stats sum;
  for (const std::string& line : lines(output({"conntrack", "-S"}))) {
    for (const std::string_view word : split_words(line)) {
      const auto value = parse_number(word.substr(word.find('=') + 1));
      if (word.starts_with("invalid=")) sum.invalid += *value;
      if (word.starts_with("insert=")) sum.insert += *value;
      if (word.starts_with("drop=")) sum.drop += *value;
      if (word.starts_with("found=")) sum.found += *value;
      if (word.starts_with("error=")) sum.icmp_error += *value;
      if (word.starts_with("search_restart=")) sum.search_restart += *value;
    }
  }
  const auto ours = backend_.statistics();
  ASSERT_TRUE(ours.ok());
  EXPECT_EQ(ct::format_stats(*ours), ct::format_stats(sum));
  EXPECT_EQ(ours->invalid, 1u);
}

TEST_F(KernelCheck, CountersAreThoseOfIptablesSave) {
  configure(lab_of(kTwoPorts, kForward, kRules));
  traffic();
  const auto ours = backend_.counters();
  ASSERT_TRUE(ours.ok());
  std::vector<RuleCounter> theirs;
  for (netns::RuleCount& c : netns::saved_rule_counters(output({"iptables-legacy-save", "-c"})))
    theirs.push_back({c.table, c.chain, c.number, c.packets, c.bytes});
  const auto by_name = [](const RuleCounter& a, const RuleCounter& b) {
    return std::tie(a.table, a.chain, a.number) < std::tie(b.table, b.chain, b.number);
  };
  std::vector<RuleCounter> sorted_ours = *ours;
  std::sort(sorted_ours.begin(), sorted_ours.end(), by_name);
  std::sort(theirs.begin(), theirs.end(), by_name);
  EXPECT_TRUE(sorted_ours == theirs);
  // 2 tables of 2 and 5, nat of 4, filter of 3 policies; 1 + 1 + 3 + 7 rules.
  EXPECT_EQ(theirs.size(), 2u + 5 + 4 + 3 + 12);
  EXPECT_EQ(std::count_if(theirs.begin(), theirs.end(), [](const auto& c) { return c.packets != 0; }) > 8, true);
}

TEST_F(KernelCheck, TheReplyTupleOfAConnection) {
  configure(lab_of(kTwoPorts, kForward, kRules));
  traffic();
  ct::Tuple t;
  t.source = kUdp.source;
  t.destination = kUdp.destination;
  t.source_id = be16(kUdp.source_port);
  t.destination_id = be16(kUdp.destination_port);
  t.protocol = kProtoUdp;
  const auto found = backend_.reply_tuple(t);
  ASSERT_TRUE(found.ok() && found->has_value());
  EXPECT_EQ(format_ipv4((*found)->destination), "10.2.0.1");
  EXPECT_EQ((*found)->destination_id.host(), 1111);
  t.destination_id = be16(54);
  EXPECT_FALSE(backend_.reply_tuple(t)->has_value()) << "it is in zone 7";
  t.zone = 7;
  EXPECT_TRUE(backend_.reply_tuple(t)->has_value());
  t.source_id = be16(1);
  EXPECT_FALSE(backend_.reply_tuple(t)->has_value());
  ct::Tuple ping;
  ping.source = kPing.source;
  ping.destination = kPing.destination;
  ping.protocol = kProtoIcmp;
  ping.source_id = be16(kPing.source_port);
  ping.set_icmp(8, 0);
  EXPECT_TRUE(backend_.reply_tuple(ping)->has_value());
}

}  // namespace
}  // namespace nf::kernel_check
