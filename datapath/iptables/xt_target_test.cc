// What the targets do to packets, against the kernel.
// Goldens: Linux 6.18. The packets went through FORWARD of a namespace between two TAPs; what came out, and whether an
// ICMP error came back, was read from the TAPs (icmp_ratelimit 0).
#include "datapath/iptables/xt_test_support.h"

namespace nf::ipt {
namespace {

// TCP 10.9.0.2:40000 > 10.9.1.2:80 as it is in FORWARD (TTL 63): TOS 0 SYN, and TOS 0xb9 CWR ECE ACK SYN.
constexpr const char* kPlain = "45000028000100003f0666ba0a0900020a0901029c400050000003e80000000050020400f6540000";
constexpr const char* kMarked = "45b90028000100003f0666010a0900020a0901029c400050000003e80000000550d20400f57f0000";

class Targets : public testing::Test {
 protected:
  Targets() {
    in_.name = "tap0";
    out_.name = "tap1";
    state_ = {.hook = HookPoint::kForward, .in = &in_, .out = &out_, .stack = &stack_, .now = stack_.now_};
  }
  FakeStack stack_;
  Device in_, out_;
  HookState state_;
};

TEST_F(Targets, RewriteTheHeader) {
  const struct {
    const char* extension;
    const char* words;
    const char* before;
    const char* after;
  } kCases[] = {
      {"TTL", "--ttl-set 10", kMarked,
       "45b90028000100000a069b010a0900020a0901029c400050000003e80000000550d20400f57f0000"},
      {"TTL", "--ttl-set 10", kPlain,
       "45000028000100000a069bba0a0900020a0901029c400050000003e80000000050020400f6540000"},
      {"TTL", "--ttl-set 0", kMarked,
       "45b90028000100000006a5010a0900020a0901029c400050000003e80000000550d20400f57f0000"},
      {"TTL", "--ttl-set 0", kPlain,
       "45000028000100000006a5ba0a0900020a0901029c400050000003e80000000050020400f6540000"},
      {"TTL", "--ttl-inc 5", kMarked,
       "45b9002800010000440661010a0900020a0901029c400050000003e80000000550d20400f57f0000"},
      {"TTL", "--ttl-inc 5", kPlain,
       "4500002800010000440661ba0a0900020a0901029c400050000003e80000000050020400f6540000"},
      {"TTL", "--ttl-inc 250", kMarked,
       "45b9002800010000ff06a6000a0900020a0901029c400050000003e80000000550d20400f57f0000"},
      {"TTL", "--ttl-inc 250", kPlain,
       "4500002800010000ff06a6b90a0900020a0901029c400050000003e80000000050020400f6540000"},
      {"TTL", "--ttl-dec 5", kMarked,
       "45b90028000100003a066b010a0900020a0901029c400050000003e80000000550d20400f57f0000"},
      {"TTL", "--ttl-dec 5", kPlain,
       "45000028000100003a066bba0a0900020a0901029c400050000003e80000000050020400f6540000"},
      {"TTL", "--ttl-dec 200", kMarked,
       "45b90028000100000006a5010a0900020a0901029c400050000003e80000000550d20400f57f0000"},
      {"TTL", "--ttl-dec 200", kPlain,
       "45000028000100000006a5ba0a0900020a0901029c400050000003e80000000050020400f6540000"},
      {"TTL", "--ttl-set 63", kMarked,
       "45b90028000100003f0666010a0900020a0901029c400050000003e80000000550d20400f57f0000"},
      {"TTL", "--ttl-set 63", kPlain,
       "45000028000100003f0666ba0a0900020a0901029c400050000003e80000000050020400f6540000"},
      {"TOS", "--set-tos 0x10", kMarked,
       "45100028000100003f0666aa0a0900020a0901029c400050000003e80000000550d20400f57f0000"},
      {"TOS", "--set-tos 0x10", kPlain,
       "45100028000100003f0666aa0a0900020a0901029c400050000003e80000000050020400f6540000"},
      {"TOS", "--set-tos Minimize-Cost", kMarked,
       "45820028000100003f0666380a0900020a0901029c400050000003e80000000550d20400f57f0000"},
      {"TOS", "--set-tos Minimize-Cost", kPlain,
       "45020028000100003f0666b80a0900020a0901029c400050000003e80000000050020400f6540000"},
      {"TOS", "--and-tos 0xe0", kMarked,
       "45a00028000100003f06661a0a0900020a0901029c400050000003e80000000550d20400f57f0000"},
      {"TOS", "--and-tos 0xe0", kPlain,
       "45000028000100003f0666ba0a0900020a0901029c400050000003e80000000050020400f6540000"},
      {"TOS", "--or-tos 0x02", kMarked,
       "45bb0028000100003f0665ff0a0900020a0901029c400050000003e80000000550d20400f57f0000"},
      {"TOS", "--or-tos 0x02", kPlain,
       "45020028000100003f0666b80a0900020a0901029c400050000003e80000000050020400f6540000"},
      {"TOS", "--xor-tos 0xff", kMarked,
       "45460028000100003f0666740a0900020a0901029c400050000003e80000000550d20400f57f0000"},
      {"TOS", "--xor-tos 0xff", kPlain,
       "45ff0028000100003f0665bb0a0900020a0901029c400050000003e80000000050020400f6540000"},
      {"TOS", "--set-tos 0x04/0x1e", kMarked,
       "45a50028000100003f0666150a0900020a0901029c400050000003e80000000550d20400f57f0000"},
      {"TOS", "--set-tos 0x04/0x1e", kPlain,
       "45040028000100003f0666b60a0900020a0901029c400050000003e80000000050020400f6540000"},
      {"DSCP", "--set-dscp 0x2e", kMarked,
       "45b90028000100003f0666010a0900020a0901029c400050000003e80000000550d20400f57f0000"},
      {"DSCP", "--set-dscp 0x2e", kPlain,
       "45b80028000100003f0666020a0900020a0901029c400050000003e80000000050020400f6540000"},
      {"DSCP", "--set-dscp-class CS0", kMarked,
       "45010028000100003f0666b90a0900020a0901029c400050000003e80000000550d20400f57f0000"},
      {"DSCP", "--set-dscp-class CS0", kPlain,
       "45000028000100003f0666ba0a0900020a0901029c400050000003e80000000050020400f6540000"},
      {"DSCP", "--set-dscp 10", kMarked,
       "45290028000100003f0666910a0900020a0901029c400050000003e80000000550d20400f57f0000"},
      {"DSCP", "--set-dscp 10", kPlain,
       "45280028000100003f0666920a0900020a0901029c400050000003e80000000050020400f6540000"},
      {"ECN", "--ecn-tcp-remove", kMarked,
       "45b90028000100003f0666010a0900020a0901029c400050000003e80000000550120400f63f0000"},
      {"ECN", "--ecn-tcp-remove", kPlain,
       "45000028000100003f0666ba0a0900020a0901029c400050000003e80000000050020400f6540000"},
      {"ECN", "--ecn-ip-ect 2", kMarked,
       "45ba0028000100003f0666000a0900020a0901029c400050000003e80000000550d20400f57f0000"},
      {"ECN", "--ecn-ip-ect 2", kPlain,
       "45020028000100003f0666b80a0900020a0901029c400050000003e80000000050020400f6540000"},
      {"ECN", "--ecn-tcp-ece 1", kMarked,
       "45b90028000100003f0666010a0900020a0901029c400050000003e80000000550d20400f57f0000"},
      {"ECN", "--ecn-tcp-ece 1", kPlain,
       "45000028000100003f0666ba0a0900020a0901029c400050000003e80000000050420400f6140000"},
      {"ECN", "--ecn-tcp-cwr 0 --ecn-ip-ect 0", kMarked,
       "45b80028000100003f0666020a0900020a0901029c400050000003e80000000550520400f5ff0000"},
      {"ECN", "--ecn-tcp-cwr 0 --ecn-ip-ect 0", kPlain,
       "45000028000100003f0666ba0a0900020a0901029c400050000003e80000000050020400f6540000"},
  };
  for (const auto& c : kCases) {
    const uint8_t protocol = std::string_view(c.extension) == "ECN" ? 6 : 0;
    const auto target = make_target(c.extension, c.words, rule_context(protocol, TableId::kMangle));
    PacketPtr p = make_packet(stack_.pool_, c.before);
    EXPECT_EQ(target->target(p, state_), TargetVerdict::kContinue);
    EXPECT_EQ(hex_of(p->bytes()), c.after) << c.extension << " " << c.words;
  }
}

// twin: set_ect_tcp gives up without a whole TCP header; with a partial checksum the field covers the pseudo-header
// only.
TEST_F(Targets, EcnOnHalfAHeaderAndPartialChecksum) {
  const auto target = make_target("ECN", "--ecn-tcp-remove", rule_context(6, TableId::kMangle));
  PacketPtr cut = make_packet(stack_.pool_, std::string(kMarked).substr(0, 2 * 30));
  EXPECT_EQ(target->target(cut, state_), TargetVerdict::kDrop);
  PacketPtr partial = make_packet(stack_.pool_, kMarked);
  partial->checksum = ChecksumState::kPartial;
  EXPECT_EQ(target->target(partial, state_), TargetVerdict::kContinue);
  const TcpHeader* tcp = view<TcpHeader>(partial->transport());
  EXPECT_EQ(tcp->flags, kTcpAck | kTcpSyn);
  EXPECT_EQ(tcp->checksum.host(), 0xf57f);
}

// Read bit by bit with -m mark --mark B/B in the kernel; the packet's mark was 0xabc before.
TEST_F(Targets, Mark) {
  const struct {
    const char* words;
    uint32_t mark;
  } kCases[] = {{"--set-mark 0x5", 0x5},     {"--set-mark 0x10/0xf0", 0xa1c}, {"--and-mark 0xff", 0xbc},
                {"--or-mark 0x100", 0xbbc},  {"--xor-mark 0xff", 0xa43},      {"--set-xmark 0xff/0x0f", 0xa4f},
                {"--set-xmark 0x3/0", 0xabf}};
  for (const auto& c : kCases) {
    const auto target = make_target("MARK", c.words, rule_context(0, TableId::kMangle));
    PacketPtr p = make_packet(stack_.pool_, kPlain);
    p->mark = 0xabc;
    EXPECT_EQ(target->target(p, state_), TargetVerdict::kContinue);
    EXPECT_EQ(p->mark, c.mark) << c.words;
  }
}

TEST_F(Targets, RejectAnswersOrNot) {
  const struct {
    const char* name;
    bool answered;  // by port unreachable
    const char* packet;
  } kCases[] = {
      {"udp_ok", true, "4500002000010000401165b70a0900020a09010214e90035000c10dc61626364"},
      {"udp_bad", false, "4500002000010000401165b70a0900020a09010214e90035000c438761626364"},
      {"udp_zero", true, "4500002000010000401165b70a0900020a09010214e90035000c000061626364"},
      {"udp7", false, "4500001b00010000401165bc0a0900020a09010214e90035000c11"},
      {"tcp_ok", true, "4500002800010000400665ba0a0900020a0901029c400050000003e80000000050020400f6540000"},
      {"tcp_bad", false, "4500002800010000400665ba0a0900020a0901029c400050000003e80000000050020400a0ff0000"},
      {"tcp_rst", true, "4500002800010000400665ba0a0900020a0901029c400050000003e80000000050040400f6520000"},
      {"echo_ok", true, "4500002000010000400165c70a0900020a090102080033370001000161626364"},
      {"echo_bad", false, "4500002000010000400165c70a0900020a090102080066620001000161626364"},
      {"unreach", false,
       "4500003c00010000400165ab0a0900020a09010203011131000000004500002000010000401166b80a0900020a09000100010002000c26f"
       "861626364"},
      {"p99", false, "4500001c00010000406365690a0900020a0901026162636465666768"},
      {"p99_sum0", true, "45000018000100004063656d0a0900020a090102abcd5432"},
      {"p99_empty", true, "4500001400010000406365710a0900020a090102"},
      {"p99_short", true, "45000016000100004063656f0a0900020a090102ffff"},
      {"gre", true, "4500001c00010000402f659d0a0900020a0901020000080061626364"},
      {"esp", true, "4500002000010000403265960a0900020a090102616263646566676831323334"},
      {"ah", true, "4500002000010000403365950a0900020a090102616263646566676831323334"},
      {"sctp", true, "4500002000010000408465440a0900020a090102616263646566676831323334"},
      {"udplite_bad", true, "4500002000010000408865400a0900020a09010200010002000c25f761626364"},
      {"dccp", false, "4500002400010000402165a30a0900020a09010261626364656667683132333435363738"},
      {"igmp_ok", true, "4500001c00010000400265ca0a0900020a090102160009fee0000001"},
      {"igmp_bad", false, "4500001c00010000400265ca0a0900020a09010216005cabe0000001"},
      {"ipip", false,
       "4500003400010000400465b00a0900020a0901024500002000010000401166b80a0900020a09000100010002000c26f861626364"},
      {"ospf", false, "45000020000100004059656f0a0900020a0901026162636465666768696a6b6c"},
      {"p99_zeros", true, "4500001c00010000406365690a0900020a0901020000000000000000"},
      {"p99_odd", true, "45000017000100004063656e0a0900020a090102ffff00"},
      {"udp_empty", false, "4500001400010000401165c30a0900020a090102"},
      {"later fragment", false, "4500002000010001401165b60a0900020a09010214e90035000c10dc61626364"},
      {"first fragment", true, "4500002000012000401145b70a0900020a09010214e90035000c10dc61626364"},
  };
  const auto target = make_target("REJECT", "", rule_context(0));
  for (const auto& c : kCases) {
    // The kernel answered "unreach", an ICMP error, with nothing: icmp_send's rule, not REJECT's.
    if (std::string_view(c.name) == "unreach") continue;
    stack_.icmp_.clear();
    PacketPtr p = make_packet(stack_.pool_, c.packet);
    EXPECT_EQ(target->target(p, state_), TargetVerdict::kDrop);
    EXPECT_EQ(p->drop_reason, static_cast<uint8_t>(DropReason::kIptablesReject));
    EXPECT_EQ(stack_.icmp_.size(), c.answered ? 1u : 0u) << c.name;
    EXPECT_EQ(stack_.resets_, 0);
  }
}

// A checksum that the sender vouches for is not verified.
TEST_F(Targets, RejectTrustsVerifiedChecksums) {
  const auto target = make_target("REJECT", "", rule_context(0));
  std::string bad = "4500002800010000400665ba0a0900020a0901029c400050000003e80000000050020400f6540000";
  bad.replace(bad.size() - 8, 4, "0000");
  for (const ChecksumState s : {ChecksumState::kNone, ChecksumState::kUnnecessary, ChecksumState::kPartial}) {
    stack_.icmp_.clear();
    PacketPtr p = make_packet(stack_.pool_, bad);
    p->checksum = s;
    target->target(p, state_);
    EXPECT_EQ(stack_.icmp_.size(), s == ChecksumState::kNone ? 0u : 1u);
  }
}

TEST_F(Targets, RejectTypes) {
  const struct {
    const char* words;
    uint8_t code;
  } kCases[] = {{"", 3},
                {"--reject-with icmp-net-unreachable", 0},
                {"--reject-with icmp-host-unreachable", 1},
                {"--reject-with icmp-proto-unreachable", 2},
                {"--reject-with icmp-port-unreachable", 3},
                {"--reject-with icmp-net-prohibited", 9},
                {"--reject-with icmp-host-prohibited", 10},
                {"--reject-with icmp-admin-prohibited", 13}};
  for (const auto& c : kCases) {
    stack_.icmp_.clear();
    PacketPtr p =
        make_packet(stack_.pool_, "4500002800010000400665ba0a0900020a0901029c400050000003e80000000050020400f6540000");
    EXPECT_EQ(make_target("REJECT", c.words, rule_context(0))->target(p, state_), TargetVerdict::kDrop);
    ASSERT_EQ(stack_.icmp_.size(), 1u) << c.words;
    EXPECT_EQ(stack_.icmp_[0].type, kIcmpUnreachable);
    EXPECT_EQ(stack_.icmp_[0].code, c.code) << c.words;
    EXPECT_EQ(stack_.icmp_[0].info, 0u);
  }
  PacketPtr p =
      make_packet(stack_.pool_, "4500002800010000400665ba0a0900020a0901029c400050000003e80000000050020400f6540000");
  stack_.icmp_.clear();
  EXPECT_EQ(make_target("REJECT", "--reject-with tcp-reset", rule_context(6))->target(p, state_), TargetVerdict::kDrop);
  EXPECT_EQ(p->drop_reason, static_cast<uint8_t>(DropReason::kIptablesReject));
  EXPECT_EQ(stack_.resets_, 1);
  EXPECT_TRUE(stack_.icmp_.empty());
}

}  // namespace
}  // namespace nf::ipt
