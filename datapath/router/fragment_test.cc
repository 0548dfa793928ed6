// The packets in the two tables of cases were sent through a namespace of Linux 6.18 by a TAP and read from another;
// payload byte i is 7*i mod 256.
#include "datapath/router/fragment.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "datapath/base/text.h"
#include "datapath/hook/device.h"
#include "datapath/packet/checksum.h"
#include "datapath/packet/rewrite.h"

namespace nf {
namespace {

struct Part {
  std::string header;  // hex
  uint32_t offset, length;
};
struct Case {
  const char* name;
  uint32_t mtu;
  std::vector<Part> in, out;
  size_t waiting;
};

const Case kReassembled[] = {
#include "datapath/router/testdata/fragment_reassembly_cases.inc"
};
const Case kPlain[] = {
#include "datapath/router/testdata/fragment_plain_cases.inc"
};

uint8_t payload_byte(uint32_t i) { return static_cast<uint8_t>(i * 7); }

PacketPtr packet(PacketPool& pool, const Part& part) {
  PacketPtr p = pool.allocate(static_cast<uint32_t>(part.header.size() / 2) + part.length);
  for (size_t i = 0; i < part.header.size(); i += 2)
    *p->put(1) = static_cast<uint8_t>(*parse_number("0x" + part.header.substr(i, 2)));
  for (uint32_t i = 0; i < part.length; ++i) *p->put(1) = payload_byte(part.offset + i);
  return p;
}

// "HEADER OFFSET+LENGTH", the payload checked.
std::string show(const Packet& p) {
  std::string s;
  const uint32_t header_length = p.ip().header_length();
  for (uint32_t i = 0; i < header_length; ++i) s += strf("%02x", p.data()[i]);
  const uint32_t offset = p.ip().fragment_offset() * 8;
  s += strf(" %u+%u", offset, p.length() - header_length);
  for (uint32_t i = header_length; i < p.length(); ++i) {
    if (p.data()[i] != payload_byte(offset + i - header_length)) return s + strf(" wrong payload at %u", i);
  }
  return s;
}
std::vector<std::string> show(const std::vector<Part>& parts) {
  std::vector<std::string> all;
  for (const Part& p : parts) all.push_back(strf("%s %u+%u", p.header.c_str(), p.offset, p.length));
  return all;
}
// As a router has it that passes it on: its options were read.
void forward(Packet& p) {
  p.options.length = static_cast<uint8_t>(p.ip().header_length() - sizeof(Ipv4Header));
  decrease_ttl(p);
}
std::vector<std::string> cut(PacketPtr p, uint32_t mtu, PacketPool& pool) {
  std::vector<std::string> all;
  fragment(std::move(p), mtu, pool, [&all](PacketPtr f) { all.push_back(show(*f)); });
  return all;
}

class ReassemblyTest : public testing::Test {
 protected:
  ReassemblyTest()
      : reassembly(pool, sysctl,
                   {[this](const Packet& first) { expired.push_back(show(first)); },
                    [this](PacketPtr, DropReason reason) { ++drops[reason]; }}) {}
  ~ReassemblyTest() override {
    reassembly.expire(INT64_MAX);
    EXPECT_EQ(pool.in_use(), 0u);
    EXPECT_EQ(reassembly.memory(), 0u);
    EXPECT_EQ(reassembly.waiting(), 0u);
  }
  PacketPtr add(uint16_t id, uint32_t offset, uint32_t length, bool more, Time now = kStart,
                DefragUser user = DefragUser::kConntrackIn, Be32 source = ip4(10, 1, 0, 2)) {
    PacketPtr p = packet(pool, {"4500000000000000400600000a0100020a020002", offset, length});
    Ipv4Header& ip = p->ip();
    ip.source = source;
    ip.id = be16(id);
    ip.total_length = be16(static_cast<uint16_t>(p->length()));
    ip.fragment = be16(static_cast<uint16_t>(offset / 8 | (more ? kIpMoreFragments : 0u)));
    ip_send_check(ip);
    return reassembly.add(std::move(p), user, now);
  }

  static constexpr Time kStart = 1'000'000 * kSecond;
  PacketPool pool;
  SysctlTable sysctl;
  std::vector<std::string> expired;
  std::map<DropReason, int> drops;
  Reassembly reassembly;
};

TEST_F(ReassemblyTest, AsTheKernel) {
  for (const Case& c : kReassembled) {
    SCOPED_TRACE(c.name);
    const size_t waiting_before = reassembly.waiting();
    std::vector<std::string> out;
    for (const Part& part : c.in) {
      PacketPtr whole = reassembly.add(packet(pool, part), DefragUser::kConntrackIn, kStart);
      if (whole == nullptr) continue;
      forward(*whole);
      for (std::string& f : cut(std::move(whole), c.mtu, pool)) out.push_back(std::move(f));
    }
    EXPECT_EQ(out, show(c.out));
    EXPECT_EQ(reassembly.waiting() - waiting_before, c.waiting);
  }
}

TEST(Fragment, AsTheKernel) {
  for (const Case& c : kPlain) {
    SCOPED_TRACE(c.name);
    PacketPool pool;
    PacketPtr p = packet(pool, c.in.front());
    forward(*p);
    EXPECT_EQ(cut(std::move(p), c.mtu, pool), show(c.out));
    EXPECT_EQ(pool.in_use(), 0u);
  }
}

// Bridged packets and those of raw sockets: 6.18 copies their options, here a full record route, into every piece
// (netns-tests/scenarios/certify/options_in_pieces.scn).
TEST(Fragment, OptionsNobodyReadAreCopied) {
  PacketPool pool;
  PacketPtr p = packet(pool, {"46000078000100004011000bc0000201c000020207030400", 0, 96});
  std::vector<uint32_t> headers;
  fragment(std::move(p), 72, pool, [&](PacketPtr f) {
    EXPECT_EQ(f->ip().header_length(), 24u);
    EXPECT_EQ(f->data()[20], 7);
    EXPECT_EQ(f->data()[21], 3);
    headers.push_back(f->ip().fragment.host());
  });
  EXPECT_EQ(headers, (std::vector<uint32_t>{kIpMoreFragments, 48 / 8}));
}

// netns-tests/scenarios/certify/long_answers_are_made_in_pieces.scn: an answer of 2,408 bytes for a route of 1300
// leaves by one of 1500. Where the pieces do not fit it is cut anew.
TEST(Fragment, MadeInPieces) {
  const auto lengths = [](uint32_t mtu) {
    PacketPool pool;
    PacketPtr p = packet(pool, {"4500097c0001000040010000c0000201c0000202", 0, 2408});
    make_in_pieces(*p, 1300);
    std::vector<uint32_t> all;
    fragment(std::move(p), mtu, pool, [&](PacketPtr f) { all.push_back(f->length() - 20); });
    return all;
  };
  EXPECT_EQ(lengths(1500), (std::vector<uint32_t>{1280, 1128}));
  EXPECT_EQ(lengths(1299), (std::vector<uint32_t>{1272, 1136}));
}

TEST(Fragment, CopiesMetadataAndCompletesTheChecksum) {
  PacketPool pool;
  Device in, out;
  PacketPtr p = packet(pool, {"450000640001000040110000c0000201c0000202", 0, 80});
  UdpHeader& udp = *view<UdpHeader>(p->transport());
  udp.length = be16(80);
  udp.checksum = Be16::from_raw(checksum_fold(checksum_pseudo(p->ip().source, p->ip().destination, kProtoUdp, 80)));
  p->checksum = ChecksumState::kPartial;
  p->dev = &out;
  p->phys_in = &in;
  p->mark = 7;
  p->priority = 3;
  p->traced = true;
  p->dst.nexthop = ip4(192, 0, 2, 9);
  std::vector<uint8_t> joined;
  int count = 0;
  fragment(std::move(p), 68, pool, [&](PacketPtr f) {
    ++count;
    EXPECT_EQ(f->dev, &out);
    EXPECT_EQ(f->phys_in, &in);
    EXPECT_EQ(f->mark, 7u);
    EXPECT_EQ(f->priority, 3u);
    EXPECT_TRUE(f->traced);
    EXPECT_EQ(f->dst.nexthop, ip4(192, 0, 2, 9));
    EXPECT_EQ(f->ct, 0u);
    EXPECT_NE(f->checksum, ChecksumState::kPartial);
    joined.insert(joined.end(), f->transport().begin(), f->transport().end());
  });
  EXPECT_EQ(count, 2);
  const Sum pseudo = checksum_pseudo(ip4(192, 0, 2, 1), ip4(192, 0, 2, 2), kProtoUdp, 80);
  EXPECT_EQ(checksum_fold(checksum_add(joined, pseudo)), 0xffff);
}

TEST_F(ReassemblyTest, ResultCarriesWhatTheKernelsDoes) {
  Device first_dev, last_dev;
  PacketPtr first = packet(pool, {"4500006c0001600040060000c0000201c0000202", 0, 88});
  first->push(sizeof(EthernetHeader));
  first->set_mac_header();
  first->mac() = EthernetHeader{{1, 2, 3, 4, 5, 6}, {7, 8, 9, 10, 11, 12}, be16(kEtherIpv4)};
  first->pull(sizeof(EthernetHeader));
  first->dev = &first_dev;
  first->mark = 5;
  first->priority = 6;
  first->protocol = kEtherIpv4;
  PacketPtr last = packet(pool, {"4500002c0001000b40060000c0000201c0000202", 88, 24});
  last->dev = &last_dev;
  last->mark = 9;
  last->dst.nexthop = ip4(192, 0, 2, 2);
  EXPECT_EQ(reassembly.add(std::move(first), DefragUser::kLocalDeliver, kStart), nullptr);
  PacketPtr whole = reassembly.add(std::move(last), DefragUser::kLocalDeliver, kStart);
  ASSERT_NE(whole, nullptr);
  EXPECT_EQ(whole->dev, &last_dev);
  EXPECT_EQ(whole->dst.nexthop, ip4(192, 0, 2, 2));
  EXPECT_EQ(whole->mark, 5u);
  EXPECT_EQ(whole->priority, 6u);
  EXPECT_EQ(whole->protocol, kEtherIpv4);
  EXPECT_EQ(whole->length(), 132u);
  EXPECT_EQ(whole->ip().total_length, be16(132));
  EXPECT_EQ(whole->frag_max_size, 108);
  EXPECT_TRUE(whole->df_fragments);
  EXPECT_TRUE(whole->ip().dont_fragment());
  ASSERT_TRUE(whole->has_mac_header());
  EXPECT_EQ(whole->mac().source, (MacAddress{7, 8, 9, 10, 11, 12}));
}

TEST_F(ReassemblyTest, PlacesAreForgottenWhenThePayloadChanges) {
  const auto whole = [this](uint16_t id) {
    add(id, 0, 400, true);
    return add(id, 400, 800, false);
  };
  PacketPtr p = whole(1);
  EXPECT_EQ(p->fragment_count, 2);
  EXPECT_EQ(pool.copy(*p)->fragment_count, 0);
  *p->put(1) = payload_byte(1200);
  std::vector<uint32_t> lengths;
  fragment(std::move(p), 1500, pool, [&](PacketPtr f) { lengths.push_back(f->length()); });
  EXPECT_EQ(lengths, (std::vector<uint32_t>{820, 421}));
  p = whole(2);
  p->trim(1219);
  EXPECT_EQ(p->fragment_count, 0);
}

TEST_F(ReassemblyTest, UsersAndKeysDoNotMix) {
  EXPECT_EQ(add(1, 0, 16, true), nullptr);
  EXPECT_EQ(add(1, 16, 8, false, kStart, DefragUser::kLocalDeliver), nullptr);
  EXPECT_EQ(add(2, 16, 8, false), nullptr);
  EXPECT_EQ(add(1, 16, 8, false, kStart, DefragUser::kConntrackIn, ip4(10, 1, 0, 3)), nullptr);
  EXPECT_EQ(reassembly.waiting(), 4u);
  EXPECT_NE(add(1, 16, 8, false), nullptr);
  EXPECT_EQ(reassembly.waiting(), 3u);
}

// net.ipv4.ipfrag_time counts from the first fragment.
TEST_F(ReassemblyTest, TimesOut) {
  EXPECT_EQ(reassembly.expire(kStart), INT64_MAX);
  add(1, 0, 16, true, kStart);
  add(2, 16, 16, true, kStart + 10 * kSecond);  // its first fragment never comes
  add(1, 16, 16, true, kStart + 20 * kSecond);
  EXPECT_EQ(reassembly.expire(kStart + 30 * kSecond - 1), kStart + 30 * kSecond);
  EXPECT_EQ(reassembly.expire(kStart + 30 * kSecond), kStart + 40 * kSecond);
  ASSERT_EQ(expired.size(), 1u);
  EXPECT_TRUE(expired[0].ends_with(" 0+16")) << expired[0];
  EXPECT_EQ(drops[DropReason::kDefragIncomplete], 2);
  EXPECT_EQ(reassembly.expire(kStart + 40 * kSecond), INT64_MAX);
  EXPECT_EQ(expired.size(), 1u);
  EXPECT_EQ(drops[DropReason::kDefragIncomplete], 3);
}

TEST_F(ReassemblyTest, ALateFragmentDoesNotJoinWhatIsTooOld) {
  add(1, 0, 16, true, kStart);
  EXPECT_EQ(add(1, 16, 16, false, kStart + 30 * kSecond), nullptr);
  EXPECT_EQ(expired.size(), 1u);
  EXPECT_EQ(reassembly.waiting(), 1u);
}

TEST_F(ReassemblyTest, OutputFragmentsTimeOutSilently) {
  add(1, 0, 16, true, kStart, DefragUser::kConntrackOut);
  reassembly.expire(kStart + 30 * kSecond);
  EXPECT_TRUE(expired.empty());
  EXPECT_EQ(drops[DropReason::kDefragIncomplete], 1);
}

TEST_F(ReassemblyTest, ShorterTimeComesFirst) {
  add(1, 0, 16, true, kStart);
  ASSERT_TRUE(sysctl.set("net.ipv4.ipfrag_time", "5").ok());
  add(2, 0, 16, true, kStart);
  EXPECT_EQ(reassembly.expire(kStart + 5 * kSecond), kStart + 30 * kSecond);
  EXPECT_EQ(reassembly.waiting(), 1u);
}

// /proc/net/sockstat after one fragment of so many payload bytes, and one more of the same datagram.
TEST_F(ReassemblyTest, MemoryAsTheKernelCounts) {
  const struct {
    uint32_t payload;
    size_t first, next;
  } kMeasured[] = {{8, 904, 704},     {64, 968, 768},     {120, 1032, 832},   {200, 1096, 896},   {512, 1416, 1216},
                   {776, 1672, 1472}, {1480, 2376, 2176}, {1496, 2376, 2176}, {2000, 2888, 2688}, {3000, 3912, 3712}};
  uint16_t id = 0;
  for (const auto& m : kMeasured) {
    SCOPED_TRACE(m.payload);
    const size_t before = reassembly.memory();
    add(++id, 0, m.payload, true);
    EXPECT_EQ(reassembly.memory() - before, m.first);
    add(id, 2 * (m.payload + 8), m.payload, true);
    EXPECT_EQ(reassembly.memory() - before, m.first + m.next);
  }
}

TEST_F(ReassemblyTest, HighThreshold) {
  ASSERT_TRUE(sysctl.set("net.ipv4.ipfrag_low_thresh", "0").ok());
  ASSERT_TRUE(sysctl.set("net.ipv4.ipfrag_high_thresh", "1807").ok());
  add(1, 0, 16, true);  // 904
  add(2, 0, 16, true);  // 1808: above, from the next on
  EXPECT_EQ(drops[DropReason::kDefragMemory], 0);
  EXPECT_EQ(add(1, 16, 8, false), nullptr);  // would have completed it
  EXPECT_EQ(drops[DropReason::kDefragMemory], 1);
  ASSERT_TRUE(sysctl.set("net.ipv4.ipfrag_high_thresh", "1808").ok());
  EXPECT_NE(add(1, 16, 8, false), nullptr);
  ASSERT_TRUE(sysctl.set("net.ipv4.ipfrag_high_thresh", "0").ok());
  add(3, 0, 16, true);
  EXPECT_EQ(drops[DropReason::kDefragMemory], 2);
}

// What sysctl(8) could set on Linux 6.18.
TEST_F(ReassemblyTest, SysctlBounds) {
  const struct {
    const char *name, *value;
    bool accepted;
  } kTries[] = {{"high_thresh", "1000", false}, {"low_thresh", "5000000", false}, {"time", "0", true},
                {"time", "-1", true},           {"max_dist", "-1", false},        {"max_dist", "0", true},
                {"low_thresh", "0", true},      {"high_thresh", "0", true},       {"low_thresh", "-1", false}};
  for (const auto& t : kTries)
    EXPECT_EQ(sysctl.set(std::string("net.ipv4.ipfrag_") + t.name, t.value).ok(), t.accepted) << t.name << t.value;
}

// Measured with k fragments of other datagrams between the two halves: 63 let it become whole, 64 did not.
TEST_F(ReassemblyTest, MaxDistance) {
  const auto halves = [this](uint16_t id, int between) {
    add(id, 0, 16, true);
    for (int i = 0; i < between; ++i) add(static_cast<uint16_t>(id + 1 + i), 0, 16, true);
    return add(id, 16, 8, false);
  };
  EXPECT_NE(halves(1000, 63), nullptr);
  EXPECT_EQ(halves(2000, 64), nullptr);
  EXPECT_EQ(drops[DropReason::kDefragIncomplete], 1);
  EXPECT_NE(add(2000, 0, 16, true), nullptr);  // begun anew by the second half
  ASSERT_TRUE(sysctl.set("net.ipv4.ipfrag_max_dist", "0").ok());
  EXPECT_NE(halves(3000, 100), nullptr);
}

// Any order of the parts gives the same datagram, and memory returns to zero.
TEST_F(ReassemblyTest, AnyOrder) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    uint64_t state = seed;
    const auto below = [&state](uint64_t n) {
      state = state * 6364136223846793005 + 1442695040888963407;
      return static_cast<uint32_t>((state >> 33) % n);
    };
    std::vector<std::pair<uint32_t, uint32_t>> parts;
    uint32_t total = 0;
    const uint32_t count = 2 + below(20);
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t n = i + 1 < count ? 8 * (1 + below(100)) : 1 + below(800);
      parts.emplace_back(total, n);
      total += n;
    }
    for (size_t i = parts.size(); i > 1; --i) std::swap(parts[i - 1], parts[below(i)]);
    PacketPtr whole;
    for (const auto& [offset, n] : parts) {
      ASSERT_EQ(whole, nullptr);
      whole = add(static_cast<uint16_t>(seed), offset, n, offset + n != total);
    }
    ASSERT_NE(whole, nullptr) << "seed " << seed;
    EXPECT_EQ(show(*whole), show(*whole).substr(0, 40) + strf(" 0+%u", total));
  }
  EXPECT_EQ(reassembly.memory(), 0u);
}

}  // namespace
}  // namespace nf
