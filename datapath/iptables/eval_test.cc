// What tables do to packets, rule by rule. The expectations are ipt_do_table's (net/ipv4/netfilter/ip_tables.c).
#include <gtest/gtest.h>

#include "datapath/iptables/iptables.h"
#include "datapath/iptables/loader.h"
#include "datapath/iptables/program.h"
#include "datapath/iptables/test_extensions.h"
#include "datapath/iptables/test_packets.h"

namespace nf::ipt {
namespace {

class EvalTest : public ::testing::Test {
 protected:
  EvalTest() {
    register_base_extensions(registry_);
    register_test_extensions(registry_, journal_);
  }
  ~EvalTest() override { EXPECT_EQ(stack_.pool_.in_use(), 0u); }

  void load(const std::string& text) {
    const Status s = tables_.load(text, "rules");
    ASSERT_TRUE(s.ok()) << s.error().str();
  }
  HookState at(HookPoint hook) {
    HookState s{};
    s.hook = hook;
    s.stack = &stack_;
    s.trace = sink_;
    return s;
  }
  // One packet through filter INPUT from eth0.
  Verdict input(const PacketSpec& spec = {}) {
    PacketPtr p = make_packet(stack_.pool_, spec);
    HookState s = at(HookPoint::kLocalIn);
    s.in = &eth0_;
    const Verdict v = tables_.do_table(TableId::kFilter, p, s);
    reason_ = p ? static_cast<DropReason>(p->drop_reason) : DropReason::kNone;
    return v;
  }
  std::string counted() { return tables_.save({.counters = true}); }

  Device eth0_ = make_device(2, "eth0");
  FakeStack stack_;
  Journal journal_;
  ExtensionRegistry registry_;
  Iptables tables_{stack_, registry_};
  RecordingSink recorded_;
  trace::Sink* sink_ = nullptr;
  DropReason reason_ = DropReason::kNone;
};

struct WalkCase {
  const char* name;
  const char* rules;  // behind ":a -", ":b -" of filter
  Verdict verdict;
  DropReason reason;
  std::vector<std::string> trace;  // without "filter:"
};

const WalkCase kWalks[] = {
    {"policy", "", Verdict::kAccept, DropReason::kNone, {"INPUT:policy:accept"}},
    {"drop policy", "-P INPUT DROP\n", Verdict::kDrop, DropReason::kIptablesPolicy, {"INPUT:policy:drop"}},
    {"rule without target goes on",
     "-A INPUT\n-A INPUT -j DROP\n",
     Verdict::kDrop,
     DropReason::kIptablesRule,
     {"INPUT:rule:1:continue:", "INPUT:rule:2:drop:DROP"}},
    {"return in a base chain is the policy",
     "-P INPUT DROP\n-A INPUT -j RETURN\n-A INPUT -j ACCEPT\n",
     Verdict::kDrop,
     DropReason::kIptablesPolicy,
     {"INPUT:rule:1:return:RETURN", "INPUT:policy:drop"}},
    {"the end of a user chain goes back",
     "-A INPUT -j a\n-A INPUT -j DROP\n-A a -p udp\n",
     Verdict::kDrop,
     DropReason::kIptablesRule,
     {"INPUT:rule:1:jump:a", "a:rule:2:return:", "INPUT:rule:2:drop:DROP"}},
    {"return goes back to the rule behind the jump",
     "-A INPUT -j a\n-A INPUT -j DROP\n-A a -j RETURN\n-A a -j ACCEPT\n",
     Verdict::kDrop,
     DropReason::kIptablesRule,
     {"INPUT:rule:1:jump:a", "a:rule:1:return:RETURN", "INPUT:rule:2:drop:DROP"}},
    {"goto: the end is the policy of the base chain",
     "-A INPUT -g a\n-A INPUT -j DROP\n",
     Verdict::kAccept,
     DropReason::kNone,
     {"INPUT:rule:1:goto:a", "a:rule:1:return:", "INPUT:policy:accept"}},
    {"goto in a user chain: the end goes back to its caller",
     "-A INPUT -j a\n-A INPUT -j DROP\n-A a -g b\n-A a -j ACCEPT\n",
     Verdict::kDrop,
     DropReason::kIptablesRule,
     {"INPUT:rule:1:jump:a", "a:rule:1:goto:b", "b:rule:1:return:", "INPUT:rule:2:drop:DROP"}},
    {"a target that goes on",
     "-A INPUT -j ACT --do nothing\n-A INPUT -j ACT --do accept\n",
     Verdict::kAccept,
     DropReason::kNone,
     {"INPUT:rule:1:continue:ACT", "INPUT:rule:2:accept:ACT"}},
    {"a target that drops",
     "-A INPUT -j ACT --do drop\n",
     Verdict::kDrop,
     DropReason::kIptablesRule,
     {"INPUT:rule:1:drop:ACT"}},
    {"a target that drops with a reason",
     "-A INPUT -j ACT --do reason\n",
     Verdict::kDrop,
     DropReason::kIptablesReject,
     {"INPUT:rule:1:drop:ACT"}},
    {"a target that returns",
     "-A INPUT -j a\n-A a -j ACT --do return\n-A a -j DROP\n",
     Verdict::kAccept,
     DropReason::kNone,
     {"INPUT:rule:1:jump:a", "a:rule:1:return:ACT", "INPUT:policy:accept"}},
    {"a changed address is what the next rule sees",
     "-A INPUT -j ACT --do source\n-A INPUT -s 9.9.9.9 -j DROP\n",
     Verdict::kDrop,
     DropReason::kIptablesRule,
     {"INPUT:rule:1:continue:ACT", "INPUT:rule:2:drop:DROP"}},
    {"a changed port is what the next rule sees",
     "-A INPUT -j ACT --do port\n-A INPUT -p tcp --dport 9999 -j DROP\n",
     Verdict::kDrop,
     DropReason::kIptablesRule,
     {"INPUT:rule:1:continue:ACT", "INPUT:rule:2:drop:DROP"}},
    {"hotdrop",
     "-A INPUT -m probe --name x --hotdrop -j ACCEPT\n-A INPUT -j ACCEPT\n",
     Verdict::kDrop,
     DropReason::kIptablesHotdrop,
     {}},
    {"matches behind a miss are not asked",
     "-A INPUT -m probe --name x --miss -m probe --name y --hotdrop -j DROP\n",
     Verdict::kAccept,
     DropReason::kNone,
     {"INPUT:policy:accept"}},
    {"unmodelled match",
     "-A INPUT -m string --algo bm --string x -j ACCEPT\n-A INPUT -j ACCEPT\n",
     Verdict::kDrop,
     DropReason::kUnmodelled,
     {"INPUT:rule:1:other:ACCEPT"}},
    {"unmodelled match behind a modelled miss",
     "-A INPUT -p udp -m string --algo bm --string x -j DROP\n"
     "-A INPUT -p tcp -m tcp --dport 81 -m string --algo bm --string x -j DROP\n",
     Verdict::kAccept,
     DropReason::kNone,
     {"INPUT:policy:accept"}},
    {"unmodelled match before a modelled miss",
     "-A INPUT -m string --algo bm --string x -m probe --name y --miss -j DROP\n",
     Verdict::kDrop,
     DropReason::kUnmodelled,
     {"INPUT:rule:1:other:DROP"}},
    {"unmodelled target",
     "-A INPUT -p tcp --dport 80 -j NFQUEUE --queue-num 3\n",
     Verdict::kDrop,
     DropReason::kUnmodelled,
     {"INPUT:rule:1:other:NFQUEUE"}},
    {"unmodelled target that is not reached",
     "-A INPUT -p tcp --dport 81 -j NFQUEUE --queue-num 3\n",
     Verdict::kAccept,
     DropReason::kNone,
     {"INPUT:policy:accept"}},
};

TEST_F(EvalTest, Walks) {
  for (const WalkCase& c : kWalks) {
    SCOPED_TRACE(c.name);
    for (const bool traced : {false, true}) {
      load("*filter\n:INPUT ACCEPT\n:a - [0:0]\n:b - [0:0]\n" + std::string(c.rules) + "COMMIT\n");
      recorded_.lines.clear();
      sink_ = traced ? &recorded_ : nullptr;
      EXPECT_EQ(input(), c.verdict);
      EXPECT_EQ(reason_, c.reason);
      std::vector<std::string> expected;
      for (const std::string& line : c.trace) expected.push_back("filter:" + line);
      if (traced) {
        EXPECT_EQ(recorded_.lines, expected);
      }
    }
  }
}

TEST_F(EvalTest, StolenPacketIsGone) {
  load("*filter\n-A INPUT -j ACT --do steal\nCOMMIT\n");
  EXPECT_EQ(input(), Verdict::kStolen);
  EXPECT_EQ(stack_.pool_.in_use(), 0u);
}

TEST_F(EvalTest, CountersAreLayer3LengthAndPolicyOnlyWhenReached) {
  load(
      "*filter\n:INPUT ACCEPT [10:1000]\n:a - [0:0]\n[1:2] -A INPUT -p tcp -j a\n[3:4] -A a -p tcp --dport 80 -j "
      "ACCEPT\n"
      "COMMIT\n");
  input({.payload = 30});                           // 50 bytes, accepted in a
  input({.destination_port = 81, .payload = 100});  // 120 bytes, falls through to the policy
  EXPECT_EQ(counted(),
            "*filter\n:INPUT ACCEPT [11:1120]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:a - [0:0]\n"
            "[3:172] -A INPUT -p tcp -j a\n[4:54] -A a -p tcp -m tcp --dport 80 -j ACCEPT\nCOMMIT\n");
}

TEST_F(EvalTest, FoldedPortsOfFragmentsAndShortHeaders) {
  // tcp_mt: a later fragment never matches; a header that is not all there, or a fragment at offset 1, is hotdropped.
  load("*filter\n:INPUT ACCEPT\n-A INPUT -p tcp --dport 80 -j DROP\nCOMMIT\n");
  EXPECT_EQ(input({.payload = 20}), Verdict::kDrop);
  EXPECT_EQ(reason_, DropReason::kIptablesRule);
  EXPECT_EQ(input({.destination_port = 81, .payload = 20}), Verdict::kAccept);
  EXPECT_EQ(input({.fragment_offset = 2, .payload = 20}), Verdict::kAccept);
  EXPECT_EQ(input({.payload = 19}), Verdict::kDrop);
  EXPECT_EQ(reason_, DropReason::kIptablesHotdrop);
  EXPECT_EQ(input({.destination_port = 81, .payload = 19}), Verdict::kDrop);
  EXPECT_EQ(reason_, DropReason::kIptablesHotdrop);
  EXPECT_EQ(input({.destination_port = 81, .fragment_offset = 1, .payload = 20}), Verdict::kDrop);
  EXPECT_EQ(reason_, DropReason::kIptablesHotdrop);
  EXPECT_EQ(input({.protocol = kProtoUdp, .payload = 0}), Verdict::kAccept);
}

TEST_F(EvalTest, DevicesAreKnownByIndexAndName) {
  load("*filter\n:INPUT DROP\n-A INPUT -i eth0 -j ACCEPT\nCOMMIT\n");
  const auto verdict = [&](const Device* in) {
    PacketPtr p = make_packet(stack_.pool_, {});
    HookState s = at(HookPoint::kLocalIn);
    s.in = in;
    return tables_.do_table(TableId::kFilter, p, s);
  };
  Device d = make_device(5, "eth1");
  EXPECT_EQ(verdict(&d), Verdict::kDrop);
  d.name = "eth0";
  EXPECT_EQ(verdict(&d), Verdict::kAccept);
  d.name = "eth00";
  EXPECT_EQ(verdict(&d), Verdict::kDrop);
  d.name.clear();
  EXPECT_EQ(verdict(&d), Verdict::kDrop);
  const Device other = make_device(5 + 64, "eth0");  // the same place of the cache
  EXPECT_EQ(verdict(&other), Verdict::kAccept);
  d.name = "eth0";
  d.ifindex = 6;
  EXPECT_EQ(verdict(&d), Verdict::kAccept);
  const Device long_name = make_device(7, "a-name-longer-than-linux-has");
  EXPECT_EQ(verdict(&long_name), Verdict::kDrop);
  EXPECT_EQ(verdict(nullptr), Verdict::kDrop);
}

TEST_F(EvalTest, NoDeviceMatchesPlusAndInversionsOnly) {
  const struct {
    const char* option;
    bool matches;
  } kCases[] = {{"-i +", true}, {"! -i +", false}, {"-i eth+", false}, {"! -i eth+", true}, {"! -i eth0", true}};
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.option);
    load(std::string("*mangle\n:u - [0:0]\n-A OUTPUT -j u\n-A u ") + c.option + " -j DROP\nCOMMIT\n");
    PacketPtr p = make_packet(stack_.pool_, {});
    HookState s = at(HookPoint::kLocalOut);
    s.out = &eth0_;
    EXPECT_EQ(tables_.do_table(TableId::kMangle, p, s), c.matches ? Verdict::kDrop : Verdict::kAccept);
  }
}

TEST_F(EvalTest, MoreInterfacesThanFitIntoAKey) {
  std::string text = "*filter\n:FORWARD DROP\n";
  for (int i = 0; i < 200; ++i) {
    const std::string n = std::to_string(i);
    const std::string address = "10.0.0." + n;
    text += "-A FORWARD -i v" + n + " -s " + address + " -j ACCEPT\n";
    text += "-A FORWARD -o w" + n + " -d " + address + " -j ACCEPT\n";
    text += "-A FORWARD ! -i v" + n + " -s 10.0.1." + n + " -j ACCEPT\n";
    text += "-A FORWARD ! -o w" + n + " -d 10.0.1." + n + " -j ACCEPT\n";
  }
  load(text + "COMMIT\n");
  const auto verdict = [&](int in, int out, Be32 source, Be32 destination) {
    const Device v = make_device(in + 1, "v" + std::to_string(in));
    const Device w = make_device(out + 1000, "w" + std::to_string(out));
    HookState s = at(HookPoint::kForward);
    s.in = &v;
    s.out = &w;
    PacketPtr p = make_packet(stack_.pool_, {.source = source, .destination = destination});
    return tables_.do_table(TableId::kFilter, p, s);
  };
  const Be32 none = ip4(1, 1, 1, 1);
  for (int i = 0; i < 200; i += 7) {
    SCOPED_TRACE(i);
    const auto n = static_cast<uint8_t>(i);
    const int other = i + 1;
    EXPECT_EQ(verdict(i, other, ip4(10, 0, 0, n), none), Verdict::kAccept);
    EXPECT_EQ(verdict(other, other, ip4(10, 0, 0, n), none), Verdict::kDrop);
    EXPECT_EQ(verdict(other, i, none, ip4(10, 0, 0, n)), Verdict::kAccept);
    EXPECT_EQ(verdict(other, other, none, ip4(10, 0, 0, n)), Verdict::kDrop);
    EXPECT_EQ(verdict(i, other, ip4(10, 0, 1, n), none), Verdict::kDrop);
    EXPECT_EQ(verdict(other, other, ip4(10, 0, 1, n), none), Verdict::kAccept);
    EXPECT_EQ(verdict(other, i, none, ip4(10, 0, 1, n)), Verdict::kDrop);
    EXPECT_EQ(verdict(other, other, none, ip4(10, 0, 1, n)), Verdict::kAccept);
  }
}

TEST_F(EvalTest, MangleOutputReroutesWhatChanged) {
  const struct {
    const char* what;
    int reroutes;
  } kCases[] = {{"nothing", 0}, {"mark", 1}, {"tos", 1}, {"source", 1}, {"destination", 1}, {"drop", 0}};
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.what);
    load(std::string("*mangle\n-A OUTPUT -j ACT --do ") + c.what + "\n-A POSTROUTING -j ACT --do mark\nCOMMIT\n");
    for (const bool route : {true, false}) {
      stack_.route_ok_ = route;
      stack_.reroutes_ = 0;
      PacketPtr p = make_packet(stack_.pool_, {});
      HookState s = at(HookPoint::kLocalOut);
      s.out = &eth0_;
      const Verdict v = stack_.hooks_.run(p, s);
      EXPECT_EQ(stack_.reroutes_, c.reroutes);
      const bool dropped = std::string_view(c.what) == "drop" || (c.reroutes != 0 && !route);
      EXPECT_EQ(v, dropped ? Verdict::kDrop : Verdict::kAccept);
      if (c.reroutes != 0 && !route) {
        EXPECT_EQ(static_cast<DropReason>(p->drop_reason), DropReason::kNoRoute);
      }
      // POSTROUTING changes the mark too, and is not routed anew.
      stack_.reroutes_ = 0;
      PacketPtr q = make_packet(stack_.pool_, {});
      s.hook = HookPoint::kPostRouting;
      EXPECT_EQ(stack_.hooks_.run(q, s), Verdict::kAccept);
      EXPECT_EQ(q->mark, 7u);
      EXPECT_EQ(stack_.reroutes_, 0);
    }
  }
}

TEST_F(EvalTest, JumpStackOverflowDrops) {
  Loader loader(registry_, {});
  ASSERT_TRUE(
      loader.parse("*filter\n:a - [0:0]\n:b - [0:0]\n-A INPUT -j a\n-A a -j b\n-A b -j ACCEPT\nCOMMIT\n", "x").ok());
  Program program(loader.table(TableId::kFilter));
  HookState s = at(HookPoint::kLocalIn);
  PacketPtr p = make_packet(stack_.pool_, {});
  EXPECT_EQ(program.run(p, s), Verdict::kAccept);
  program.set_stack_limit(1);
  EXPECT_EQ(program.run(p, s), Verdict::kDrop);
  EXPECT_EQ(static_cast<DropReason>(p->drop_reason), DropReason::kIptablesLoop);
}

TEST_F(EvalTest, JumpsDeeperThanTheLocalStack) {
  std::string text = "*filter\n";
  for (int i = 0; i < 200; ++i) text += ":c" + std::to_string(i) + " - [0:0]\n";
  text += "-A INPUT -j c0\n-A INPUT -p tcp -j DROP\n";
  for (int i = 0; i + 1 < 200; ++i) text += "-A c" + std::to_string(i) + " -j c" + std::to_string(i + 1) + "\n";
  load(text + "COMMIT\n");
  EXPECT_EQ(input(), Verdict::kDrop);
  EXPECT_EQ(reason_, DropReason::kIptablesRule);
  EXPECT_EQ(input({.protocol = kProtoUdp}), Verdict::kAccept);
}

TEST_F(EvalTest, UnmodelledHitsNameTheRule) {
  load(
      "*filter\n:INPUT ACCEPT\n\n-A INPUT -p tcp -m string --algo bm --string \"a b\" -j ACCEPT\n"
      "-A INPUT -p udp ! --dport 53 -j NFQUEUE --queue-num 3\nCOMMIT\n");
  EXPECT_TRUE(tables_.unmodelled_hits().empty());
  input();
  input();
  input({.protocol = kProtoUdp, .destination_port = 53});
  input({.protocol = kProtoUdp, .destination_port = 54});
  const auto check = [&] {
    const auto hits = tables_.unmodelled_hits();
    ASSERT_EQ(hits.size(), 2u);
    EXPECT_EQ(hits[0].rule, "rules:4: -m string --algo bm --string \"a b\"");
    EXPECT_EQ(hits[0].packets, 2u);
    EXPECT_EQ(hits[1].rule, "rules:5: -j NFQUEUE --queue-num 3");
    EXPECT_EQ(hits[1].packets, 1u);
  };
  check();
  load("*filter\nCOMMIT\n");  // they are told even when the rules are gone
  check();
}

TEST_F(EvalTest, HooksOfTheTablesAtTheirPriorities) {
  load("*filter\nCOMMIT\n*raw\nCOMMIT\n*nat\nCOMMIT\n*security\nCOMMIT\n*mangle\nCOMMIT\n");
  const auto priorities = [&](HookPoint h) {
    std::vector<int> out;
    for (const auto& e : stack_.hooks_.entries(h)) out.push_back(e.priority);
    return out;
  };
  EXPECT_EQ(priorities(HookPoint::kPreRouting), (std::vector<int>{-300, -150}));
  EXPECT_EQ(priorities(HookPoint::kLocalIn), (std::vector<int>{-150, 0, 50}));
  EXPECT_EQ(priorities(HookPoint::kForward), (std::vector<int>{-150, 0, 50}));
  EXPECT_EQ(priorities(HookPoint::kLocalOut), (std::vector<int>{-300, -150, 0, 50}));
  EXPECT_EQ(priorities(HookPoint::kPostRouting), (std::vector<int>{-150}));
}

}  // namespace
}  // namespace nf::ipt
