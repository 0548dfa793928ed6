#include "datapath/packet/pool.h"

#include <gtest/gtest.h>

#include <cstring>

#include "datapath/packet/testing.h"

namespace nf {
namespace {

TEST(PacketPool, CountsAndReuses) {
  PacketPool pool;
  Packet* first = nullptr;
  {
    PacketPtr p = pool.allocate(100);
    first = p.get();
    EXPECT_EQ(pool.in_use(), 1u);
    EXPECT_EQ(p->length(), 0u);
    EXPECT_EQ(p->headroom(), PacketPool::kHeadroom);
    EXPECT_GE(p->tailroom(), 100u);
    p->mark = 9;
    p->put(50);
    p->set_mac_header();
  }
  EXPECT_EQ(pool.in_use(), 0u);
  PacketPtr p = pool.allocate(1);
  EXPECT_EQ(p.get(), first);
  EXPECT_EQ(p->mark, 0u);
  EXPECT_EQ(p->length(), 0u);
  EXPECT_FALSE(p->has_mac_header());
}

TEST(PacketPool, RoomForEverySize) {
  PacketPool pool;
  for (const uint32_t size : {0u, 1u, 2047u, 2048u, 2049u, 9000u, 65535u, 65536u + 512u}) {
    PacketPtr p = pool.allocate(size);
    EXPECT_GE(p->tailroom(), size);
    std::memset(p->put(size), 0xa5, size);
    EXPECT_EQ(p->length(), size);
  }
  EXPECT_EQ(pool.in_use(), 0u);
}

// Small and large packets of random number, each filled with its own pattern: no two share memory.
TEST(PacketPool, PacketsDoNotOverlap) {
  PacketPool pool;
  Random random(31);
  std::vector<std::pair<PacketPtr, uint8_t>> alive;
  for (int step = 0; step < 3000; ++step) {
    if (alive.empty() || random.below(5) < 3) {
      const uint32_t size = random.below(20) == 0 ? 2049 + random.below(60000) : 1 + random.below(2048);
      const auto pattern = static_cast<uint8_t>(random.u32());
      PacketPtr p = pool.allocate(size);
      std::memset(p->put(size), pattern, size);
      p->push(p->headroom());
      std::memset(p->data(), pattern, PacketPool::kHeadroom);
      alive.emplace_back(std::move(p), pattern);
    } else {
      std::swap(alive[random.below(static_cast<uint32_t>(alive.size()))], alive.back());
      const auto& [p, pattern] = alive.back();
      for (const uint8_t b : p->bytes()) ASSERT_EQ(b, pattern);
      alive.pop_back();
    }
    ASSERT_EQ(pool.in_use(), alive.size());
  }
}

TEST(PacketPool, CopyIsDeepAndComplete) {
  PacketPool pool;
  Random random(32);
  for (const uint32_t size : {60u, 1500u, 2048u, 9000u, 65535u}) {
    SCOPED_TRACE(size);
    PacketPtr p = pool.allocate(size);
    for (uint32_t i = 0; i < size; ++i) *p->put(1) = static_cast<uint8_t>(random.u32());
    p->set_mac_header();
    p->pull(14);
    p->mark = 7;
    p->protocol = kEtherIpv4;
    p->gso = GsoType::kTcpv4;
    p->gso_size = 1448;
    p->ctinfo = CtInfo::kEstablished;
    PacketPtr c = pool.copy(*p);
    EXPECT_EQ(testing_packets::to_hex(c->bytes()), testing_packets::to_hex(p->bytes()));
    ASSERT_TRUE(c->has_mac_header());
    EXPECT_EQ(c->mac().destination, p->mac().destination);
    EXPECT_EQ(c->mac().source, p->mac().source);
    EXPECT_EQ(c->headroom(), p->headroom());
    EXPECT_EQ(c->mark, 7u);
    EXPECT_EQ(c->protocol, kEtherIpv4);
    EXPECT_EQ(c->gso, GsoType::kTcpv4);
    EXPECT_EQ(c->gso_size, 1448);
    EXPECT_EQ(c->ctinfo, CtInfo::kNone);
    const uint8_t first = p->data()[0];
    c->data()[0] = static_cast<uint8_t>(~first);
    EXPECT_EQ(p->data()[0], first);
    c.reset();
    EXPECT_EQ(pool.in_use(), 1u);
  }
}

TEST(PacketPool, CopyOfAShortPacketInALargeBuffer) {
  PacketPool pool;
  PacketPtr p = pool.allocate(60000);
  std::memset(p->put(100), 0x5a, 100);
  PacketPtr c = pool.copy(*p);
  EXPECT_EQ(c->length(), 100u);
  EXPECT_EQ(c->headroom() + c->length() + c->tailroom(), PacketPool::kSmall);
  EXPECT_EQ(testing_packets::to_hex(c->bytes()), testing_packets::to_hex(p->bytes()));
}

TEST(PacketPool, ReleasesTheConnectionOnce) {
  PacketPool pool;
  std::vector<uintptr_t> released;
  pool.set_ct_release(&released,
                      [](void* self, uintptr_t ct) { static_cast<std::vector<uintptr_t>*>(self)->push_back(ct); });
  PacketPtr p = pool.allocate(10);
  p->ct = 5;
  PacketPtr c = pool.copy(*p);
  EXPECT_EQ(c->ct, 0u);
  c.reset();
  EXPECT_TRUE(released.empty());
  p.reset();
  EXPECT_EQ(released, (std::vector<uintptr_t>{5}));
  p = pool.allocate(10);
  p->ct = 6;
  p->ctinfo = CtInfo::kNew;
  pool.reset_ct(*p);
  EXPECT_EQ(p->ctinfo, CtInfo::kNone);
  p.reset();
  EXPECT_EQ(released, (std::vector<uintptr_t>{5, 6}));
}

// Linux 6.18: a TCP segment that came as 16 + 104 bytes leaves as 104 + 16, one that came as 24 + 96 as it came.
TEST(Packet, AHeaderThatHadToBeInOnePieceMovesTheCut) {
  PacketPool pool;
  PacketPtr p = pool.allocate(200);
  p->put(140);
  const uint16_t lengths[] = {16, 104};
  std::memcpy(p->tail(), lengths, sizeof lengths);
  p->fragment_count = 2;
  const auto places = [&] {
    std::vector<uint16_t> all(p->fragment_count);
    std::memcpy(all.data(), p->tail(), all.size() * sizeof(uint16_t));
    return all;
  };
  p->need_contiguous(16);
  EXPECT_EQ(places(), (std::vector<uint16_t>{16, 104}));
  p->need_contiguous(121);  // more than there is
  EXPECT_EQ(places(), (std::vector<uint16_t>{16, 104}));
  p->need_contiguous(20);
  EXPECT_EQ(places(), (std::vector<uint16_t>{20, 100}));
  p->need_contiguous(120);
  EXPECT_EQ(places(), (std::vector<uint16_t>{120}));
}

}  // namespace
}  // namespace nf
