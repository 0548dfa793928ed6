// The lines -j LOG writes.
// A namespace's LOG goes nowhere unless the host allows it, so the goldens are real lines from the documents the
// project began with, and otherwise follow from the kernel's format strings; each group says which.
#include "datapath/iptables/xt_log_line.h"

#include "datapath/iptables/xt_test_support.h"

namespace nf::ipt {
namespace {

enum Where {
  kLoOut,
  kLoIn,
  kLoInNoMac,
  kEthOut,
  kEthIn,
  kEthForward,
  kEthInNoMac,
  kTunIn,
  kBridge,    // forwarded from eth0 to eth1 in br0
  kPhysSame,  // the physical devices are those of the hook
};

class LogTarget : public testing::Test {
 protected:
  LogTarget() {
    lo_.name = "lo";
    lo_.kind = DeviceKind::kLoopback;
    eth0_.name = "eth0";
    eth1_.name = "eth1";
    tun_.name = "tun0";
    tun_.kind = DeviceKind::kRawIp;
    br_.name = "br0";
    br_.kind = DeviceKind::kBridge;
  }

  std::string line(std::string_view words, Where where, uint32_t mark, std::string_view ip_hex) {
    constexpr const char* kEthernet = "0200000000010200000000020800";
    constexpr const char* kLoopback = "0000000000000000000000000800";
    HookState state{.hook = HookPoint::kLocalIn, .stack = &stack_, .now = stack_.now_};
    const char* link = "";
    const Device *phys_in = nullptr, *phys_out = nullptr;
    switch (where) {
      case kLoOut:
        state.out = &lo_;
        break;
      case kLoIn:
        link = kLoopback;
        [[fallthrough]];
      case kLoInNoMac:
        state.in = &lo_;
        break;
      case kEthOut:
        state.out = &eth0_;
        break;
      case kEthIn:
        link = kEthernet;
        [[fallthrough]];
      case kEthInNoMac:
        state.in = &eth0_;
        break;
      case kPhysSame:
        phys_in = &eth0_;
        phys_out = &eth1_;
        [[fallthrough]];
      case kEthForward:
        link = kEthernet;
        state.in = &eth0_;
        state.out = &eth1_;
        break;
      case kTunIn:
        state.in = &tun_;
        break;
      case kBridge:
        link = kEthernet;
        state.in = state.out = &br_;
        phys_in = &eth0_;
        phys_out = &eth1_;
        break;
    }
    PacketPtr p = make_packet(stack_.pool_, ip_hex, link);
    p->dev = state.in;
    p->mark = mark;
    p->phys_in = phys_in;
    p->phys_out = phys_out;
    stack_.log_.clear();
    const auto target = make_target("LOG", words, rule_context(0));
    EXPECT_EQ(target->target(p, state), TargetVerdict::kContinue);
    return stack_.log_.size() == 1 ? stack_.log_[0] : "not one line";
  }

  FakeStack stack_;
  Device lo_, eth0_, eth1_, tun_, br_;
};

TEST_F(LogTarget, Lines) {
  const struct {
    const char* words;
    Where where;
    uint32_t mark;
    const char* packet;
    const char* line;
  } kCases[] = {
      // Lines of a real kernel: document 000 (telnet 127.0.0.1 8000). TCP options are not in the line.
      {"--log-prefix 'OUTPUT DPORT 8000 LOGS: '", kLoOut, 0x0,
       "4510003c18134000400624977f0000017f000001c7981f400000000000000000a002aaaa000000000204ffd70402080a000000010000000"
       "001030307",
       "OUTPUT DPORT 8000 LOGS: IN= OUT=lo SRC=127.0.0.1 DST=127.0.0.1 LEN=60 TOS=0x10 PREC=0x00 TTL=64 ID=6163 DF "
       "PROTO=TCP SPT=51096 DPT=8000 WINDOW=43690 RES=0x00 SYN URGP=0 "},
      {"--log-prefix 'INPUT DPORT 8000 LOGS: '", kLoIn, 0x0,
       "4510003c18134000400624977f0000017f000001c7981f400000000000000000a002aaaa000000000204ffd70402080a000000010000000"
       "001030307",
       "INPUT DPORT 8000 LOGS: IN=lo OUT= MAC=00:00:00:00:00:00:00:00:00:00:00:00:08:00 SRC=127.0.0.1 DST=127.0.0.1 "
       "LEN=60 TOS=0x10 PREC=0x00 TTL=64 ID=6163 DF PROTO=TCP SPT=51096 DPT=8000 WINDOW=43690 RES=0x00 SYN URGP=0 "},
      {"--log-prefix 'INPUT SPORT 8000 LOGS: '", kLoInNoMac, 0x0,
       "4500003c0000400040063cba7f0000017f0000011f40c7980000000000000000a012aaaa000000000204ffd70402080a000000010000000"
       "001030307",
       "INPUT SPORT 8000 LOGS: IN=lo OUT= MAC=00:00:00:00:00:00:00:00:00:00:00:00:08:00 SRC=127.0.0.1 DST=127.0.0.1 "
       "LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=0 DF PROTO=TCP SPT=8000 DPT=51096 WINDOW=43690 RES=0x00 ACK SYN URGP=0 "},
      // Document 001; its copy lost the blank at the end of the line.
      {"--log-prefix 'filter-output-log '", kEthOut, 0x0,
       "4500004538ff400040067e010ad3370b0ad3370222b8eb150000000000000000801800e3000000000101080a00000001000000027878787"
       "878787878787878787878787878",
       "filter-output-log IN= OUT=eth0 SRC=10.211.55.11 DST=10.211.55.2 LEN=69 TOS=0x00 PREC=0x00 TTL=64 ID=14591 DF "
       "PROTO=TCP SPT=8888 DPT=60181 WINDOW=227 RES=0x00 ACK PSH URGP=0 "},
      // From the format strings of net/netfilter/nf_log_syslog.c.
      {"", kEthIn, 0x0,
       "46ff0034ffffc000ff0651ab0a0900020a090001940400009c400050ffffffff000000077fff04000000ffff020405b401010100",
       "IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.9.0.2 DST=10.9.0.1 LEN=52 TOS=0x1E PREC=0xE0 "
       "TTL=255 ID=65535 CE DF PROTO=TCP SPT=40000 DPT=80 WINDOW=1024 RES=0x38 AE CWR ECE URG ACK PSH RST SYN FIN "
       "URGP=65535 "},
      {"--log-tcp-sequence --log-tcp-options --log-ip-options --log-uid --log-macdecode", kEthIn, 0x0,
       "46ff0034ffffc000ff0651ab0a0900020a090001940400009c400050ffffffff000000077fff04000000ffff020405b401010100",
       "IN=eth0 OUT= MACSRC=02:00:00:00:00:02 MACDST=02:00:00:00:00:01 MACPROTO=0800 SRC=10.9.0.2 DST=10.9.0.1 LEN=52 "
       "TOS=0x1E PREC=0xE0 TTL=255 ID=65535 CE DF OPT (94040000) PROTO=TCP SPT=40000 DPT=80 SEQ=4294967295 ACK=7 "
       "WINDOW=1024 RES=0x38 AE CWR ECE URG ACK PSH RST SYN FIN URGP=65535 OPT (020405B401010100) "},
      {"", kEthForward, 0x0, "4500002000010000401166b80a0900020a09000114e90035000c11dd61626364",
       "IN=eth0 OUT=eth1 MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.9.0.2 DST=10.9.0.1 LEN=32 TOS=0x00 "
       "PREC=0x00 TTL=64 ID=1 PROTO=UDP SPT=5353 DPT=53 LEN=12 "},
      {"", kEthIn, 0x0, "4500002000012000401146b80a0900020a09000114e90035000c11dd61626364",
       "IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.9.0.2 DST=10.9.0.1 LEN=32 TOS=0x00 PREC=0x00 "
       "TTL=64 ID=1 MF PROTO=UDP SPT=5353 DPT=53 LEN=12 "},
      {"", kEthIn, 0x0, "45000020000120b9401145ff0a0900020a09000114e90035000c11dd61626364",
       "IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.9.0.2 DST=10.9.0.1 LEN=32 TOS=0x00 PREC=0x00 "
       "TTL=64 ID=1 MF FRAG:185 PROTO=UDP "},
      {"", kEthIn, 0x0, "4500002800010002400666b90a0900020a0900010001000200000000000000005002000300000000",
       "IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.9.0.2 DST=10.9.0.1 LEN=40 TOS=0x00 PREC=0x00 "
       "TTL=64 ID=1 FRAG:2 PROTO=TCP "},
      {"", kEthIn, 0x0, "4500001900010000401166bf0a0900020a0900010001000200",
       "IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.9.0.2 DST=10.9.0.1 LEN=25 TOS=0x00 PREC=0x00 "
       "TTL=64 ID=1 PROTO=UDP INCOMPLETE [5 bytes] "},
      {"", kEthIn, 0x5, "4500002700010000400666bc0a0900020a09000100010002000000000000000050020003000000",
       "IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.9.0.2 DST=10.9.0.1 LEN=39 TOS=0x00 PREC=0x00 "
       "TTL=64 ID=1 PROTO=TCP INCOMPLETE [19 bytes] "},
      {"", kEthIn, 0x0, "4500002000010000408866410a0900020a09000114e90035000c11dd61626364",
       "IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.9.0.2 DST=10.9.0.1 LEN=32 TOS=0x00 PREC=0x00 "
       "TTL=64 ID=1 PROTO=UDPLITE SPT=5353 DPT=53 LEN=12 "},
      {"--log-tcp-options", kEthIn, 0x5,
       "4500002800010000400666bb0a0900020a0900010001000200000000000000006002000300000000",
       "IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.9.0.2 DST=10.9.0.1 LEN=40 TOS=0x00 PREC=0x00 "
       "TTL=64 ID=1 PROTO=TCP SPT=1 DPT=2 WINDOW=3 RES=0x00 SYN URGP=0 OPT (TRUNCATED)"},
      {"", kEthIn, 0xdeadbeef, "4500002800010000400666bb0a0900020a0900010001000200000000000000005002000300000000",
       "IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.9.0.2 DST=10.9.0.1 LEN=40 TOS=0x00 PREC=0x00 "
       "TTL=64 ID=1 PROTO=TCP SPT=1 DPT=2 WINDOW=3 RES=0x00 SYN URGP=0 MARK=0xdeadbeef "},
      {"", kEthIn, 0x0, "4500001c00010000400166cc0a0900020a0900010800d5da22230002",
       "IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.9.0.2 DST=10.9.0.1 LEN=28 TOS=0x00 PREC=0x00 "
       "TTL=64 ID=1 PROTO=ICMP TYPE=8 CODE=0 ID=8739 SEQ=2 "},
      {"", kEthIn, 0x1, "4500001b00010000400166cd0a0900020a09000108003337000100",
       "IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.9.0.2 DST=10.9.0.1 LEN=27 TOS=0x00 PREC=0x00 "
       "TTL=64 ID=1 PROTO=ICMP INCOMPLETE [7 bytes] MARK=0x1 "},
      {"", kEthIn, 0x0, "4500002000010003400166c50a0900020a090001080033370001000161626364",
       "IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.9.0.2 DST=10.9.0.1 LEN=32 TOS=0x00 PREC=0x00 "
       "TTL=64 ID=1 FRAG:3 PROTO=ICMP "},
      {"", kEthIn, 0x0,
       "4500003c00010000400166ac0a0900020a09000103040bb6000005784500002000014000401126b10a0900010a09000900010002000c26f"
       "861626364",
       "IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.9.0.2 DST=10.9.0.1 LEN=60 TOS=0x00 PREC=0x00 "
       "TTL=64 ID=1 PROTO=ICMP TYPE=3 CODE=4 [SRC=10.9.0.1 DST=10.9.0.9 LEN=32 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF "
       "PROTO=UDP SPT=1 DPT=2 LEN=12 ] MTU=1400 "},
      {"", kEthIn, 0x0,
       "4500003c00010000400166ac0a0900020a0900010501042a0a0900fe4500002000014000401126b10a0900010a09000900010002000c26f"
       "861626364",
       "IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.9.0.2 DST=10.9.0.1 LEN=60 TOS=0x00 PREC=0x00 "
       "TTL=64 ID=1 PROTO=ICMP TYPE=5 CODE=1 GATEWAY=10.9.0.254 [SRC=10.9.0.1 DST=10.9.0.9 LEN=32 TOS=0x00 PREC=0x00 "
       "TTL=64 ID=1 DF PROTO=UDP SPT=1 DPT=2 LEN=12 ] "},
      {"", kEthIn, 0x2,
       "4500003800010000400166b00a0900020a0900010b00f4fc000000004500001c00010000400666c00a0900010a090009000100020000000"
       "0",
       "IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.9.0.2 DST=10.9.0.1 LEN=56 TOS=0x00 PREC=0x00 "
       "TTL=64 ID=1 PROTO=ICMP TYPE=11 CODE=0 [SRC=10.9.0.1 DST=10.9.0.9 LEN=28 TOS=0x00 PREC=0x00 TTL=64 ID=1 "
       "PROTO=TCP INCOMPLETE [8 bytes] ] MARK=0x2 "},
      {"", kEthIn, 0x0,
       "4500003c00010000400166ac0a0900020a0900010c00f431140000004500002000014000401126b10a0900010a09000900010002000c26f"
       "861626364",
       "IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.9.0.2 DST=10.9.0.1 LEN=60 TOS=0x00 PREC=0x00 "
       "TTL=64 ID=1 PROTO=ICMP TYPE=12 CODE=0 PARAMETER=20 "},
      {"", kEthIn, 0x0,
       "4500002f00010000400166b90a0900020a0900010301fd07000000004500002000014000401126b10a0900010a0900",
       "IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.9.0.2 DST=10.9.0.1 LEN=47 TOS=0x00 PREC=0x00 "
       "TTL=64 ID=1 PROTO=ICMP TYPE=3 CODE=1 INCOMPLETE [27 bytes] "},
      {"", kEthIn, 0x0, "4500001c00010000400166cc0a0900020a0900010d00f2ff00000000",
       "IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.9.0.2 DST=10.9.0.1 LEN=28 TOS=0x00 PREC=0x00 "
       "TTL=64 ID=1 PROTO=ICMP TYPE=13 CODE=0 INCOMPLETE [8 bytes] "},
      {"", kEthIn, 0x0,
       "4500005800010000400166900a0900020a0900010301fcfe000000004500003c00010000400166a50a0900010a0900090303112f0000000"
       "04500002000014000401126b10a0900010a09000900010002000c26f861626364",
       "IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.9.0.2 DST=10.9.0.1 LEN=88 TOS=0x00 PREC=0x00 "
       "TTL=64 ID=1 PROTO=ICMP TYPE=3 CODE=1 [SRC=10.9.0.1 DST=10.9.0.9 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 "
       "PROTO=ICMP TYPE=3 CODE=3 ] "},
      {"", kEthIn, 0x0,
       "4500003000010000400166b80a0900020a0900010301f2fe000000004f00001400010000401166bd0a0900010a090009",
       "IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.9.0.2 DST=10.9.0.1 LEN=48 TOS=0x00 PREC=0x00 "
       "TTL=64 ID=1 PROTO=ICMP TYPE=3 CODE=1 [SRC=10.9.0.1 DST=10.9.0.9 LEN=20 TOS=0x00 PREC=0x00 TTL=64 ID=1 "
       "PROTO=UDP INCOMPLETE [4294967256 bytes] ] "},
      {"--log-ip-options", kEthIn, 0x0,
       "4500003000010000400166b80a0900020a0900010301f2fe000000004f00001400010000401166bd0a0900010a090009",
       "IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.9.0.2 DST=10.9.0.1 LEN=48 TOS=0x00 PREC=0x00 "
       "TTL=64 ID=1 PROTO=ICMP TYPE=3 CODE=1 [SRC=10.9.0.1 DST=10.9.0.9 LEN=20 TOS=0x00 PREC=0x00 TTL=64 ID=1 "
       "TRUNCATED] "},
      {"", kEthIn, 0x0, "4500002000010000403366960a0900020a09000106040000f123456700000001",
       "IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.9.0.2 DST=10.9.0.1 LEN=32 TOS=0x00 PREC=0x00 "
       "TTL=64 ID=1 PROTO=AH SPI=0xf1234567 "},
      {"", kEthIn, 0x0, "45000018000100004033669e0a0900020a09000131323334",
       "IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.9.0.2 DST=10.9.0.1 LEN=24 TOS=0x00 PREC=0x00 "
       "TTL=64 ID=1 PROTO=AH INCOMPLETE [4 bytes] "},
      {"", kEthIn, 0x0, "4500001c00010001403366990a0900020a0900013132333435363738",
       "IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.9.0.2 DST=10.9.0.1 LEN=28 TOS=0x00 PREC=0x00 "
       "TTL=64 ID=1 FRAG:1 "},
      {"", kEthIn, 0x0, "4500001c000100004032669b0a0900020a09000100000abc00000001",
       "IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.9.0.2 DST=10.9.0.1 LEN=28 TOS=0x00 PREC=0x00 "
       "TTL=64 ID=1 PROTO=ESP SPI=0xabc "},
      {"", kEthIn, 0x0, "4500001c000100014032669a0a0900020a0900013132333435363738",
       "IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.9.0.2 DST=10.9.0.1 LEN=28 TOS=0x00 PREC=0x00 "
       "TTL=64 ID=1 FRAG:1 PROTO=ESP "},
      {"", kEthIn, 0x0, "4500001800010000402f66a20a0900020a09000100000800",
       "IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.9.0.2 DST=10.9.0.1 LEN=24 TOS=0x00 PREC=0x00 "
       "TTL=64 ID=1 PROTO=47 "},
      {"", kTunIn, 0x0, "4500001800010000402f66a20a0900020a09000100000800",
       "IN=tun0 OUT= MAC= SRC=10.9.0.2 DST=10.9.0.1 LEN=24 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=47 "},
      {"--log-macdecode", kTunIn, 0x0, "4500001800010000402f66a20a0900020a09000100000800",
       "IN=tun0 OUT= MAC= SRC=10.9.0.2 DST=10.9.0.1 LEN=24 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=47 "},
      {"--log-macdecode", kLoIn, 0x0, "4500001800010000402f7cb47f0000017f00000100000800",
       "IN=lo OUT= MAC=00:00:00:00:00:00:00:00:00:00:00:00:08:00 SRC=127.0.0.1 DST=127.0.0.1 LEN=24 TOS=0x00 PREC=0x00 "
       "TTL=64 ID=1 PROTO=47 "},
      {"--log-macdecode", kEthInNoMac, 0x0, "4500001800010000402f66a20a0900020a09000100000800",
       "IN=eth0 OUT= SRC=10.9.0.2 DST=10.9.0.1 LEN=24 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=47 "},
      {"", kEthInNoMac, 0x0, "4500001800010000402f66a20a0900020a09000100000800",
       "IN=eth0 OUT= MAC= SRC=10.9.0.2 DST=10.9.0.1 LEN=24 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=47 "},
      {"--log-prefix br:", kBridge, 0x0, "4500001800010000402f66a20a0900020a09000100000800",
       "br:IN=br0 OUT=br0 PHYSIN=eth0 PHYSOUT=eth1 MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.9.0.2 "
       "DST=10.9.0.1 LEN=24 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=47 "},
      {"", kPhysSame, 0x0, "4500001800010000402f66a20a0900020a09000100000800",
       "IN=eth0 OUT=eth1 MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.9.0.2 DST=10.9.0.1 LEN=24 TOS=0x00 "
       "PREC=0x00 TTL=64 ID=1 PROTO=47 "},
  };
  for (const auto& c : kCases) EXPECT_EQ(line(c.words, c.where, c.mark, c.packet), c.line);
}

// Any bytes behind a proved IPv4 header give a line, and read nothing outside the packet (sanitizers look on).
TEST_F(LogTarget, AnyBytes) {
  Random random(20);
  const Device eth0;
  const HookState state{.hook = HookPoint::kLocalIn, .in = &eth0, .stack = &stack_, .now = 0};
  const auto target =
      make_target("LOG", "--log-tcp-options --log-ip-options --log-tcp-sequence --log-macdecode", rule_context(0));
  const uint8_t kProtocols[] = {kProtoIcmp, kProtoTcp, kProtoUdp, kProtoUdplite, 50, 51, 99};
  for (int i = 0; i < 20'000; ++i) {
    const uint32_t words = 5 + random.below(11);
    const uint32_t length = words * 4 + random.below(80);
    PacketPtr p = stack_.pool_.allocate(length);
    uint8_t* bytes = p->put(length);
    for (uint32_t b = 0; b < length; ++b) bytes[b] = static_cast<uint8_t>(random.u32());
    bytes[0] = static_cast<uint8_t>(0x40 | words);
    bytes[6] = random.below(4) == 0 ? bytes[6] : 0;
    bytes[7] = random.below(4) == 0 ? bytes[7] : 0;
    bytes[9] = kProtocols[random.below(std::size(kProtocols))];
    if (length >= words * 4 + 9 && bytes[9] == kProtoIcmp) bytes[words * 4] = kIcmpUnreachable;
    stack_.log_.clear();
    EXPECT_EQ(target->target(p, state), TargetVerdict::kContinue);
    ASSERT_EQ(stack_.log_.size(), 1u);
    ASSERT_TRUE(stack_.log_[0].starts_with("IN= OUT= SRC=")) << stack_.log_[0];
  }
}

// twin: nf_log_buf_add; the line may not outgrow the kernel's buffer of 1019 bytes with its two of level.
TEST(LogLine, EndsWhereTheBufferEnds) {
  LogLine line;
  for (int i = 0; i < 200; ++i) line.add("%s", "0123456789");
  EXPECT_EQ(line.text().size(), 1017u);
  EXPECT_EQ(line.text().substr(1010), "0123456");
  line.add("x");
  EXPECT_EQ(line.text().size(), 1017u);
}

}  // namespace
}  // namespace nf::ipt
