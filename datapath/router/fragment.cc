#include "datapath/router/fragment.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "datapath/packet/checksum.h"
#include "datapath/packet/metadata.h"
#include "datapath/packet/rewrite.h"

namespace nf {
namespace {

// twin: ip_options_fragment, net/ipv4/ip_options.c
void blank_uncopied_options(std::span<uint8_t> options) {
  constexpr uint8_t kEnd = 0, kNop = 1, kCopied = 0x80;
  while (!options.empty()) {
    if (options[0] == kEnd) return;
    if (options[0] == kNop) {
      options = options.subspan(1);
      continue;
    }
    if (options.size() < 2 || options[1] < 2 || options[1] > options.size()) return;
    const size_t length = options[1];
    if ((options[0] & kCopied) == 0) std::fill_n(options.begin(), length, kNop);
    options = options.subspan(length);
  }
}

class Cutter {
 public:
  Cutter(Packet& p, PacketPool& pool, const std::function<void(PacketPtr)>& emit)
      : p_(p),
        pool_(pool),
        emit_(emit),
        header_length_(p.ip().header_length()),
        left_(p.length() - header_length_),
        offset_(p.ip().fragment_offset() * 8),
        more_follow_(p.ip().more_fragments()) {}

  uint32_t left() const { return left_; }

  // The next `length` bytes of payload become a fragment.
  void cut(uint32_t length, bool dont_fragment) {
    const bool first = offset_ == 0;
    PacketPtr f = pool_.allocate(header_length_ + length);
    f->put(header_length_ + length);
    std::memcpy(f->data(), p_.data(), header_length_);
    std::memcpy(f->data() + header_length_, p_.data() + p_.length() - left_, length);
    left_ -= length;

    Ipv4Header& ip = f->ip();
    unsigned field = offset_ / 8;
    if (dont_fragment) field |= kIpDontFragment;
    if (left_ > 0 || more_follow_) field |= kIpMoreFragments;
    ip.fragment = be16(static_cast<uint16_t>(field));
    ip.total_length = be16(static_cast<uint16_t>(header_length_ + length));
    ip_send_check(ip);
    offset_ += length;
    // Once, on the original: the fragments to come copy its header. A packet that is itself a later fragment has lost
    // those options already. Options nobody has read stay: bridged ones, and those a raw socket wrote.
    if (first) blank_uncopied_options(p_.bytes().subspan(sizeof(Ipv4Header), p_.options.length));

    copy_metadata(*f, p_);
    emit_(std::move(f));
  }

 private:
  Packet& p_;
  PacketPool& pool_;
  const std::function<void(PacketPtr)>& emit_;
  const uint32_t header_length_;
  uint32_t left_;
  uint32_t offset_;
  const bool more_follow_;
};

uint16_t piece_length(Packet& p, size_t i) {
  uint16_t length;
  std::memcpy(&length, p.tail() + i * sizeof length, sizeof length);
  return length;
}

// Whether the packet may be cut where it was cut before. twin: the frag_list geometry check of ip_do_fragment
bool old_places_fit(Packet& p, uint32_t room) {
  if (p.fragment_count == 0 || p.ip().is_fragment()) return false;
  for (size_t i = 0; i < p.fragment_count; ++i) {
    const uint32_t length = piece_length(p, i);
    if (length > room || (length % 8 != 0 && i + 1u < p.fragment_count)) return false;
  }
  return true;
}

}  // namespace

void fragment(PacketPtr p, uint32_t mtu, PacketPool& pool, const std::function<void(PacketPtr)>& emit) {
  complete_checksum(*p);
  if (p->frag_max_size != 0) mtu = std::min(mtu, uint32_t{p->frag_max_size});
  assert(mtu >= p->ip().header_length() + 8);
  const uint32_t room = mtu - p->ip().header_length();

  Cutter cutter(*p, pool, emit);
  if (old_places_fit(*p, room)) {
    for (size_t i = 0; i < p->fragment_count; ++i) cutter.cut(piece_length(*p, i), false);
    return;
  }
  while (cutter.left() > 0) cutter.cut(cutter.left() <= room ? cutter.left() : room & ~7u, p->df_fragments);
}

void make_in_pieces(Packet& p, uint32_t mtu) {
  const uint32_t header = p.ip().header_length();
  if (p.length() <= mtu || mtu < header + 8) return;
  const uint32_t room = mtu - header;
  const auto count = static_cast<uint32_t>((p.length() - header + (room & ~7u) - 1) / (room & ~7u));
  if (p.tailroom() < count * sizeof(uint16_t)) return;
  uint8_t* place = p.tail();
  uint16_t pieces = 0;
  for (uint32_t left = p.length() - header; left > 0; ++pieces) {
    const auto n = static_cast<uint16_t>(left <= room ? left : room & ~7u);
    std::memcpy(place, &n, sizeof n);
    place += sizeof n;
    left -= n;
  }
  p.fragment_count = pieces;
}

}  // namespace nf
