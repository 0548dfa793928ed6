// Lines as conntrack 1.4.7 and /proc/net/nf_conntrack of a 6.18 kernel printed them for these connections.
#include "conntrack/text/format.h"

#include <gtest/gtest.h>

#include "datapath/packet/headers.h"

namespace nf::ct {
namespace {

constexpr Time kNow = 1'795'256'720 * kSecond + 989'274 * kMicrosecond + 999;

// 10.0.0.1 to 10.0.0.2, nothing translated.
Connection connection(uint8_t protocol, uint16_t source_id, uint16_t destination_id, uint16_t reply_destination_id,
                      Duration left, uint32_t status = 0) {
  Connection c;
  c.tuple[0].protocol = c.tuple[1].protocol = protocol;
  c.tuple[0].source = c.tuple[1].destination = ip4(10, 0, 0, 1);
  c.tuple[0].destination = c.tuple[1].source = ip4(10, 0, 0, 2);
  c.tuple[0].source_id = be16(source_id);
  c.tuple[0].destination_id = be16(destination_id);
  c.tuple[1].source_id = protocol == kProtoIcmp ? be16(source_id) : be16(destination_id);
  c.tuple[1].destination_id = protocol == kProtoIcmp ? be16(reply_destination_id) : be16(source_id);
  c.tuple[1].direction = CtDirection::kReply;
  c.status = kConfirmed | status;
  c.expires = kNow + left;
  c.id = 1247177237;
  return c;
}

Connection tcp(TcpState state, uint16_t port, uint16_t to, Duration left, uint32_t status = 0) {
  Connection c = connection(kProtoTcp, port, to, 0, left, status);
  c.tcp.state = state;
  return c;
}
Connection icmp(uint8_t type, uint8_t reply, uint16_t id, uint32_t status) {
  return connection(kProtoIcmp, id, static_cast<uint16_t>(type << 8), static_cast<uint16_t>(reply << 8),
                    29'500 * kMillisecond, status);
}
Connection gre() {
  Connection c = connection(kProtoGre, 0, 0, 0, 29 * kSecond);
  c.gre = {30, 180};
  return c;
}
Connection marked() {
  Connection c = connection(kProtoUdp, 5000, 6000, 0, 30 * kSecond);
  c.mark = 7;
  return c;
}
Connection zoned() {
  Connection c = connection(kProtoUdp, 4000, 53, 0, 29 * kSecond);
  c.tuple[0].zone = c.tuple[1].zone = 5;
  return c;
}
Connection zoned_one_way(uint16_t original, uint16_t reply) {
  Connection c = connection(kProtoUdp, 4000, 53, 0, 29 * kSecond);
  c.tuple[0].zone = original;
  c.tuple[1].zone = reply;
  return c;
}
Connection accounted(const Connection& of, Counter original, Counter reply) {
  Connection c = of;
  c.extensions = kExtAcct | kExtTimestamp;
  c.counters[0] = original;
  c.counters[1] = reply;
  c.started = kNow - 3 * kSecond;
  return c;
}

constexpr Duration kMost = 431'999 * kSecond + 1;  // what is left of 432000 s a moment later

TEST(FormatEntry, AsConntrackL) {
  const struct {
    Connection c;
    const char* line;
  } kRows[] = {
      {connection(99, 0, 0, 0, 599 * kSecond),
       "unknown  99 599 src=10.0.0.1 dst=10.0.0.2 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 mark=0 use=1"},
      {tcp(TcpState::kSynSent, 4002, 82, 119'700 * kMillisecond),
       "tcp      6 119 SYN_SENT src=10.0.0.1 dst=10.0.0.2 sport=4002 dport=82 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 "
       "sport=82 dport=4002 mark=0 use=1"},
      {gre(),
       "gre      47 29 src=10.0.0.1 dst=10.0.0.2 srckey=0x0 dstkey=0x0 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 "
       "srckey=0x0 dstkey=0x0 mark=0 use=1"},
      {connection(kProtoUdp, 5001, 6000, 0, 29 * kSecond, kSeenReply),
       "udp      17 29 src=10.0.0.1 dst=10.0.0.2 sport=5001 dport=6000 src=10.0.0.2 dst=10.0.0.1 sport=6000 "
       "dport=5001 mark=0 use=1"},
      {tcp(TcpState::kEstablished, 4000, 80, kMost, kSeenReply | kAssured),
       "tcp      6 431999 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=4000 dport=80 src=10.0.0.2 dst=10.0.0.1 "
       "sport=80 dport=4000 [ASSURED] mark=0 use=1"},
      {icmp(8, 0, 8739, kSeenReply),
       "icmp     1 29 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=8739 src=10.0.0.2 dst=10.0.0.1 type=0 code=0 "
       "id=8739 mark=0 use=1"},
      {icmp(17, 18, 78, 0),
       "icmp     1 29 src=10.0.0.1 dst=10.0.0.2 type=17 code=0 id=78 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 type=18 "
       "code=0 id=78 mark=0 use=1"},
      {connection(kProtoUdplite, 1, 2, 0, 29 * kSecond),
       "udplite  136 29 src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=2 "
       "dport=1 mark=0 use=1"},
      {connection(kProtoDccp, 0, 0, 0, 599 * kSecond),
       "dccp     33 599 src=10.0.0.1 dst=10.0.0.2 sport=0 dport=0 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=0 "
       "dport=0 mark=0 use=1"},
      {marked(),
       "udp      17 30 src=10.0.0.1 dst=10.0.0.2 sport=5000 dport=6000 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 "
       "sport=6000 dport=5000 mark=7 use=1"},
      {zoned(),
       "udp      17 29 src=10.0.0.1 dst=10.0.0.2 sport=4000 dport=53 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=53 "
       "dport=4000 mark=0 zone=5 use=1"},
      {zoned_one_way(7, 0),
       "udp      17 29 src=10.0.0.1 dst=10.0.0.2 sport=4000 dport=53 zone-orig=7 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 "
       "sport=53 dport=4000 mark=0 use=1"},
      {accounted(zoned_one_way(0, 7), {1, 30}, {0, 0}),
       "udp      17 29 src=10.0.0.1 dst=10.0.0.2 sport=4000 dport=53 packets=1 bytes=30 [UNREPLIED] src=10.0.0.2 "
       "dst=10.0.0.1 sport=53 dport=4000 zone-reply=7 packets=0 bytes=0 mark=0 delta-time=3 use=1"},
      {accounted(tcp(TcpState::kEstablished, 4000, 80, kMost, kSeenReply | kAssured), {3, 165}, {2, 112}),
       "tcp      6 431999 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=4000 dport=80 packets=3 bytes=165 src=10.0.0.2 "
       "dst=10.0.0.1 sport=80 dport=4000 packets=2 bytes=112 [ASSURED] mark=0 delta-time=3 use=1"},
      {accounted(connection(kProtoUdp, 5000, 6000, 0, 29 * kSecond), {1, 30}, {0, 0}),
       "udp      17 29 src=10.0.0.1 dst=10.0.0.2 sport=5000 dport=6000 packets=1 bytes=30 [UNREPLIED] src=10.0.0.2 "
       "dst=10.0.0.1 sport=6000 dport=5000 packets=0 bytes=0 mark=0 delta-time=3 use=1"},
  };
  for (const auto& row : kRows) EXPECT_EQ(format_entry(row.c, kNow), row.line);
}

TEST(FormatEntry, ExtendedAndId) {
  const Connection c = tcp(TcpState::kEstablished, 4000, 80, kMost, kSeenReply | kAssured);
  EXPECT_EQ(format_entry(c, kNow, {.extended = true, .id = true}),
            "ipv4     2 tcp      6 431999 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=4000 dport=80 src=10.0.0.2 "
            "dst=10.0.0.1 sport=80 dport=4000 [ASSURED] mark=0 use=1 id=1247177237");
}

TEST(FormatEntry, ExpiredHasNothingLeft) {
  EXPECT_TRUE(format_entry(connection(kProtoUdp, 1, 2, 0, -kSecond), kNow).starts_with("udp      17 0 src="));
}

using Kind = EventReport::Kind;

TEST(FormatEvent, AsConntrackE) {
  const struct {
    Kind kind;
    Connection c;
    uint16_t events;
    const char* line;
  } kRows[] = {
      {Kind::kNew, connection(kProtoUdp, 5000, 6000, 0, 30 * kSecond), kEventNew,
       "    [NEW] udp      17 30 src=10.0.0.1 dst=10.0.0.2 sport=5000 dport=6000 [UNREPLIED] src=10.0.0.2 "
       "dst=10.0.0.1 sport=6000 dport=5000"},
      {Kind::kUpdate, tcp(TcpState::kEstablished, 4000, 80, 432'000 * kSecond, kSeenReply | kAssured),
       kEventAssured | kEventProtoinfo,
       " [UPDATE] tcp      6 432000 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=4000 dport=80 src=10.0.0.2 "
       "dst=10.0.0.1 sport=80 dport=4000 [ASSURED]"},
      // The last event has the time that was left and the state.
      // A SYN-ACK out of nowhere answers a SYN that was answered before: seen is the reply, the state stays.
      {Kind::kUpdate, tcp(TcpState::kSynSent, 132, 8080, 120 * kSecond, kSeenReply), kEventReply,
       " [UPDATE] tcp      6 120 src=10.0.0.1 dst=10.0.0.2 sport=132 dport=8080 src=10.0.0.2 dst=10.0.0.1 sport=8080 "
       "dport=132"},
      {Kind::kDestroy, tcp(TcpState::kClose, 4001, 81, 120 * kSecond), kEventDestroy,
       "[DESTROY] tcp      6 120 CLOSE src=10.0.0.1 dst=10.0.0.2 sport=4001 dport=81 [UNREPLIED] src=10.0.0.2 "
       "dst=10.0.0.1 sport=81 dport=4001"},
      // None was left.
      {Kind::kDestroy, connection(kProtoUdp, 5000, 6000, 0, 0), kEventDestroy,
       "[DESTROY] udp      17 src=10.0.0.1 dst=10.0.0.2 sport=5000 dport=6000 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 "
       "sport=6000 dport=5000"},
      {Kind::kNew, marked(), kEventNew,
       "    [NEW] udp      17 30 src=10.0.0.1 dst=10.0.0.2 sport=5000 dport=6000 [UNREPLIED] src=10.0.0.2 "
       "dst=10.0.0.1 sport=6000 dport=5000 mark=7"},
      // Counters and age are told at the end only.
      {Kind::kNew, accounted(connection(kProtoUdp, 5000, 6000, 0, 30 * kSecond), {1, 30}, {0, 0}), kEventNew,
       "    [NEW] udp      17 30 src=10.0.0.1 dst=10.0.0.2 sport=5000 dport=6000 [UNREPLIED] src=10.0.0.2 "
       "dst=10.0.0.1 sport=6000 dport=5000"},
      {Kind::kDestroy, accounted(tcp(TcpState::kClose, 4001, 81, 120 * kSecond), {1, 60}, {1, 40}), kEventDestroy,
       "[DESTROY] tcp      6 120 CLOSE src=10.0.0.1 dst=10.0.0.2 sport=4001 dport=81 packets=1 bytes=60 [UNREPLIED] "
       "src=10.0.0.2 dst=10.0.0.1 sport=81 dport=4001 packets=1 bytes=40 delta-time=3"},
  };
  for (const auto& row : kRows) EXPECT_EQ(format_event({row.kind, row.c, row.events, kNow}, false), row.line);
}

TEST(FormatEvent, WithTimestampExtendedAndId) {
  const Connection c = tcp(TcpState::kSynRecv, 4000, 80, 60 * kSecond, kSeenReply);
  EXPECT_EQ(format_event({Kind::kUpdate, c, kEventReply | kEventProtoinfo, kNow}, true, {.extended = true, .id = true}),
            "[1795256720.989274]\t [UPDATE] ipv4     2 tcp      6 60 SYN_RECV src=10.0.0.1 dst=10.0.0.2 sport=4000 "
            "dport=80 src=10.0.0.2 dst=10.0.0.1 sport=80 dport=4000 id=1247177237");
}

TEST(FormatProc, AsTheKernel) {
  const struct {
    Connection c;
    const char* line;
  } kRows[] = {
      {connection(99, 0, 0, 0, 599 * kSecond),
       "ipv4     2 unknown  99 599 src=10.0.0.1 dst=10.0.0.2 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 mark=0 zone=0 "
       "use=2"},
      {connection(kProtoDccp, 0, 0, 0, 599 * kSecond),
       "ipv4     2 unknown  33 599 src=10.0.0.1 dst=10.0.0.2 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 mark=0 zone=0 "
       "use=2"},
      {gre(),
       "ipv4     2 gre      47 29 timeout=30, stream_timeout=180 src=10.0.0.1 dst=10.0.0.2 srckey=0x0 dstkey=0x0 "
       "[UNREPLIED] src=10.0.0.2 dst=10.0.0.1 srckey=0x0 dstkey=0x0 mark=0 zone=0 use=2"},
      {icmp(8, 0, 8739, kSeenReply),
       "ipv4     2 icmp     1 29 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=8739 src=10.0.0.2 dst=10.0.0.1 type=0 "
       "code=0 id=8739 mark=0 zone=0 use=2"},
      {marked(),
       "ipv4     2 udp      17 30 src=10.0.0.1 dst=10.0.0.2 sport=5000 dport=6000 [UNREPLIED] src=10.0.0.2 "
       "dst=10.0.0.1 sport=6000 dport=5000 mark=7 zone=0 use=2"},
      {accounted(zoned_one_way(7, 0), {1, 30}, {0, 0}),
       "ipv4     2 udp      17 29 src=10.0.0.1 dst=10.0.0.2 sport=4000 dport=53 zone-orig=7 packets=1 bytes=30 "
       "[UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=53 dport=4000 packets=0 bytes=0 mark=0 delta-time=3 use=2"},
      {accounted(tcp(TcpState::kEstablished, 4000, 80, kMost, kSeenReply | kAssured), {3, 165}, {2, 112}),
       "ipv4     2 tcp      6 431999 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=4000 dport=80 packets=3 bytes=165 "
       "src=10.0.0.2 dst=10.0.0.1 sport=80 dport=4000 packets=2 bytes=112 [ASSURED] mark=0 zone=0 delta-time=3 use=2"},
  };
  for (const auto& row : kRows) EXPECT_EQ(format_proc(row.c, kNow), row.line);
}

TEST(FormatStats, AsConntrackS) {
  Stats s;
  s.found = 85;
  s.insert_failed = 2;
  s.drop = 2;
  EXPECT_EQ(format_stats(s),
            "cpu=0   \tfound=85 invalid=0 insert=0 insert_failed=2 drop=2 early_drop=0 error=0 search_restart=0 "
            "clash_resolve=0 chaintoolong=0 ");
}

}  // namespace
}  // namespace nf::ct
