// One capture by every way it can be handed to a player: the same frames leave, at the times the captures tell.
#include "tools/replay/capture_player.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "datapath/packet/checksum.h"
#include "datapath/port/pcap_writer.h"
#include "tools/replay/packet_filter.h"

namespace nf {
namespace {

constexpr Time kStart = 1'700'000'000 * kSecond;
constexpr MacAddress kOwn{0x02, 0, 0, 0, 0, 0x10}, kStation{0x02, 0, 0, 0, 0, 0x20};

constexpr char kNetwork[] = R"(link set dev lan up
link set dev wan up
addr add 10.1.0.1/24 dev lan
addr add 10.2.0.1/24 dev wan
)";

lab::Lab lab() {
  lab::Lab l;
  auto network = lab::parse_network(kNetwork, "network");
  auto sysctl = lab::parse_sysctl_conf("net.ipv4.ip_forward = 1\n", "sysctl.conf");
  EXPECT_TRUE(network && sysctl);
  l.network = network.take();
  l.sysctl = sysctl.take();
  l.rules = "*nat\n-A POSTROUTING -o wan -j MASQUERADE\nCOMMIT\n";
  return l;
}

// A datagram from 10.1.0.2 to 10.2.0.2, as lan's capture shows it.
HeldPacket datagram(uint64_t number, Time time, uint16_t source_port) {
  HeldPacket p;
  p.number = number;
  p.time = time;
  p.bytes.resize(sizeof(EthernetHeader) + sizeof(Ipv4Header) + sizeof(UdpHeader));
  auto* eth = reinterpret_cast<EthernetHeader*>(p.bytes.data());
  *eth = {kOwn, kStation, be16(kEtherIpv4)};
  auto* ip = reinterpret_cast<Ipv4Header*>(eth + 1);
  ip->version_ihl = 0x45;
  ip->total_length = be16(28);
  ip->ttl = 64;
  ip->protocol = kProtoUdp;
  ip->source = be32(0x0a010002);
  ip->destination = be32(0x0a020002);
  ip_send_check(*ip);
  auto* udp = reinterpret_cast<UdpHeader*>(ip + 1);
  udp->source = be16(source_port);
  udp->destination = be16(53);
  udp->length = be16(8);
  return p;
}

struct Sent {
  std::string device;
  Time time;
  std::vector<uint8_t> bytes;
  bool operator==(const Sent&) const = default;
};

std::vector<Sent> take(CapturePlayer& player) {
  std::vector<Sent> out;
  for (const auto& f : player.take_sent()) out.push_back({f.device->name, f.time, f.bytes});
  return out;
}

HeldCapture capture() {
  HeldCapture c;
  c.links = {"lan"};
  for (uint16_t i = 0; i < 5; ++i)
    c.packets.push_back(datagram(i + 1u, kStart + i * kMillisecond, static_cast<uint16_t>(5000 + i)));
  return c;
}

TEST(CapturePlayer, AFileAndItsPacketsInMemoryAreTheSame) {
  const HeldCapture held = capture();
  const std::string file = std::filesystem::temp_directory_path() / ("capture_player_test" + std::to_string(getpid()));
  {
    Result<std::unique_ptr<PcapWriter>> writer = PcapWriter::open(file, {});
    ASSERT_TRUE(writer);
    for (const HeldPacket& p : held.packets) (*writer)->write(p.time, p.bytes);
    ASSERT_TRUE((*writer)->close());
  }
  const std::vector<std::pair<std::string, std::string>> inputs{{"lan", file}};

  CapturePlayer from_memory({.seed = 7}), from_file({.seed = 7}), read_back({.seed = 7});
  ASSERT_TRUE(from_memory.configure(lab(), links_of(held)));
  from_memory.keep_sent();
  std::vector<uint64_t> numbers;
  play_held(from_memory, held,
            {.before = [&](uint64_t n, const CapturedPacket&) { numbers.push_back(n); }, .after = {}});
  EXPECT_EQ(numbers, (std::vector<uint64_t>{1, 2, 3, 4, 5}));

  ASSERT_TRUE(from_file.configure(lab(), links_of(inputs)));
  from_file.keep_sent();
  Result<std::unique_ptr<CaptureMerge>> merge = CaptureMerge::open(inputs);
  ASSERT_TRUE(merge);
  ASSERT_TRUE(play_captures(from_file, **merge, {}));

  const Result<HeldCapture> again = read_captures(inputs);
  ASSERT_TRUE(again);
  ASSERT_TRUE(read_back.configure(lab(), links_of(*again)));
  read_back.keep_sent();
  play_held(read_back, *again, {});
  std::remove(file.c_str());

  const std::vector<Sent> sent = take(from_memory);
  ASSERT_EQ(sent.size(), 5u);
  for (size_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ(sent[i].device, "wan");
    EXPECT_EQ(sent[i].time, kStart + static_cast<Time>(i) * kMillisecond);
    const auto* ip = reinterpret_cast<const Ipv4Header*>(sent[i].bytes.data() + sizeof(EthernetHeader));
    EXPECT_EQ(ip->source, be32(0x0a020001));  // MASQUERADE
  }
  EXPECT_EQ(take(from_file), sent);
  EXPECT_EQ(take(read_back), sent);
}

TEST(CapturePlayer, APartIsPlayedAmongTheSameNeighbours) {
  const HeldCapture held = capture();
  CapturePlayer player({});
  ASSERT_TRUE(player.configure(lab(), links_of(held)));
  player.keep_sent();
  const std::vector<size_t> which{1, 4};
  play_held(player, held, {}, &which);
  const std::vector<Sent> sent = take(player);
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].time, kStart + kMillisecond);
  EXPECT_EQ(sent[1].time, kStart + 4 * kMillisecond);
  EXPECT_EQ(player.gateway().router().device("lan")->mac, kOwn);
}

TEST(CapturePlayer, WhatTheLinkSentItselfIsLeftOutAndCounted) {
  HeldCapture held = capture();
  auto* eth = reinterpret_cast<EthernetHeader*>(held.packets[2].bytes.data());
  std::swap(eth->source, eth->destination);
  CapturePlayer player({});
  ASSERT_TRUE(player.configure(lab(), links_of(held)));
  player.keep_sent();
  std::vector<LeftOut> outcomes;
  play_held(player, held, {.before = {}, .after = [&](uint64_t, LeftOut o) { outcomes.push_back(o); }});
  ASSERT_EQ(outcomes.size(), 5u);
  EXPECT_EQ(outcomes[2], LeftOut::kOwn);
  EXPECT_EQ(outcomes[3], LeftOut::kNo);
  EXPECT_EQ(player.packets(), 5u);
  EXPECT_EQ(player.left_out(), 1u);
  EXPECT_EQ(left_out_lines(player).size(), 1u);
  EXPECT_EQ(take(player).size(), 4u);
}

TEST(CapturePlayer, TimeDoesNotStepBack) {
  HeldCapture held = capture();
  held.packets[2].time = kStart - kSecond;
  CapturePlayer player({});
  ASSERT_TRUE(player.configure(lab(), links_of(held)));
  player.keep_sent();
  play_held(player, held, {});
  const std::vector<Sent> sent = take(player);
  ASSERT_EQ(sent.size(), 5u);
  EXPECT_EQ(sent[2].time, kStart + kMillisecond);
  EXPECT_EQ(sent[3].time, kStart + 3 * kMillisecond);
}

TEST(CapturePlayer, ALinkTheLabDoesNotHaveIsRefusedByItsOrigin) {
  HeldCapture held = capture();
  held.links = {"dmz"};
  CapturePlayer player({});
  const Status s = player.configure(lab(), links_of(held));
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().text, "dmz: the lab has no such link");
}

TEST(PacketFilter, OfEveryLinkType) {
  Result<PacketFilter> filter = PacketFilter::compile("udp src port 5003");
  ASSERT_TRUE(filter);
  const HeldCapture held = capture();
  for (const HeldPacket& p : held.packets) {
    EXPECT_EQ(filter->matches(p.view()), p.number == 4);
    HeldPacket raw = p;
    raw.link_type = LinkType::kRaw;
    raw.bytes.erase(raw.bytes.begin(), raw.bytes.begin() + sizeof(EthernetHeader));
    EXPECT_EQ(filter->matches(raw.view()), p.number == 4);
  }
  EXPECT_FALSE(PacketFilter::compile("colour red"));
  Result<PacketFilter> all = PacketFilter::compile("");
  ASSERT_TRUE(all);
  EXPECT_TRUE(all->matches(held.packets[0].view()));
}

}  // namespace
}  // namespace nf
