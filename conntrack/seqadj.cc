#include "conntrack/seqadj.h"

#include "conntrack/conntrack.h"
#include "conntrack/tcp_window.h"
#include "datapath/packet/rewrite.h"

namespace nf::ct {
namespace {

constexpr uint8_t kOptEnd = 0, kOptNop = 1, kOptSack = 5;
constexpr size_t kSackBlock = 8;

int32_t offset_at(const SeqAdjust& way, uint32_t sequence) {
  return seq_after(sequence, way.correction_pos) ? way.offset_after : way.offset_before;
}

// A number the other side was given, as its sender counts.
uint32_t given_back(const SeqAdjust& way, uint32_t number) {
  const uint32_t begin = number - static_cast<uint32_t>(way.offset_before);
  return number - static_cast<uint32_t>(offset_at(way, begin));
}

// Replaces the four bytes at `offset` of the TCP header.
void replace(Packet& p, size_t offset, uint32_t value) { set_tcp_word(p, offset, be32(value)); }

// twin: nf_ct_sack_adjust
bool adjust_sack(Packet& p, const SeqAdjust& other_way) {
  const size_t end = view<TcpHeader>(p.transport())->header_length();
  if (p.transport().size() < end) return false;
  p.need_contiguous(static_cast<uint32_t>(end));
  for (size_t at = sizeof(TcpHeader); at < end;) {
    const std::span<const uint8_t> l4 = p.transport();
    const uint8_t kind = l4[at];
    if (kind == kOptEnd) return true;
    if (kind == kOptNop) {
      ++at;
      continue;
    }
    if (at + 1 == end) return false;
    const size_t size = l4[at + 1];
    if (size < 2 || at + size > end) return false;
    if (kind == kOptSack && size >= 2 + kSackBlock && (size - 2) % kSackBlock == 0)
      for (size_t edge = at + 2; edge < at + size; edge += sizeof(Be32))
        replace(p, edge, given_back(other_way, view<Be32>(l4, edge)->host()));
    at += size;
  }
  return true;
}

}  // namespace

void seqadj_set(Connection& c, CtInfo ctinfo, uint32_t sequence, int32_t change) {
  if (change == 0) return;
  SeqAdjust* ways = seqadj_of(c);
  if (ways == nullptr) return;
  c.status |= kSeqAdjust;
  SeqAdjust& way = ways[static_cast<size_t>(direction_of(ctinfo))];
  // One correction at a time; what was sent before the last one, and comes again, is corrected as it was.
  if (way.offset_before != way.offset_after && !seq_before(way.correction_pos, sequence)) return;
  way.correction_pos = sequence;
  way.offset_before = way.offset_after;
  way.offset_after += change;
}

bool seq_adjust(Packet& p, Connection& c, CtInfo ctinfo) {
  const SeqAdjust* ways = seqadj_of(c);
  // An ICMP error about the connection is taken for a segment, too: the kernel looks no closer.
  const TcpHeader* tcp = view<TcpHeader>(p.transport());
  if (ways == nullptr || tcp == nullptr) return false;
  p.need_contiguous(sizeof(TcpHeader));
  const auto direction = static_cast<size_t>(direction_of(ctinfo));
  const SeqAdjust &this_way = ways[direction], &other_way = ways[1 - direction];
  const uint32_t sequence = tcp->sequence.host();
  replace(p, offsetof(TcpHeader, sequence), sequence + static_cast<uint32_t>(offset_at(this_way, sequence)));
  if ((tcp->flags & kTcpAck) == 0) return true;
  replace(p, offsetof(TcpHeader, acknowledgment), given_back(other_way, tcp->acknowledgment.host()));
  return adjust_sack(p, other_way);
}

int32_t seq_offset(const Connection& c, CtDirection direction, uint32_t sequence) {
  const SeqAdjust* ways = seqadj_of(c);
  return ways == nullptr ? 0 : offset_at(ways[static_cast<size_t>(direction)], sequence);
}

}  // namespace nf::ct
