// Whole gateways: labs under testdata/ were set up in a namespace of Linux 6.18 and the same frames written to its TAP
// ports; what came out, the rules' counters and the connections must be the kernel's. And the property that makes
// batches harmless: n packets at once are n times one packet.
#include "tools/gateway/gateway.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include "conntrack/text/format.h"
#include "datapath/packet/testing.h"
#include "datapath/port/memory_port.h"
#include "datapath/port/responder.h"

namespace nf {
namespace {

using testing_packets::from_hex;
using testing_packets::to_hex;

std::string source_folder() {
  const std::string here = __FILE__;
  return here.substr(0, here.rfind('/'));
}

// "tcp      6 119 SYN_SENT ..." with "T" for its third word.
std::string without_timeout(const std::string& line) {
  const size_t number = line.find_first_of("0123456789");
  const size_t from = line.find(' ', number) + 1;
  return line.substr(0, from) + "T" + line.substr(line.find(' ', from));
}

// A gateway with a memory port on every Ethernet link and a host that answers.
class TestGateway {
 public:
  explicit TestGateway(const std::string& folder) : gateway_(GatewayOptions{}), host_(router().pool()) {
    const Result<lab::Lab> lab = lab::read_lab(folder);
    if (!lab) {
      ADD_FAILURE() << lab.error().str();
      return;
    }
    const Status s = gateway_.configure(*lab, [](std::string_view, bool) { return std::optional(LinkFacts{}); });
    EXPECT_TRUE(s.ok()) << (s.ok() ? "" : s.error().str());
    for (const auto& dev : router().devices()) {
      if (dev->kind == DeviceKind::kEthernet)
        router().attach_port(*dev, *ports_.emplace(dev->name, std::make_unique<MemoryPort>()).first->second);
      for (const Address& a : router().routing().addresses(*dev)) own_.push_back(a.local);
    }
    router().set_host(&host_);
    router().connect(host_);
  }
  ~TestGateway() {
    for (auto& [name, port] : ports_) port->take_sent();
  }

  Gateway& gateway() { return gateway_; }
  Router& router() { return gateway_.router(); }

  void advance(Time to) {
    if (now_ == 0) now_ = to;
    while (now_ < to) now_ = std::min(std::max(gateway_.run_timers(now_), now_ + kMillisecond), to);
    gateway_.run_timers(now_);
  }
  PacketPtr frame(const std::vector<uint8_t>& bytes) {
    PacketPtr p = router().pool().allocate(static_cast<uint32_t>(bytes.size()));
    testing_packets::append(*p, bytes);
    return p;
  }
  void receive(const std::string& port, std::span<PacketPtr> batch) {
    router().receive(*router().device(port), batch, now_);
  }

  using Sent = std::map<std::string, std::vector<std::string>>;
  Sent take_sent() {
    Sent all;
    for (auto& [name, port] : ports_)
      for (const PacketPtr& p : port->take_sent())
        all[name].push_back(comparable({p->bytes().begin(), p->bytes().end()}));
    return all;
  }

  // What the host sends itself has an id by chance, behind MASQUERADE, too: without it, and the header checksum only
  // as right or wrong. Ids are compared as they are where DF is set.
  std::string comparable(std::vector<uint8_t> frame) const {
    constexpr size_t kIp = sizeof(EthernetHeader);
    Ipv4Header* ip = view<Ipv4Header>(std::span<uint8_t>(frame), kIp);
    if (ip == nullptr || frame[12] != 0x08 || frame[13] != 0x00 || ip->dont_fragment() ||
        std::find(own_.begin(), own_.end(), ip->source) == own_.end())
      return to_hex(frame);
    const bool right = checksum_fold(checksum_add({frame.data() + kIp, ip->header_length()})) == 0xffff;
    ip->id = ip->checksum = {};
    return to_hex(frame) + (right ? " (id by chance)" : " (wrong header checksum)");
  }

  std::vector<std::string> save() const {
    ipt::SaveOptions options;
    options.counters = true;
    std::istringstream text(gateway_.iptables().save(options));
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);)
      if (line[0] == '*' || line[0] == ':' || line[0] == '[') lines.push_back(line);
    return lines;
  }
  std::vector<std::string> connections(bool with_timeouts) {
    std::vector<std::string> lines;
    gateway_.conntrack().for_each([&](ct::Connection& c) {
      const std::string line = ct::format_entry(c, now_);
      const std::string text = with_timeouts ? line : without_timeout(line);
      if (lines.empty() || lines.back() != text) lines.push_back(text);
    });
    std::sort(lines.begin(), lines.end());
    lines.erase(std::unique(lines.begin(), lines.end()), lines.end());
    return lines;
  }

 private:
  std::map<std::string, std::unique_ptr<MemoryPort>> ports_;
  Gateway gateway_;
  Responder host_;
  std::vector<Be32> own_;
  Time now_ = 0;
};

// Tables in the order of their names: legacy iptables saves them in the order of their first use.
std::vector<std::string> by_table(const std::vector<std::string>& save) {
  std::map<std::string, std::vector<std::string>> tables;
  std::string table;
  for (const std::string& line : save) {
    if (line[0] == '*') table = line;
    tables[table].push_back(line);
  }
  std::vector<std::string> lines;
  for (const auto& [name, of_table] : tables) lines.insert(lines.end(), of_table.begin(), of_table.end());
  return lines;
}

class KernelLabTest : public testing::TestWithParam<const char*> {};

TEST_P(KernelLabTest, SameFramesCountersAndConnections) {
  const std::string folder = source_folder() + "/testdata/" + GetParam();
  TestGateway t(folder);
  std::ifstream in(folder + "/kernel.txt");
  ASSERT_TRUE(in.good()) << folder;

  std::string what;
  TestGateway::Sent expected;
  std::vector<std::string> save, connections;
  const auto compare = [&] {
    if (!what.empty()) {
      EXPECT_EQ(t.take_sent(), expected) << what;
    }
    expected.clear();
  };
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    if (kind == "<") {
      compare();
      what = line;
      Time time = 0;
      std::string port, hex;
      words >> time >> port >> hex;
      t.advance(time);
      PacketPtr p = t.frame(hex == "-" ? std::vector<uint8_t>{} : from_hex(hex));
      t.receive(port, {&p, 1});
    } else if (kind == ">") {
      std::string port, hex;
      words >> port >> hex;
      expected[port].push_back(t.comparable(from_hex(hex)));
    } else if (kind == "save") {
      save.push_back(line.substr(5));
    } else if (kind == "ct") {
      if (connections.empty() || connections.back() != line.substr(3)) connections.push_back(line.substr(3));
    }
  }
  compare();
  EXPECT_FALSE(what.empty());
  EXPECT_EQ(by_table(t.save()), by_table(save));
  EXPECT_EQ(t.connections(false), connections);

  t.advance(t.router().now() + 40 * kSecond);
  t.take_sent();
  EXPECT_EQ(t.router().pool().in_use(), 0u);
}

INSTANTIATE_TEST_SUITE_P(All, KernelLabTest,
                         testing::Values("nat", "bridge", "bridge-no-netfilter", "reject", "reject-tcp-reset"),
                         [](const auto& i) {
                           std::string name = i.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// Random traffic of a Docker host's both sides: few addresses and ports, so that flows meet, with all flags, fragments,
// broken checksums and ARP in between.
std::vector<uint8_t> random_frame(Random& random, PacketPool& pool, bool uplink) {
  const auto one_of = [&](auto... v) {
    const std::array all{v...};
    return all[random.below(static_cast<uint32_t>(all.size()))];
  };
  constexpr MacAddress kHost{0x00, 0x0c, 0x29, 0xb6, 0x16, 0x6b}, kBridge{0x02, 0x42, 0x5f, 0x9a, 0xdc, 0x2c},
      kClient{2, 0, 0, 0, 0, 1}, kContainer{2, 0, 0, 0, 0, 2};
  const Be32 container = ip4(172, 17, 0, 2), host = ip4(192, 168, 66, 100), client = ip4(192, 168, 66, 1);
  EthernetHeader eth{uplink ? kHost : kBridge, uplink ? kClient : kContainer, be16(kEtherIpv4)};
  if (random.below(32) == 0) eth.destination = kBroadcastMac;

  std::vector<uint8_t> bytes;
  const auto append = [&bytes](const auto& header) {
    const auto* at = reinterpret_cast<const uint8_t*>(&header);
    bytes.insert(bytes.end(), at, at + sizeof header);
  };
  if (random.below(16) == 0) {
    eth.type = be16(kEtherArp);
    append(eth);
    append(ArpHeader{be16(1),
                     be16(kEtherIpv4),
                     6,
                     4,
                     be16(one_of(kArpRequest, kArpReply)),
                     eth.source,
                     uplink ? client : container,
                     {},
                     uplink ? host : ip4(172, 17, 0, 1)});
    return bytes;
  }
  PacketPtr p = testing_packets::random_packet(pool, random, one_of(kProtoTcp, kProtoTcp, kProtoUdp, kProtoIcmp));
  Ipv4Header& ip = p->ip();
  if (ip.header_length() > sizeof(Ipv4Header)) std::fill(p->data() + 20, p->data() + ip.header_length(), uint8_t{1});
  ip.source = uplink ? one_of(client, ip4(192, 168, 66, 2), ip4(8, 8, 8, 8)) : container;
  ip.destination = uplink ? one_of(host, host, container) : one_of(client, host, ip4(8, 8, 8, 8), ip4(172, 17, 0, 1));
  ip.ttl = random.below(16) == 0 ? 1 : 64;
  if (random.below(16) == 0) {
    ip.id = be16(static_cast<uint16_t>(random.below(2)));
    ip.fragment = be16(one_of(uint16_t{0x2000}, uint16_t{0x0005}));
    // A multiple of eight behind the header, so that it fits its neighbours.
    p->trim(ip.header_length() + 40);
    ip.total_length = be16(static_cast<uint16_t>(p->length()));
  }
  ip_send_check(ip);
  const std::span<uint8_t> l4 = p->transport();
  const Be16 near = be16(static_cast<uint16_t>(1000 + random.below(4))), far = be16(one_of(uint16_t{80}, uint16_t{53}));
  if (ip.protocol == kProtoTcp) {
    TcpHeader& tcp = *view<TcpHeader>(l4);
    tcp.source = uplink ? near : far;
    tcp.destination = uplink ? far : near;
    tcp.offset_reserved = 5 << 4;
    tcp.flags = one_of(uint8_t{kTcpSyn}, uint8_t{kTcpAck}, uint8_t{kTcpSyn | kTcpAck}, uint8_t{kTcpFin | kTcpAck},
                       uint8_t{kTcpRst});
    tcp.sequence = be32(random.below(3));
    tcp.acknowledgment = be32(random.below(3));
  } else if (ip.protocol == kProtoUdp) {
    UdpHeader& udp = *view<UdpHeader>(l4);
    udp.source = uplink ? near : far;
    udp.destination = uplink ? far : near;
    udp.length = be16(static_cast<uint16_t>(l4.size()));
  } else {
    IcmpHeader& icmp = *view<IcmpHeader>(l4);
    icmp.type = one_of(kIcmpEcho, kIcmpEchoReply, kIcmpUnreachable);
    icmp.code = 0;
    icmp.id = near;
  }
  if (random.below(16) != 0) fill_transport_checksum(*p);
  append(eth);
  bytes.insert(bytes.end(), p->bytes().begin(), p->bytes().end());
  return bytes;
}

TEST(GatewayTest, ManyAtOnceAreManyTimesOne) {
  const std::string folder = source_folder() + "/../../netns-tests/labs/docker-bridge";
  Random random(20);
  size_t sent = 0;
  for (int round = 0; round < 40; ++round) {
    TestGateway batched(folder), single(folder);
    PacketPool scratch;
    Time now = 1'700'000'000 * kSecond;
    for (int batch = 0; batch < 12; ++batch) {
      const bool uplink = random.below(2) == 0;
      const std::string port = uplink ? "ens33" : "veth50b382d";
      std::vector<std::vector<uint8_t>> frames(1 + random.below(100));
      for (auto& f : frames) f = random_frame(random, scratch, uplink);

      batched.advance(now);
      std::vector<PacketPtr> packets;
      for (const auto& f : frames) packets.push_back(batched.frame(f));
      batched.receive(port, packets);
      single.advance(now);
      for (const auto& f : frames) {
        PacketPtr p = single.frame(f);
        single.receive(port, {&p, 1});
      }
      const TestGateway::Sent expected = single.take_sent();
      for (const auto& [name, of_port] : expected) sent += of_port.size();
      ASSERT_EQ(batched.take_sent(), expected) << "round " << round << " batch " << batch;
      now += random.below(3) * kSecond;
    }
    ASSERT_EQ(batched.save(), single.save()) << "round " << round;
    ASSERT_EQ(batched.connections(true), single.connections(true)) << "round " << round;
    ASSERT_EQ(batched.router().drops(), single.router().drops()) << "round " << round;
  }
  EXPECT_GT(sent, 5000u);
}

}  // namespace
}  // namespace nf
