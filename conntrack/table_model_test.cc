// The container against standard containers, every operation of it in random order: connections come and go, are
// indexed by both tuples as confirm and kill do it, asked for, and walked by hash order. table_test.cc has what each
// operation promises by itself.
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <unordered_map>

#include "conntrack/table.h"
#include "datapath/base/random.h"

namespace nf::ct {
namespace {

using Words = std::pair<uint64_t, uint64_t>;

Key key_of(const Words& w) { return Key{{w.first, w.second}}; }

// What the keys are: all over the index, or crowding few of its buckets, so that chains continue in overflow lines and
// are taken apart when their bucket is split.
enum class Keys { kEverywhere, kCrowded };

class Model {
 public:
  Model(uint64_t seed, Keys keys) : random_(seed), table_(SipKey{seed, 7}) {
    // Of 2^14 possible keys some are always there already, so insertions clash and lookups hit.
    constexpr size_t kKeys = size_t{1} << 14;
    while (keys_.size() < kKeys) {
      const Words w{random_.u64(), random_.u64()};
      if (keys == Keys::kCrowded && (table_.hash(key_of(w)) & 0xff) >= 5) continue;
      keys_.push_back(w);
    }
  }

  void run(int operations) {
    size_t buckets = table_.buckets(), memory = table_.memory_bytes();
    for (int i = 0; i < operations && !testing::Test::HasFailure(); ++i) {
      // The table fills and empties again, several times.
      const bool filling = i / (operations / 6) % 2 == 0;
      const uint32_t kind = random_.below(1000);
      if (kind < (filling ? 500u : 150u))
        allocate();
      else if (kind < 650)
        release();
      else if (kind < 750)
        erase_wrongly();
      else if (kind < 990)
        find();
      else
        walk();
      ASSERT_EQ(table_.entries(), index_.size());
      ASSERT_EQ(table_.live(), live_.size());
      // It grows by a bucket at a time, and gives nothing back.
      ASSERT_GE(table_.buckets(), buckets);
      ASSERT_LE(table_.buckets(), buckets + 2) << "two insertions";
      buckets = table_.buckets();
      ASSERT_GE(table_.memory_bytes(), memory);
      memory = table_.memory_bytes();
      if (random_.below(10000) == 0) compare_all();
    }
    compare_all();
    while (!live_.empty()) release();
    compare_all();
    EXPECT_EQ(table_.entries(), 0u);
  }

 private:
  struct Indexed {
    Words words[2];
    bool there[2] = {false, false};
  };

  const Words& any_key() { return keys_[random_.below(static_cast<uint32_t>(keys_.size()))]; }

  void allocate() {
    Connection& c = table_.allocate();
    ASSERT_EQ(&table_.at(c.handle), &c);
    ASSERT_NE(c.handle, 0u);
    ASSERT_LT(c.handle, table_.high_water());
    ASSERT_EQ(c.use, 1u);
    ASSERT_EQ(c.status | c.mark | c.id | c.events | c.extensions, 0u) << "what was there before shows";
    ASSERT_EQ(c.expires | c.started, 0);
    ASSERT_EQ(c.master, nullptr);
    ASSERT_EQ(c.nat.bysource_at, nullptr);
    ASSERT_EQ(c.counters[0].packets | c.counters[1].bytes, 0u);
    // Marks that release() must clear and no other connection may see.
    c.status = kConfirmed;
    c.mark = c.handle;
    Indexed& indexed = live_.emplace(c.handle, Indexed{}).first->second;
    handles_.push_back(c.handle);
    for (const CtDirection d : {CtDirection::kOriginal, CtDirection::kReply}) {
      const Words& w = any_key();
      if (index_.contains(w)) continue;  // must not be there; a connection with one tuple is one that lost a clash
      const uint64_t hash = table_.hash(key_of(w));
      table_.insert(key_of(w), hash, flow_of(c, d));
      index_[w] = flow_of(c, d);
      by_order_.emplace(Table::order(hash), flow_of(c, d));
      indexed.words[static_cast<size_t>(d)] = w;
      indexed.there[static_cast<size_t>(d)] = true;
    }
  }

  void release() {
    if (handles_.empty()) return;
    const size_t which = random_.below(static_cast<uint32_t>(handles_.size()));
    const uint32_t handle = handles_[which];
    handles_[which] = handles_.back();
    handles_.pop_back();
    Connection& c = table_.at(handle);
    ASSERT_EQ(c.mark, handle) << "somebody wrote into it";
    const auto at = live_.find(handle);
    for (const CtDirection d : {CtDirection::kOriginal, CtDirection::kReply}) {
      const Indexed& indexed = at->second;
      if (!indexed.there[static_cast<size_t>(d)]) continue;
      const Words& w = indexed.words[static_cast<size_t>(d)];
      const uint64_t hash = table_.hash(key_of(w));
      ASSERT_TRUE(table_.erase(key_of(w), hash, flow_of(c, d)));
      index_.erase(w);
      auto [from, to] = by_order_.equal_range(Table::order(hash));
      by_order_.erase(std::find_if(from, to, [&](const auto& e) { return e.second == flow_of(c, d); }));
    }
    live_.erase(at);
    c.use = 0;
    table_.release(c);
  }

  // Under a key that is another's, or nobody's.
  void erase_wrongly() {
    const Words& w = any_key();
    const uint64_t hash = table_.hash(key_of(w));
    const auto at = index_.find(w);
    const Flow other = at == index_.end() ? 2 + random_.below(1000) : at->second ^ 1;
    ASSERT_FALSE(table_.erase(key_of(w), hash, other));
  }

  void find() {
    const Words& w = any_key();
    const uint64_t hash = table_.hash(key_of(w));
    table_.prefetch(hash);
    const Flow f = table_.find(key_of(w), hash);
    const auto at = index_.find(w);
    ASSERT_EQ(f, at == index_.end() ? 0 : at->second);
    if (f == 0) return;
    table_.prefetch_connection(f);
    ASSERT_EQ(&table_.connection(f), &table_.at(f >> 1));
    ASSERT_EQ(table_.connection(f).mark, f >> 1);
  }

  // Part of the order: from the width of a bucket of a large table up to all of it.
  void walk() {
    const uint64_t all = uint64_t{1} << 32, width = (all >> random_.below(24)) + random_.below(3);
    const uint64_t from = random_.below(4) == 0 ? 0 : random_.u32(), to = std::min(from + width, all);
    std::multiset<Flow> seen, expected;
    table_.visit_range(from, to, [&](Flow f) {
      seen.insert(f);
      return true;
    });
    for (auto at = by_order_.lower_bound(from); at != by_order_.end() && at->first < to; ++at)
      expected.insert(at->second);
    ASSERT_EQ(seen, expected) << from << ".." << to;
    if (expected.empty()) return;
    size_t left = 1 + random_.below(static_cast<uint32_t>(expected.size()));
    table_.visit_range(from, to, [&](Flow) {
      EXPECT_GT(left, 0u) << "visited after its end";
      return --left > 0;
    });
    ASSERT_EQ(left, 0u);
  }

  void compare_all() {
    ASSERT_TRUE(table_.consistent());
    for (const auto& [w, f] : index_) ASSERT_EQ(table_.find(key_of(w), table_.hash(key_of(w))), f);
    size_t used = 0;
    for (uint32_t h = 1; h < table_.high_water(); ++h) {
      ASSERT_EQ(table_.at(h).use != 0, live_.contains(h)) << h;
      used += table_.at(h).use;
    }
    ASSERT_EQ(used, live_.size());
  }

  Random random_;
  Table table_;
  std::vector<Words> keys_;
  std::map<Words, Flow> index_;
  std::multimap<uint64_t, Flow> by_order_;
  std::unordered_map<uint32_t, Indexed> live_;  // by handle
  std::vector<uint32_t> handles_;               // of live_, to choose from
};

TEST(TableModel, KeysEverywhere) {
  for (const uint64_t seed : {1u, 2u}) {
    SCOPED_TRACE(seed);
    Model(seed, Keys::kEverywhere).run(50000);
  }
}

TEST(TableModel, KeysInFewBuckets) {
  for (const uint64_t seed : {3u, 4u}) {
    SCOPED_TRACE(seed);
    Model(seed, Keys::kCrowded).run(50000);
  }
}

}  // namespace
}  // namespace nf::ct
