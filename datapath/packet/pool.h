// The pool all packets come from: two sizes, free lists, no allocation once warm.
//
// Invariants: in_use() counts every packet alive; it is zero when a router is idle and its queues are empty. A pool
// outlives its packets. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "datapath/packet/packet.h"

namespace nf {

class PacketPool {
 public:
  // Room in front of a fresh packet: Ethernet header, a GSO-capable port's header, and alignment.
  static constexpr uint32_t kHeadroom = 128;
  static constexpr uint32_t kSmall = 2048 + kHeadroom;
  static constexpr uint32_t kLarge = 65536 + 512 + kHeadroom;

  PacketPool() = default;
  ~PacketPool();
  PacketPool(const PacketPool&) = delete;
  PacketPool& operator=(const PacketPool&) = delete;

  // An empty packet with kHeadroom in front and room for `size` bytes. `size` may not exceed 65536 + 512.
  PacketPtr allocate(uint32_t size);
  // A deep copy: bytes and all metadata but the connection. twin: skb_copy without _nfct
  PacketPtr copy(const Packet& p);

  // Makes room for `tailroom` more bytes at the end; the packet's bytes may move, everything else stays as it is.
  // False: it would be longer than any packet. twin: pskb_expand_head
  bool make_tailroom(Packet& p, uint32_t tailroom);

  size_t in_use() const { return in_use_; }

  // Called with Packet::ct != 0 when a packet is freed. twin: nf_conntrack_put
  using CtRelease = void (*)(void* self, uintptr_t ct);
  void set_ct_release(void* self, CtRelease function) {
    ct_owner_ = self;
    ct_release_ = function;
  }
  // Drops the packet's reference on its connection now. twin: nf_reset_ct
  void reset_ct(Packet& p) {
    if (p.ct != 0) {
      const uintptr_t ct = p.ct;
      p.ct = 0;
      if (ct_release_ != nullptr) ct_release_(ct_owner_, ct);
    }
    p.ctinfo = CtInfo::kNone;
  }

 private:
  friend struct PacketRelease;
  void release(Packet* p);
  Packet* grow(std::vector<std::unique_ptr<Packet[]>>& slabs, uint32_t capacity, uint32_t count);

  Packet* free_small_ = nullptr;
  Packet* free_large_ = nullptr;
  std::vector<std::unique_ptr<Packet[]>> slabs_;
  std::vector<std::unique_ptr<uint8_t[]>> buffers_;
  size_t in_use_ = 0;
  void* ct_owner_ = nullptr;
  CtRelease ct_release_ = nullptr;
};

}  // namespace nf
