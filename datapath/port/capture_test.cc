#include "datapath/port/capture.h"

#include <gtest/gtest.h>
#include <pcap/pcap.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "datapath/port/capture_filter.h"
#include "datapath/port/pcap_port.h"
#include "datapath/port/pcap_reader.h"
#include "datapath/port/test_frames.h"

namespace nf {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Layouts as in the link type documents of tcpdump.org.
const Bytes kIp = {0x45, 0, 0, 20, 0, 1, 0, 0, 64, 59, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2};
const Bytes kIp6 = {0x60, 0, 0, 0};
const Bytes kMacs = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};

Bytes sll(uint8_t type, uint16_t arphrd, uint16_t protocol) {
  return {0, type, static_cast<uint8_t>(arphrd >> 8),   static_cast<uint8_t>(arphrd),  0, 6, 1, 2, 3, 4, 5, 6,
          0, 0,    static_cast<uint8_t>(protocol >> 8), static_cast<uint8_t>(protocol)};
}
Bytes sll2(uint8_t type, uint8_t ifindex, uint16_t protocol) {
  return {static_cast<uint8_t>(protocol >> 8),
          static_cast<uint8_t>(protocol),
          0,
          0,
          0,
          0,
          0,
          ifindex,
          0,
          1,
          type,
          6,
          1,
          2,
          3,
          4,
          5,
          6,
          0,
          0};
}

TEST(DecodeCapture, EveryLinkType) {
  struct Case {
    const char* name;
    LinkType link;
    Bytes frame;
    CaptureSkip skip;
    Bytes expected;
    PacketType type = PacketType::kHost;
  };
  const Case cases[] = {
      {"Ethernet", LinkType::kEthernet, kMacs + Bytes{8, 0} + kIp, CaptureSkip::kNone, kMacs + Bytes{8, 0} + kIp},
      {"Ethernet, not IP", LinkType::kEthernet, kMacs + Bytes{8, 6, 1}, CaptureSkip::kNone, kMacs + Bytes{8, 6, 1}},
      {"Ethernet, cut short", LinkType::kEthernet, {1, 2, 3}, CaptureSkip::kNone, {1, 2, 3}},
      {"raw", LinkType::kRaw, kIp, CaptureSkip::kNone, kIp},
      {"raw, IPv6", LinkType::kRaw, kIp6, CaptureSkip::kNotIpv4, {}},
      {"raw, nothing", LinkType::kRaw, {}, CaptureSkip::kNotIpv4, {}},
      {"IPv4", LinkType::kIpv4, kIp, CaptureSkip::kNone, kIp},
      {"IPv6", LinkType::kIpv6, kIp6, CaptureSkip::kNotIpv4, {}},
      {"NULL, little endian", LinkType::kNull, Bytes{2, 0, 0, 0} + kIp, CaptureSkip::kNone, kIp},
      {"NULL, big endian", LinkType::kNull, Bytes{0, 0, 0, 2} + kIp, CaptureSkip::kNone, kIp},
      {"NULL, IPv6", LinkType::kNull, Bytes{30, 0, 0, 0} + kIp6, CaptureSkip::kNotIpv4, {}},
      {"LOOP", LinkType::kLoop, Bytes{0, 0, 0, 2} + kIp, CaptureSkip::kNone, kIp},
      {"LOOP, short", LinkType::kLoop, {0, 0}, CaptureSkip::kShortLinkHeader, {}},
      {"SLL", LinkType::kLinuxSll, sll(0, 1, 0x800) + kIp, CaptureSkip::kNone, kIp},
      {"SLL, sent", LinkType::kLinuxSll, sll(4, 1, 0x800) + kIp, CaptureSkip::kNone, kIp, PacketType::kOutgoing},
      {"SLL, other host", LinkType::kLinuxSll, sll(3, 1, 0x800) + kIp, CaptureSkip::kNone, kIp, PacketType::kOtherHost},
      {"SLL, VLAN", LinkType::kLinuxSll, sll(0, 1, 0x8100) + Bytes{0, 5, 8, 0} + kIp, CaptureSkip::kNone, kIp},
      {"SLL, VLAN cut short", LinkType::kLinuxSll, sll(0, 1, 0x8100) + Bytes{0, 5}, CaptureSkip::kShortLinkHeader, {}},
      {"SLL, ARP", LinkType::kLinuxSll, sll(0, 1, 0x806) + kIp, CaptureSkip::kNotIpv4, {}},
      {"SLL, netlink", LinkType::kLinuxSll, sll(0, 824, 0x800) + kIp, CaptureSkip::kNotIpv4, {}},
      {"SLL, short", LinkType::kLinuxSll, Bytes(15), CaptureSkip::kShortLinkHeader, {}},
      {"SLL2", LinkType::kLinuxSll2, sll2(1, 3, 0x800) + kIp, CaptureSkip::kNone, kIp, PacketType::kBroadcast},
      {"SLL2, IPv6", LinkType::kLinuxSll2, sll2(0, 3, 0x86dd) + kIp6, CaptureSkip::kNotIpv4, {}},
      {"SLL2, short", LinkType::kLinuxSll2, Bytes(19), CaptureSkip::kShortLinkHeader, {}},
      {"too long", LinkType::kEthernet, Bytes(70'000), CaptureSkip::kTooLong, {}},
  };
  PacketPool pool;
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    CapturedPacket captured;
    captured.link = c.link;
    captured.bytes = c.frame;
    CaptureSkip why = CaptureSkip::kTooLong;
    const PacketPtr p = decode_capture(captured, pool, why);
    EXPECT_EQ(why, c.skip);
    ASSERT_EQ(p != nullptr, c.skip == CaptureSkip::kNone);
    if (p == nullptr) continue;
    EXPECT_EQ(test::copy_bytes(*p), c.expected);
    EXPECT_EQ(p->type, c.type);
    EXPECT_EQ(cooked_ifindex(captured), c.link == LinkType::kLinuxSll2 ? 3 : 0);
  }
  EXPECT_EQ(device_kind(LinkType::kEthernet), DeviceKind::kEthernet);
  EXPECT_EQ(device_kind(LinkType::kLinuxSll), DeviceKind::kRawIp);
}

std::string temporary(const char* name) {
  return testing::TempDir() + "hookpoint_" + name + "_" + std::to_string(getpid());
}

Bytes read_file(const std::string& path) {
  Bytes out;
  FILE* f = std::fopen(path.c_str(), "rb");
  if (f == nullptr) return out;
  for (int c = std::fgetc(f); c != EOF; c = std::fgetc(f)) out.push_back(static_cast<uint8_t>(c));
  std::fclose(f);
  return out;
}

// libpcap writes the same bytes (on a little-endian machine).
TEST(PcapWriter, SameBytesAsLibpcap) {
  for (const bool nano : {false, true}) {
    for (const LinkType link : {LinkType::kEthernet, LinkType::kRaw}) {
      const std::string ours = temporary("ours"), theirs = temporary("theirs");
      auto w = PcapWriter::open(ours, {.link = link, .nanoseconds = nano});
      ASSERT_TRUE(w.ok()) << w.error().str();
      pcap_t* dead =
          pcap_open_dead_with_tstamp_precision(link == LinkType::kRaw ? DLT_RAW : DLT_EN10MB, PcapWriter::kSnaplen,
                                               nano ? PCAP_TSTAMP_PRECISION_NANO : PCAP_TSTAMP_PRECISION_MICRO);
      pcap_dumper_t* dumper = pcap_dump_open(dead, theirs.c_str());
      ASSERT_NE(dumper, nullptr);
      for (uint32_t i = 0; i < 5; ++i) {
        const Bytes frame = test::pattern(i * 100);
        ASSERT_TRUE((*w)->write((1'700'000'000 + i) * kSecond + 123'456'789, frame, i == 3 ? 5000 : 0));
        pcap_pkthdr h{};
        h.ts.tv_sec = 1'700'000'000 + i;
        h.ts.tv_usec = nano ? 123'456'789 : 123'456;
        h.caplen = i * 100;
        h.len = i == 3 ? 5000 : h.caplen;
        pcap_dump(reinterpret_cast<u_char*>(dumper), &h, frame.data());
      }
      EXPECT_TRUE((*w)->close().ok());
      EXPECT_FALSE((*w)->write(0, kIp)) << "the file is closed";
      pcap_dump_close(dumper);
      pcap_close(dead);
      const Bytes a = read_file(ours);
      EXPECT_EQ(a.size(), 24u + 5 * 16 + 1000);
      EXPECT_EQ(a, read_file(theirs));
      std::remove(ours.c_str());
      std::remove(theirs.c_str());
    }
  }
}

TEST(PcapWriter, TellsFileErrors) {
  const auto missing = PcapWriter::open("/nonexistent/x.pcap", {});
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().str(), "/nonexistent/x.pcap: No such file or directory");
  auto full = PcapWriter::open("/dev/full", {});
  ASSERT_TRUE(full.ok());
  (*full)->write(0, kIp);  // may still be in the buffer
  EXPECT_FALSE((*full)->flush());
  EXPECT_FALSE((*full)->write(0, kIp));
  const Status s = (*full)->close();
  ASSERT_FALSE(s.ok());
  EXPECT_EQ(s.error().str(), "/dev/full: No space left on device");
}

TEST(PcapPort, WritesWhatIsSent) {
  const std::string path = temporary("port");
  PacketPool pool;
  {
    auto w = PcapWriter::open(path, {.link = LinkType::kEthernet, .nanoseconds = true});
    ASSERT_TRUE(w.ok());
    PcapPort port(w.take());
    port.set_time(5 * kSecond + 7);
    EXPECT_TRUE(port.send(test::framed(test::make_udp(pool, 10))));
    port.set_time(6 * kSecond);
    EXPECT_TRUE(port.send(test::framed(test::make_udp(pool, 20))));
    EXPECT_EQ(port.statistics().tx_packets, 2u);
    EXPECT_TRUE(port.writer().close().ok());
  }
  auto r = PcapReader::open(path);
  ASSERT_TRUE(r.ok());
  for (const auto& [time, payload] : {std::pair{5 * kSecond + 7, 10u}, std::pair{6 * kSecond, 20u}}) {
    auto p = (*r)->next();
    ASSERT_TRUE(p.ok() && *p != nullptr);
    EXPECT_EQ((*p)->time, time);
    const PacketPtr frame = test::framed(test::make_udp(pool, payload));
    EXPECT_EQ(Bytes((*p)->bytes.begin(), (*p)->bytes.end()), test::copy_bytes(*frame));
  }
  std::remove(path.c_str());
  EXPECT_EQ(pool.in_use(), 0u);
}

TEST(CaptureFilter, SelectsAndRefuses) {
  PacketPool pool;
  const PacketPtr udp = test::make_udp(pool, 10, 53);
  const PacketPtr frame = test::framed(test::make_udp(pool, 10, 53));
  struct Case {
    const char* expression;
    bool match;
  };
  for (const Case& c : {Case{"udp port 53", true}, Case{"tcp", false}, Case{"host 10.9.0.2 and not icmp", true},
                        Case{"", true}, Case{"src net 10.8.0.0/16", false}}) {
    SCOPED_TRACE(c.expression);
    auto raw = CaptureFilter::compile(c.expression, LinkType::kRaw);
    auto ethernet = CaptureFilter::compile(c.expression, LinkType::kEthernet);
    ASSERT_TRUE(raw.ok() && ethernet.ok());
    EXPECT_EQ(raw->matches(udp->bytes()), c.match);
    EXPECT_EQ(ethernet->matches(frame->bytes()), c.match);
  }
  const auto bad = CaptureFilter::compile("port port", LinkType::kRaw);
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().text.rfind("filter \"port port\": ", 0), 0u) << bad.error().text;
}

}  // namespace
}  // namespace nf
