// What is told of a packet: every sentence of tools/words/words_invalid.inc that conntrack says ("invalid.*",
// "remark.*"), reached by packets, with numbers that are arithmetic or the kernel's own log line.
#include <fstream>
#include <set>

#include "conntrack/told_test_support.h"
#include "datapath/base/text.h"
#include "datapath/packet/sctp.h"

namespace nf::ct {
namespace {

using namespace std::string_view_literals;
using namespace test;
using Values = std::vector<std::string>;

const Said* find_said(const Said& s, std::string_view key) {
  if (s.key == key) return &s;
  for (const Said& part : s.inner)
    if (const Said* found = find_said(part, key); found != nullptr) return found;
  return nullptr;
}

// --- packets

std::vector<Step> after_handshake(std::vector<Step> more) {
  std::vector<Step> steps = {{syn()}, {syn_ack()}, {ack()}};
  steps.insert(steps.end(), more.begin(), more.end());
  return steps;
}

Step broken(Bytes bytes, size_t at) {
  bytes[at] ^= 1;
  return {bytes};
}
std::string word16(const Bytes& bytes, size_t at) { return strf("0x%04x", bytes[at] << 8 | bytes[at + 1]); }

Bytes udplite(int length, bool sum = true) {
  Bytes l4(18, 'x');
  put16(l4, 0, 4000);
  put16(l4, 2, 53);
  put16(l4, 4, static_cast<unsigned>(length));
  put16(l4, 6, 0);
  return ip_packet(kHostA, kHostB, kProtoUdplite, l4, sum ? 6 : -1, kProtoUdp);
}

// Chunks one behind the other: type, flags, then either `body` or, with `claim`, that length alone.
struct Chunk {
  uint8_t type;
  Bytes body = {};
  int claim = -1;
};
Bytes sctp(bool from_a, uint32_t vtag, const std::vector<Chunk>& chunks) {
  Bytes l4(sizeof(SctpHeader));
  put16(l4, 0, from_a ? 4000 : 80);
  put16(l4, 2, from_a ? 80 : 4000);
  put32(l4, 4, vtag);
  for (const Chunk& c : chunks) {
    const size_t at = l4.size();
    l4.resize(at + 4 + (c.body.size() + 3) / 4 * 4);
    l4[at] = c.type;
    put16(l4, at + 2, c.claim >= 0 ? static_cast<unsigned>(c.claim) : static_cast<unsigned>(4 + c.body.size()));
    std::copy(c.body.begin(), c.body.end(), l4.begin() + static_cast<std::ptrdiff_t>(at) + 4);
  }
  const auto sum = sctp_checksum(l4);
  std::copy(sum.begin(), sum.end(), l4.begin() + 8);
  return from_a ? ip_packet(kHostA, kHostB, kProtoSctp, l4) : ip_packet(kHostB, kHostA, kProtoSctp, l4);
}
Chunk init(uint8_t type, uint32_t tag) {
  Bytes body(16);
  put32(body, 0, tag);
  return {type, body};
}
std::vector<Step> after_association(std::vector<Step> more) {
  std::vector<Step> steps = {{sctp(true, 0, {init(kSctpInit, 0x11)})},
                             {sctp(false, 0x11, {init(kSctpInitAck, 0x22)})},
                             {sctp(true, 0x22, {{kSctpCookieEcho}})},
                             {sctp(false, 0x11, {{kSctpCookieAck}})}};
  steps.insert(steps.end(), more.begin(), more.end());
  return steps;
}

// --- the table: after the last step `key` is told, with these values

struct Case {
  std::string_view key;
  Values values;
  std::vector<Step> steps;
  std::vector<std::pair<std::string_view, std::string_view>> sysctls = {};
  std::string_view log = {};  // what 6.18 logged of the last step (nf_conntrack_log_invalid=255); empty: nothing
};

std::vector<Case> cases() {
  const Bytes tcp = syn(), udp = ask(), ping = icmp_packet(kHostA, kHostB, 8, 7), lite = udplite(18);
  const Bytes assoc = sctp(true, 0, {init(kSctpInit, 0x11)});
  Bytes fragment = udp, own = udp, long_header = udp, tcp16 = tcp, tcp24 = tcp, udp19 = udp;
  put16(fragment, 6, 3);
  put16(own, 6, kIpMoreFragments);
  long_header[0] = 0x4f;
  tcp16[32] = 0x40;
  tcp24[32] = 0x60;
  put16(udp19, 24, 13);
  const auto crc = [](const Bytes& p) { return strf("0x%02x%02x%02x%02x", p[31], p[30], p[29], p[28]); };
  Bytes assoc_bad = assoc;
  assoc_bad[28] ^= 1;
  const auto raw = [](uint8_t protocol, size_t n) { return Step{ip_packet(kHostA, kHostB, protocol, Bytes(n))}; };
  const auto broken_word = [](Bytes p, size_t at) { return word16(broken(std::move(p), at + 1).bytes, at); };
  const TcpFields kFin{.flags = "FA", .seq = 1001, .ack = 5001};
  const std::vector<Step> closed = after_handshake(
      {a(kFin), b({.flags = "FA", .seq = 5001, .ack = 1002}), a({.flags = "A", .seq = 1002, .ack = 5002})});
  std::vector<Step> reopened = closed;
  reopened.push_back(a({.flags = "S", .seq = 200000}));
  const Bytes gre = ip_packet(kHostA, kHostB, kProtoGre, {0x20, 1, 0x08, 0x00, 0, 0, 0, 77});
  return {
      {"invalid.fragment", {"24"}, {{fragment}}},
      {"invalid.own_fragment", {}, {{own, HookPoint::kLocalOut}}},
      {"invalid.truncated", {"IPv4", "32", "60"}, {{long_header}}},
      {"invalid.truncated", {"TCP", "3", "4"}, {raw(kProtoTcp, 3)}},
      {"invalid.truncated", {"TCP", "19", "20"}, {raw(kProtoTcp, 19)}},
      {"invalid.truncated", {"TCP", "20", "24"}, {{tcp24}}, {}, "nf_ct_proto_6: truncated packet "},
      {"invalid.truncated", {"UDP", "7", "8"}, {raw(kProtoUdp, 7)}, {}, "nf_ct_proto_17: short packet "},
      {"invalid.truncated", {"UDP-Lite", "7", "8"}, {raw(kProtoUdplite, 7)}, {}, "nf_ct_proto_136: short packet "},
      {"invalid.truncated", {"ICMP", "7", "8"}, {raw(kProtoIcmp, 7)}, {}, "nf_ct_proto_1: short packet "},
      {"invalid.truncated",
       {"SCTP", "8", "12"},
       {raw(kProtoSctp, 8)},
       {},
       "nf_ct_proto_132: nf_ct_sctp: short packet  "},
      {"invalid.checksum",
       {"TCP", broken_word(tcp, 36), word16(tcp, 36)},
       {broken(tcp, 37)},
       {},
       "nf_ct_proto_6: bad checksum "},
      {"invalid.checksum",
       {"UDP", broken_word(udp, 26), word16(udp, 26)},
       {broken(udp, 27)},
       {},
       "nf_ct_proto_17: bad checksum "},
      {"invalid.checksum",
       {"UDP-Lite", broken_word(lite, 26), word16(lite, 26)},
       {broken(lite, 27)},
       {},
       "nf_ct_proto_136: bad checksum "},
      {"invalid.checksum",
       {"ICMP", broken_word(ping, 22), word16(ping, 22)},
       {broken(ping, 23)},
       {},
       "nf_ct_proto_1: bad hw icmp checksum "},
      {"invalid.checksum",
       {"SCTP", crc(assoc_bad), crc(assoc)},
       {{assoc_bad}},
       {},
       "nf_ct_proto_132: nf_ct_sctp: bad CRC  "},
      {"invalid.gre_not_ppp", {"0x0800"}, {{gre}}},
      {"invalid.udp_length", {"13", "12"}, {{udp19}}, {}, "nf_ct_proto_17: truncated/malformed packet "},
      {"invalid.udplite_coverage", {"30", "18"}, {{udplite(30)}}, {}, "nf_ct_proto_136: invalid checksum coverage "},
      {"invalid.udplite_no_checksum", {}, {{udplite(18, false)}}, {}, "nf_ct_proto_136: checksum missing "},
      {"invalid.icmp_type", {"19"}, {{icmp_packet(kHostA, kHostB, 19, 7)}}, {}, "nf_ct_proto_1: invalid icmp type "},
      {"invalid.icmp_no_answer", {"9", "0"}, {{icmp_packet(kHostA, kHostB, 9, 7)}}},
      {"invalid.icmp_no_question", {"0", "7"}, {{icmp_packet(kHostA, kHostB, 0, 7)}}},
      {"invalid.icmp_error_truncated", {"3", "0", "23"}, {{udp}, {icmp_error_about(udp, 23)}}},
      {"invalid.icmp_error_about_no_question", {"3", "0", "3"}, {{udp}, {icmp_error_about(icmp_error_about(udp))}}},
      {"invalid.icmp_error_about_nothing", {"3", "0", "10.0.1.2:4000 > 10.0.2.2:53"}, {{icmp_error_about(udp)}}},
      {"invalid.icmp_error_elsewhere",
       {"3", "0", "10.0.1.3", "10.0.1.2", "10.0.1.2:4000 > 10.0.2.2:53"},
       {{udp}, {icmp_error_about(udp, 28, ip4(10, 0, 1, 3))}},
       {},
       "nf_ct_proto_1: outer daddr 10.0.1.3 != inner 10.0.1.2 "},
      {"invalid.tcp_header", {"16"}, {{tcp16}}, {}, "nf_ct_proto_6: truncated packet "},
      {"invalid.tcp_flags",
       {"SYN,RST"},
       {a({.flags = "SR", .seq = 1})},
       {},
       "nf_ct_proto_6: invalid tcp flag combination "},
      {"invalid.tcp_flags", {"NONE"}, {a({.flags = "", .seq = 1})}, {}, "nf_ct_proto_6: invalid tcp flag combination "},
      {"invalid.tcp_new", {"SYN,ACK"}, {a({.flags = "SA", .seq = 1000, .ack = 1})}, {}, "nf_ct_proto_6: invalid new "},
      {"invalid.tcp_not_first", {"ACK"}, {{ack()}}, {{"tcp_loose", "0"}}},
      {"invalid.tcp_state",
       {"SYN,ACK", "ORIGINAL", "ESTABLISHED"},
       after_handshake({a({.flags = "SA", .seq = 1001, .ack = 5001})}),
       {},
       "nf_ct_proto_6: packet (index 1) in dir 0 invalid, state ESTABLISHED "},
      {"invalid.tcp_rst",
       {"1050", "1101"},
       after_handshake({a({.flags = "PA", .seq = 1001, .ack = 5001, .length = 100}),
                        b({.flags = "A", .seq = 5001, .ack = 1101}), a({.flags = "R", .seq = 1050, .window = 0})}),
       {},
       "nf_ct_proto_6: invalid rst "},
      // The other end acknowledged 1001 and has room for 65535: it ends at 66536.
      {"invalid.tcp_seq_over_window",
       {"201001", "66537", "134465", "66536"},
       after_handshake({a({.flags = "PA", .seq = 201001, .ack = 5001, .length = 10})}),
       {},
       "nf_ct_proto_6: SEQ is over upper bound 66537 (over the window of the receiver) "},
      {"invalid.tcp_ack_over_window",
       {"5011", "5002", "10", "5001"},
       after_handshake({a({.flags = "A", .seq = 1001, .ack = 5011})}),
       {},
       "nf_ct_proto_6: ACK is over upper bound 5002 (ACKed data not seen yet) "},
      {"invalid.and_tcp_timeout_lowered",
       {"FIN", "300"},
       after_handshake({b({.flags = "A", .seq = 5001, .ack = 1001}), a({.flags = "FA", .seq = 201001, .ack = 5001}),
                        b({.flags = "FA", .seq = 205001, .ack = 1001})}),
       {},
       "nf_ct_proto_6: packet (index 2, dir 1) response for index 2 lower timeout to 75000 "},
      {"invalid.sctp_no_chunk", {}, {{sctp(true, 0, {})}}},
      {"invalid.sctp_chunk_length",
       {"INIT", "1"},
       {{sctp(true, 0, {{kSctpInit, {}, 0}})}},
       {},
       "nf_ct_proto_132: do_basic_checks failed. chunk num 0, type 1, len 0 flag 1\n "},
      {"invalid.sctp_chunk_order",
       {"COOKIE_ECHO", "2"},
       {{sctp(true, 0, {{kSctpData}, {kSctpCookieEcho}})}},
       {},
       "nf_ct_proto_132: do_basic_checks failed. chunk num 1, type 10, len 1024 flag 0\n "},
      {"invalid.sctp_new", {"DATA"}, {{sctp(true, 0, {{kSctpData}})}}},
      {"invalid.sctp_new", {"COOKIE_ACK"}, {{sctp(true, 0, {{kSctpCookieAck}})}}},
      {"invalid.sctp_init_truncated", {"INIT"}, {{sctp(true, 0, {{kSctpInit, Bytes(4)}})}}},
      {"invalid.sctp_init_truncated", {"INIT_ACK"}, {{assoc}, {sctp(false, 0x11, {{kSctpInitAck, Bytes(4)}})}}},
      {"invalid.sctp_init_tag", {"0x00000005"}, {{sctp(true, 5, {init(kSctpInit, 0x11)})}}},
      {"invalid.sctp_init_tag", {"0x00000005"}, after_association({{sctp(true, 5, {init(kSctpInit, 0x11)})}})},
      {"invalid.sctp_tag",
       {"0x00000023", "0x00000022"},
       after_association({{sctp(true, 0x23, {{kSctpData}})}}),
       {},
       "nf_ct_proto_132: verification tag check failed 23000000 vs 22000000 for dir 0 "},
      {"invalid.sctp_tag", {"0x00000023", "0x00000022"}, after_association({{sctp(true, 0x23, {{kSctpAbort}})}})},
      {"invalid.sctp_init_ack_tag",
       {"0x00000033", "0x00000022"},
       after_association({{sctp(false, 0x11, {init(kSctpInitAck, 0x33)})}})},
      {"invalid.sctp_state",
       {"INIT", "REPLY", "HEARTBEAT_SENT"},
       {{sctp(true, 0x11, {{kSctpHeartbeat}})}, {sctp(false, 0, {init(kSctpInit, 0x22)})}},
       {},
       "nf_ct_proto_132: Invalid, old_state 8, dir 1, type 1 "},

      {"remark.table_full", {"1", "1"}, {{syn(1)}, {udp}}, {{"max", "1"}}},
      {"remark.early_drop", {"1", "1"}, {{syn(1)}, {udp}}, {{"buckets", "4"}, {"max", "1"}}},
      {"remark.tcp_picked_up", {"ACK"}, {{ack()}}},
      {"remark.tcp_syn_again", {}, {{tcp}, {tcp}}},
      {"remark.tcp_ignored",
       {"SYN", "ORIGINAL", "ESTABLISHED"},
       after_handshake({a({.flags = "S", .seq = 9000})}),
       {},
       "nf_ct_proto_6: packet (index 0) in dir 0 ignored, state ESTABLISHED "},
      {"remark.tcp_resynchronised",
       {"ESTABLISHED"},
       after_handshake({a({.flags = "S", .seq = 9000}), b({.flags = "SA", .seq = 70000, .ack = 9001})})},
      {"remark.tcp_challenge_ack",
       {},
       after_handshake({a(kFin), b({.flags = "A", .seq = 5001, .ack = 1002}),
                        b({.flags = "FA", .seq = 5001, .ack = 1002}), a({.flags = "S", .seq = 20000}),
                        b({.flags = "A", .seq = 5002, .ack = 1002})}),
       {},
       "nf_ct_proto_6: challenge-ack ignored "},
      {"remark.tcp_reopened", {"TIME_WAIT"}, reopened},
      {"remark.tcp_refused", {"REPLY"}, {{tcp}, b({.flags = "RA", .seq = 0, .ack = 1001, .window = 0})}},
      {"remark.tcp_rst_inexact",
       {"1101", "1001", "ESTABLISHED"},
       after_handshake({b({.flags = "A", .seq = 5001, .ack = 1001}), a({.flags = "R", .seq = 1101, .window = 0})})},
      // 66601 + 10 - 66536; the kernel counts one more.
      {"remark.tcp_more_than_window",
       {"66611", "75", "66536", "65535"},
       after_handshake({a({.flags = "PA", .seq = 66601, .ack = 5001, .length = 10})}),
       {},
       "nf_ct_proto_6: 76 bytes more than expected "},
      // 1001 - 65535 - 1, in a circle of 2^32
      {"remark.tcp_seq_under_window",
       {"4294768307", "4294902761"},
       after_handshake({a({.flags = "PA", .seq = 4294768297, .ack = 5001, .length = 10})}),
       {},
       "nf_ct_proto_6: SEQ is under lower bound 4294902761 (already ACKed data retransmitted) "},
      // 5001 - 66000 - 1
      {"remark.tcp_ack_under_window",
       {"4294902297", "4294906296"},
       after_handshake({a({.flags = "A", .seq = 1001, .ack = 4294902297})}),
       {},
       "nf_ct_proto_6: ignored ACK under lower bound 4294906296 (possible overly delayed) "},
      {"remark.tcp_be_liberal",
       {},
       after_handshake({a({.flags = "PA", .seq = 201001, .ack = 5001, .length = 10})}),
       {{"tcp_be_liberal", "1"}}},
      // Picked up: the originator may send up to 1001 + 100, the answer allows 1001 + 10.
      {"remark.tcp_picked_up_liberal",
       {},
       {a({.flags = "A", .seq = 1001, .ack = 5001, .window = 100}),
        b({.flags = "PA", .seq = 5001, .ack = 1001, .length = 1400, .window = 10}),
        a({.flags = "A", .seq = 900001, .ack = 6401, .length = 1400, .window = 10})}},
      {"remark.sctp_heartbeat",
       {"0x00000099", "0x00000022"},
       after_association({{sctp(true, 0x99, {{kSctpHeartbeat}})}})},
      {"remark.sctp_init_again", {}, {{assoc}, {assoc}}},
  };
}

// Keys told by the tests of told_entry_test.cc.
std::set<std::string> reached_keys() {
  return {"remark.clash", "remark.clash_merged", "remark.clash_reply_only", "remark.helper"};
}

// The highest {n} of a row.
int last_blank(const std::string& row) {
  int last = -1;
  for (size_t at = row.find('{'); at != std::string::npos; at = row.find('{', at + 1))
    if (row[at + 1] <= '9') last = std::max(last, row[at + 1] - '0');
  return last;
}

TEST(Told, TheSentenceAndItsNumbers) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(std::string(c.key) + (c.values.empty() ? "" : " " + c.values[0]));
    World w;
    for (const auto& [name, value] : c.sysctls) w.set(name, value);
    for (size_t i = 0; i + 1 < c.steps.size(); ++i) pass(w, c.steps[i], nullptr);
    Listener sink;
    pass(w, c.steps.back(), &sink);
    ASSERT_FALSE(sink.heard.empty());
    const Said* said = find_said(sink.heard.back().said, c.key);
    ASSERT_NE(said, nullptr) << sink.heard.back().said.key;
    EXPECT_EQ(said->values, c.values);
    const bool invalid = c.key.substr(0, 8) == "invalid.";
    EXPECT_NE(sink.heard.back().note, invalid) << "INVALID in its own event, the rest beside it";
    if (!sink.seen.empty()) {
      EXPECT_EQ(sink.seen.back().ctinfo == CtInfo::kNone, invalid);
    }
  }
}

// The line is the kernel's, traced or not, and comes only if asked for.
TEST(Told, TheKernelsLogLine) {
  for (const Case& c : cases()) {
    for (const bool traced : {false, true}) {
      SCOPED_TRACE(std::string(c.key) + (c.values.empty() ? "" : " " + c.values[0]));
      World w;
      for (const auto& [name, value] : c.sysctls) w.set(name, value);
      for (size_t i = 0; i + 1 < c.steps.size(); ++i) pass(w, c.steps[i], nullptr);
      w.set("log_invalid", "255");
      const size_t before = w.stack.log_.size();
      Listener sink;
      pass(w, c.steps.back(), traced ? &sink : nullptr);
      std::string line;
      for (size_t i = before; i < w.stack.log_.size(); ++i)
        if (w.stack.log_[i].rfind("nf_ct_proto_", 0) == 0) line = w.stack.log_[i];
      if (c.log.empty())
        EXPECT_EQ(line, "");
      else
        EXPECT_EQ(line.substr(0, c.log.size() + 4), std::string(c.log) + "IN= ");
    }
  }
}

TEST(Told, EverySentenceIsReached) {
  std::set<std::string> told = reached_keys();
  for (const Case& c : cases()) told.insert(std::string(c.key));
  const std::string here = __FILE__;
  std::ifstream rows(here.substr(0, here.rfind("conntrack/")) + "tools/words/words_invalid.inc");
  ASSERT_TRUE(rows);
  size_t n = 0;
  for (std::string line; std::getline(rows, line);) {
    if (line.rfind("X(\"", 0) != 0) continue;
    const std::string key = line.substr(3, line.find('"', 3) - 3);
    // Said when nothing else is; nat's own are in nat/told_test.cc.
    if (key == "invalid.unknown" || key.rfind("choice.", 0) == 0 || key.rfind("remark.nat_", 0) == 0) continue;
    EXPECT_EQ(told.count(key), 1u) << key;
    for (const Case& c : cases())
      if (c.key == key) {
        EXPECT_EQ(static_cast<int>(c.values.size()), last_blank(line) + 1) << key;
      }
    ++n;
  }
  EXPECT_EQ(n, told.size()) << "a key without words";
}

// --- nothing depends on being told

TEST(Told, TracedOrNotTheSame) {
  Random r(7);
  World plain, told;
  Listener sink;
  const std::vector<Case> all = cases();
  for (int i = 0; i < 4000; ++i) {
    const Case& c = all[r.below(static_cast<uint32_t>(all.size()))];
    const Step& step = c.steps[r.below(static_cast<uint32_t>(c.steps.size()))];
    PacketPtr p = plain.make(step.bytes), q = told.make(step.bytes);
    HookState at_plain = plain.at(step.hook), at_told = told.at(step.hook);
    at_told.trace = &sink;
    Verdict v = plain.ct.nf_conntrack_in(p, at_plain);
    ASSERT_EQ(told.ct.nf_conntrack_in(q, at_told), v);
    ASSERT_EQ(p->ctinfo, q->ctinfo);
    if (v == Verdict::kAccept) {
      v = plain.ct.nf_conntrack_confirm(p, at_plain);
      ASSERT_EQ(told.ct.nf_conntrack_confirm(q, at_told), v);
    }
    ASSERT_EQ(plain.take_events(), told.take_events()) << c.key;
    ASSERT_EQ(plain.ct.count(), told.ct.count());
    const Duration pause = r.below(3) == 0 ? static_cast<int>(r.below(50)) * kSecond : 0;
    for (World* w : {&plain, &told}) w->advance(pause);
  }
  EXPECT_EQ(plain.stack.log_, told.stack.log_);
  EXPECT_EQ(plain.ct.stats().invalid, told.ct.stats().invalid);
  EXPECT_GT(sink.heard.size(), 1000u);
}

}  // namespace
}  // namespace nf::ct
