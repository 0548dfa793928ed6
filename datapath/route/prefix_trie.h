// Longest prefix match over IPv4 addresses: a multibit trie (strides 8, 8, 4, 4, 4, 4) with the answer pushed down to
// every slot, so a lookup is one load per level and never looks back.
//
// A prefix is known by a number its owner chose. Addresses are in host byte order here.
// Invariants:
//  1. A leaf slot holds the longest inserted prefix that covers all addresses of the slot, or zero.
//  2. Children are created only where a longer prefix needs them and vanish when all their slots agree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace nf {

class PrefixTrie {
 public:
  static constexpr uint32_t kNone = 0xffffffff;
  static constexpr uint32_t kMaxId = (1u << 25) - 2;

  PrefixTrie();

  // `address` has no bits set beyond `length`; `id` <= kMaxId. Inserting a prefix again replaces its id.
  void insert(uint32_t address, unsigned length, uint32_t id);
  // `next_id`, `next_length`: the longest remaining prefix that covers this one (kNone: there is none).
  void remove(uint32_t address, unsigned length, uint32_t next_id, unsigned next_length);

  // The id of the longest prefix that covers `address`, kNone if there is none.
  uint32_t lookup(uint32_t address) const {
    const uint32_t* pool = pool_.data();
    uint32_t s = pool[address >> 24];
    if ((s & kChild) == 0) return id_of(s);
    s = pool[(s & ~kChild) + (address >> 16 & 255)];
    if ((s & kChild) == 0) return id_of(s);
    s = pool[(s & ~kChild) + (address >> 12 & 15)];
    if ((s & kChild) == 0) return id_of(s);
    s = pool[(s & ~kChild) + (address >> 8 & 15)];
    if ((s & kChild) == 0) return id_of(s);
    s = pool[(s & ~kChild) + (address >> 4 & 15)];
    if ((s & kChild) == 0) return id_of(s);
    return id_of(pool[(s & ~kChild) + (address & 15)]);
  }

  // Slots in use; for tests of invariant 2.
  size_t slots() const { return pool_.size() - free_[0].size() * 256 - free_[1].size() * 16; }

 private:
  // A slot is a child (bit 31, offset of its node in pool_), or a leaf: length << 25 | id + 1, zero for none.
  static constexpr uint32_t kChild = 1u << 31;
  static constexpr uint32_t kIdMask = (1u << 25) - 1;
  static constexpr unsigned kLevels = 6;
  static constexpr unsigned kShift[kLevels] = {24, 16, 12, 8, 4, 0};
  static constexpr unsigned kSize[kLevels] = {256, 256, 16, 16, 16, 16};

  static uint32_t id_of(uint32_t slot) { return (slot & kIdMask) - 1; }  // zero becomes kNone
  static uint32_t leaf(uint32_t id, unsigned length) { return length << 25 | (id + 1); }

  uint32_t make_node(unsigned level, uint32_t fill);
  void free_node(unsigned level, uint32_t node);
  void insert_at(unsigned level, uint32_t node, uint32_t address, unsigned length, uint32_t value);
  void fill(unsigned level, uint32_t slot, unsigned length, uint32_t value);
  void remove_at(unsigned level, uint32_t node, uint32_t address, unsigned length, uint32_t next);
  void clear(unsigned level, uint32_t slot, unsigned length, uint32_t next);
  void collapse(unsigned level, uint32_t slot);

  std::vector<uint32_t> pool_;
  std::vector<uint32_t> free_[2];  // offsets of free nodes of 256 and of 16 slots
};

}  // namespace nf
