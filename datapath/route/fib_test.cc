#include "datapath/route/fib.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "datapath/base/random.h"

namespace nf {
namespace {

struct Known {
  uint32_t address;
  uint8_t length;
  uint32_t id;
};

// The obvious way: try all.
uint32_t linear(const std::vector<Known>& all, uint32_t address) {
  const Known* best = nullptr;
  for (const Known& k : all)
    if (((address ^ k.address) & prefix_mask(k.length).host()) == 0 && (best == nullptr || k.length > best->length))
      best = &k;
  return best == nullptr ? PrefixTrie::kNone : best->id;
}

const Known* longest_below(const std::vector<Known>& all, const Known& of) {
  const Known* best = nullptr;
  for (const Known& k : all)
    if (k.length < of.length && ((of.address ^ k.address) & prefix_mask(k.length).host()) == 0 &&
        (best == nullptr || k.length > best->length))
      best = &k;
  return best;
}

// Random prefixes crowd in a few corners of the address space, so that they nest.
Known random_prefix(Random& random, uint32_t id) {
  const auto length = static_cast<uint8_t>(random.below(33));
  const uint32_t corner = random.below(2) == 0 ? 0x0a000000 : 0xc0a80000;
  const uint32_t address = random.below(4) == 0 ? random.u32() : corner | (random.u32() & 0x0003ffff);
  return {address & prefix_mask(length).host(), length, id};
}

TEST(PrefixTrie, AgreesWithLinearSearchWhileItGrowsAndShrinks) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    PrefixTrie trie;
    const size_t empty = trie.slots();
    std::vector<Known> all;
    for (uint32_t step = 0; step < 1500; ++step) {
      const bool grow = all.empty() || random.below(step < 900 ? 5 : 2) != 0;
      if (grow) {
        const Known k = random_prefix(random, step);
        const auto old = std::find_if(all.begin(), all.end(),
                                      [&](const Known& o) { return o.address == k.address && o.length == k.length; });
        if (old != all.end()) all.erase(old);
        trie.insert(k.address, k.length, k.id);
        all.push_back(k);
      } else {
        const auto at = all.begin() + random.below(static_cast<uint32_t>(all.size()));
        const Known k = *at;
        all.erase(at);
        const Known* next = longest_below(all, k);
        trie.remove(k.address, k.length, next == nullptr ? PrefixTrie::kNone : next->id,
                    next == nullptr ? 0 : next->length);
      }
      for (int i = 0; i < 8; ++i) {
        uint32_t address = random.u32();
        if (!all.empty() && i > 0) {  // on and around the edge of a prefix
          const Known& k = all[random.below(static_cast<uint32_t>(all.size()))];
          address = k.address + static_cast<uint32_t>(i % 3) - 1;
          if (i > 4) address = (k.address | ~prefix_mask(k.length).host()) + static_cast<uint32_t>(i % 3) - 1;
        }
        ASSERT_EQ(trie.lookup(address), linear(all, address)) << std::hex << address << " step " << std::dec << step;
      }
    }
    while (!all.empty()) {
      const Known k = all.back();
      all.pop_back();
      const Known* next = longest_below(all, k);
      trie.remove(k.address, k.length, next == nullptr ? PrefixTrie::kNone : next->id,
                  next == nullptr ? 0 : next->length);
    }
    EXPECT_EQ(trie.slots(), empty);
  }
}

std::unique_ptr<FibEntry> entry_to(Device& dev, uint32_t metric = 0, uint8_t tos = 0) {
  auto e = std::make_unique<FibEntry>();
  e->table = kTableMain;
  e->metric = metric;
  e->tos = tos;
  FibNexthop nh;
  nh.device = &dev;
  e->nexthops.push_back(nh);
  return e;
}

// 100 000 routes of the lengths real tables have; each address inside its own prefix must find it or a longer one.
TEST(FibTrie, HundredThousandRoutes) {
  Random random(7);
  std::vector<Device> devices(64);
  FibTrie trie;
  std::vector<Known> all;
  while (all.size() < 100'000) {
    const auto length = static_cast<uint8_t>(random.below(10) < 6 ? 24 : 12 + random.below(21));
    const uint32_t address = random.u32() & prefix_mask(length).host();
    Device& dev = devices[random.below(64)];
    if (trie.insert(be32(address), length, entry_to(dev), RouteMode::kAdd) == FibTrie::Insert::kOk)
      all.push_back({address, length, static_cast<uint32_t>(&dev - devices.data())});
  }
  std::vector<Known> sorted = all;  // longest first: the first that covers is the answer
  std::stable_sort(sorted.begin(), sorted.end(), [](const Known& a, const Known& b) { return a.length > b.length; });
  for (int i = 0; i < 400; ++i) {
    const Known& k = all[random.below(100'000)];
    const uint32_t address = i % 4 == 0 ? random.u32() : k.address | (random.u32() & ~prefix_mask(k.length).host());
    const auto expected = std::find_if(sorted.begin(), sorted.end(), [&](const Known& o) {
      return ((address ^ o.address) & prefix_mask(o.length).host()) == 0;
    });
    FibResult result;
    const FibError error = trie.lookup({be32(address)}, result);
    ASSERT_EQ(error == FibError::kNone, expected != sorted.end());
    if (expected == sorted.end()) continue;
    ASSERT_EQ(result.length, expected->length);
    ASSERT_EQ(result.nexthop->device, &devices[expected->id]);
  }
}

// A route that does not suit (tos, device, scope, dead) leaves the choice to the next shorter prefix.
TEST(FibTrie, WhatDoesNotSuitIsPassedOver) {
  std::vector<Device> d(4);
  FibTrie trie;
  trie.insert(ip4(0, 0, 0, 0), 0, entry_to(d[0]), RouteMode::kAdd);
  trie.insert(ip4(10, 0, 0, 0), 8, entry_to(d[1]), RouteMode::kAdd);
  trie.insert(ip4(10, 1, 0, 0), 16, entry_to(d[2], 0, 0x10), RouteMode::kAdd);
  trie.insert(ip4(10, 1, 1, 0), 24, entry_to(d[3], 5), RouteMode::kAdd);
  trie.insert(ip4(10, 1, 1, 0), 24, entry_to(d[2], 4), RouteMode::kAdd);
  const struct {
    const char* what;
    FibKey key;
    Device* device;
    int length;
  } cases[] = {
      {"longest", {ip4(10, 1, 1, 1)}, &d[2], 24},
      {"higher metric for its device", {ip4(10, 1, 1, 1), RouteScope::kUniverse, &d[3]}, &d[3], 24},
      {"tos differs", {ip4(10, 1, 2, 1)}, &d[1], 8},
      {"tos agrees", {ip4(10, 1, 2, 1), RouteScope::kUniverse, nullptr, 0x10}, &d[2], 16},
      {"ECN and precedence do not count", {ip4(10, 1, 2, 1), RouteScope::kUniverse, nullptr, 0xf3}, &d[2], 16},
      {"bound to the default's device", {ip4(10, 1, 1, 1), RouteScope::kUniverse, &d[0]}, &d[0], 0},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    FibResult result;
    ASSERT_EQ(trie.lookup(c.key, result), FibError::kNone);
    EXPECT_EQ(result.nexthop->device, c.device);
    EXPECT_EQ(result.length, c.length);
  }
  FibResult result;
  EXPECT_EQ(trie.lookup({ip4(10, 1, 1, 1), RouteScope::kLink}, result), FibError::kAgain);
  trie.for_each_entry([&](FibEntry& e) { e.nexthops[0].dead = e.nexthops[0].device == &d[2]; });
  EXPECT_EQ(trie.lookup({ip4(10, 1, 1, 1)}, result), FibError::kNone);
  EXPECT_EQ(result.nexthop->device, &d[3]);
}

// Arithmetic of DIV_ROUND_CLOSEST(w << 31, total) - 1.
TEST(FibEntry, WeightsDivideTheHashSpace) {
  FibEntry e;
  e.nexthops.resize(3);
  e.nexthops[0].weight = 1;
  e.nexthops[1].weight = 3;
  e.nexthops[2].weight = 4;
  e.rebalance();
  EXPECT_EQ(e.nexthops[0].upper_bound, 0x0fffffff);
  EXPECT_EQ(e.nexthops[1].upper_bound, 0x3fffffff);
  EXPECT_EQ(e.nexthops[2].upper_bound, 0x7fffffff);
  e.nexthops[1].dead = true;
  e.rebalance();
  EXPECT_EQ(e.nexthops[0].upper_bound, 0x19999999);  // 2^31 / 5, rounded, less one
  EXPECT_EQ(e.nexthops[1].upper_bound, -1);
  EXPECT_EQ(e.nexthops[2].upper_bound, 0x7fffffff);
}

}  // namespace
}  // namespace nf
