// Lines as conntrack 1.4.7 and libnetfilter_conntrack 1.0.9 printed them for these connections of a 6.18 kernel; JSON
// by RFC 8259.
#include "conntrack/text/format_state.h"

#include <gtest/gtest.h>

#include "datapath/packet/headers.h"

namespace nf::ct {
namespace {

constexpr Time kNow = 1'795'278'645 * kSecond;

EntryState entry(uint8_t protocol, uint16_t from, uint16_t to) {
  EntryState s;
  s.tuple[0].protocol = s.tuple[1].protocol = protocol;
  s.tuple[0].source = s.tuple[1].destination = ip4(10, 0, 0, 1);
  s.tuple[0].destination = s.tuple[1].source = ip4(10, 0, 0, 2);
  s.tuple[0].source_id = s.tuple[1].destination_id = be16(from);
  s.tuple[0].destination_id = s.tuple[1].source_id = be16(to);
  s.tuple[1].direction = CtDirection::kReply;
  s.status = kConfirmed;
  s.timeout = 99;
  s.mark = 0;
  s.use = 1;
  s.id = 2511209805;
  return s;
}

EntryState tcp(TcpState state, uint16_t from, uint16_t to) {
  EntryState s = entry(kProtoTcp, from, to);
  s.tcp = TcpEntry{state, {}, {}};
  return s;
}

EntryState icmp() {
  EntryState s = entry(kProtoIcmp, 77, 0x800);
  s.tuple[1].source_id = be16(77);
  s.tuple[1].destination_id = be16(0);
  return s;
}

EntryState sctp() {
  EntryState s = entry(kProtoSctp, 5, 6);
  s.sctp = SctpEntry{SctpState::kEstablished, {be32(12), be32(13)}};
  return s;
}

EntryState translated(Be16 to_port, Be16 from_port) {
  EntryState s = tcp(TcpState::kSynSent, 1001, 80);
  s.status = *s.status | kSrcNat | kDstNat;
  s.tuple[1].source = ip4(10, 9, 9, 9);
  s.tuple[1].destination = ip4(10, 8, 8, 8);
  s.tuple[1].source_id = to_port;
  s.tuple[1].destination_id = from_port;
  return s;
}

EntryState zoned(uint16_t original, uint16_t reply) {
  EntryState s = entry(kProtoUdp, 1002, 53);
  s.tuple[0].zone = original;
  s.tuple[1].zone = reply;
  return s;
}

TEST(FormatSave, AsConntrack) {
  EntryState assured = tcp(TcpState::kEstablished, 1000, 80);
  assured.status = kConfirmed | kSeenReply | kAssured;
  EntryState fixed = entry(kProtoUdp, 5, 6);
  fixed.status = kConfirmed | kFixedTimeout;
  const struct {
    EntryState s;
    const char* line;
  } kRows[] = {
      {translated(be16(80), be16(1001)),
       "-A -t 99 -u UNSET -s 10.0.0.1 -d 10.0.0.2 -g 10.9.9.9 -n 10.8.8.8 -p tcp --sport 1001 --dport 80 "
       "--reply-port-src 80 --reply-port-dst 1001 --state SYN_SENT"},
      {entry(kProtoGre, 5, 6),
       "-A -t 99 -u UNSET -s 10.0.0.1 -d 10.0.0.2 -r 10.0.0.2 -q 10.0.0.1 -p gre --srckey 5 --dstkey 6 "
       "--reply-key-src 6 --reply-key-dst 5"},
      {icmp(),
       "-A -t 99 -u UNSET -s 10.0.0.1 -d 10.0.0.2 -r 10.0.0.2 -q 10.0.0.1 -p icmp --icmp-type 8 --icmp-code 0 "
       "--icmp-id 77"},
      {sctp(),
       "-A -t 99 -u UNSET -s 10.0.0.1 -d 10.0.0.2 -r 10.0.0.2 -q 10.0.0.1 -p sctp --sport 5 --dport 6 "
       "--reply-port-src 6 --reply-port-dst 5 --state ESTABLISHED --orig-vtag 12 --reply-vtag 13"},
      {zoned(8, 0),
       "-A -t 99 -u UNSET --orig-zone 8 -s 10.0.0.1 -d 10.0.0.2 -r 10.0.0.2 -q 10.0.0.1 -p udp --sport 1002 --dport 53 "
       "--reply-port-src 53 --reply-port-dst 1002"},
      {zoned(0, 8),
       "-A -t 99 -u UNSET --reply-zone 8 -s 10.0.0.1 -d 10.0.0.2 -r 10.0.0.2 -q 10.0.0.1 -p udp --sport 1002 "
       "--dport 53 --reply-port-src 53 --reply-port-dst 1002"},
      {zoned(7, 7),
       "-A -t 99 -u UNSET -w 7 -s 10.0.0.1 -d 10.0.0.2 -r 10.0.0.2 -q 10.0.0.1 -p udp --sport 1002 --dport 53 "
       "--reply-port-src 53 --reply-port-dst 1002"},
      {entry(99, 0, 0), "-A -t 99 -u UNSET -s 10.0.0.1 -d 10.0.0.2 -r 10.0.0.2 -q 10.0.0.1 -p 99"},
      {fixed,
       "-A -t 99 -u FIXED_TIMEOUT -s 10.0.0.1 -d 10.0.0.2 -r 10.0.0.2 -q 10.0.0.1 -p udp --sport 5 --dport 6 "
       "--reply-port-src 6 --reply-port-dst 5"},
      {assured,
       "-A -t 99 -u SEEN_REPLY,ASSURED -s 10.0.0.1 -d 10.0.0.2 -r 10.0.0.2 -q 10.0.0.1 -p tcp --sport 1000 --dport 80 "
       "--reply-port-src 80 --reply-port-dst 1000 --state ESTABLISHED"},
  };
  for (const auto& row : kRows) EXPECT_EQ(format_save(row.s, EventKind::kNew), row.line);
  EXPECT_EQ(format_save(assured, EventKind::kDestroy).substr(0, 6), "-D -t ");
}

// 1.4.7 loads a line with the port behind the address into a kernel, where it makes this port; without it another.
TEST(FormatSave, NatOfPorts) {
  EXPECT_EQ(
      format_save(translated(be16(8080), be16(5555)), EventKind::kNew),
      "-A -t 99 -u UNSET -s 10.0.0.1 -d 10.0.0.2 -g 10.9.9.9:8080 -n 10.8.8.8:5555 -p tcp --sport 1001 --dport 80 "
      "--reply-port-src 8080 --reply-port-dst 5555 --state SYN_SENT");
}

TEST(FormatXml, AsConntrack) {
  EntryState counted = translated(be16(8080), be16(1001));
  counted.counters.emplace();
  counted.started = kNow - kSecond;
  EXPECT_EQ(
      format_xml(counted, kNow - kSecond),
      "<flow><meta direction=\"original\"><layer3 protonum=\"2\" protoname=\"ipv4\"><src>10.0.0.1</src><dst>10.0.0.2</"
      "dst></layer3><layer4 protonum=\"6\" protoname=\"tcp\"><sport>1001</sport><dport>80</dport></layer4><counters>"
      "<packets>0</packets><bytes>0</bytes></counters></meta><meta direction=\"reply\"><layer3 protonum=\"2\" "
      "protoname=\"ipv4\"><src>10.9.9.9</src><dst>10.8.8.8</dst></layer3><layer4 protonum=\"6\" protoname=\"tcp\">"
      "<sport>8080</sport><dport>1001</dport></layer4><counters><packets>0</packets><bytes>0</bytes></counters></meta>"
      "<meta direction=\"independent\"><state>SYN_SENT</state><timeout>99</timeout><mark>0</mark><use>1</use>"
      "<id>2511209805</id><unreplied/><deltatime>0</deltatime></meta></flow>");
  // The library shows SCTP's ESTABLISHED by the TCP state of its number.
  EXPECT_NE(format_xml(sctp(), kNow).find("<state>FIN_WAIT</state>"), std::string::npos);
  EXPECT_NE(format_xml(zoned(8, 0), kNow).find("<dport>53</dport></layer4><zone>8</zone></meta>"), std::string::npos);
  EXPECT_NE(format_xml(zoned(7, 7), kNow).find("<mark>0</mark><zone>7</zone><use>1</use>"), std::string::npos);
  EXPECT_NE(format_xml(icmp(), kNow).find("<layer4 protonum=\"1\" protoname=\"icmp\"></layer4>"), std::string::npos);
  EntryState helped = tcp(TcpState::kEstablished, 1, 21);
  helped.helper = "ftp";
  EXPECT_TRUE(format_xml(helped, kNow).ends_with("</meta><helper>ftp</helper></flow>"));
}

TEST(FormatXml, Escapes) { EXPECT_EQ(xml_text("a<b>&\"c\""), "a&lt;b&gt;&amp;&quot;c&quot;"); }

TEST(FormatJson, Members) {
  EntryState s = tcp(TcpState::kEstablished, 1000, 80);
  s.status = kConfirmed | kSeenReply | kAssured;
  s.labels = Labels{{0x20, uint64_t{1} << 63}};
  s.helper = "f\"tp";
  EXPECT_EQ(format_json(s),
            "{\"protocol\": \"tcp\", \"protonum\": 6, \"orig_src\": \"10.0.0.1\", \"orig_dst\": \"10.0.0.2\", "
            "\"orig_sport\": 1000, \"orig_dport\": 80, \"reply_src\": \"10.0.0.2\", \"reply_dst\": \"10.0.0.1\", "
            "\"reply_sport\": 80, \"reply_dport\": 1000, \"state\": \"ESTABLISHED\", \"timeout\": 99, \"status\": "
            "[\"SEEN_REPLY\", \"ASSURED\", \"CONFIRMED\"], \"mark\": 0, \"zone\": 0, \"labels\": [5, 127], \"helper\": "
            "\"f\\\"tp\", \"use\": 1, \"id\": 2511209805}");
}

}  // namespace
}  // namespace nf::ct
