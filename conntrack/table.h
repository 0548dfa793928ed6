// The container of connections: slabs of them, and one index of their tuples.
//
// Index: linear hashing (Litwin 1980) over buckets of one cache line, three entries each with the whole key, so that a
// lookup that misses the connection never touches it. It grows by one bucket per insertion, so no insertion pauses;
// a full bucket continues in overflow lines. Nothing is ever rehashed at once and deletion leaves no tombstone.
// Slabs: 2 MiB of connections each, never moved or given back; a handle counts through them.
//
// Owns the memory of every connection; lifetimes (reference counts) are Core's business.
// Invariants:
//  1. A key is in the index at most once for each direction of a flow; twice only with zones of one direction, where
//     one connection's original tuple may be another's reply; then the later one is found first, as in the kernel.
//  2. In a chain only the last line may have free entries, and it has at least one used unless it is the first.
//  3. An entry's home is bucket hash mod 2^(level+1), or mod 2^level while that bucket does not exist yet.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "conntrack/connection.h"
#include "conntrack/pages.h"
#include "conntrack/siphash.h"

namespace nf::ct {

// A tuple without its direction, as two words.
struct Key {
  uint64_t word[2];
  static Key of(Tuple t) {
    t.direction = CtDirection::kOriginal;
    Key k;
    static_assert(sizeof k == sizeof t);
    std::memcpy(&k, &t, sizeof k);
    return k;
  }
  friend bool operator==(const Key& a, const Key& b) {
    return ((a.word[0] ^ b.word[0]) | (a.word[1] ^ b.word[1])) == 0;
  }
};

// One direction of a connection: handle * 2 + direction. Zero is none.
using Flow = uint32_t;
inline Flow flow_of(const Connection& c, CtDirection d) { return c.handle << 1 | static_cast<uint32_t>(d); }
inline CtDirection flow_direction(Flow f) { return static_cast<CtDirection>(f & 1); }

class Table {
 public:
  explicit Table(const SipKey& key);

  // --- slabs
  // A fresh connection with its handle and one reference.
  Connection& allocate();
  void release(Connection& c);
  Connection& at(uint32_t handle) {
    return static_cast<Connection*>(slabs_[handle / kPerSlab].data())[handle % kPerSlab];
  }
  Connection& connection(Flow f) { return at(f >> 1); }
  // Handles are 1..high_water()-1; those not in use have Connection::use == 0.
  uint32_t high_water() const { return next_handle_; }
  size_t live() const { return live_; }

  // --- index
  uint64_t hash(const Key& k) const { return siphash16<1, 3>(key_, k.word[0], k.word[1]); }
  void prefetch(uint64_t hash) const { __builtin_prefetch(home(hash)); }
  // What a caller about to use connection(f) will touch first.
  void prefetch_connection(Flow f) {
    const char* p = reinterpret_cast<const char*>(&connection(f));
    __builtin_prefetch(p, 1);
    __builtin_prefetch(p + 64, 1);
  }
  Flow find(const Key& k, uint64_t hash) const {
    for (const Bucket* b = home(hash);;) {
      for (int i = 0; i < kEntries; ++i)
        if (b->key[i] == k && b->flow[i] != 0) return b->flow[i];
      if (b->next == 0) return 0;
      b = overflow_at(b->next);
    }
  }
  // The same, of flows of one direction only.
  Flow find(const Key& k, uint64_t hash, CtDirection only) const {
    for (const Bucket* b = home(hash);;) {
      for (int i = 0; i < kEntries; ++i)
        if (b->flow[i] != 0 && flow_direction(b->flow[i]) == only && b->key[i] == k) return b->flow[i];
      if (b->next == 0) return 0;
      b = overflow_at(b->next);
    }
  }
  // The key must not be in the index with a flow of this direction.
  void insert(const Key& k, uint64_t hash, Flow f);
  // False when the key is not there or belongs to another flow.
  bool erase(const Key& k, uint64_t hash, Flow f);
  size_t entries() const { return entries_; }
  size_t buckets() const { return (size_t{1} << level_) + split_; }
  size_t memory_bytes() const;

  // A hash's place in an order that the index can walk, for asking as if there were a fixed number of buckets.
  static uint32_t order(uint64_t hash);
  // Calls visit(flow) for each entry whose order is in [from, to); visit must not change the table. It ends the walk
  // by returning false.
  template <class Visit>
  void visit_range(uint64_t from, uint64_t to, Visit&& visit) const;

  // Checks the invariants, for tests: true when they hold.
  bool consistent() const;

 private:
  static constexpr int kEntries = 3;
  struct alignas(64) Bucket {
    Key key[kEntries];
    Flow flow[kEntries];
    uint32_t next;  // overflow line, 1-based
  };
  static_assert(sizeof(Bucket) == 64);
  static constexpr unsigned kFirstLevel = 8;  // buckets in segment 0, as a power of two
  static constexpr uint32_t kPerSlab = (size_t{2} << 20) / sizeof(Connection);
  static constexpr uint32_t kOverflowPerSlab = 4096;

  size_t home_number(uint64_t hash) const {
    const size_t n = hash & ((size_t{2} << level_) - 1);
    return n < buckets() ? n : n & ((size_t{1} << level_) - 1);
  }
  // Segment 0 holds buckets [0, 2^8), segment k the 2^(8+k-1) that follow: the index doubles without moving.
  Bucket* bucket(size_t n) const {
    const unsigned k = static_cast<unsigned>(std::bit_width(n >> kFirstLevel));
    const size_t first = k == 0 ? 0 : size_t{1} << (kFirstLevel + k - 1);
    return segment_[k] + (n - first);
  }
  Bucket* home(uint64_t hash) const { return bucket(home_number(hash)); }
  Bucket* overflow_at(uint32_t n) const {
    return static_cast<Bucket*>(overflow_[(n - 1) / kOverflowPerSlab].data()) + (n - 1) % kOverflowPerSlab;
  }
  void append(Bucket* b, const Key& k, Flow f);
  uint32_t take_overflow();
  void give_overflow(uint32_t n);
  void split();

  SipKey key_;
  unsigned level_ = kFirstLevel;
  size_t split_ = 0;  // buckets of this level already split
  size_t entries_ = 0;
  Bucket* segment_[32] = {};
  std::vector<Pages> segments_;
  std::vector<Pages> overflow_;
  std::vector<uint32_t> free_overflow_;
  uint32_t next_overflow_ = 1;

  std::vector<Pages> slabs_;
  std::vector<uint32_t> free_handles_;
  uint32_t next_handle_ = 1;
  size_t live_ = 0;
};

template <class Visit>
void Table::visit_range(uint64_t from, uint64_t to, Visit&& visit) const {
  for (uint64_t x = from; x < to;) {
    // order() reverses the bits, so a bucket, which is a set of low bits, is an interval in the order.
    const uint64_t low_bits = order(x);
    const size_t n = home_number(low_bits);
    const bool split_bucket = n >= size_t{1} << level_ || n < split_;
    const uint64_t interval = uint64_t{1} << (32 - level_ - (split_bucket ? 1 : 0));
    for (const Bucket* b = bucket(n);; b = overflow_at(b->next)) {
      for (int i = 0; i < kEntries; ++i) {
        if (b->flow[i] == 0) continue;
        const uint64_t o = order(hash(b->key[i]));
        if (o >= from && o < to && !visit(b->flow[i])) return;
      }
      if (b->next == 0) break;
    }
    x = (x & ~(interval - 1)) + interval;
  }
}

}  // namespace nf::ct
