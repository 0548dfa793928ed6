// UDP, ICMP and the rest, packet by packet: every `expected` is what Linux 6.18 answered when the same packets were
// sent through it (ctinfo by iptables' --ctstate and --ctdir, the entry and the events by ctnetlink).
#include "conntrack/test_support.h"

namespace nf::ct {
namespace {

using namespace test;

struct Row {
  char side = 0;  // 'A' sends, the originator, or 'B'
  std::string_view kind = {};
  unsigned a = 0, b = 0;           // see build()
  std::string_view expected = {};  // World::describe
  int wait = 0;                    // seconds to let pass, and no packet
};
struct Scenario {
  const char* name;
  uint8_t protocol;
  std::vector<Row> rows;
};

constexpr size_t kQuoted = 28;  // an IP header and eight bytes

Bytes with_sum_broken(Bytes b, size_t at) {
  b[at] ^= 1;
  return b;
}

// A UDP header's eight bytes and payload under any protocol number; the checksum is UDP's, as 6.18 wants it of
// UDP-Lite.
Bytes udp_like(Be32 s, Be32 d, bool from_a, uint8_t protocol, size_t payload, int length) {
  Bytes b(sizeof(UdpHeader) + payload, 'x');
  put16(b, 0, from_a ? 4000 : 53);
  put16(b, 2, from_a ? 53 : 4000);
  put16(b, 4, length < 0 ? static_cast<unsigned>(b.size()) : static_cast<unsigned>(length));
  put16(b, 6, 0);
  return ip_packet(s, d, protocol, b, 6, kProtoUdp);
}

Bytes build(const Row& r, uint8_t protocol, const std::vector<Bytes>& sent) {
  const bool from_a = r.side == 'A';
  const Be32 s = from_a ? kHostA : kHostB, d = from_a ? kHostB : kHostA;
  constexpr size_t kL4 = sizeof(Ipv4Header);
  const auto id = static_cast<uint16_t>(r.b);
  if (r.kind == "udp") return udp_like(s, d, from_a, kProtoUdp, r.a, -1);
  if (r.kind == "udp-bad") return with_sum_broken(udp_like(s, d, from_a, kProtoUdp, r.a, -1), kL4 + 7);
  if (r.kind == "udp-nosum") {
    Bytes b = udp_like(s, d, from_a, protocol, r.a, -1);
    put16(b, kL4 + 6, 0);
    return b;
  }
  if (r.kind == "udp-length") return udp_like(s, d, from_a, protocol, 10, static_cast<int>(r.a));
  if (r.kind == "udplite") return udp_like(s, d, from_a, kProtoUdplite, r.a, -1);
  if (r.kind == "icmp") return icmp_packet(s, d, static_cast<uint8_t>(r.a), id);
  if (r.kind == "icmp-bad") return with_sum_broken(icmp_packet(s, d, static_cast<uint8_t>(r.a), id), kL4 + 3);
  if (r.kind == "short") return ip_packet(s, d, protocol, Bytes(r.a));
  if (r.kind == "gre")
    return ip_packet(s, d, kProtoGre,
                     {uint8_t(r.a != 0 ? 0x20 : 0), static_cast<uint8_t>(r.a), static_cast<uint8_t>(r.b >> 8),
                      static_cast<uint8_t>(r.b), 0, 0, 0, 77});
  if (r.kind == "ip") return ip_packet(s, d, static_cast<uint8_t>(r.a), {'a', 'b', 'c', 'd'});
  // An error: a is its type, b the row it quotes.
  Bytes quoted = r.kind == "error-unknown" ? udp_packet(d, 9, s, 9) : sent.at(r.b);
  quoted.resize(r.kind == "error-short" ? 23 : kQuoted);
  const Be32 to = r.kind == "error-elsewhere" ? be32(d.host() + 1) : d;
  return icmp_packet(s, to, static_cast<uint8_t>(r.a), 0, quoted);
}

class Proto : public testing::TestWithParam<Scenario> {};

TEST_P(Proto, AsTheKernel) {
  World w;
  std::vector<Bytes> sent;
  for (const Row& r : GetParam().rows) {
    if (r.wait != 0) {
      w.advance(r.wait * kSecond);
      sent.emplace_back();
      continue;
    }
    sent.push_back(build(r, GetParam().protocol, sent));
    const PacketPtr p = w.pass(sent.back());
    EXPECT_EQ(w.describe(p.get()), r.expected) << "packet " << sent.size() << ": " << r.side << " " << r.kind;
  }
}

// clang-format off
const Scenario kScenarios[] = {
    {"UdpQuestionAndAnswer",
     17,
     {
         {'A', "udp", 10, 0, "NEW 30 UNREPLIED [NEW]"},
         {'A', "udp", 10, 0, "NEW 30 UNREPLIED"},
         {'B', "udp", 20, 0, "ESTABLISHED_REPLY 30 [UPDATE]"},
         {'A', "udp", 10, 0, "ESTABLISHED 30"},
     }},
    {"UdpStreamAfterTwoSeconds",
     17,
     {
         {'A', "udp", 10, 0, "NEW 30 UNREPLIED [NEW]"},
         {'B', "udp", 20, 0, "ESTABLISHED_REPLY 30 [UPDATE]"},
         {.wait = 1},
         {'B', "udp", 20, 0, "ESTABLISHED_REPLY 30"},
         {.wait = 2},
         {'A', "udp", 10, 0, "ESTABLISHED 120 ASSURED [UPDATE]"},
         {'B', "udp", 20, 0, "ESTABLISHED_REPLY 120 ASSURED"},
     }},
    {"UdpOneWayIsNoStream",
     17,
     {
         {'A', "udp", 10, 0, "NEW 30 UNREPLIED [NEW]"},
         {.wait = 3},
         {'A', "udp", 10, 0, "NEW 30 UNREPLIED"},
         {'B', "udp", 0, 0, "ESTABLISHED_REPLY 30 [UPDATE]"},
     }},
    {"UdpBroken",
     17,
     {
         {'A', "udp-bad", 10, 0, "INVALID -"},
         {'A', "udp-nosum", 10, 0, "NEW 30 UNREPLIED [NEW]"},
         {'A', "udp-length", 7, 0, "INVALID 30 UNREPLIED"},
         {'A', "udp-length", 19, 0, "INVALID 30 UNREPLIED"},
         {'A', "udp-length", 18, 0, "NEW 30 UNREPLIED"},
         {'A', "udp-length", 17, 0, "NEW 30 UNREPLIED"},
         {'A', "short", 7, 0, "INVALID 30 UNREPLIED"},
         {'A', "short", 3, 0, "INVALID 30 UNREPLIED"},
     }},
    {"UdpLite",
     136,
     {
         {'A', "udplite", 10, 0, "NEW 30 UNREPLIED [NEW]"},
         {'B', "udplite", 10, 0, "ESTABLISHED_REPLY 30 [UPDATE]"},
         {'A', "udplite", 10, 0, "ESTABLISHED 120 ASSURED [UPDATE]"},
         {'B', "udp-nosum", 10, 0, "INVALID 120 ASSURED"},
         {'B', "udp-length", 7, 0, "INVALID 120 ASSURED"},
         {'B', "udp-length", 30, 0, "INVALID 120 ASSURED"},
     }},
    {"Ping",
     1,
     {
         {'A', "icmp", 8, 7, "NEW 30 UNREPLIED [NEW]"},
         {'B', "icmp", 0, 7, "ESTABLISHED_REPLY 30 [UPDATE]"},
         {'A', "icmp", 8, 7, "ESTABLISHED 30"},
         {'B', "icmp", 0, 7, "ESTABLISHED_REPLY 30"},
         {'B', "icmp", 0, 8, "INVALID 30"},
         {'A', "icmp-bad", 8, 7, "INVALID 30"},
     }},
    {"TimestampQuery",
     1,
     {
         {'A', "icmp", 13, 7, "NEW 30 UNREPLIED [NEW]"},
         {'B', "icmp", 14, 7, "ESTABLISHED_REPLY 30 [UPDATE]"},
     }},
    {"InformationQuery",
     1,
     {
         {'A', "icmp", 15, 7, "NEW 30 UNREPLIED [NEW]"},
         {'B', "icmp", 16, 7, "ESTABLISHED_REPLY 30 [UPDATE]"},
     }},
    {"AddressMaskQuery",
     1,
     {
         {'A', "icmp", 17, 7, "NEW 30 UNREPLIED [NEW]"},
         {'B', "icmp", 18, 7, "ESTABLISHED_REPLY 30 [UPDATE]"},
     }},
    {"IcmpThatBeginsNothing",
     1,
     {
         {'A', "icmp", 0, 7, "INVALID -"},
         {'A', "icmp", 9, 7, "INVALID -"},
         {'A', "icmp", 10, 7, "INVALID -"},
         {'A', "icmp", 14, 7, "INVALID -"},
         {'A', "icmp", 19, 7, "INVALID -"},
         {'A', "icmp", 255, 7, "INVALID -"},
         {'A', "short", 7, 0, "INVALID -"},
     }},
    {"ErrorAboutUdp",
     17,
     {
         {'A', "udp", 10, 0, "NEW 30 UNREPLIED [NEW]"},
         {'B', "error", 3, 0, "RELATED_REPLY 30 UNREPLIED"},
         {'A', "udp", 10, 0, "NEW 30 UNREPLIED"},
         {'B', "udp", 1, 0, "ESTABLISHED_REPLY 30 [UPDATE]"},
         {'A', "error", 11, 3, "RELATED 30"},
         {'B', "error", 12, 0, "RELATED_REPLY 30"},
         {'B', "error", 4, 0, "RELATED_REPLY 30"},
         {'B', "error", 5, 0, "RELATED_REPLY 30"},
     }},
    {"ErrorAboutPing",
     1,
     {
         {'A', "icmp", 8, 7, "NEW 30 UNREPLIED [NEW]"},
         {'B', "error", 11, 0, "RELATED_REPLY 30 UNREPLIED"},
         {'B', "icmp", 0, 7, "ESTABLISHED_REPLY 30 [UPDATE]"},
         {'A', "error", 3, 2, "RELATED 30"},
     }},
    {"ErrorAboutNothing",
     17,
     {
         {'A', "short", 3, 0, "INVALID -"},
         {'B', "error-unknown", 3, 0, "INVALID -"},
         {'A', "udp", 1, 0, "NEW 30 UNREPLIED [NEW]"},
         {'B', "error-elsewhere", 3, 2, "INVALID 30 UNREPLIED"},
         {'B', "error-short", 3, 2, "INVALID 30 UNREPLIED"},
     }},
    {"ErrorAboutError",
     17,
     {
         {'A', "udp", 10, 0, "NEW 30 UNREPLIED [NEW]"},
         {'B', "error", 3, 0, "RELATED_REPLY 30 UNREPLIED"},
         {'A', "error", 3, 1, "INVALID 30 UNREPLIED"},
     }},
    {"Unknown",
     99,
     {
         {'A', "ip", 99, 0, "NEW 600 UNREPLIED [NEW]"},
         {'B', "ip", 99, 0, "ESTABLISHED_REPLY 600 [UPDATE]"},
         {'A', "ip", 99, 0, "ESTABLISHED 600"},
     }},
    {"Gre",
     47,
     {
         {'A', "gre", 0, 0, "NEW 30 UNREPLIED [NEW]"},
         {'B', "gre", 0, 0, "ESTABLISHED_REPLY 30 [UPDATE]"},
         {'A', "gre", 0, 0, "ESTABLISHED 180 ASSURED [UPDATE]"},
     }},
    {"GrePptpWithoutHelper",
     47,
     {
         {'A', "gre", 1, 0x880b, "NEW 30 UNREPLIED [NEW]"},
         {'A', "gre", 1, 0x800, "INVALID 30 UNREPLIED"},
         {'B', "gre", 1, 0x880b, "NEW 30 UNREPLIED [NEW]"},
     }},
    {"TcpTooShort",
     6,
     {
         {'A', "short", 19, 0, "INVALID -"},
         {'A', "short", 3, 0, "INVALID -"},
     }},
};
// clang-format on

INSTANTIATE_TEST_SUITE_P(Kernel, Proto, testing::ValuesIn(kScenarios),
                         [](const auto& scenario) { return std::string(scenario.param.name); });

}  // namespace
}  // namespace nf::ct
