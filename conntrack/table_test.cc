#include "conntrack/table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "datapath/base/random.h"

namespace nf::ct {
namespace {

Key key_of(uint64_t a, uint64_t b) { return Key{{a, b}}; }

// Random insertions, deletions and lookups do what a std::map does, while the index grows and shrinks in use.
TEST(Table, AgainstAMap) {
  for (const uint64_t seed : {1u, 2u, 3u}) {
    Random r(seed);
    Table table(SipKey{seed, 99});
    std::map<std::pair<uint64_t, uint64_t>, Flow> model;
    const auto random_key = [&] { return std::pair<uint64_t, uint64_t>(r.below(40), r.below(200)); };
    for (int i = 0; i < 60000; ++i) {
      // First mostly in, then mostly out.
      const bool in = r.below(100) < (i < 30000 ? 80u : 30u);
      const auto k = random_key();
      const Key key = key_of(k.first, k.second);
      const uint64_t hash = table.hash(key);
      const auto at = model.find(k);
      ASSERT_EQ(table.find(key, hash), at == model.end() ? 0 : at->second);
      if (in && at == model.end()) {
        const Flow f = r.below(1u << 20) + 2;
        table.insert(key, hash, f);
        model[k] = f;
      } else if (!in && at != model.end()) {
        EXPECT_FALSE(table.erase(key, hash, at->second + 1)) << "another's entry";
        ASSERT_TRUE(table.erase(key, hash, at->second));
        model.erase(at);
      } else if (at == model.end()) {
        EXPECT_FALSE(table.erase(key, hash, 7));
      }
      if (i % 5000 == 0) {
        ASSERT_TRUE(table.consistent()) << i;
      }
    }
    ASSERT_TRUE(table.consistent());
    EXPECT_EQ(table.entries(), model.size());
    for (const auto& [k, f] : model) {
      const Key key = key_of(k.first, k.second);
      EXPECT_EQ(table.find(key, table.hash(key)), f);
    }
  }
}

TEST(Table, GrowsByOneBucketAtATime) {
  Table table(SipKey{1, 2});
  size_t buckets = table.buckets();
  for (uint32_t i = 0; i < 50000; ++i) {
    const Key key = key_of(i, 0);
    table.insert(key, table.hash(key), i + 2);
    ASSERT_LE(table.buckets(), buckets + 1);
    buckets = table.buckets();
  }
  EXPECT_TRUE(table.consistent());
  EXPECT_GE(buckets * 3, table.entries() * 2);
  EXPECT_LE(table.memory_bytes(), table.entries() * 64 * 2);
}

// All entries in one bucket: the chain is walked right, and given back.
TEST(Table, OneLongChain) {
  Table table(SipKey{1, 2});
  const uint64_t hash = 5;
  constexpr uint32_t kMany = 100;
  for (uint32_t i = 0; i < kMany; ++i) table.insert(key_of(i, 1), hash, i + 2);
  Random r(4);
  std::vector<uint32_t> order(kMany);
  for (uint32_t i = 0; i < kMany; ++i) order[i] = i;
  for (uint32_t i = kMany - 1; i > 0; --i) std::swap(order[i], order[r.below(i + 1)]);
  for (uint32_t i = 0; i < kMany; ++i) {
    ASSERT_TRUE(table.erase(key_of(order[i], 1), hash, order[i] + 2));
    for (uint32_t j = i + 1; j < kMany; ++j) ASSERT_EQ(table.find(key_of(order[j], 1), hash), order[j] + 2);
  }
  EXPECT_EQ(table.entries(), 0u);
  EXPECT_TRUE(table.consistent());
}

TEST(Table, RangesPartitionTheEntries) {
  Table table(SipKey{3, 4});
  for (uint32_t i = 0; i < 3000; ++i) {
    const Key key = key_of(i, 7);
    table.insert(key, table.hash(key), i + 2);
  }
  for (const uint64_t parts : {1u, 2u, 7u, 1000u, 100000u}) {
    std::multiset<Flow> seen;
    const uint64_t step = ((uint64_t{1} << 32) + parts - 1) / parts;
    for (uint64_t from = 0; from < uint64_t{1} << 32; from += step) {
      const uint64_t to = std::min(from + step, uint64_t{1} << 32);
      table.visit_range(from, to, [&](Flow f) {
        const uint64_t o = Table::order(table.hash(key_of(f - 2, 7)));
        EXPECT_GE(o, from);
        EXPECT_LT(o, to);
        seen.insert(f);
        return true;
      });
    }
    EXPECT_EQ(seen.size(), 3000u) << parts;
    EXPECT_EQ(std::set<Flow>(seen.begin(), seen.end()).size(), 3000u) << parts;
  }
  int visits = 0;
  table.visit_range(0, uint64_t{1} << 32, [&](Flow) { return ++visits < 5; });
  EXPECT_EQ(visits, 5);
}

TEST(Table, OrderReversesBits) {
  EXPECT_EQ(Table::order(1), 0x80000000u);
  EXPECT_EQ(Table::order(0x80000000u), 1u);
  EXPECT_EQ(Table::order(0xffff00000006u), 0x60000000u);
}

TEST(Table, HandlesAreReused) {
  Table table(SipKey{});
  std::vector<Connection*> all;
  for (int i = 0; i < 20000; ++i) all.push_back(&table.allocate());
  std::set<Connection*> distinct(all.begin(), all.end());
  EXPECT_EQ(distinct.size(), all.size());
  for (Connection* c : all) {
    ASSERT_EQ(&table.at(c->handle), c);
    ASSERT_EQ(&table.connection(flow_of(*c, CtDirection::kReply)), c);
    ASSERT_EQ(flow_direction(flow_of(*c, CtDirection::kReply)), CtDirection::kReply);
  }
  const uint32_t high = table.high_water();
  for (Connection* c : all) {
    c->use = 0;
    table.release(*c);
  }
  EXPECT_EQ(table.live(), 0u);
  for (int i = 0; i < 20000; ++i) EXPECT_TRUE(distinct.contains(&table.allocate()));
  EXPECT_EQ(table.high_water(), high);
}

// One connection's original tuple is another's reply, which zones of one direction allow: each is found by its
// direction, and the later one when that is not asked.
TEST(Table, OneKeyInBothDirections) {
  Table table(SipKey{1, 2});
  constexpr uint32_t kMany = 2000;
  // Two keys a round, so that chains have neighbours that go away.
  for (uint32_t i = 0; i < kMany; ++i) {
    const Key key = key_of(i, 1);
    table.insert(key, table.hash(key), i * 4 + 2);
    table.insert(key, table.hash(key), i * 4 + 5);
    const Key other = key_of(i, 2);
    table.insert(other, table.hash(other), i * 4 + 4);
  }
  ASSERT_TRUE(table.consistent());
  for (uint32_t i = 0; i < kMany; ++i) {
    const Key other = key_of(i, 2);
    ASSERT_TRUE(table.erase(other, table.hash(other), i * 4 + 4));
  }
  ASSERT_TRUE(table.consistent());
  for (uint32_t i = 0; i < kMany; ++i) {
    const Key key = key_of(i, 1);
    const uint64_t hash = table.hash(key);
    ASSERT_EQ(table.find(key, hash), i * 4 + 5) << i;
    ASSERT_EQ(table.find(key, hash, CtDirection::kOriginal), i * 4 + 2);
    ASSERT_EQ(table.find(key, hash, CtDirection::kReply), i * 4 + 5);
    ASSERT_TRUE(table.erase(key, hash, i % 2 == 0 ? i * 4 + 5 : i * 4 + 2));
    ASSERT_EQ(table.find(key, hash), i % 2 == 0 ? i * 4 + 2 : i * 4 + 5);
  }
  EXPECT_EQ(table.entries(), kMany);
  EXPECT_TRUE(table.consistent());
}

}  // namespace
}  // namespace nf::ct
