// Why rules miss, told in the order in which Linux 6.18 asks: ip_packet_match (source, destination, -i, -o, -p, -f),
// then the matches as they stand. The conditions are written as iptables-save 1.8.9 writes them.
#include <gtest/gtest.h>

#include "datapath/iptables/iptables.h"
#include "datapath/iptables/test_extensions.h"
#include "datapath/iptables/test_packets.h"

namespace nf::ipt {
namespace {

class MissTest : public testing::Test {
 protected:
  MissTest() {
    register_base_extensions(registry_);
    register_test_extensions(registry_, journal_);
  }

  // What is told of the packet in FORWARD (or `hook`), misses only.
  std::vector<std::string> misses(const std::string& rules, const PacketSpec& spec,
                                  HookPoint hook = HookPoint::kForward, TableId table = TableId::kFilter) {
    Iptables tables(stack_, registry_);
    const Status loaded = tables.load("*" + std::string(table_name(table)) + "\n" + rules + "COMMIT\n", "rules");
    EXPECT_TRUE(loaded.ok()) << rules << loaded.error().str();
    if (!loaded.ok()) return {};
    journal_.lines.clear();
    RecordingSink sink(detailed_);
    HookState state{};
    state.hook = hook;
    if (hook != HookPoint::kLocalOut) state.in = &in_;
    if (hook != HookPoint::kLocalIn && hook != HookPoint::kPreRouting) state.out = &out_;
    state.stack = &stack_;
    state.now = stack_.now_;
    state.trace = &sink;
    PacketPtr p = make_packet(stack_.pool_, spec);
    verdict_ = tables.do_table(table, p, state);
    std::erase_if(sink.lines, [](const std::string& l) { return l.find(":miss:") == std::string::npos; });
    return sink.lines;
  }
  // Of one rule, without its place and text.
  std::string miss(const std::string& conditions, const PacketSpec& spec = {}) {
    const auto told = misses("-A FORWARD" + conditions + " -j DROP\n", spec);
    return told.size() == 1 ? told[0].substr(told[0].find('|') + 1) : std::to_string(told.size()) + " misses";
  }

  Journal journal_;
  ExtensionRegistry registry_;
  FakeStack stack_;
  Device in_ = make_device(1, "eth0"), out_ = make_device(2, "ens33");
  bool detailed_ = true;
  Verdict verdict_ = Verdict::kAccept;
};

// TCP 10.0.0.1:40000 > 10.0.0.2:80, SYN, in by eth0, out by ens33.
TEST_F(MissTest, TheFirstConditionThatFailsIsTold) {
  const struct {
    const char *conditions, *told;
  } kRows[] = {
      {" -o docker0", "miss.out_device|-o docker0|ens33|only"},
      {" ! -o ens+", "miss.out_device|! -o ens+|ens33|only"},
      {" -i docker0 -o docker0", "miss.in_device|-i docker0|eth0"},
      {" -s 10.1.0.0/16", "miss.source|-s 10.1.0.0/16|10.0.0.1|only"},
      {" ! -s 10.0.0.0/8", "miss.source|! -s 10.0.0.0/8|10.0.0.1|only"},
      {" -d 10.0.0.1", "miss.destination|-d 10.0.0.1/32|10.0.0.2|only"},
      {" -p udp -o lo -i lo -d 10.0.0.1 -s 10.0.0.2", "miss.source|-s 10.0.0.2/32|10.0.0.1"},
      {" -p udp -o lo -i lo -d 10.0.0.1", "miss.destination|-d 10.0.0.1/32|10.0.0.2"},
      {" -p udp -f -o lo", "miss.out_device|-o lo|ens33"},
      {" -f -p udp", "miss.protocol|-p udp|tcp"},
      {" -f", "miss.not_fragment|-f|0|only"},
      {" ! -p tcp", "miss.protocol|! -p tcp|tcp|only"},
      // A match of the protocol goes with -p: nothing can be said of its options, but without any it does not count.
      {" -p udp --dport 80", "miss.protocol|-p udp|tcp"},
      {" -p udp -m udp", "miss.protocol|-p udp|tcp|only"},
      {" -p udp -m multiport --dports 80 -m mark --mark 0", "miss.protocol|-p udp|tcp"},
      {" -p 99 -m mark --mark 1", "miss.protocol|-p 99|tcp"},
      {" -p tcp -m tcp --dport 443", "miss.destination_port|--dport 443|80|only"},
      {" -p tcp -m tcp --dport 443 --sport 1", "miss.source_port|--sport 1|40000"},
      {" -p tcp -m mark --mark 1 -m tcp --dport 443", "miss.mark|-m mark --mark 0x1|0x0"},
      {" -p tcp -m tcp --dport 80 -m mark --mark 1", "miss.mark|-m mark --mark 0x1|0x0|only"},
      {" -o docker0 -m ttl --ttl-eq 64", "miss.out_device|-o docker0|ens33|only"},
      {" -o docker0 -m ttl --ttl-eq 63", "miss.out_device|-o docker0|ens33"},
      // What these cannot be asked for is not promised.
      {" -o docker0 -m limit --limit 1/sec", "miss.out_device|-o docker0|ens33"},
      {" -o docker0 -m string --algo bm --string x", "miss.out_device|-o docker0|ens33"},
      {" -m limit --limit 1/sec -o ens33 -m mark --mark 1", "miss.mark|-m mark --mark 0x1|0x0|only"},
      // Not saved: iptables-save 1.8.9 prints neither.
      {" ! -i +", "miss.in_device|! -i +|eth0|only"},
      {" ! -o +", "miss.out_device|! -o +|ens33|only"},
      {" -p tcp -m tcp ! --dport 0:65535", "miss.destination_port|! --dport 0:65535|80|only"},
      // A match that says nothing finer.
      {" -m probe --name a --miss", "miss.match|-m probe --name a|probe|only"},
  };
  for (const auto& row : kRows) EXPECT_EQ(miss(row.conditions), row.told) << row.conditions;
}

TEST_F(MissTest, LaterFragmentsHaveNoTransportHeader) {
  const PacketSpec later{.fragment_offset = 185};
  EXPECT_EQ(miss(" -p tcp -m tcp --dport 80", later), "miss.later_fragment|-m tcp --dport 80|1480|only");
  EXPECT_EQ(miss(" -p tcp -m tcp", later), "miss.later_fragment|-m tcp|1480|only");
  EXPECT_EQ(miss(" ! -f", later), "miss.is_fragment|! -f|1480|only");
  EXPECT_EQ(miss(" -f -p tcp -m multiport --dports 80", later),
            "miss.later_fragment|-m multiport --dports 80|1480|only");
}

TEST_F(MissTest, SomeHooksHaveNoDevice) {
  const std::string rules = "-N one\n-A INPUT -j one\n-A OUTPUT -j one\n-A one -o lo\n-A one -i lo\n";
  EXPECT_EQ(misses(rules, {}, HookPoint::kLocalIn),
            (std::vector<std::string>{"filter:one:miss:1:-o lo|miss.no_out_device|-o lo|INPUT|only",
                                      "filter:one:miss:2:-i lo|miss.in_device|-i lo|eth0|only"}));
  EXPECT_EQ(misses(rules, {}, HookPoint::kLocalOut),
            (std::vector<std::string>{"filter:one:miss:1:-o lo|miss.out_device|-o lo|ens33|only",
                                      "filter:one:miss:2:-i lo|miss.no_in_device|-i lo|OUTPUT|only"}));
}

// The compiled evaluator passes over many rules in one step.
TEST_F(MissTest, EveryRulePassedOverIsTold) {
  const auto told = misses(
      "-N user\n-A FORWARD -s 1.1.1.1\n-A FORWARD -s 2.2.2.2\n-A FORWARD ! -d 10.0.0.2\n-A FORWARD -p tcp -j user\n"
      "-A FORWARD -m mark --mark 5\n-A FORWARD -s 3.3.3.3\n-A user -o lo -j LOG\n-A user -j RETURN\n-A user -i lo\n",
      {});
  EXPECT_EQ(told, (std::vector<std::string>{
                      "filter:FORWARD:miss:1:-s 1.1.1.1/32|miss.source|-s 1.1.1.1/32|10.0.0.1|only",
                      "filter:FORWARD:miss:2:-s 2.2.2.2/32|miss.source|-s 2.2.2.2/32|10.0.0.1|only",
                      "filter:FORWARD:miss:3:! -d 10.0.0.2/32|miss.destination|! -d 10.0.0.2/32|10.0.0.2|only",
                      "filter:user:miss:1:-o lo -j LOG|miss.out_device|-o lo|ens33|only",
                      "filter:FORWARD:miss:5:-m mark --mark 0x5|miss.mark|-m mark --mark 0x5|0x0|only",
                      "filter:FORWARD:miss:6:-s 3.3.3.3/32|miss.source|-s 3.3.3.3/32|10.0.0.1|only",
                  }));
}

TEST_F(MissTest, HotdropIsNoMiss) {
  EXPECT_EQ(misses("-A FORWARD -s 1.1.1.1\n-A FORWARD -p tcp -m tcp --dport 80\n-A FORWARD -o lo\n", {.payload = 8}),
            std::vector<std::string>{"filter:FORWARD:miss:1:-s 1.1.1.1/32|miss.source|-s 1.1.1.1/32|10.0.0.1|only"});
  EXPECT_EQ(verdict_, Verdict::kDrop);
  // Nor does a rule match without the condition said when the packet would be dropped behind it.
  EXPECT_EQ(miss(" -o lo -p tcp -m tcp --dport 80", {.payload = 8}), "miss.out_device|-o lo|ens33");
  EXPECT_EQ(verdict_, Verdict::kAccept);
}

TEST_F(MissTest, NothingMoreIsAskedForWhoDoesNotWantDetails) {
  const std::string rules = "-A FORWARD -o lo -m probe --name a\n-A FORWARD -m probe --name b --miss\n";
  detailed_ = false;
  EXPECT_EQ(misses(rules, {}), std::vector<std::string>{});
  std::erase_if(journal_.lines, [](const std::string& l) { return !l.starts_with("match"); });
  EXPECT_EQ(journal_.lines, std::vector<std::string>{"match b"});
}

// A limit is asked before what stands behind it. Linux 6.18, of such rules for UDP: after three packets to port 80
// three to port 443 counted 2, 0 and 4. Looking on changes nothing.
TEST_F(MissTest, LookingOnTakesNoTokens) {
  const std::string rules =
      "*filter\n-A FORWARD -p tcp -m tcp --dport 443 -m limit --limit 1/hour --limit-burst 2\n"
      "-A FORWARD -p tcp -m limit --limit 1/hour --limit-burst 3 -m tcp --dport 443 -j ACCEPT\n"
      "-A FORWARD -m limit --limit 1/hour --limit-burst 4 -j ACCEPT\nCOMMIT\n";
  // The second limit is asked about each packet, before its port: three packets to port 80 empty it.
  for (const bool traced : {false, true}) {
    FakeStack stack;
    Iptables tables(stack, registry_);
    ASSERT_TRUE(tables.load(rules, "rules").ok());
    for (int i = 0; i < 6; ++i) {
      RecordingSink sink(true);
      HookState state{};
      state.hook = HookPoint::kForward;
      state.in = &in_;
      state.out = &out_;
      state.stack = &stack;
      state.now = stack.now_;
      state.trace = traced ? &sink : nullptr;
      PacketPtr p = make_packet(stack.pool_, {.destination_port = static_cast<uint16_t>(i < 3 ? 80 : 443)});
      tables.do_table(TableId::kFilter, p, state);
    }
    const std::string saved = tables.save({.counters = true});
    EXPECT_NE(saved.find("[2:80] -A FORWARD -p tcp -m tcp"), std::string::npos) << saved;
    EXPECT_NE(saved.find("[0:0] -A FORWARD -p tcp -m limit"), std::string::npos) << saved;
    EXPECT_NE(saved.find("[4:160] -A FORWARD -m limit"), std::string::npos) << saved;
    EXPECT_NE(saved.find(":FORWARD ACCEPT [2:80]"), std::string::npos) << saved;
  }
}

}  // namespace
}  // namespace nf::ipt
