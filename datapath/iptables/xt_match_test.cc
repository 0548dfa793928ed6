// What the matches answer, against the kernel.
// Goldens: Linux 6.18. Each rule stood in raw PREROUTING of a namespace, before a rule without a match; the packets
// were written to a TAP and the two rules' counters read: M matched, . did not, H neither rule counted (hotdrop).
#include <map>

#include "datapath/base/text.h"
#include "datapath/iptables/xt_test_support.h"

namespace nf::ipt {
namespace {

// IPv4, 10.9.0.2 > 10.9.0.1, the host itself.
const std::map<std::string_view, std::string_view> kPackets = {
    {"syn",
     "4500003c00010000400666a70a0900020a0900019c400050000003e800000000a00204008f720000020405b40402080a00000001000000000"
     "1030307"},
    {"ack", "4500002800010000400666bb0a0900020a0900019c4001bb000003e80000000750100400f5d50000"},
    {"synack_ece", "4503002800010000400666b80a0900020a09000100509c40000003e80000000750520400f6fe0000"},
    {"cwr", "4501002800010000400666ba0a0900020a09000100509c40000003e80000000750900400f6c00000"},
    {"xmas", "4500002800010000400666bb0a0900020a090001001603ff000003e800000000502904008faa0000"},
    {"null", "4500002800010000400666bb0a0900020a0900010000ffff000003e8000000005000040093e80000"},
    {"rst", "4500002800010000400666bb0a0900020a09000104000050000003e800000000500404008f940000"},
    {"ae_syn", "4500002800010000400666bb0a0900020a0900019c400050000003e80000000051020400f7550000"},
    {"opt_eol", "4500003000010000400666b30a0900020a09000100010002000003e80000000070020400bad1000000020405b4010101"},
    {"opt_len0", "4500002c00010000400666b70a0900020a09000100010002000003e800000000600204007cdb000005000204"},
    {"opt_jump", "4500002c00010000400666b70a0900020a09000100010002000003e8000000006002040063da00001e030202"},
    {"opt_lastkind", "4500002c00010000400666b70a0900020a09000100010002000003e8000000006002040081d6000001010108"},
    {"opt_overrun", "4500002c00010000400666b70a0900020a09000100010002000003e800000000600204007c15000005c80202"},
    {"opt_trunc", "4500002800010000400666bb0a0900020a09000100010002000003e800000000a002040043e30000"},
    {"doff4", "4500002800010000400666bb0a0900020a09000100010002000003e80000000040020400a3e30000"},
    {"doff0", "4500002800010000400666bb0a0900020a09000100010002000003e80000000000020400e3e30000"},
    {"tcp19", "4500002700010000400666bc0a0900020a0900019c400050000003e80000000050020400f75500"},
    {"tcp0", "4500001400010000400666cf0a0900020a090001"},
    {"tcp_frag1", "4500002800010001400666ba0a0900020a0900019c400050000003e80000000050020400f7550000"},
    {"tcp_frag2", "4500002800010002400666b90a0900020a0900019c400050000003e80000000050020400f7550000"},
    {"tcp_first", "4500002800012000400646bb0a0900020a0900019c400050000003e80000000050020400f7550000"},
    {"tcp_first8", "4500001c00012000400646c70a0900020a0900019c400050000003e8"},
    {"dns", "4500002000010000401166b80a0900020a09000114e90035000c11dd61626364"},
    {"udp7", "4500001b00010000401166bd0a0900020a09000114e90035000c11"},
    {"udp_frag1", "4500002000010001401166b70a0900020a09000114e90035000c11dd61626364"},
    {"udp_first", "4500002000012000401146b80a0900020a09000114e90035000c11dd61626364"},
    {"udp4", "4500001800010000401166c00a0900020a09000114e90035"},
    {"udp3", "4500001700010000401166c10a0900020a09000114e900"},
    {"echo", "4500002000010000400166c80a0900020a090001080033370001000161626364"},
    {"reply", "4500002000010000400166c80a0900020a09000100003b370001000161626364"},
    {"unreach1",
     "4500003c00010000400166ac0a0900020a09000103011131000000004500002000010000401166b80a0900020a09000100010002000c26f86"
     "1626364"},
    {"unreach13",
     "4500003c00010000400166ac0a0900020a090001030d1125000000004500002000010000401166b80a0900020a09000100010002000c26f86"
     "1626364"},
    {"icmp255", "4500002000010000400166c80a0900020a090001ff093c2d0001000161626364"},
    {"icmp7", "4500001b00010000400166cd0a0900020a09000108003337000100"},
    {"icmp_frag", "4500002000010003400166c50a0900020a090001080033370001000161626364"},
    {"sctp", "4500002000010000408466450a0900020a090001138800500000000000000000"},
    {"sctp3", "45000017000100004084664e0a0900020a090001138800"},
    {"udplite", "4500002000010000408866410a0900020a09000114e90035000c116661626364"},
    {"dccp", "4500002400010000402166a40a0900020a09000113880050000000000000000000000000"},
    {"tos10", "4510002000010000401166a80a0900020a09000100010002000c26f861626364"},
    {"tosb8", "45b9002000010000401165ff0a0900020a09000100010002000c26f861626364"},
    {"ttl1", "45000020000100000111a5b80a0900020a09000100010002000c26f861626364"},
    {"ttl255", "4500002000010000ff11a7b70a0900020a09000100010002000c26f861626364"},
    {"len100",
     "4500006400010000401166740a0900020a090001000100020050fa45787878787878787878787878787878787878787878787878787878787"
     "878787878787878787878787878787878787878787878787878787878787878787878787878787878787878"},
    {"ipopt",
     "4600004000010000400663a10a0900020a090001010101019c400050000003e800000000a00204008f720000020405b40402080a000000010"
     "000000001030307"},
};
constexpr const char* kEthernet = "0200000000010200000000020800";

struct Case {
  const char* extension;
  uint8_t protocol;
  const char* words;
  const char* outcomes;  // packet=M, packet=. or packet=H
};

const Case kCases[] = {
    {"tcp", 6, "",
     "syn=M ack=M synack_ece=M xmas=M null=M rst=M ae_syn=M tcp19=H tcp0=H tcp_frag1=H tcp_frag2=. tcp_first=M "
     "tcp_first8=H ipopt=M"},
    {"tcp", 6, "--dport 80",
     "syn=M ack=. synack_ece=. xmas=. null=. rst=M ae_syn=M tcp19=H tcp0=H tcp_frag1=H tcp_frag2=. tcp_first=M "
     "tcp_first8=H ipopt=M"},
    {"tcp", 6, "! --dport 80",
     "syn=. ack=M synack_ece=M xmas=M null=M rst=. ae_syn=. tcp19=H tcp0=H tcp_frag1=H tcp_frag2=. tcp_first=. "
     "tcp_first8=H ipopt=."},
    {"tcp", 6, "--sport 1024:65535",
     "syn=M ack=M synack_ece=. xmas=. null=. rst=M ae_syn=M tcp19=H tcp0=H tcp_frag1=H tcp_frag2=. tcp_first=M "
     "tcp_first8=H ipopt=M"},
    {"tcp", 6, "--dport :1023",
     "syn=M ack=M synack_ece=. xmas=M null=. rst=M ae_syn=M tcp19=H tcp0=H tcp_frag1=H tcp_frag2=. tcp_first=M "
     "tcp_first8=H ipopt=M"},
    {"tcp", 6, "--sport 0",
     "syn=. ack=. synack_ece=. xmas=. null=M rst=. ae_syn=. tcp19=H tcp0=H tcp_frag1=H tcp_frag2=. tcp_first=. "
     "tcp_first8=H ipopt=."},
    {"tcp", 6, "--syn",
     "syn=M ack=. synack_ece=. xmas=. null=. rst=. ae_syn=M tcp19=H tcp0=H tcp_frag1=H tcp_frag2=. tcp_first=M "
     "tcp_first8=H ipopt=M"},
    {"tcp", 6, "! --syn",
     "syn=. ack=M synack_ece=M xmas=M null=M rst=M ae_syn=. tcp19=H tcp0=H tcp_frag1=H tcp_frag2=. tcp_first=. "
     "tcp_first8=H ipopt=."},
    {"tcp", 6, "--tcp-flags ALL NONE",
     "syn=. ack=. synack_ece=. xmas=. null=M rst=. ae_syn=. tcp19=H tcp0=H tcp_frag1=H tcp_frag2=. tcp_first=. "
     "tcp_first8=H ipopt=."},
    {"tcp", 6, "--tcp-flags ALL FIN,PSH,URG",
     "syn=. ack=. synack_ece=. xmas=M null=. rst=. ae_syn=. tcp19=H tcp0=H tcp_frag1=H tcp_frag2=. tcp_first=. "
     "tcp_first8=H ipopt=."},
    {"tcp", 6, "! --tcp-flags SYN,RST SYN",
     "syn=. ack=M synack_ece=. xmas=M null=M rst=M ae_syn=. tcp19=H tcp0=H tcp_frag1=H tcp_frag2=. tcp_first=. "
     "tcp_first8=H ipopt=."},
    {"tcp", 6, "--dport 80 --syn",
     "syn=M ack=. synack_ece=. xmas=. null=. rst=. ae_syn=M tcp19=H tcp0=H tcp_frag1=H tcp_frag2=. tcp_first=M "
     "tcp_first8=H ipopt=M"},
    {"tcp", 6, "--tcp-flags SYN,ACK SYN,ACK --sport 80",
     "syn=. ack=. synack_ece=M xmas=. null=. rst=. ae_syn=. tcp19=H tcp0=H tcp_frag1=H tcp_frag2=. tcp_first=. "
     "tcp_first8=H ipopt=."},
    {"tcp", 6, "--tcp-flags SYN ACK",
     "syn=. ack=. synack_ece=. xmas=. null=. rst=. ae_syn=. tcp19=H tcp0=H tcp_frag1=H tcp_frag2=. tcp_first=. "
     "tcp_first8=H ipopt=."},
    {"tcp", 6, "--tcp-option 2",
     "syn=M ack=. opt_eol=M opt_len0=M opt_jump=M opt_lastkind=. opt_overrun=. opt_trunc=H doff4=H doff0=H"},
    {"tcp", 6, "! --tcp-option 2",
     "syn=. ack=M opt_eol=. opt_len0=. opt_jump=. opt_lastkind=M opt_overrun=M opt_trunc=H doff4=H doff0=H"},
    {"tcp", 6, "--tcp-option 8",
     "syn=M ack=. opt_eol=. opt_len0=. opt_jump=. opt_lastkind=M opt_overrun=. opt_trunc=H doff4=H doff0=H"},
    {"tcp", 6, "--tcp-option 3",
     "syn=M ack=. opt_eol=. opt_len0=. opt_jump=. opt_lastkind=. opt_overrun=. opt_trunc=H doff4=H doff0=H"},
    {"tcp", 6, "--tcp-option 5",
     "syn=. ack=. opt_eol=. opt_len0=M opt_jump=. opt_lastkind=. opt_overrun=M opt_trunc=H doff4=H doff0=H"},
    {"tcp", 6, "--tcp-option 1",
     "syn=M ack=. opt_eol=M opt_len0=. opt_jump=. opt_lastkind=M opt_overrun=. opt_trunc=H doff4=H doff0=H"},
    {"tcp", 6, "--tcp-option 4",
     "syn=M ack=. opt_eol=. opt_len0=. opt_jump=. opt_lastkind=. opt_overrun=. opt_trunc=H doff4=H doff0=H"},
    {"tcp", 6, "--dport 9 --tcp-option 2", "opt_trunc=. doff4=."},
    {"udp", 17, "", "dns=M udp7=H udp4=H udp_frag1=. udp_first=M"},
    {"udp", 17, "--dport 53", "dns=M udp7=H udp4=H udp_frag1=. udp_first=M"},
    {"udp", 17, "! --dport 53", "dns=. udp7=H udp4=H udp_frag1=. udp_first=."},
    {"udp", 17, "--sport 5353 --dport 1:100", "dns=M udp7=H udp4=H udp_frag1=. udp_first=M"},
    {"udp", 17, "--dport 54:", "dns=. udp7=H udp4=H udp_frag1=. udp_first=."},
    {"icmp", 1, "--icmp-type any", "echo=M reply=M unreach1=M unreach13=M icmp255=M icmp7=H icmp_frag=."},
    {"icmp", 1, "--icmp-type 8", "echo=M reply=. unreach1=. unreach13=. icmp255=. icmp7=H icmp_frag=."},
    {"icmp", 1, "--icmp-type 8/0", "echo=M reply=. unreach1=. unreach13=. icmp255=. icmp7=H icmp_frag=."},
    {"icmp", 1, "--icmp-type 3", "echo=. reply=. unreach1=M unreach13=M icmp255=. icmp7=H icmp_frag=."},
    {"icmp", 1, "--icmp-type 3/1", "echo=. reply=. unreach1=M unreach13=. icmp255=. icmp7=H icmp_frag=."},
    {"icmp", 1, "--icmp-type 3/2:13", "echo=. reply=. unreach1=. unreach13=M icmp255=. icmp7=H icmp_frag=."},
    {"icmp", 1, "--icmp-type 255", "echo=M reply=M unreach1=M unreach13=M icmp255=M icmp7=H icmp_frag=."},
    {"icmp", 1, "--icmp-type 0", "echo=. reply=M unreach1=. unreach13=. icmp255=. icmp7=H icmp_frag=."},
    {"icmp", 1, "--icmp-type 255/255", "echo=M reply=M unreach1=M unreach13=M icmp255=M icmp7=H icmp_frag=."},
    {"icmp", 1, "! --icmp-type any", "echo=. unreach1=. icmp255=. icmp7=H icmp_frag=."},
    {"icmp", 1, "! --icmp-type 8", "echo=. unreach1=M icmp255=M icmp7=H icmp_frag=."},
    {"icmp", 1, "! --icmp-type 3/1", "echo=M unreach1=. icmp255=M icmp7=H icmp_frag=."},
    {"multiport", 6, "--dports 80", "syn=M ack=. xmas=. tcp19=M tcp0=H tcp_frag1=. tcp_frag2=."},
    {"multiport", 6, "--dports 79,80", "syn=M ack=. xmas=. tcp19=M tcp0=H tcp_frag1=. tcp_frag2=."},
    {"multiport", 6, "--sports 40000", "syn=M ack=M xmas=. tcp19=M tcp0=H tcp_frag1=. tcp_frag2=."},
    {"multiport", 6, "--ports 80", "syn=M ack=. xmas=. tcp19=M tcp0=H tcp_frag1=. tcp_frag2=."},
    {"multiport", 6, "--ports 443,22:30", "syn=. ack=M xmas=M tcp19=. tcp0=H tcp_frag1=. tcp_frag2=."},
    {"multiport", 6, "! --dports 80", "syn=. ack=M xmas=M tcp19=. tcp0=H tcp_frag1=. tcp_frag2=."},
    {"multiport", 6, "! --ports 40000", "syn=. ack=. xmas=M tcp19=. tcp0=H tcp_frag1=. tcp_frag2=."},
    {"multiport", 6, "--dports 70:90", "syn=M ack=. xmas=. tcp19=M tcp0=H tcp_frag1=. tcp_frag2=."},
    {"multiport", 6, "! --sports 1:100,40000", "syn=. ack=. xmas=. tcp19=. tcp0=H tcp_frag1=. tcp_frag2=."},
    {"multiport", 17, "--dports 53", "dns=M udp7=M udp4=M udp3=H udp_frag1=."},
    {"multiport", 132, "--dports 80", "sctp=M sctp3=H"},
    {"multiport", 136, "--sports 5353", "udplite=M"},
    {"multiport", 33, "--sports 5000", "dccp=M"},
    {"ttl", 0, "--ttl-eq 64", "dns=M ttl1=. ttl255=."},
    {"ttl", 0, "! --ttl-eq 64", "dns=. ttl1=M ttl255=M"},
    {"ttl", 0, "--ttl-lt 64", "dns=. ttl1=M ttl255=."},
    {"ttl", 0, "--ttl-gt 64", "dns=. ttl1=. ttl255=M"},
    {"ttl", 0, "--ttl-lt 1", "dns=. ttl1=. ttl255=."},
    {"ttl", 0, "--ttl-gt 254", "dns=. ttl1=. ttl255=M"},
    {"length", 0, "--length 32", "dns=M len100=."},
    {"length", 0, "--length 100", "dns=. len100=M"},
    {"length", 0, "--length 33:99", "dns=. len100=."},
    {"length", 0, "! --length 32", "dns=. len100=M"},
    {"length", 0, "--length 100:", "dns=. len100=M"},
    {"length", 0, "--length 65535:0", "dns=. len100=."},
    {"tos", 0, "--tos 0x10", "dns=. tos10=M tosb8=."},
    {"tos", 0, "--tos 0x10/0x3f", "dns=. tos10=M tosb8=."},
    {"tos", 0, "! --tos 0", "dns=. tos10=M tosb8=M"},
    {"tos", 0, "--tos 0x18/0x1e", "dns=. tos10=. tosb8=M"},
    {"tos", 0, "--tos 0xb9", "dns=. tos10=. tosb8=M"},
    {"tos", 0, "--tos Maximize-Throughput", "dns=. tos10=. tosb8=."},
    {"dscp", 0, "--dscp 0x2e", "dns=. tos10=. tosb8=M"},
    {"dscp", 0, "--dscp 4", "dns=. tos10=M tosb8=."},
    {"dscp", 0, "! --dscp 0", "dns=. tos10=M tosb8=M"},
    {"dscp", 0, "--dscp-class EF", "dns=. tos10=. tosb8=M"},
    {"ecn", 6, "--ecn-ip-ect 3", "syn=. synack_ece=M cwr=. tcp19=. tcp_frag2=. tcp_first8=."},
    {"ecn", 6, "--ecn-ip-ect 1", "syn=. synack_ece=. cwr=M tcp19=. tcp_frag2=. tcp_first8=."},
    {"ecn", 6, "! --ecn-ip-ect 0", "syn=. synack_ece=M cwr=M tcp19=. tcp_frag2=. tcp_first8=."},
    {"ecn", 6, "--ecn-tcp-ece", "syn=. synack_ece=M cwr=. tcp19=. tcp_frag2=. tcp_first8=."},
    {"ecn", 6, "--ecn-tcp-cwr", "syn=. synack_ece=. cwr=M tcp19=. tcp_frag2=. tcp_first8=."},
    {"ecn", 6, "! --ecn-tcp-ece --ecn-ip-ect 1", "syn=. synack_ece=. cwr=M tcp19=. tcp_frag2=. tcp_first8=."},
    {"ecn", 6, "! --ecn-tcp-cwr", "syn=M synack_ece=M cwr=. tcp19=. tcp_frag2=M tcp_first8=."},
    {"addrtype", 0, "--src-type UNICAST", "dns=M"},
    {"addrtype", 0, "--dst-type LOCAL", "dns=M"},
    {"addrtype", 0, "--dst-type UNICAST", "dns=."},
    {"addrtype", 0, "! --dst-type LOCAL", "dns=."},
    {"addrtype", 0, "--src-type UNICAST --dst-type LOCAL", "dns=M"},
    {"addrtype", 0, "--src-type LOCAL,UNICAST", "dns=M"},
    {"addrtype", 0, "--src-type UNICAST ! --dst-type LOCAL", "dns=."},
    {"mac", 0, "--mac-source 02:00:00:00:00:02", "dns=M"},
    {"mac", 0, "! --mac-source 02:00:00:00:00:02", "dns=."},
    {"mac", 0, "--mac-source 02:00:00:00:00:01", "dns=."},
    {"pkttype", 0, "--pkt-type unicast", "dns=M"},
    {"pkttype", 0, "! --pkt-type unicast", "dns=."},
    {"pkttype", 0, "--pkt-type broadcast", "dns=."},
    {"mark", 0, "--mark 0", "dns=M"},
    {"mark", 0, "--mark 1", "dns=."},
    {"mark", 0, "! --mark 0", "dns=."},
    {"mark", 0, "--mark 0/0", "dns=M"},
    {"mark", 0, "--mark 1/0", "dns=."},
};

class MatchSemantics : public testing::Test {
 protected:
  MatchSemantics() {
    tap_.name = "tap0";
    stack_.address_types_[ip4(10, 9, 0, 1)] = RouteType::kLocal;
    state_ = {.hook = HookPoint::kPreRouting, .in = &tap_, .stack = &stack_, .now = stack_.now_};
  }
  PacketPtr packet(std::string_view name) {
    PacketPtr p = make_packet(stack_.pool_, kPackets.at(name), kEthernet);
    p->dev = &tap_;
    return p;
  }

  FakeStack stack_;
  Device tap_;
  HookState state_;
};

TEST_F(MatchSemantics, SameAsTheKernel) {
  for (const Case& c : kCases) {
    const auto match = make_match(c.extension, c.words, rule_context(c.protocol, TableId::kRaw, "PREROUTING"));
    for (const std::string_view outcome : split_words(c.outcomes)) {
      const PacketPtr p = packet(outcome.substr(0, outcome.find('=')));
      const MatchOutcome o = run_match(*match, *p, state_);
      const char got = o.hotdrop ? 'H' : o.matched ? 'M' : '.';
      EXPECT_EQ(got, outcome.back()) << c.extension << " " << c.words << " on " << outcome;
      EXPECT_FALSE(o.hotdrop && o.matched);
      if (got != '.') continue;
      // What is said is a piece of what is saved.
      const Miss miss = explain(*match, *p, state_);
      ASSERT_FALSE(miss.why.values.empty()) << c.extension << " " << c.words << " on " << outcome;
      const std::string saved = std::string(" -m ") + c.extension + save_text(*match) + " ";
      EXPECT_NE(saved.find(" " + miss.why.values[0] + " "), std::string::npos) << miss.why.values[0] << " in" << saved;
    }
  }
}

// fold() promises that comparing ports is all the match does for a packet with a whole header.
TEST_F(MatchSemantics, FoldedRangesSayTheSame) {
  int folded = 0, unfolded = 0;
  for (const Case& c : kCases) {
    const auto match = make_match(c.extension, c.words, rule_context(c.protocol, TableId::kRaw, "PREROUTING"));
    PortRanges r;
    if (!match->fold(r)) {
      ++unfolded;
      continue;
    }
    ++folded;
    for (const std::string_view outcome : split_words(c.outcomes)) {
      const PacketPtr p = packet(outcome.substr(0, outcome.find('=')));
      const size_t whole = c.protocol == kProtoTcp ? sizeof(TcpHeader) : sizeof(UdpHeader);
      if (p->ip().fragment_offset() != 0 || p->transport().size() < whole) continue;
      const UdpHeader* h = view<UdpHeader>(std::as_const(*p).transport());
      const uint16_t source = h->source.host(), destination = h->destination.host();
      const bool in_ranges = source >= r.source_min && source <= r.source_max && destination >= r.destination_min &&
                             destination <= r.destination_max;
      EXPECT_EQ(in_ranges, outcome.back() == 'M') << c.extension << " " << c.words << " on " << outcome;
    }
  }
  EXPECT_EQ(folded, 9) << "tcp and udp rows with plain ranges";
  EXPECT_GT(unfolded, 0);
}

// The conditions are what iptables-save 1.8.9 prints for them (xt_match_text_test.cc), the others are in the packets.
TEST_F(MatchSemantics, ExplainsWithBothValues) {
  const struct {
    const char* extension;
    uint8_t protocol;
    const char* words;
    const char* packet;
    Said why;
    bool rest = true;
  } kExplanations[] = {
      {"tcp", 6, "--dport 80", "ack", {"miss.destination_port", {"--dport 80", "443"}, {}}},
      {"tcp", 6, "--sport 1024:2000", "xmas", {"miss.source_port", {"--sport 1024:2000", "22"}, {}}},
      {"tcp", 6, "! --dport 80", "syn", {"miss.destination_port", {"! --dport 80", "80"}, {}}},
      {"tcp", 6, "--sport 1 --dport 80", "ack", {"miss.source_port", {"--sport 1", "40000"}, {}}, false},
      {"tcp", 6, "--sport 1 --dport 443", "ack", {"miss.source_port", {"--sport 1", "40000"}, {}}},
      // The flags are asked before the option, which is saved before them.
      {"tcp",
       6,
       "--tcp-option 5 --tcp-flags ALL FIN",
       "syn",
       {"miss.tcp_flags", {"--tcp-flags FIN,SYN,RST,PSH,ACK,URG FIN", "SYN"}, {}},
       false},
      {"tcp", 6, "--syn", "xmas", {"miss.tcp_flags", {"--tcp-flags FIN,SYN,RST,ACK SYN", "FIN,PSH,URG"}, {}}},
      {"tcp", 6, "--syn", "null", {"miss.tcp_flags", {"--tcp-flags FIN,SYN,RST,ACK SYN", "NONE"}, {}}},
      {"tcp", 6, "--tcp-option 5", "ack", {"miss.no_tcp_options", {"--tcp-option 5"}, {}}},
      // An end-of-list option does not end the search.
      {"tcp", 6, "--tcp-option 5", "opt_eol", {"miss.tcp_options", {"--tcp-option 5", "0,2,1,1,1"}, {}}},
      {"tcp", 6, "--dport 80", "tcp_frag2", {"miss.later_fragment", {"-m tcp --dport 80", "16"}, {}}},
      // Inverted, a range of all ports is not saved by 1.8.9, and matches nothing.
      {"tcp", 6, "! --dport 0:65535", "ack", {"miss.destination_port", {"! --dport 0:65535", "443"}, {}}},
      {"udp", 17, "--dport 54", "dns", {"miss.destination_port", {"--dport 54", "53"}, {}}},
      {"icmp", 1, "--icmp-type 3/1", "echo", {"miss.icmp_type", {"-m icmp --icmp-type 3/1", "8/0"}, {}}},
      {"multiport",
       6,
       "--dports 22,80:90",
       "ack",
       {"miss.destination_port", {"-m multiport --dports 22,80:90", "443"}, {}}},
      {"multiport", 6, "--sports 22", "ack", {"miss.source_port", {"-m multiport --sports 22", "40000"}, {}}},
      {"multiport", 6, "--ports 22", "ack", {"miss.ports", {"-m multiport --ports 22", "40000", "443"}, {}}},
      {"ttl", 0, "--ttl-gt 64", "dns", {"miss.ttl", {"-m ttl --ttl-gt 64", "64"}, {}}},
      {"length", 0, "--length 33:", "dns", {"miss.length", {"-m length --length 33:65535", "32"}, {}}},
      {"mark", 0, "--mark 0x1/0xff", "dns", {"miss.mark", {"-m mark --mark 0x1/0xff", "0x0"}, {}}},
      {"tos", 0, "--tos 0x10", "dns", {"miss.tos", {"-m tos --tos 0x10/0xff", "0x00"}, {}}},
      {"dscp", 0, "--dscp 0x2e", "dns", {"miss.dscp", {"-m dscp --dscp 0x2e", "0x00"}, {}}},
      {"addrtype",
       0,
       "--dst-type UNICAST",
       "dns",
       {"miss.address_type", {"-m addrtype --dst-type UNICAST", "LOCAL", "10.9.0.1"}, {}}},
      {"addrtype",
       0,
       "--src-type LOCAL --dst-type LOCAL",
       "dns",
       {"miss.address_type", {"--src-type LOCAL", "UNICAST", "10.9.0.2"}, {}}},
      {"addrtype",
       0,
       "--src-type LOCAL --limit-iface-in",
       "dns",
       {"miss.address_type_on", {"-m addrtype --src-type LOCAL --limit-iface-in", "UNICAST", "10.9.0.2", "tap0"}, {}}},
      {"mac",
       0,
       "--mac-source 0:0:0:0:0:1",
       "dns",
       {"miss.mac", {"-m mac --mac-source 00:00:00:00:00:01", "02:00:00:00:00:02"}, {}}},
      {"pkttype",
       0,
       "--pkt-type bcast",
       "dns",
       {"miss.packet_type", {"-m pkttype --pkt-type broadcast", "unicast"}, {}}},
      {"ecn", 6, "--ecn-tcp-ece", "syn", {"miss.tcp_flag_clear", {"-m ecn --ecn-tcp-ece", "ECE"}, {}}},
      {"ecn", 6, "--ecn-tcp-ece --ecn-ip-ect 1", "syn", {"miss.ect", {"--ecn-ip-ect 1", "0"}, {}}, false},
      {"ecn", 6, "! --ecn-tcp-cwr --ecn-tcp-ece", "syn", {"miss.tcp_flag_clear", {"--ecn-tcp-ece", "ECE"}, {}}},
  };
  for (const auto& e : kExplanations) {
    const auto match = make_match(e.extension, e.words, rule_context(e.protocol, TableId::kRaw, "PREROUTING"));
    const PacketPtr p = packet(e.packet);
    ASSERT_FALSE(run_match(*match, *p, state_).matched) << e.words << " on " << e.packet;
    const Miss miss = explain(*match, *p, state_);
    EXPECT_EQ(miss.why.key, e.why.key) << e.words;
    EXPECT_EQ(miss.why.values, e.why.values) << e.words;
    EXPECT_EQ(miss.rest, e.rest) << e.words;
  }
}

TEST_F(MatchSemantics, MarkComparesTheMaskedMark) {
  // Arithmetic of (mark & mask) == value.
  const struct {
    const char* words;
    uint32_t mark;
    bool matched;
  } kMarks[] = {{"--mark 0x12", 0x12, true},         {"--mark 0x12", 0x112, false},
                {"--mark 0x12/0xff", 0x112, true},   {"! --mark 0x12/0xff", 0x112, false},
                {"--mark 0x112/0xff", 0x112, false}, {"--mark 0xffffffff", ~0u, true}};
  for (const auto& m : kMarks) {
    const PacketPtr p = packet("dns");
    p->mark = m.mark;
    EXPECT_EQ(run_match(*make_match("mark", m.words, rule_context(0)), *p, state_).matched, m.matched) << m.words;
  }
}

// twin: addrtype_mt_v1: which device limits the question.
TEST_F(MatchSemantics, AddrtypeLimitsToTheDeviceAsked) {
  class Recorder final : public Stack {
   public:
    explicit Recorder(FakeStack& f) : fake(f) {}
    PacketPool& pool() override { return fake.pool(); }
    Random& random() override { return fake.random(); }
    SysctlTable& sysctl() override { return fake.sysctl(); }
    HookTable& hooks() override { return fake.hooks(); }
    Time now() const override { return fake.now(); }
    const Device* device_by_index(int i) const override { return fake.device_by_index(i); }
    const Device* device_by_name(std::string_view n) const override { return fake.device_by_name(n); }
    RouteType address_type(Be32, const Device* dev) const override {
      asked = dev;
      return RouteType::kLocal;
    }
    std::optional<Be32> select_address(const Device&, Be32, RouteScope) const override { return std::nullopt; }
    std::optional<Be32> first_address(const Device&) const override { return std::nullopt; }
    std::optional<Be32> broadcast_mask(const Device&, Be32) const override { return std::nullopt; }
    bool route_me_harder(Packet&, RouteType) override { return true; }
    void defrag_get() override {}
    void defrag_put() override {}
    void icmp_send(const Packet&, uint8_t, uint8_t, uint32_t) override {}
    void send_reset(const Packet&, HookPoint) override {}
    void log(std::string_view) override {}
    FakeStack& fake;
    mutable const Device* asked = nullptr;
  } recorder(stack_);
  Device out;
  const HookState forward{.hook = HookPoint::kForward, .in = &tap_, .out = &out, .stack = &recorder};
  const PacketPtr p = packet("dns");
  EXPECT_TRUE(run_match(*make_match("addrtype", "--dst-type LOCAL", rule_context(0)), *p, forward).matched);
  EXPECT_EQ(recorder.asked, nullptr);
  run_match(*make_match("addrtype", "--dst-type LOCAL --limit-iface-in", rule_context(0)), *p, forward);
  EXPECT_EQ(recorder.asked, &tap_);
  run_match(*make_match("addrtype", "--dst-type LOCAL --limit-iface-out", rule_context(0)), *p, forward);
  EXPECT_EQ(recorder.asked, &out);
}

// twin: mac_mt refuses devices that are not ARPHRD_ETHER before it looks at the address.
TEST_F(MatchSemantics, MacNeedsAnEthernetHeader) {
  Device lo, tun;
  lo.kind = DeviceKind::kLoopback;
  tun.kind = DeviceKind::kRawIp;
  const auto inverted = make_match("mac", "! --mac-source 02:00:00:00:00:09", rule_context(0));
  PacketPtr p = packet("dns");
  EXPECT_TRUE(run_match(*inverted, *p, state_).matched);
  p->dev = &lo;
  EXPECT_FALSE(run_match(*inverted, *p, state_).matched);
  p->dev = &tun;
  EXPECT_FALSE(run_match(*inverted, *p, state_).matched);
  p->dev = nullptr;
  EXPECT_FALSE(run_match(*inverted, *p, state_).matched);
  p->dev = &tap_;
  p->clear_mac_header();
  EXPECT_FALSE(run_match(*inverted, *p, state_).matched);
}

TEST_F(MatchSemantics, CommentAlwaysMatches) {
  EXPECT_TRUE(run_match(*make_match("comment", "--comment x", rule_context(0)), *packet("tcp0"), state_).matched);
}

}  // namespace
}  // namespace nf::ipt
