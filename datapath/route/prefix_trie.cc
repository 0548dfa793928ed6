#include "datapath/route/prefix_trie.h"

#include <algorithm>
#include <cassert>

namespace nf {
PrefixTrie::PrefixTrie() : pool_(kSize[0], 0) {}

uint32_t PrefixTrie::make_node(unsigned level, uint32_t fill) {
  const unsigned size = kSize[level];
  auto& free_list = free_[size == 16];
  uint32_t node;
  if (!free_list.empty()) {
    node = free_list.back();
    free_list.pop_back();
    std::fill_n(pool_.begin() + node, size, fill);
  } else {
    node = static_cast<uint32_t>(pool_.size());
    pool_.resize(pool_.size() + size, fill);
  }
  return node;
}

void PrefixTrie::free_node(unsigned level, uint32_t node) { free_[kSize[level] == 16].push_back(node); }

void PrefixTrie::insert(uint32_t address, unsigned length, uint32_t id) {
  assert(length <= 32 && id <= kMaxId);
  insert_at(0, 0, address, length, leaf(id, length));
}

void PrefixTrie::insert_at(unsigned level, uint32_t node, uint32_t address, unsigned length, uint32_t value) {
  const unsigned shift = kShift[level], size = kSize[level];
  const uint32_t slot = node + (address >> shift & (size - 1));
  if (length <= 32 - shift) {
    const uint32_t count = 1u << (32 - length - shift);
    for (uint32_t i = 0; i < count; ++i) fill(level, slot + i, length, value);
    return;
  }
  if ((pool_[slot] & kChild) == 0) {
    const uint32_t child = make_node(level + 1, pool_[slot]);
    pool_[slot] = kChild | child;
  }
  insert_at(level + 1, pool_[slot] & ~kChild, address, length, value);
}

void PrefixTrie::fill(unsigned level, uint32_t slot, unsigned length, uint32_t value) {
  const uint32_t s = pool_[slot];
  if ((s & kChild) == 0) {
    if (s == 0 || s >> 25 <= length) pool_[slot] = value;
    return;
  }
  const uint32_t child = s & ~kChild;
  for (uint32_t i = 0; i < kSize[level + 1]; ++i) fill(level + 1, child + i, length, value);
}

void PrefixTrie::remove(uint32_t address, unsigned length, uint32_t next_id, unsigned next_length) {
  remove_at(0, 0, address, length, next_id == kNone ? 0 : leaf(next_id, next_length));
}

void PrefixTrie::remove_at(unsigned level, uint32_t node, uint32_t address, unsigned length, uint32_t next) {
  const unsigned shift = kShift[level], size = kSize[level];
  const uint32_t slot = node + (address >> shift & (size - 1));
  if (length <= 32 - shift) {
    const uint32_t count = 1u << (32 - length - shift);
    for (uint32_t i = 0; i < count; ++i) clear(level, slot + i, length, next);
    return;
  }
  if ((pool_[slot] & kChild) == 0) return;
  remove_at(level + 1, pool_[slot] & ~kChild, address, length, next);
  collapse(level, slot);
}

void PrefixTrie::clear(unsigned level, uint32_t slot, unsigned length, uint32_t next) {
  const uint32_t s = pool_[slot];
  if ((s & kChild) == 0) {
    if (s != 0 && s >> 25 == length) pool_[slot] = next;
    return;
  }
  const uint32_t child = s & ~kChild;
  for (uint32_t i = 0; i < kSize[level + 1]; ++i) clear(level + 1, child + i, length, next);
  collapse(level, slot);
}

void PrefixTrie::collapse(unsigned level, uint32_t slot) {
  const uint32_t child = pool_[slot] & ~kChild;
  const uint32_t first = pool_[child];
  if ((first & kChild) != 0) return;
  for (uint32_t i = 1; i < kSize[level + 1]; ++i)
    if (pool_[child + i] != first) return;
  pool_[slot] = first;
  free_node(level + 1, child);
}

}  // namespace nf
