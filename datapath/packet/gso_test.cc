// The cases were cut by Linux 6.18; payload byte i is 7*i mod 256.
#include "datapath/packet/gso.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "datapath/packet/rewrite.h"
#include "datapath/packet/testing.h"

namespace nf {
namespace {

using testing_packets::from_hex;
using testing_packets::to_hex;

struct Part {
  std::string headers;
  uint32_t offset, length;
};
struct Case {
  const char* name;
  uint16_t gso_size;
  std::string headers;
  uint32_t payload;
  std::vector<Part> out;
};
const Case kCases[] = {
#include "datapath/packet/testdata/gso_cases.inc"
};

std::vector<uint8_t> payload(uint32_t offset, uint32_t length) {
  std::vector<uint8_t> bytes;
  for (uint32_t i = 0; i < length; ++i) bytes.push_back(static_cast<uint8_t>((offset + i) * 7));
  return bytes;
}

TEST(Gso, AsTheKernel) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    PacketPool pool;
    PacketPtr p = pool.allocate(65535);
    testing_packets::append(*p, from_hex(c.headers));
    p->gso_header = static_cast<uint16_t>(p->length());
    testing_packets::append(*p, payload(0, c.payload));
    p->gso = p->ip().protocol == kProtoTcp ? GsoType::kTcpv4 : GsoType::kUdpL4;
    p->gso_size = c.gso_size;
    p->checksum = ChecksumState::kPartial;
    p->mark = 3;
    decrease_ttl(*p);
    EXPECT_EQ(segment_length(*p), c.gso_size + c.headers.size() / 2);

    std::vector<std::string> got, want;
    segment(std::move(p), pool, [&got](PacketPtr s) {
      got.push_back(to_hex(s->bytes()));
      EXPECT_EQ(s->mark, 3u);
      EXPECT_EQ(s->gso, GsoType::kNone);
      EXPECT_NE(s->checksum, ChecksumState::kPartial);
    });
    for (const Part& part : c.out) want.push_back(part.headers + to_hex(payload(part.offset, part.length)));
    EXPECT_EQ(got, want);
    EXPECT_EQ(pool.in_use(), 0u);
  }
}

TEST(Gso, PassesOthersOn) {
  PacketPool pool;
  Random random(1);
  PacketPtr p = testing_packets::random_packet(pool, random, kProtoTcp);
  Packet* const before = p.get();
  const std::string bytes = to_hex(p->bytes());
  EXPECT_EQ(segment_length(*p), p->length());
  int count = 0;
  segment(std::move(p), pool, [&](PacketPtr s) {
    ++count;
    EXPECT_EQ(s.get(), before);
    EXPECT_EQ(to_hex(s->bytes()), bytes);
  });
  EXPECT_EQ(count, 1);
}

}  // namespace
}  // namespace nf
