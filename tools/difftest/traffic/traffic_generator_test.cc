#include "tools/difftest/traffic/traffic_generator.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <set>
#include <tuple>

#include "tools/difftest/traffic/test_machine.h"

namespace nf::difftest {
namespace {

Case case_of(uint64_t seed, size_t packets) {
  Case c;
  c.lab = two_port_lab();
  Random random(seed);
  generate_traffic(random, packets, c);
  return c;
}

auto fields(const Step& s) {
  return std::tie(s.kind, s.flow, s.from, s.link, s.ttl, s.tos, s.id, s.df, s.more_fragments, s.fragment_offset,
                  s.fragment_length, s.ip_options, s.tcp_flags, s.seq, s.ack, s.window, s.urgent, s.tcp_options,
                  s.payload_length, s.data, s.no_sum, s.coverage, s.icmp_sequence, s.icmp_type, s.icmp_code,
                  s.icmp_info, s.quote_length, s.about_error, s.quote_flip_at, s.quote_flip, s.error_source,
                  s.error_destination, s.damage, s.damage_value, s.raw_port, s.bytes);
}

TEST(Traffic, ASeedIsACase) {
  const Case a = case_of(42, 3000), b = case_of(42, 3000), other = case_of(43, 3000);
  ASSERT_EQ(a.steps.size(), b.steps.size());
  for (size_t i = 0; i < a.steps.size(); ++i) ASSERT_TRUE(fields(a.steps[i]) == fields(b.steps[i])) << i;
  EXPECT_FALSE(std::equal(a.steps.begin(), a.steps.begin() + 100, other.steps.begin(),
                          [](const Step& x, const Step& y) { return fields(x) == fields(y); }));
}

// Steps are well formed: flows that exist, ids of their own but for pieces of one datagram and copies of a segment.
TEST(Traffic, StepsAreWellFormed) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const Case c = case_of(seed, 400);
    EXPECT_GE(c.steps.size(), 400u);
    EXPECT_LE(c.steps.size(), 410u);
    std::set<uint16_t> ids;
    for (const Step& s : c.steps) {
      if (s.kind == StepKind::kRaw) {
        EXPECT_GE(s.bytes.size(), 14u);
        EXPECT_TRUE(s.raw_port == "lan" || s.raw_port == "wan");
        continue;
      }
      ASSERT_LT(s.flow, c.flows.size());
      EXPECT_NE(s.id, 0);
      EXPECT_EQ(s.fragment_offset % 8, 0);
      EXPECT_LE(s.ip_options.size(), 40u);
      EXPECT_LE(s.tcp_options.size(), 40u);
      const bool piece = s.fragment_length != 0 || s.fragment_offset != 0;
      EXPECT_TRUE(ids.insert(s.id).second || piece) << "id " << s.id;
    }
  }
}

// Now and then a case comes in pieces: up to twenty of a datagram, of several datagrams in turn, most of which are
// whole.
TEST(Traffic, ManyPieces) {
  size_t cases = 0, most = 0, mixed = 0, whole = 0, datagrams = 0;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const Case c = case_of(seed, 600);
    std::map<uint16_t, std::vector<size_t>> pieces;  // steps by id
    for (size_t i = 0; i < c.steps.size(); ++i) {
      const Step& s = c.steps[i];
      if (s.kind == StepKind::kPacket && (s.fragment_length != 0 || s.fragment_offset != 0)) pieces[s.id].push_back(i);
    }
    size_t steps = 0;
    for (const auto& [id, at] : pieces) steps += at.size();
    if (steps < c.steps.size() / 2) continue;
    ++cases;
    for (const auto& [id, at] : pieces) {
      ++datagrams;
      most = std::max(most, at.size());
      std::set<uint16_t> others;
      for (size_t i = at.front(); i < at.back(); ++i) others.insert(c.steps[i].id);
      mixed += others.size() > 3;
      std::set<size_t> eighths;
      size_t end = 0;
      for (const size_t i : at) {
        const Step& s = c.steps[i];
        for (size_t b = s.fragment_offset; b < size_t{s.fragment_offset} + s.fragment_length; b += 8) eighths.insert(b);
        if (!s.more_fragments) end = s.fragment_offset + s.fragment_length;
      }
      whole += end != 0 && eighths.size() == (end + 7) / 8;
    }
  }
  EXPECT_GE(cases, 3u);
  EXPECT_LE(cases, 15u);
  EXPECT_GE(most, 18u);
  EXPECT_GT(mixed, datagrams / 3);
  EXPECT_GT(whole, datagrams / 2);
}

TEST(Traffic, NoStationsNoTraffic) {
  Case c;
  Random random(1);
  generate_traffic(random, 10, c);
  EXPECT_TRUE(c.steps.empty());
  c.lab.own_addresses = {ip4(10, 0, 0, 1)};
  generate_traffic(random, 10, c);
  EXPECT_FALSE(c.steps.empty());
  for (const Flow& f : c.flows) EXPECT_EQ(f.client, kMachine);
}

// What the machine emitted of a flow's two ends.
struct Seen {
  bool syn = false, syn_ack = false, data = false, fin_of_client = false, fin_of_server = false;
};

struct Played {
  size_t steps = 0, frames = 0, flows = 0, opened = 0, whole = 0;
  std::set<Damage> damages;
  std::set<StepKind> kinds;
  std::set<std::string_view> notes;
  std::set<LinkDestination> links;
  std::set<uint8_t> protocols;
};

void check_sums(const Step& step, uint8_t protocol, const Wire::Frame& frame) {
  if (step.kind == StepKind::kRaw || step.damage != Damage::kNone) return;
  std::span<const uint8_t> packet = frame.bytes;
  if (frame.port != kLocalProcesses) packet = packet.subspan(14);
  const size_t header = (packet[0] & 15u) * 4u;
  ASSERT_EQ(packet[2] << 8 | packet[3], static_cast<int>(packet.size()));
  ASSERT_EQ(plain_sum(packet.first(header)), 0xffffu);
  if (step.fragment_length != 0 || step.fragment_offset != 0) return;
  const auto segment = packet.subspan(header);
  if (step.kind == StepKind::kIcmpError || protocol == kProtoIcmp) {
    ASSERT_EQ(plain_sum(segment), 0xffffu) << step.note;
  } else if (protocol == kProtoTcp || (protocol == kProtoUdp && !step.no_sum)) {
    ASSERT_EQ(plain_sum(segment, plain_pseudo_sum(packet)), 0xffffu) << step.note;
  } else if (protocol == kProtoUdp) {
    ASSERT_EQ(segment[6] << 8 | segment[7], 0);
  } else if (protocol == kProtoUdplite) {
    ASSERT_EQ(plain_sum(step.coverage == 0 ? segment : segment.first(std::min<size_t>(step.coverage, segment.size())),
                        plain_pseudo_sum(packet)),
              0xffffu);
  }
}

Played play(uint64_t seeds, bool translate) {
  Played played;
  const std::vector<BackendPort> ports = two_ports();
  for (uint64_t seed = 0; seed < seeds; ++seed) {
    const Case c = case_of(seed, 500);
    Wire wire(c, ports);
    TestMachine machine(translate);
    std::vector<Seen> seen(c.flows.size());
    for (const Step& s : c.steps) {
      ++played.steps;
      played.kinds.insert(s.kind);
      played.damages.insert(s.damage);
      played.notes.insert(s.note);
      played.links.insert(s.link);
      const auto frame = wire.frame(s);
      if (!frame) continue;
      ++played.frames;
      const uint8_t protocol = s.kind == StepKind::kRaw ? uint8_t{0} : c.flows[s.flow].protocol;
      played.protocols.insert(protocol);
      check_sums(s, protocol, *frame);
      const std::vector<Emitted> out = machine.take(*frame);
      wire.received(s, out);
      if (out.empty() || protocol != kProtoTcp || s.kind != StepKind::kPacket) continue;
      Seen& f = seen[s.flow];
      const uint8_t syn_ack = kTcpSyn | kTcpAck;
      f.syn |= s.tcp_flags == kTcpSyn;
      f.syn_ack |= f.syn && (s.tcp_flags & syn_ack) == syn_ack;
      f.data |= f.syn_ack && s.payload_length > 0;
      if (f.syn_ack && (s.tcp_flags & kTcpFin) != 0)
        (s.from == End::kClient ? f.fin_of_client : f.fin_of_server) = true;
    }
    for (const Seen& f : seen) {
      played.flows += f.syn;
      played.opened += f.syn_ack && f.data;
      played.whole += f.fin_of_client && f.fin_of_server;
    }
  }
  return played;
}

// Through a machine that forwards, most conversations open, and most of those that do are ended by both.
TEST(Traffic, ConversationsGoThrough) {
  for (const bool translate : {false, true}) {
    const Played p = play(40, translate);
    EXPECT_GT(p.frames, p.steps * 9 / 10) << translate;
    EXPECT_GT(p.opened, p.flows / 2) << translate;
    EXPECT_GT(p.whole, p.opened / 3) << translate;
  }
}

TEST(Traffic, EverythingAppears) {
  const Played p = play(200, false);
  EXPECT_EQ(p.damages.size(), kDamages);
  EXPECT_EQ(p.kinds.size(), 3u);
  EXPECT_EQ(p.links.size(), 3u);
  for (const uint8_t protocol : std::array<uint8_t, 8>{1, 4, 6, 17, 33, 47, 50, 136})
    EXPECT_TRUE(p.protocols.contains(protocol)) << protocol;
  for (const char* note : {"SYN",
                           "SYN again",
                           "SYN-ACK",
                           "SYN-ACK again",
                           "third of the handshake",
                           "data",
                           "ACK",
                           "retransmitted",
                           "SYN with data",
                           "SYN, simultaneous open",
                           "SYN-ACK of a simultaneous open",
                           "refused",
                           "gives up",
                           "urgent data",
                           "zero window",
                           "window update",
                           "keep-alive",
                           "duplicate ACK",
                           "FIN",
                           "FIN of the other",
                           "FIN at the same time",
                           "FIN retransmitted",
                           "data to a half-closed end",
                           "reset",
                           "challenge ACK",
                           "the port used again",
                           "late ACK",
                           "late FIN",
                           "late RST",
                           "late SYN",
                           "odd flags",
                           "RST, exact",
                           "RST in the window",
                           "RST outside of the window",
                           "RST-ACK",
                           "beyond the window",
                           "before the window",
                           "acknowledges what was not sent",
                           "old ACK",
                           "SYN on a live connection",
                           "SYN-ACK on a live connection",
                           "early FIN",
                           "the same ACK again",
                           "bare SYN of old",
                           "blind guess",
                           "question",
                           "answer",
                           "query",
                           "fragment",
                           "fragment, one is missing",
                           "fragment repeated",
                           "overlapping fragment",
                           "fragment, the end is missing",
                           "fragment of an odd length",
                           "fragment beyond 65,535 bytes",
                           "ICMP error",
                           "ICMP error from a hop",
                           "ICMP error to somebody else",
                           "ICMP error with a wrong quote",
                           "ICMP error with a short quote",
                           "ICMP error about an ICMP error",
                           "odd frame"})
    EXPECT_TRUE(p.notes.contains(note)) << note;
}

// Who dials whom: clients of all kinds, the same port from several stations to one peer, one port to several peers.
TEST(Traffic, FlowsClash) {
  size_t from_machine = 0, to_machine = 0, same_port_same_peer = 0, same_end_other_peer = 0, low = 0;
  for (uint64_t seed = 0; seed < 80; ++seed) {
    const Case c = case_of(seed, 500);
    for (size_t i = 0; i < c.flows.size(); ++i) {
      const Flow& a = c.flows[i];
      from_machine += a.client == kMachine;
      to_machine += a.server_address == ip4(10, 1, 0, 1) || a.server_address == ip4(10, 2, 0, 1);
      low += (a.protocol == kProtoTcp || a.protocol == kProtoUdp) && a.client_port < 512;
      for (size_t j = 0; j < i; ++j) {
        const Flow& b = c.flows[j];
        if (a.protocol != b.protocol || a.protocol == kProtoIcmp || a.client_port != b.client_port) continue;
        const bool same_peer = a.server_address == b.server_address && a.server_port == b.server_port;
        same_port_same_peer += same_peer && a.client_address != b.client_address;
        same_end_other_peer += !same_peer && a.client_address == b.client_address;
      }
    }
  }
  EXPECT_GT(from_machine, 50u);
  EXPECT_GT(to_machine, 50u);
  EXPECT_GT(same_port_same_peer, 50u);
  EXPECT_GT(same_end_other_peer, 50u);
  EXPECT_GT(low, 10u);
}

}  // namespace
}  // namespace nf::difftest
