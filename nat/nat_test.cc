#include "nat/nat.h"

#include "nat/test_net.h"

namespace nf::nat {
namespace {

constexpr Be32 kA = ip4(10, 1, 0, 2), kB = ip4(10, 1, 0, 3);
constexpr Be32 kS = ip4(10, 2, 0, 2);
constexpr char kMasquerade[] = "-A POSTROUTING -o right -j MASQUERADE\n";

// Keeps nat's events as words.
class Words final : public trace::Sink {
 public:
  std::vector<std::string> words;
  void event(const Packet&, const trace::Event& e) override {
    if (const auto* skip = std::get_if<trace::NatSkipped>(&e))
      words.push_back(std::string(hook_name(skip->hook)) + " " + std::string(nat_skip_name(skip->reason)));
    if (const auto* set = std::get_if<trace::NatSetUp>(&e))
      words.push_back(std::string(hook_name(set->hook)) + (set->null_binding ? " null " : " set ") +
                      (set->manip == ManipType::kSource ? "source " : "destination ") + format_ipv4(set->reply.source) +
                      ">" + format_ipv4(set->reply.destination));
    if (const auto* wrote = std::get_if<trace::NatRewrote>(&e))
      words.push_back(std::string(hook_name(wrote->hook)) + (wrote->reply_direction ? " undo " : " rewrote ") +
                      format_ipv4(wrote->before.source) + ">" + format_ipv4(wrote->before.destination) + " to " +
                      format_ipv4(wrote->after.source) + ">" + format_ipv4(wrote->after.destination));
  }
};

std::vector<std::string> traced(TestNet& net, std::span<const uint8_t> bytes, const Device* in) {
  Words sink;
  net.sink = &sink;
  net.forward(bytes, in);
  net.sink = nullptr;
  return sink.words;
}

using List = std::vector<std::string>;

TEST(NatTrace, NewReplyAndLaterPackets) {
  TestNet net;
  net.nat_rules(kMasquerade);
  const Bytes out = TestNet::udp_bytes({kA, kS, 4000, 53});
  const Bytes back = TestNet::udp_bytes({kS, ip4(10, 2, 0, 1), 53, 4000});
  EXPECT_EQ(
      traced(net, out, net.left),
      (List{"PREROUTING null_binding_no_rule_matched", "PREROUTING null destination 10.2.0.2>10.1.0.2",
            "POSTROUTING set source 10.2.0.2>10.2.0.1", "POSTROUTING rewrote 10.1.0.2>10.2.0.2 to 10.2.0.1>10.2.0.2"}));
  // A second packet before any reply is still NEW, but both halves are decided.
  EXPECT_EQ(traced(net, out, net.left), (List{"PREROUTING manip_already_done", "POSTROUTING manip_already_done",
                                              "POSTROUTING rewrote 10.1.0.2>10.2.0.2 to 10.2.0.1>10.2.0.2"}));
  EXPECT_EQ(traced(net, back, net.right),
            (List{"PREROUTING established_reply", "PREROUTING undo 10.2.0.2>10.2.0.1 to 10.2.0.2>10.1.0.2",
                  "POSTROUTING established_reply"}));
  EXPECT_EQ(traced(net, out, net.left), (List{"PREROUTING established", "POSTROUTING established",
                                              "POSTROUTING rewrote 10.1.0.2>10.2.0.2 to 10.2.0.1>10.2.0.2"}));
}

// A reader is told the rule before what its target did.
TEST(NatTrace, TheRuleComesBeforeItsTarget) {
  class Order final : public trace::Sink {
   public:
    List words;
    void event(const Packet&, const trace::Event& e) override {
      if (const auto* rule = std::get_if<trace::RuleMatched>(&e))
        words.push_back(std::string(rule->chain) + " " + std::string(rule->target));
      if (const auto* set = std::get_if<trace::NatSetUp>(&e))
        words.push_back(std::string(hook_name(set->hook)) + " set");
    }
  } sink;
  TestNet net;
  net.nat_rules(kMasquerade);
  net.sink = &sink;
  net.forward(TestNet::udp_bytes({kA, kS, 4000, 53}), net.left);
  net.sink = nullptr;
  EXPECT_EQ(sink.words, (List{"PREROUTING set", "POSTROUTING MASQUERADE", "POSTROUTING set"}));
}

// kernel-facts 1: a nat table whose rules translate nothing does nothing.
TEST(NatTrace, WithoutATargetConntrackSleeps) {
  TestNet net;
  net.nat_rules("-A PREROUTING -j ACCEPT\n");
  EXPECT_EQ(traced(net, TestNet::udp_bytes({kA, kS, 4000, 53}), net.left),
            (List{"PREROUTING no_conntrack_hooks", "POSTROUTING no_conntrack_hooks"}));
  EXPECT_EQ(net.conntrack.count(), 0u);
}

TEST(NatTrace, WithoutANatTableHalvesAreBoundToThemselves) {
  TestNet net;
  net.conntrack.netns_get();
  Words sink;
  net.sink = &sink;
  PacketPtr p = net.packet(TestNet::udp_bytes({kA, kS, 4000, 53}));
  ASSERT_EQ(net.hook(HookPoint::kPreRouting, p, net.left, nullptr), Verdict::kAccept);
  const HookState state{HookPoint::kPreRouting, net.left, nullptr, &net.stack, net.stack.now_, &sink};
  EXPECT_EQ(net.nat.nf_nat_ipv4_pre_routing(p, state), Verdict::kAccept);
  EXPECT_EQ(sink.words, (List{"PREROUTING no_nat_chain_at_hook", "PREROUTING null destination 10.2.0.2>10.1.0.2"}));
  net.sink = nullptr;
  p.reset();
  net.conntrack.netns_put();
}

// kernel-facts 12
TEST(NatTrace, UntrackedPacketsLeaveAsTheyAre) {
  TestNet net;
  net.nat_rules(kMasquerade);
  net.load("*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A PREROUTING -j NOTRACK\nCOMMIT\n");
  EXPECT_EQ(traced(net, TestNet::udp_bytes({kA, kS, 4000, 53}), net.left),
            (List{"PREROUTING untracked", "POSTROUTING untracked"}));
  EXPECT_EQ(text(net.udp({kA, kS, 4000, 53})), "10.1.0.2:4000 > 10.2.0.2:53");
  EXPECT_EQ(net.conntrack.count(), 0u);
}

// kernel-facts 11: a bare ACK with tcp_loose=0 is INVALID and leaves with its private address.
TEST(NatTrace, InvalidPacketsLeaveAsTheyAre) {
  TestNet net;
  net.nat_rules(kMasquerade);
  ASSERT_TRUE(net.stack.sysctl_.set("net.netfilter.nf_conntrack_tcp_loose", "0").ok());
  const Bytes ack = TestNet::tcp_bytes({kA, kS, 4000, 80}, kTcpAck, 1, 1);
  EXPECT_EQ(traced(net, ack, net.left), (List{"PREROUTING invalid", "POSTROUTING invalid"}));
  EXPECT_EQ(text(net.tcp({kA, kS, 4000, 80}, kTcpAck, 1, 1)), "10.1.0.2:4000 > 10.2.0.2:80");
}

// kernel-facts 8: five packets of one connection, one is counted.
TEST(Nat, RulesSeeTheFirstPacketOnly) {
  TestNet net;
  net.nat_rules(kMasquerade);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(net.udp({kA, kS, 4000, 53}));
  const std::string saved = net.iptables.save({.counters = true, .table = ipt::TableId::kNat, .comments = false});
  EXPECT_NE(saved.find(":PREROUTING ACCEPT [1:29]"), std::string::npos) << saved;
  EXPECT_NE(saved.find("[1:29] -A POSTROUTING -o right -j MASQUERADE"), std::string::npos) << saved;
}

TEST(Nat, ConntrackIsActiveWhileARuleTranslates) {
  TestNet net;
  EXPECT_FALSE(net.conntrack.active());
  net.nat_rules(kMasquerade);
  EXPECT_TRUE(net.conntrack.active());
  net.nat_rules("");
  EXPECT_FALSE(net.conntrack.active());
}

// kernel-facts 9, 13: each half is decided once.
TEST(Nat, SecondDecisionOfAHalfDrops) {
  TestNet net;
  net.nat_rules(kMasquerade);
  PacketPtr p = net.packet(TestNet::udp_bytes({kA, kS, 4000, 53}));
  ASSERT_EQ(net.hook(HookPoint::kPreRouting, p, net.left, nullptr), Verdict::kAccept);
  ct::Connection& c = *ct::connection_of(p->ct);
  ASSERT_TRUE(c.nat_initialized(false));
  Range range;
  range.flags = kRangeMapIps;
  range.min_address = range.max_address = ip4(1, 2, 3, 4);
  const HookState state{HookPoint::kPreRouting, net.left, nullptr, &net.stack, net.stack.now_, nullptr};
  EXPECT_EQ(net.nat.setup_info(*p, c, range, ManipType::kDestination, state), Verdict::kDrop);
  EXPECT_EQ(p->drop_reason, static_cast<uint8_t>(DropReason::kNatSetup));
}

TEST(Nat, DnatForgetsTheRoute) {
  TestNet net;
  net.nat_rules("-A PREROUTING -d 10.2.0.1/32 -j DNAT --to-destination 10.1.0.2\n");
  for (const Be32 destination : {ip4(10, 2, 0, 1), kS}) {
    PacketPtr p = net.packet(TestNet::udp_bytes({kB, destination, 4000, 53}));
    p->dst.type = RouteType::kLocal;
    ASSERT_EQ(net.hook(HookPoint::kPreRouting, p, net.left, nullptr), Verdict::kAccept);
    EXPECT_EQ(p->dst.valid(), destination == kS);
  }
}

// --- packets of the host itself

TEST(Nat, DnatInOutputRoutesAnew) {
  TestNet net;
  net.nat_rules("-A OUTPUT -d 10.2.0.2/32 -p udp --dport 53 -j DNAT --to-destination 10.1.0.2:5353\n");
  PacketPtr p = net.packet(TestNet::udp_bytes({ip4(10, 2, 0, 1), kS, 4000, 53}));
  ASSERT_EQ(net.hook(HookPoint::kLocalOut, p, nullptr, net.right), Verdict::kAccept);
  EXPECT_EQ(p->ip().destination, kA);
  EXPECT_EQ(net.stack.reroutes_, 1);
  p = net.packet(TestNet::udp_bytes({ip4(10, 2, 0, 1), kS, 4000, 54}));
  ASSERT_EQ(net.hook(HookPoint::kLocalOut, p, nullptr, net.right), Verdict::kAccept);
  EXPECT_EQ(net.stack.reroutes_, 1);
  net.stack.route_ok_ = false;
  p = net.packet(TestNet::udp_bytes({ip4(10, 2, 0, 1), kS, 4001, 53}));
  EXPECT_EQ(net.hook(HookPoint::kLocalOut, p, nullptr, net.right), Verdict::kDrop);
  EXPECT_EQ(p->drop_reason, static_cast<uint8_t>(DropReason::kNoRoute));
}

// kernel-facts 31: what loops back carries its connection; PREROUTING and INPUT find both halves decided.
TEST(Nat, LoopbackIsNotTranslatedTwice) {
  TestNet net;
  net.nat_rules("-A POSTROUTING -o lo -j SNAT --to-source 127.0.0.9\n");
  const Device* lo = &net.stack.devices_[0];
  Words sink;
  net.sink = &sink;
  PacketPtr p = net.packet(TestNet::udp_bytes({ip4(127, 0, 0, 1), ip4(127, 0, 0, 2), 4000, 53}));
  ASSERT_EQ(net.hook(HookPoint::kLocalOut, p, nullptr, lo), Verdict::kAccept);
  ASSERT_EQ(net.hook(HookPoint::kPostRouting, p, nullptr, lo), Verdict::kAccept);
  sink.words.clear();
  ASSERT_EQ(net.hook(HookPoint::kPreRouting, p, lo, nullptr), Verdict::kAccept);
  ASSERT_EQ(net.hook(HookPoint::kLocalIn, p, lo, nullptr), Verdict::kAccept);
  net.sink = nullptr;
  EXPECT_EQ(sink.words[0], "PREROUTING manip_already_done");
  EXPECT_EQ(sink.words[1], "INPUT manip_already_done");
  EXPECT_EQ(format_ipv4(p->ip().source), "127.0.0.9");
}

// A kernel did the same with -j CT --zone 5: the mapping of one zone does not bind the other.
TEST(Nat, ZonesAreApart) {
  TestNet net;
  net.nat_rules("-A POSTROUTING -o right -j SNAT --to-source 10.2.0.9\n");
  net.load(
      "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A PREROUTING -s 10.1.0.2/32 -j CT --zone 5\nCOMMIT\n");
  EXPECT_EQ(text(net.udp({kA, kS, 4000, 53})), "10.2.0.9:4000 > 10.2.0.2:53");
  EXPECT_EQ(text(net.udp({kB, kS, 4000, 53})), "10.2.0.9:4000 > 10.2.0.2:53");
  EXPECT_EQ(net.conntrack.count(), 2u);
}

TEST(Nat, SnatInInput) {
  TestNet net;
  net.nat_rules("-A INPUT -i left -p udp -j SNAT --to-source 10.9.9.9\n");
  PacketPtr p = net.packet(TestNet::udp_bytes({kA, ip4(10, 1, 0, 1), 4000, 53}));
  ASSERT_EQ(net.hook(HookPoint::kPreRouting, p, net.left, nullptr), Verdict::kAccept);
  ASSERT_EQ(net.hook(HookPoint::kLocalIn, p, net.left, nullptr), Verdict::kAccept);
  EXPECT_EQ(format_ipv4(p->ip().source), "10.9.9.9");
  // The answer, in OUTPUT, is to 10.9.9.9 and goes to the client.
  PacketPtr reply = net.packet(TestNet::udp_bytes({ip4(10, 1, 0, 1), ip4(10, 9, 9, 9), 53, 4000}));
  ASSERT_EQ(net.hook(HookPoint::kLocalOut, reply, nullptr, net.left), Verdict::kAccept);
  EXPECT_EQ(reply->ip().destination, kA);
  EXPECT_EQ(net.stack.reroutes_, 1);
}

// --- masquerade and redirect

TEST(Masquerade, RemembersItsDevice) {
  TestNet net;
  net.nat_rules("-A POSTROUTING -j MASQUERADE\n");
  ASSERT_TRUE(net.stack.sysctl_.set("net.netfilter.nf_conntrack_acct", "1").ok());
  uint64_t counted = 0;
  net.conntrack.listen([&](const ct::EventReport& e) {
    if (e.kind == ct::EventReport::Kind::kDestroy) counted = e.connection.counters[0].packets;
  });
  ASSERT_EQ(text(net.udp({kA, kS, 4000, 53})), "10.2.0.1:4000 > 10.2.0.2:53");
  // The route changes: the same packet would now leave by the other device.
  PacketPtr p = net.packet(TestNet::udp_bytes({kA, kS, 4000, 53}));
  ASSERT_EQ(net.hook(HookPoint::kPreRouting, p, net.left, nullptr), Verdict::kAccept);
  EXPECT_EQ(net.hook(HookPoint::kPostRouting, p, nullptr, net.left), Verdict::kDrop);
  EXPECT_EQ(p->drop_reason, static_cast<uint8_t>(DropReason::kNatOutChanged));
  EXPECT_EQ(counted, 3u) << "a kernel's [DESTROY] after two packets had packets=3";
  p.reset();
  EXPECT_EQ(net.conntrack.count(), 0u);
}

TEST(Masquerade, GoesWithItsDeviceAndItsAddress) {
  TestNet net;
  net.nat_rules("-A POSTROUTING -o right -p udp --dport 53 -j MASQUERADE\n");
  const auto fill = [&] {
    ASSERT_TRUE(net.udp({kA, kS, 4000, 53}));
    ASSERT_TRUE(net.udp({kA, kS, 4000, 54}));
    ASSERT_EQ(net.conntrack.count(), 2u);
  };
  fill();
  net.nat.address_removed(net.right->ifindex, ip4(10, 2, 0, 77), net.stack.now_);
  net.nat.address_removed(net.left->ifindex, ip4(10, 2, 0, 1), net.stack.now_);
  net.nat.device_down(net.left->ifindex, net.stack.now_);
  EXPECT_EQ(net.conntrack.count(), 2u);
  net.nat.address_removed(net.right->ifindex, ip4(10, 2, 0, 1), net.stack.now_);
  EXPECT_EQ(net.conntrack.count(), 1u);
  net.conntrack.flush(net.stack.now_);
  fill();
  net.nat.device_down(net.right->ifindex, net.stack.now_);
  EXPECT_EQ(net.conntrack.count(), 1u);
}

TEST(Masquerade, NoAddressDropsAndIsLogged) {
  TestNet net;
  net.nat_rules(kMasquerade);
  net.stack.addresses_.erase("right");
  EXPECT_FALSE(net.udp({kA, kS, 4000, 53}));
  EXPECT_EQ(net.reason, DropReason::kNatNoAddress);
  EXPECT_EQ(net.stack.log_, List{"right ate my IP address"});
}

TEST(Masquerade, LeavesAHostWithoutAddressAlone) {
  TestNet net;
  net.nat_rules(kMasquerade);
  EXPECT_EQ(text(net.udp({Be32{}, kS, 68, 67})), "0.0.0.0:68 > 10.2.0.2:67");
}

TEST(Redirect, GoesToTheFirstAddressOfTheDevice) {
  TestNet net;
  net.nat_rules("-A PREROUTING -p udp --dport 53 -j REDIRECT --to-ports 5353\n");
  PacketPtr p = net.packet(TestNet::udp_bytes({kA, kS, 4000, 53}));
  ASSERT_EQ(net.hook(HookPoint::kPreRouting, p, net.left, nullptr), Verdict::kAccept);
  EXPECT_EQ(format_ipv4(p->ip().destination), "10.1.0.1");
  EXPECT_EQ(view<UdpHeader>(p->transport())->destination.host(), 5353);
  net.stack.addresses_.erase("left");
  p = net.packet(TestNet::udp_bytes({kA, kS, 4001, 53}));
  EXPECT_EQ(net.hook(HookPoint::kPreRouting, p, net.left, nullptr), Verdict::kDrop);
  EXPECT_EQ(p->drop_reason, static_cast<uint8_t>(DropReason::kNatNoAddress));
}

TEST(Redirect, OfTheHostsOwnPacketsGoesToLoopback) {
  TestNet net;
  net.nat_rules("-A OUTPUT -p udp --dport 53 -j REDIRECT\n");
  PacketPtr p = net.packet(TestNet::udp_bytes({ip4(10, 2, 0, 1), kS, 4000, 53}));
  ASSERT_EQ(net.hook(HookPoint::kLocalOut, p, nullptr, net.right), Verdict::kAccept);
  EXPECT_EQ(format_ipv4(p->ip().destination), "127.0.0.1");
}

TEST(Netmap, KeepsTheHostPart) {
  TestNet net;
  net.nat_rules(
      "-A PREROUTING -d 10.2.0.0/24 -j NETMAP --to 10.2.7.0/24\n"
      "-A POSTROUTING -s 10.1.0.0/24 -j NETMAP --to 192.168.5.0/24\n");
  EXPECT_EQ(text(net.udp({kA, ip4(10, 2, 0, 77), 4000, 53})), "192.168.5.2:4000 > 10.2.7.77:53");
}

}  // namespace
}  // namespace nf::nat
