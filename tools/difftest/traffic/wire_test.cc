#include "tools/difftest/traffic/wire.h"

#include <gtest/gtest.h>

#include "datapath/base/random.h"
#include "tools/difftest/traffic/test_machine.h"

namespace nf::difftest {
namespace {

constexpr uint8_t kSyn = kTcpSyn, kAck = kTcpAck;

// The wire, a machine, and the frames between them.
class Net {
 public:
  explicit Net(Case c, bool translate) : case_(std::move(c)), ports_(two_ports()), machine_(translate) {
    uint16_t id = 100;
    for (Step& s : case_.steps)
      if (s.id == 0) s.id = id++;
    wire_.emplace(case_, ports_);
  }
  // What came out of the step; empty when it could not be played.
  std::vector<Emitted> play(size_t i) {
    const auto frame = wire_->frame(case_.steps[i]);
    if (!frame) return {};
    in_ = *frame;
    std::vector<Emitted> out = machine_.take(*frame);
    wire_->received(case_.steps[i], out);
    return out;
  }
  const Wire& wire() const { return *wire_; }
  const Wire::Frame& in() const { return in_; }
  const Case& played() const { return case_; }

 private:
  Case case_;
  std::vector<BackendPort> ports_;
  TestMachine machine_;
  std::optional<Wire> wire_;
  Wire::Frame in_;
};

Case one_flow(uint8_t protocol, int client, Be32 from, uint16_t sport, Be32 to, uint16_t dport) {
  Case c;
  c.lab = two_port_lab();
  c.flows.push_back({protocol, client, from, sport, to, dport});
  return c;
}

Step tcp(End from, uint8_t flags, uint32_t seq, uint32_t ack, uint16_t length = 0) {
  Step s;
  s.from = from;
  s.tcp_flags = flags;
  s.seq = seq;
  s.ack = ack;
  s.window = 1000;
  s.payload_length = length;
  return s;
}

struct Ends {
  Be32 source, destination;
  uint16_t sport, dport;
  bool operator==(const Ends&) const = default;
};
Ends ends_of(std::span<const uint8_t> packet) {
  const auto* ip = view<Ipv4Header>(packet);
  const auto* tcp_header = view<TcpHeader>(packet, ip->header_length());
  return {ip->source, ip->destination, tcp_header->source.host(), tcp_header->destination.host()};
}
std::span<const uint8_t> ip_of(const std::vector<uint8_t>& frame) { return std::span(frame).subspan(14); }

TEST(Wire, AServerAnswersToWhatItSaw) {
  Case c = one_flow(kProtoTcp, 0, ip4(10, 1, 0, 2), 5000, ip4(10, 2, 0, 3), 80);
  c.steps = {tcp(End::kServer, kSyn | kAck, 9, 2), tcp(End::kClient, kSyn, 1, 0), tcp(End::kServer, kSyn | kAck, 9, 2),
             tcp(End::kClient, kAck, 2, 10, 5)};
  Net net(c, true);
  EXPECT_TRUE(net.play(0).empty()) << "nothing has reached the server";

  const auto syn = net.play(1);
  EXPECT_EQ(net.in().port, 0);
  EXPECT_EQ(ends_of(ip_of(net.in().bytes)), (Ends{ip4(10, 1, 0, 2), ip4(10, 2, 0, 3), 5000, 80}));
  ASSERT_EQ(syn.size(), 1u);
  EXPECT_EQ(ends_of(ip_of(syn[0].bytes)), (Ends{ip4(10, 2, 0, 1), ip4(10, 2, 0, 3), 20000, 80}));

  const auto answer = net.play(2);
  EXPECT_EQ(net.in().port, 1);
  EXPECT_EQ(ends_of(ip_of(net.in().bytes)), (Ends{ip4(10, 2, 0, 3), ip4(10, 2, 0, 1), 80, 20000}));
  const auto* eth = view<EthernetHeader>(std::span<const uint8_t>(net.in().bytes));
  EXPECT_EQ(eth->source, (MacAddress{0x02, 0x00, 10, 2, 0, 3}));
  EXPECT_EQ(eth->destination, two_ports()[1].mac);
  ASSERT_EQ(answer.size(), 1u);
  EXPECT_EQ(answer[0].port, 0);

  ASSERT_EQ(net.play(3).size(), 1u);
  EXPECT_EQ(net.in().bytes.size(), 14u + 20 + 20 + 5);
  EXPECT_EQ(ends_of(ip_of(net.in().bytes)), (Ends{ip4(10, 1, 0, 2), ip4(10, 2, 0, 3), 5000, 80}));
}

TEST(Wire, BehindARouterFramesComeFromTheRouter) {
  Case c = one_flow(kProtoUdp, 6, ip4(10, 9, 0, 2), 53, ip4(10, 1, 0, 2), 53);
  c.steps = {tcp(End::kClient, 0, 0, 0)};
  Net net(c, false);
  ASSERT_EQ(net.play(0).size(), 1u);
  EXPECT_EQ(view<EthernetHeader>(std::span<const uint8_t>(net.in().bytes))->source,
            (MacAddress{0x02, 0x00, 10, 2, 0, 4}));
}

TEST(Wire, LocalProcessesSpeakPacketsAndAreDeliveredThem) {
  Case c = one_flow(kProtoTcp, kMachine, ip4(10, 2, 0, 1), 6000, ip4(10, 2, 0, 2), 80);
  c.flows.push_back({kProtoTcp, 0, ip4(10, 1, 0, 2), 7000, ip4(10, 1, 0, 1), 8080});
  c.steps = {tcp(End::kClient, kSyn, 1, 0), tcp(End::kServer, kSyn | kAck, 1, 2), tcp(End::kClient, kSyn, 1, 0),
             tcp(End::kServer, kSyn | kAck, 1, 2)};
  c.steps[2].flow = c.steps[3].flow = 1;
  c.steps[3].damage = Damage::kHeaderSum;  // which a raw socket would set right
  Net net(c, false);
  ASSERT_EQ(net.play(0).size(), 1u);
  EXPECT_EQ(net.in().port, kLocalProcesses);
  EXPECT_EQ(net.in().bytes[0], 0x45);
  const auto reply = net.play(1);
  ASSERT_EQ(reply.size(), 1u);
  EXPECT_EQ(reply[0].port, kLocalProcesses);
  EXPECT_EQ(net.in().port, 1);
  ASSERT_EQ(net.play(2)[0].port, kLocalProcesses);
  ASSERT_EQ(net.play(3)[0].port, 0);
  EXPECT_EQ(net.in().port, kLocalProcesses);
  EXPECT_EQ(ends_of(net.in().bytes), (Ends{ip4(10, 1, 0, 1), ip4(10, 1, 0, 2), 8080, 7000}));
  EXPECT_EQ(plain_sum(std::span(net.in().bytes).first(20)), 0xffffu);
}

TEST(Wire, ErrorsQuoteWhatWasReceived) {
  Case c = one_flow(kProtoUdp, 0, ip4(10, 1, 0, 2), 5000, ip4(10, 2, 0, 3), 53);
  Step question = tcp(End::kClient, 0, 0, 0, 40);
  Step error;
  error.kind = StepKind::kIcmpError;
  error.from = End::kServer;
  error.icmp_type = 3;
  error.icmp_code = 4;
  error.icmp_info = 1400;
  Step of_hop = error, wrong = error, about_error = error;
  of_hop.error_source = ip4(192, 0, 2, 1);
  wrong.quote_flip_at = 21;
  wrong.quote_flip = 1;
  wrong.damage = Damage::kQuoteCut;
  wrong.damage_value = 24;
  about_error.from = End::kClient;
  about_error.about_error = true;
  c.steps = {error, question, error, of_hop, wrong, about_error};
  Net net(c, true);
  EXPECT_TRUE(net.play(0).empty());
  const auto came_out = net.play(1);
  ASSERT_EQ(came_out.size(), 1u);
  const auto quoted = ip_of(came_out[0].bytes);

  ASSERT_EQ(net.play(2).size(), 1u);
  auto packet = ip_of(net.in().bytes);
  ASSERT_EQ(packet.size(), 20u + 8 + 28);
  EXPECT_EQ(packet[9], kProtoIcmp);
  EXPECT_EQ(packet[20], 3);
  EXPECT_EQ(packet[21], 4);
  EXPECT_EQ(packet[26] << 8 | packet[27], 1400);
  EXPECT_EQ(plain_sum(packet.subspan(20)), 0xffffu);
  EXPECT_TRUE(std::equal(packet.begin() + 28, packet.end(), quoted.begin()));
  EXPECT_EQ(view<Ipv4Header>(packet)->source, ip4(10, 2, 0, 3));
  EXPECT_EQ(view<Ipv4Header>(packet)->destination, ip4(10, 2, 0, 1));

  net.play(3);
  EXPECT_EQ(view<Ipv4Header>(ip_of(net.in().bytes))->source, ip4(192, 0, 2, 1));
  EXPECT_EQ(net.in().port, 1);
  net.play(4);
  packet = ip_of(net.in().bytes);
  ASSERT_EQ(packet.size(), 20u + 8 + 24);
  EXPECT_EQ(packet[28 + 21], quoted[21] ^ 1);
  EXPECT_EQ(plain_sum(packet.subspan(20)), 0xffffu);
  EXPECT_FALSE(net.wire().frame(net.played().steps[5]).has_value()) << "no error has come back through the machine";
}

size_t transport_of(uint8_t protocol) { return protocol == kProtoTcp ? 20 + 8 : 8; }

// One step of each protocol with each damage: what is wrong, and that nothing else is.
TEST(Wire, SumsAreRightUnlessTheyAreTheDamage) {
  for (const uint8_t protocol : {uint8_t{kProtoTcp}, uint8_t{kProtoUdp}, uint8_t{kProtoIcmp}}) {
    for (size_t d = 0; d < kDamages; ++d) {
      Case c = one_flow(protocol, 0, ip4(10, 1, 0, 2), 5000, ip4(10, 2, 0, 3), protocol == kProtoIcmp ? 8 << 8 : 53);
      Step s = tcp(End::kClient, kSyn, 1, 0, 33);
      s.tcp_options = {2, 4, 5, 180, 1};
      s.ip_options = {1, 1, 1};
      s.damage = static_cast<Damage>(d);
      s.damage_value = s.damage == Damage::kHeaderLength ? 5 : 30;
      c.steps = {s};
      Net net(c, false);
      net.play(0);
      const std::vector<uint8_t>& frame = net.in().bytes;
      ASSERT_GE(frame.size(), 14u);
      if (s.damage == Damage::kCut) {
        EXPECT_EQ(frame.size(), 14u + 30);
        continue;
      }
      std::span<const uint8_t> packet = ip_of(frame);
      const size_t whole = 24 + transport_of(protocol) + 33;
      EXPECT_EQ(packet.size(), s.damage == Damage::kPadded         ? whole + 30
                               : s.damage == Damage::kTransportCut ? 24u + 30
                                                                   : whole);
      const size_t header = s.damage == Damage::kHeaderLength ? 20 : 24;
      EXPECT_EQ(plain_sum(packet.first(header)) == 0xffff, s.damage != Damage::kHeaderSum) << d;
      EXPECT_EQ(packet[0] >> 4, s.damage == Damage::kVersion ? 14 : 4);
      EXPECT_EQ(packet[0] & 15, s.damage == Damage::kHeaderLength ? 5 : 6);
      EXPECT_EQ(packet[2] << 8 | packet[3], s.damage == Damage::kTotalLength    ? 30
                                            : s.damage == Damage::kTransportCut ? 54
                                                                                : static_cast<int>(whole));
      if (s.damage == Damage::kTransportCut || s.damage == Damage::kHeaderLength) continue;
      packet = packet.first(whole);
      const uint32_t start = protocol == kProtoIcmp ? 0 : plain_pseudo_sum(packet);
      // Lengths and offsets that lie are summed as they stand.
      EXPECT_EQ(plain_sum(packet.subspan(24), start) == 0xffff, s.damage != Damage::kTransportSum) << d;
      if (s.damage == Damage::kDataOffset && protocol == kProtoTcp) {
        EXPECT_EQ(packet[24 + 12] >> 4, 30 & 15);
      }
      if (s.damage == Damage::kUdpLength && protocol == kProtoUdp) {
        EXPECT_EQ(packet[24 + 5], 30);
      }
    }
  }
}

TEST(Wire, PiecesOfADatagramJoinToTheWhole) {
  Case c = one_flow(kProtoUdp, 0, ip4(10, 1, 0, 2), 5000, ip4(10, 2, 0, 3), 53);
  Step whole = tcp(End::kClient, 0, 0, 0, 2000);
  Step first = whole, last = whole;
  first.fragment_length = 1480;
  first.more_fragments = true;
  last.fragment_offset = 1480;
  last.fragment_length = 2008 - 1480;
  c.steps = {whole, first, last};
  for (Step& s : c.steps) s.id = 7;
  Net net(c, false);
  const auto all = net.wire().frame(net.played().steps[0]), a = net.wire().frame(net.played().steps[1]),
             b = net.wire().frame(net.played().steps[2]);
  std::vector<uint8_t> joined(a->bytes.begin() + 34, a->bytes.end());
  joined.insert(joined.end(), b->bytes.begin() + 34, b->bytes.end());
  EXPECT_EQ(joined, std::vector<uint8_t>(all->bytes.begin() + 34, all->bytes.end()));
  EXPECT_EQ(a->bytes[20] << 8 | a->bytes[21], 0x2000);
  EXPECT_EQ(b->bytes[20] << 8 | b->bytes[21], 1480 / 8);
  ASSERT_EQ(net.play(1).size(), 1u);
  ASSERT_EQ(net.play(2).size(), 1u);
}

Emitted arp_request(int port, Be32 target) {
  const MacAddress own = two_ports()[static_cast<size_t>(port)].mac;
  Emitted e{port, std::vector<uint8_t>(14 + 28)};
  *view<EthernetHeader>(std::span(e.bytes)) = {kBroadcastMac, own, be16(kEtherArp)};
  *view<ArpHeader>(std::span(e.bytes), 14) = {be16(1), be16(kEtherIpv4), 6,  4,     be16(kArpRequest),
                                              own,     ip4(10, 1, 0, 1), {}, target};
  return e;
}

TEST(Wire, StationsAnswerArp) {
  const std::vector<BackendPort> ports = two_ports();
  Case routed = one_flow(kProtoUdp, 0, ip4(10, 1, 0, 2), 1, ip4(10, 2, 0, 3), 1);
  Case bridged = routed;
  bridged.lab.network = {"link add br0 type bridge", "link set dev lan master br0", "link set wan up master br0"};
  const Be32 on_wan = ip4(10, 2, 0, 3), stranger = ip4(10, 1, 0, 99);
  const struct {
    const Case& c;
    int port;
    Be32 target;
    bool answered;
  } kCases[] = {
      {routed, 0, ip4(10, 1, 0, 2), true}, {routed, 0, stranger, true},          {routed, 1, on_wan, true},
      {bridged, 0, on_wan, false},         {bridged, 1, on_wan, true},           {bridged, 0, stranger, true},
      {bridged, 1, stranger, false},       {routed, 0, ip4(10, 1, 0, 1), false},
  };
  for (const auto& t : kCases) {
    const Wire wire(t.c, ports);
    const auto reply = wire.arp_reply(arp_request(t.port, t.target));
    ASSERT_EQ(reply.has_value(), t.answered) << t.port << " " << t.target.host();
    if (!reply) continue;
    EXPECT_EQ(reply->port, t.port);
    const auto* arp = view<ArpHeader>(std::span(reply->bytes), 14);
    EXPECT_EQ(arp->sender_mac, station_mac(t.target));
    EXPECT_EQ(arp->sender_ip, t.target);
    EXPECT_EQ(arp->target_ip, ip4(10, 1, 0, 1));
    EXPECT_EQ(arp->operation.host(), kArpReply);
  }
  const Wire wire(bridged, ports);
  Case direct = bridged;
  direct.steps = {tcp(End::kClient, 0, 0, 0)};
  const auto frame = Wire(direct, ports).frame(direct.steps[0]);
  EXPECT_EQ(view<EthernetHeader>(std::span(frame->bytes))->destination, station_mac(on_wan))
      << "stations of one bridge speak to each other directly";
}

// Whatever comes out, however short: nothing is read that is not there (for the sanitizers), and frame() stays sane.
TEST(Wire, RubbishTeachesNothing) {
  Random random(1);
  Case c = one_flow(kProtoTcp, 0, ip4(10, 1, 0, 2), 5000, ip4(10, 2, 0, 3), 80);
  c.steps = {tcp(End::kClient, kSyn, 1, 0, 20), tcp(End::kServer, kSyn | kAck, 1, 2)};
  Net net(c, false);
  const std::vector<BackendPort> ports = two_ports();
  for (int i = 0; i < 3000; ++i) {
    Wire wire(net.played(), ports);
    std::vector<uint8_t> bytes = wire.frame(net.played().steps[0])->bytes;
    const int port = static_cast<int>(random.below(3)) - 1;
    if (port == kLocalProcesses) bytes.erase(bytes.begin(), bytes.begin() + 14);
    for (uint32_t n = random.below(4); n > 0; --n) bytes[random.below(static_cast<uint32_t>(bytes.size()))] = 0xff;
    bytes.resize(random.below(static_cast<uint32_t>(bytes.size() + 1)));
    const Emitted e{port, bytes};
    wire.received(net.played().steps[0], std::span(&e, 1));
    EXPECT_FALSE(wire.arp_reply(e).has_value());
    const auto answer = wire.frame(net.played().steps[1]);
    if (answer && answer->port != kLocalProcesses) {
      EXPECT_EQ(answer->bytes.size(), 54u);
    }
  }
}

}  // namespace
}  // namespace nf::difftest
