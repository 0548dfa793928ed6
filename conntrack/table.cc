#include "conntrack/table.h"

#include <cassert>
#include <new>
#include <utility>

namespace nf::ct {

Table::Table(const SipKey& key) : key_(key) {
  segments_.emplace_back((size_t{1} << kFirstLevel) * sizeof(Bucket));
  segment_[0] = static_cast<Bucket*>(segments_.back().data());
}

// --- slabs

Connection& Table::allocate() {
  uint32_t handle;
  if (!free_handles_.empty()) {
    handle = free_handles_.back();
    free_handles_.pop_back();
  } else {
    handle = next_handle_++;
    if (handle / kPerSlab >= slabs_.size()) {
      slabs_.emplace_back(size_t{kPerSlab} * sizeof(Connection));
      // So that freeing a connection never allocates.
      free_handles_.reserve(slabs_.size() * kPerSlab);
    }
  }
  ++live_;
  Connection* c = new (&at(handle)) Connection();
  c->handle = handle;
  return *c;
}

void Table::release(Connection& c) {
  assert(c.use == 0);
  free_handles_.push_back(c.handle);
  --live_;
}

// --- index

uint32_t Table::order(uint64_t hash) {
  uint32_t x = __builtin_bswap32(static_cast<uint32_t>(hash));
  x = (x >> 4 & 0x0f0f0f0f) | (x & 0x0f0f0f0f) << 4;
  x = (x >> 2 & 0x33333333) | (x & 0x33333333) << 2;
  return (x >> 1 & 0x55555555) | (x & 0x55555555) << 1;
}

uint32_t Table::take_overflow() {
  if (!free_overflow_.empty()) {
    const uint32_t n = free_overflow_.back();
    free_overflow_.pop_back();
    return n;
  }
  const uint32_t n = next_overflow_++;
  if ((n - 1) / kOverflowPerSlab >= overflow_.size()) {
    overflow_.emplace_back(size_t{kOverflowPerSlab} * sizeof(Bucket));
    free_overflow_.reserve(overflow_.size() * kOverflowPerSlab);
  }
  return n;
}

void Table::give_overflow(uint32_t n) { free_overflow_.push_back(n); }

void Table::append(Bucket* b, const Key& k, Flow f) {
  while (b->next != 0) b = overflow_at(b->next);
  for (int i = 0; i < kEntries; ++i) {
    if (b->flow[i] == 0) {
      b->key[i] = k;
      b->flow[i] = f;
      return;
    }
  }
  const uint32_t n = take_overflow();
  Bucket* more = overflow_at(n);
  *more = Bucket{};
  more->key[0] = k;
  more->flow[0] = f;
  b->next = n;
}

void Table::insert(const Key& k, uint64_t hash, Flow f) {
  for (Bucket* b = home(hash);; b = overflow_at(b->next)) {
    for (int i = 0; i < kEntries; ++i)
      if (b->flow[i] != 0 && b->key[i] == k) std::swap(b->flow[i], f);
    if (b->next == 0) break;
  }
  append(home(hash), k, f);
  ++entries_;
  // Half of a bucket's three places: few chains overflow, and 64 / 1.5 bytes an entry.
  if (entries_ * 2 > buckets() * 3) split();
}

bool Table::erase(const Key& k, uint64_t hash, Flow f) {
  Bucket* b = home(hash);
  int i = 0;
  for (;; ++i) {
    if (i == kEntries) {
      if (b->next == 0) return false;
      b = overflow_at(b->next);
      i = 0;
    }
    if (b->flow[i] == f && b->key[i] == k) break;
  }
  // The chain's last entry takes the free place.
  Bucket* last = b;
  Bucket* before = nullptr;
  while (last->next != 0) {
    before = last;
    last = overflow_at(last->next);
  }
  if (last == b && b != home(hash)) {
    before = home(hash);
    while (overflow_at(before->next) != b) before = overflow_at(before->next);
  }
  int j = kEntries - 1;
  while (last->flow[j] == 0) --j;
  b->key[i] = last->key[j];
  b->flow[i] = last->flow[j];
  last->flow[j] = 0;
  // A key that is in twice keeps its order.
  for (Bucket* behind = b; b->flow[i] != 0;) {
    for (int n = behind == b ? i + 1 : 0; n < kEntries; ++n)
      if (behind->flow[n] != 0 && behind->key[n] == b->key[i]) std::swap(behind->flow[n], b->flow[i]);
    if (behind->next == 0) break;
    behind = overflow_at(behind->next);
  }
  if (j == 0 && before != nullptr) {
    give_overflow(before->next);
    before->next = 0;
  }
  --entries_;
  return true;
}

void Table::split() {
  const size_t from = split_, to = (size_t{1} << level_) + split_;
  const unsigned k = static_cast<unsigned>(std::bit_width(to >> kFirstLevel));
  if (segment_[k] == nullptr) {
    segments_.emplace_back((size_t{1} << (kFirstLevel + k - 1)) * sizeof(Bucket));
    segment_[k] = static_cast<Bucket*>(segments_.back().data());
  }
  // Take the chain off, then put each entry where it now belongs.
  Bucket chain = *bucket(from);
  *bucket(from) = Bucket{};
  const uint64_t bit = uint64_t{1} << level_;
  if (++split_ == size_t{1} << level_) {
    ++level_;
    split_ = 0;
  }
  for (;;) {
    for (int i = 0; i < kEntries; ++i)
      if (chain.flow[i] != 0) append(bucket((hash(chain.key[i]) & bit) != 0 ? to : from), chain.key[i], chain.flow[i]);
    const uint32_t next = chain.next;
    if (next == 0) return;
    chain = *overflow_at(next);
    give_overflow(next);
  }
}

size_t Table::memory_bytes() const {
  size_t n = (free_handles_.capacity() + free_overflow_.capacity()) * sizeof(uint32_t);
  for (const auto* list : {&segments_, &overflow_, &slabs_})
    for (const Pages& p : *list) n += p.size();
  return n;
}

bool Table::consistent() const {
  size_t seen = 0;
  for (size_t n = 0; n < buckets(); ++n) {
    for (const Bucket* b = bucket(n);; b = overflow_at(b->next)) {
      for (int i = 0; i < kEntries; ++i) {
        if (b->flow[i] == 0) {
          if (b->next != 0) return false;
          if (i == 0 && b != bucket(n)) return false;
          for (int j = i + 1; j < kEntries; ++j)
            if (b->flow[j] != 0) return false;
          break;
        }
        ++seen;
        const uint64_t h = hash(b->key[i]);
        if (home_number(h) != n || find(b->key[i], h, flow_direction(b->flow[i])) != b->flow[i]) return false;
      }
      if (b->next == 0) break;
    }
  }
  return seen == entries_;
}

}  // namespace nf::ct
