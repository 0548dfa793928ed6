#include "datapath/packet/pool.h"

#include <cassert>
#include <cstring>
#include <utility>

namespace nf {

void Packet::pull_together(uint32_t n) {
  uint8_t* const places = tail();
  const auto load = [&](uint32_t i) {
    uint16_t length;
    std::memcpy(&length, places + i * sizeof length, sizeof length);
    return uint32_t{length};
  };
  const auto store = [&](uint32_t i, uint32_t value) {
    const auto length = static_cast<uint16_t>(value);
    std::memcpy(places + i * sizeof length, &length, sizeof length);
  };
  if (load(0) >= n) return;
  uint32_t sum = load(0), next = 1;
  while (sum < n && next < fragment_count) sum += load(next++);
  if (sum < n) return;  // there is not as much
  uint32_t kept = 0;
  store(kept++, n);
  if (sum > n) store(kept++, sum - n);
  while (next < fragment_count) store(kept++, load(next++));
  fragment_count = static_cast<uint16_t>(kept);
}

void PacketRelease::operator()(Packet* p) const { p->pool_->release(p); }

PacketPool::~PacketPool() { assert(in_use_ == 0); }

Packet* PacketPool::grow(std::vector<std::unique_ptr<Packet[]>>& slabs, uint32_t capacity, uint32_t count) {
  // Not value-initialised: a large slab's pages stay untouched until a packet needs them.
  buffers_.emplace_back(new uint8_t[size_t{capacity} * count]);
  uint8_t* memory = buffers_.back().get();
  slabs.emplace_back(new Packet[count]);
  Packet* packets = slabs.back().get();
  for (uint32_t i = 0; i < count; ++i) {
    packets[i].buffer_ = memory + size_t{capacity} * i;
    packets[i].capacity_ = capacity;
    packets[i].pool_ = this;
    packets[i].next_free_ = i + 1 < count ? &packets[i + 1] : nullptr;
  }
  return packets;
}

PacketPtr PacketPool::allocate(uint32_t size) {
  assert(size <= kLarge - kHeadroom);
  const bool small = size <= kSmall - kHeadroom;
  Packet*& free_list = small ? free_small_ : free_large_;
  if (free_list == nullptr) free_list = grow(slabs_, small ? kSmall : kLarge, small ? 256 : 16);
  Packet* p = free_list;
  free_list = p->next_free_;
  ++in_use_;

  uint8_t* buffer = p->buffer_;
  const uint32_t capacity = p->capacity_;
  *p = Packet{};
  p->buffer_ = buffer;
  p->capacity_ = capacity;
  p->pool_ = this;
  p->data_ = kHeadroom;
  return PacketPtr(p);
}

PacketPtr PacketPool::copy(const Packet& p) {
  const uint32_t used = p.data_ + p.length_;
  PacketPtr c = allocate(used <= kSmall ? 0 : used - kHeadroom);
  uint8_t* buffer = c->buffer_;
  const uint32_t capacity = c->capacity_;
  *c = p;
  c->buffer_ = buffer;
  c->capacity_ = capacity;
  c->pool_ = this;
  c->next_free_ = nullptr;
  c->ct = 0;
  c->ctinfo = CtInfo::kNone;
  c->fragment_count = 0;
  const uint32_t from = p.has_mac_ && p.mac_ < p.data_ ? p.mac_ : p.data_;
  std::memcpy(buffer + from, p.buffer_ + from, used - from);
  return c;
}

bool PacketPool::make_tailroom(Packet& p, uint32_t tailroom) {
  if (p.tailroom() >= tailroom) return true;
  if (p.data_ + p.length_ + tailroom > kLarge) return false;
  const PacketPtr larger = allocate(kLarge - kHeadroom);
  std::memcpy(larger->buffer_, p.buffer_, p.capacity_);
  std::swap(larger->buffer_, p.buffer_);
  std::swap(larger->capacity_, p.capacity_);
  return true;
}

void PacketPool::release(Packet* p) {
  reset_ct(*p);
  Packet*& free_list = p->capacity_ == kSmall ? free_small_ : free_large_;
  p->next_free_ = free_list;
  free_list = p;
  --in_use_;
}

}  // namespace nf
