// Loading: the forms of text, what stays and what goes, errors and their places, the life of extensions.
#include <gtest/gtest.h>

#include "datapath/iptables/iptables.h"
#include "datapath/iptables/test_extensions.h"
#include "datapath/iptables/test_packets.h"

namespace nf::ipt {
namespace {

constexpr const char* kEmptyFilter = ":INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n";

class LoadTest : public ::testing::Test {
 protected:
  LoadTest() {
    register_base_extensions(registry_);
    register_test_extensions(registry_, journal_);
  }
  void load(const std::string& text, const LoadOptions& options = {}) {
    const Status s = tables_->load(text, "rules", options);
    ASSERT_TRUE(s.ok()) << s.error().str();
  }
  std::string error_of(const std::string& text) {
    const Status s = tables_->load(text, "rules");
    return s.ok() ? "" : s.error().str();
  }
  std::string rules() { return tables_->list_rules(TableId::kFilter, {}); }
  std::string filter(const std::string& body) { return "*filter\n" + std::string(kEmptyFilter) + body + "COMMIT\n"; }

  FakeStack stack_;
  Journal journal_;
  ExtensionRegistry registry_;
  std::unique_ptr<Iptables> tables_ = std::make_unique<Iptables>(stack_, registry_);
};

TEST_F(LoadTest, ErrorsNameFileLineAndReason) {
  const struct {
    const char* text;
    const char* error;
  } kCases[] = {
      {"*filter\n-A INPUT -j ACCEPT\n", "rules:3: COMMIT expected"},
      {"*filter\n\n# c\n-A INPUT --foo\nCOMMIT\n", "rules:4: unknown option \"--foo\""},
      {"*filter\n-A FOO -j ACCEPT\nCOMMIT\n",
       "rules:2: No chain/target/match by that name: chain `FOO' in table `filter'"},
      {"*filter\n-A INPUT -j FOO\nCOMMIT\n", "rules:2: Couldn't load target `FOO':No such file or directory"},
      {"*filter\n-A INPUT -m foo\nCOMMIT\n", "rules:2: Couldn't load match `foo':No such file or directory"},
      {"*filter\n-A INPUT -g FOO\nCOMMIT\n", "rules:2: goto 'FOO' is not a chain"},
      {"*foo\nCOMMIT\n", "rules:1: unable to initialize table 'foo'"},
      {"*filter\n:INPUT REJECT [0:0]\nCOMMIT\n", "rules:2: Bad policy name: `REJECT'"},
      {"*filter\n:INPUT ACCEPT [0:x]\nCOMMIT\n", "rules:2: invalid policy counters for chain 'INPUT'"},
      {"*filter\n[1:] -A INPUT\nCOMMIT\n", "rules:2: bad counters, [packets:bytes] expected"},
      {"*nat\n-A OUTPUT -j DROP\nCOMMIT\n",
       "rules:2: The \"nat\" table is not intended for filtering, the use of DROP is therefore inhibited."},
      {"*filter\n:a - [0:0]\n-A INPUT -j a\n\n-A a -j a\nCOMMIT\n",
       "rules:5: Too many levels of symbolic links: chain `a' of table `filter' is reached from itself"},
      {"*filter\n-A INPUT -s host.example\nCOMMIT\n", "rules:2: host/network `host.example' not found"},
      {"*filter\n-A INPUT -p tcp --dport\nCOMMIT\n", "rules:2: option \"--dport\" requires an argument"},
      {"*filter\n-A INPUT -m comment --comment \"open\nCOMMIT\n", "rules:2: a quote is not closed"},
      {"*filter\n-A INPUT -m probe\nCOMMIT\n", "rules:2: probe: --name is required"},
      {"hello\n", "rules:1: neither a table, a rule nor an iptables command: `hello'"},
      {"iptables -A INPUT -s $HOST -j DROP\n", "rules:1: shell variables and substitutions are not expanded here"},
      {"iptables -A INPUT -j DROP; echo\n", "rules:1: shell operator `;' is not understood here"},
      {"iptables -t foo -A INPUT\n", "rules:1: can't initialize iptables table `foo': Table does not exist"},
      {"iptables -L\n", "rules:1: the command -L changes nothing, it is not understood here"},
      {"iptables -A INPUT \\\n  -j ACCEPT \\\n  -j DROP\n", "rules:1: multiple -j flags not allowed"},
      {"-A INPUT -j ACCEPT -t mangle\n-A FOO\n",
       "rules:2: No chain/target/match by that name: chain `FOO' in table `filter'"},
  };
  for (const auto& c : kCases) EXPECT_EQ(error_of(c.text), c.error) << c.text;
  EXPECT_EQ(tables_->save({}), "");
}

TEST_F(LoadTest, AllOrNothing) {
  load("*filter\n-A INPUT -s 1.1.1.1\nCOMMIT\n");
  const std::string before = tables_->save({.counters = true});
  EXPECT_NE(error_of("*filter\n-A INPUT -j DROP\nCOMMIT\n*nat\nCOMMIT\n*raw\n-A NOWHERE\nCOMMIT\n"), "");
  EXPECT_NE(error_of("iptables -F INPUT\niptables -P INPUT DROP\niptables -A NOWHERE\n"), "");
  EXPECT_EQ(tables_->save({.counters = true}), before);
  EXPECT_FALSE(tables_->has_table(TableId::kNat));
}

TEST_F(LoadTest, RestoreReplacesTheTablesItNames) {
  load("*filter\n:INPUT DROP [5:6]\n:u - [0:0]\n-A INPUT -j u\nCOMMIT\n*raw\n-A OUTPUT -s 1.1.1.1\nCOMMIT\n");
  // As the real one: rules and user chains go; a policy that the text does not set stays.
  load("*filter\n:FORWARD DROP [0:0]\n-A OUTPUT -s 2.2.2.2\nCOMMIT\n");
  EXPECT_EQ(tables_->save({.counters = true}),
            "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n[0:0] -A OUTPUT -s 1.1.1.1/32\nCOMMIT\n"
            "*filter\n:INPUT DROP [5:6]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n[0:0] -A OUTPUT -s 2.2.2.2/32\n"
            "COMMIT\n");
}

TEST_F(LoadTest, NoFlushAddsAndFlushesNamedUserChains) {
  load("*filter\n:u - [0:0]\n:v - [0:0]\n[1:2] -A INPUT -j u\n-A u -s 1.1.1.1\n-A v -s 1.1.1.1\nCOMMIT\n");
  load("*filter\n:u - [0:0]\n[7:8] -A u -s 2.2.2.2\nCOMMIT\n", {.no_flush = true});
  EXPECT_EQ(tables_->save({.counters = true}),
            filter(":u - [0:0]\n:v - [0:0]\n[1:2] -A INPUT -j u\n[7:8] -A u -s 2.2.2.2/32\n"
                   "[0:0] -A v -s 1.1.1.1/32\n"));
}

TEST_F(LoadTest, WithoutCountersAllStartAtZero) {
  load("*filter\n:INPUT ACCEPT [5:6]\n[1:2] -A INPUT\n-A INPUT -c 3 4\nCOMMIT\n", {.counters = false});
  EXPECT_EQ(tables_->save({.counters = true}), filter("[0:0] -A INPUT\n[0:0] -A INPUT\n"));
}

TEST_F(LoadTest, KeptRulesKeepTheirLiveCounters) {
  load("*filter\n-A INPUT -p tcp\nCOMMIT\n");
  PacketPtr p = make_packet(stack_.pool_, {.payload = 20});
  HookState s{};
  s.hook = HookPoint::kLocalIn;
  s.stack = &stack_;
  EXPECT_EQ(tables_->do_table(TableId::kFilter, p, s), Verdict::kAccept);
  load("iptables -I INPUT -p udp\n");
  EXPECT_EQ(tables_->save({.counters = true}),
            "*filter\n:INPUT ACCEPT [1:40]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n[0:0] -A INPUT -p udp\n"
            "[1:40] -A INPUT -p tcp\nCOMMIT\n");
  EXPECT_TRUE(tables_->zero(TableId::kFilter, "INPUT", 2).ok());
  const auto counters = tables_->rule_counters();
  ASSERT_EQ(counters[0].text, "ACCEPT");  // the policy comes first, as number 0
  EXPECT_EQ(counters[0].packets, 1u);
  EXPECT_EQ(counters[2].number, 2u);
  EXPECT_EQ(counters[2].packets, 0u);
  tables_->zero(TableId::kFilter);
  EXPECT_EQ(tables_->save({.counters = true}), filter("[0:0] -A INPUT -p udp\n[0:0] -A INPUT -p tcp\n"));
  EXPECT_FALSE(tables_->zero(TableId::kFilter, "INPUT", 3).ok());
  EXPECT_FALSE(tables_->zero(TableId::kFilter, "NOWHERE").ok());
}

TEST_F(LoadTest, ShellScript) {
  load(
      "#!/bin/sh\n"
      "# rules\n"
      "iptables -F\n"
      "  /sbin/iptables -P INPUT DROP   # closed\n"
      "sudo iptables -w -N mine\n"
      "iptables -A INPUT -m comment --comment 'it is \"mine\"' \\\n"
      "    -j mine\n"
      "iptables -t filter -I INPUT 1 -s 1.1.1.1,2.2.2.2 -j ACCEPT\n"
      "iptables -A mine -p tcp --dport 22 -j RETURN -t filter\n"
      "iptables -A mine -m comment --comment two\\ words\n"
      "iptables-legacy -D INPUT -s 1.1.1.1/32 -j ACCEPT\n"
      "iptables -t nat -A PREROUTING -i eth0\n");
  EXPECT_EQ(rules(),
            "-P INPUT DROP\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n-N mine\n"
            "-A INPUT -s 2.2.2.2/32 -j ACCEPT\n-A INPUT -m comment --comment \"it is \\\"mine\\\"\" -j mine\n"
            "-A mine -p tcp -m tcp --dport 22 -j RETURN\n-A mine -m comment --comment \"two words\"\n");
  EXPECT_EQ(tables_->list_rules(TableId::kNat, "PREROUTING"), "-P PREROUTING ACCEPT\n-A PREROUTING -i eth0\n");
  // A second script goes on from there.
  load("iptables -D mine 1\niptables -E mine yours\niptables -P INPUT ACCEPT\n");
  EXPECT_EQ(tables_->list_rules(TableId::kFilter, "yours"), "-N yours\n-A yours -m comment --comment \"two words\"\n");
}

TEST_F(LoadTest, ListedRulesAreTheWholeTable) {
  load("-P INPUT DROP\n-N a\n-A INPUT -j a\n-A OUTPUT -c 5 6 -j ACCEPT\n");
  load("-P FORWARD DROP\n-N a\n-A a -s 1.1.1.1\n");  // not "chain already exists": it replaces
  EXPECT_EQ(rules(), "-P INPUT DROP\n-P FORWARD DROP\n-P OUTPUT ACCEPT\n-N a\n-A a -s 1.1.1.1/32\n");
}

TEST_F(LoadTest, CarriageReturnsAndBlanksAroundLines) {
  load("*filter\r\n:INPUT ACCEPT [0:0]\r\n  -A INPUT -j ACCEPT \r\nCOMMIT\r\n");
  EXPECT_EQ(tables_->save({}), filter("-A INPUT -j ACCEPT\n"));
  load("*filter\n-A INPUT -j DROP\nCOMMIT");
  EXPECT_EQ(tables_->save({}), filter("-A INPUT -j DROP\n"));
}

TEST_F(LoadTest, SpellingsOfOneRule) {
  const struct {
    const char* written;
    const char* saved;
  } kCases[] = {
      {"-s ! 1.1.1.1 -d ! 2.0.0.0/8", "! -s 1.1.1.1/32 ! -d 2.0.0.0/8"},
      {"-p ! tcp -i ! eth0", "! -i eth0 ! -p tcp"},
      {"-p tcp --dport ! 80 --sport ! 1:2", "-p tcp -m tcp ! --sport 1:2 ! --dport 80"},
      {"-p tcp ! --syn", "-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN"},
      {"-p tcp --syn ! --dport 80", "-p tcp -m tcp ! --dport 80 --tcp-flags FIN,SYN,RST,ACK SYN"},
      {"--sour 1.1.1.1 --dest 2.2.2.2 --proto udp", "-s 1.1.1.1/32 -d 2.2.2.2/32 -p udp"},
      {"-p tcp -m string --algo bm --string \"x y\" --dport 80 --from 1",
       "-p tcp -m string --algo bm --string \"x y\" --from 1 -m tcp --dport 80"},
      {"-p sctp --dport 80 ! --chunk-types any DATA", "-p sctp -m sctp --dport 80 ! --chunk-types any DATA"},
      {"-m owner ! --uid-owner root", "-m owner ! --uid-owner root"},
      {"-m owner --uid-owner ! root", "-m owner ! --uid-owner root"},
      {"-m recent --set -s 1.1.1.1 -m mark --mark 1", "-s 1.1.1.1/32 -m recent --set -m mark --mark 0x1"},
      {"-j TPROXY --on-port 5 --tproxy-mark 0x1/0x1", "-j TPROXY --on-port 5 --tproxy-mark 0x1/0x1"},
      {"-m set --match-set \"a b\" src,dst -j SET --add-set c src",
       "-m set --match-set \"a b\" src,dst -j SET --add-set c src"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.written);
    load("*mangle\n-A FORWARD " + std::string(c.written) + "\nCOMMIT\n");
    EXPECT_EQ(tables_->list_rules(TableId::kMangle, "FORWARD"),
              "-P FORWARD ACCEPT\n-A FORWARD " + std::string(c.saved) + "\n");
  }
}

TEST_F(LoadTest, ExtensionsAttachBeforeTheOldOnesDetach) {
  load("*filter\n-A INPUT -m probe --name a\n-A OUTPUT -m probe --name kept\nCOMMIT\n");
  EXPECT_EQ(journal_.lines,
            (std::vector<std::string>{"finish a hooks=2", "finish kept hooks=8", "attach a", "attach kept"}));
  journal_.lines.clear();
  load("iptables -R INPUT 1 -m probe --name b\n");
  EXPECT_EQ(journal_.lines,
            (std::vector<std::string>{"finish b hooks=2", "finish kept hooks=8", "attach b", "detach a"}));
  journal_.lines.clear();
  EXPECT_NE(error_of("*filter\n-A INPUT -m probe --name c\n-A NOWHERE\nCOMMIT\n"), "");
  EXPECT_TRUE(journal_.lines.empty());
  tables_.reset();
  EXPECT_EQ(journal_.lines, (std::vector<std::string>{"detach b", "detach kept"}));
  EXPECT_TRUE(stack_.hooks_.entries(HookPoint::kLocalIn).empty());
}

TEST_F(LoadTest, SeveralAddressesGiveEachRuleItsOwnExtensions) {
  load("*filter\n-A INPUT -s 1.1.1.1,2.2.2.2 -m probe --name a\nCOMMIT\n");
  EXPECT_EQ(std::count(journal_.lines.begin(), journal_.lines.end(), "attach a"), 2);
}

TEST_F(LoadTest, HooksOfUserChainsAreThoseThatReachThem) {
  load(
      "*filter\n:u - [0:0]\n:v - [0:0]\n:w - [0:0]\n-A INPUT -j u\n-A FORWARD -g v\n-A u -j v\n"
      "-A v -m probe --name v\n-A w -m probe --name w\nCOMMIT\n");
  // INPUT is bit 1, FORWARD bit 2; w is not reached, so its hooks stay unknown.
  EXPECT_EQ(journal_.lines, (std::vector<std::string>{"finish v hooks=6", "attach v", "attach w"}));
}

TEST_F(LoadTest, NatTableIsAnnounced) {
  int calls = 0;
  const auto count = [](void* self) { ++*static_cast<int*>(self); };
  tables_->on_nat_table(count, &calls);
  load("*filter\nCOMMIT\n");
  EXPECT_EQ(calls, 0);
  load("*nat\nCOMMIT\n");
  load("*nat\nCOMMIT\n");
  EXPECT_EQ(calls, 1);
  tables_->on_nat_table(count, &calls);
  EXPECT_EQ(calls, 2);
}

TEST_F(LoadTest, ListOneChainAndOfNoTable) {
  load("*filter\n:u - [0:0]\n-A u -s 1.1.1.1 -j DROP\n-A INPUT -j u\nCOMMIT\n");
  const auto listed = tables_->list(TableId::kFilter, "u", {});
  ASSERT_TRUE(listed.ok());
  EXPECT_EQ(*listed,
            "Chain u (1 references)\n"
            "target     prot opt source               destination         \n"
            "DROP       0    --  1.1.1.1              0.0.0.0/0           \n");
  EXPECT_EQ(tables_->list(TableId::kFilter, "nowhere", {}).error().text, "No chain/target/match by that name.");
  EXPECT_TRUE(tables_->list(TableId::kRaw, "OUTPUT", {}).ok());
  EXPECT_FALSE(tables_->has_table(TableId::kRaw));
}

TEST_F(LoadTest, SaveWithComments) {
  // 2026-11-21 09:00:00 UTC in this machine's own zone, as ctime() writes it.
  load("*raw\nCOMMIT\n");
  stack_.now_ = Time{1795251600} * kSecond;
  const std::time_t seconds = 1795251600;
  const std::string date = std::ctime(&seconds);
  EXPECT_EQ(tables_->save({.comments = true}),
            "# Generated by iptables-save v1.8.9 on " + date +
                "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n# Completed on " + date);
}

// Bytes of any kind: no crash, and what is taken loads again from what is saved.
TEST_F(LoadTest, ArbitraryBytes) {
  static constexpr const char* kPieces[] = {
      "*filter\n", "COMMIT\n",  "-A INPUT ", ":u - [0:0]\n", "-j ",          "u\n",      "ACCEPT", "! ",
      "-s ",       "1.1.1.1/8", ",",         "\n",           "\"",           "\\",       "-p ",    "tcp ",
      "--dport ",  "80:",       "-m ",       "string ",      "--",           "=",        "-",      "iptables ",
      "*nat\n",    "[1:2] ",    "-g ",       "-I INPUT 1 ",  "-D INPUT 1\n", "-E u v\n", "\xff",   "'",
      "$",         "-c 1 2 ",   "limit ",    "--limit ",     "5/s "};
  Random random(11);
  int taken = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string text = random.below(3) == 0 ? "*filter\n:u - [0:0]\n-A INPUT " : "";
    const uint32_t pieces = random.below(14);
    for (uint32_t k = 0; k < pieces; ++k) {
      if (random.below(12) == 0)
        text.push_back(static_cast<char>(random.u32()));
      else
        text += kPieces[random.below(std::size(kPieces))];
    }
    if (random.below(2) == 0) text += "\nCOMMIT\n";
    Iptables tables(stack_, registry_);
    if (!tables.load(text, "fuzz").ok()) continue;
    ++taken;
    const std::string saved = tables.save({.counters = true});
    Iptables again(stack_, registry_);
    const Status s = again.load(saved, "saved");
    ASSERT_TRUE(s.ok()) << s.error().str() << "\n" << text << "\n--\n" << saved;
    for (size_t t = 0; t < kTables; ++t) {
      const SaveOptions one{.counters = true, .table = static_cast<TableId>(t)};
      ASSERT_EQ(again.save(one), tables.save(one)) << text;
    }
  }
  EXPECT_GT(taken, 500);
}

}  // namespace
}  // namespace nf::ipt
