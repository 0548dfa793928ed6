// A datagram cut into pieces: as a router would, or as somebody would who looks for a hole.
#include <algorithm>

#include "tools/difftest/traffic/traffic_context.h"

namespace nf::difftest {

std::vector<Step> fragments_of(TrafficContext& context, const Step& step, size_t length) {
  constexpr size_t kLargest = 1480;
  // A size that leaves few pieces; tiny ones only of short datagrams.
  const size_t even = (length / 2 + 7) / 8 * 8;
  size_t size = context.chance(600) ? even : 8u * (1 + context.below(64));
  while (length / size > 8) size *= 2;
  size = std::clamp<size_t>(size / 8 * 8, 8, kLargest);

  std::vector<Step> pieces;
  const bool whole_sum = step.damage == Damage::kTransportSum;
  for (size_t at = 0; at < length; at += size) {
    Step piece = step;
    if (!whole_sum) piece.damage = Damage::kNone;
    piece.fragment_offset = static_cast<uint16_t>(at);
    piece.fragment_length = static_cast<uint16_t>(std::min(size, length - at));
    piece.more_fragments = at + size < length;
    piece.df = step.df && context.chance(300);
    piece.note = "fragment";
    pieces.push_back(std::move(piece));
  }

  const size_t count = pieces.size();
  const auto any = [&] { return context.below(static_cast<uint32_t>(count)); };
  const uint32_t kind = context.below(100);
  if (kind < 20) {
    std::reverse(pieces.begin(), pieces.end());
  } else if (kind < 30) {
    std::swap(pieces[any()], pieces[any()]);
  } else if (!context.odd(300)) {
    return pieces;
  } else if (kind < 45) {
    pieces.erase(pieces.begin() + any());
    for (Step& p : pieces) p.note = "fragment, one is missing";
  } else if (kind < 55) {
    Step again = pieces[any()];
    again.note = "fragment repeated";
    pieces.insert(pieces.begin() + any(), std::move(again));
  } else if (kind < 75) {
    Step over = pieces[any()];
    over.fragment_length = static_cast<uint16_t>(over.fragment_length + (context.chance(500) ? 8u : 1u));
    if (over.fragment_offset >= 8 && context.chance(500)) over.fragment_offset -= 8;
    over.more_fragments = context.chance(800);
    over.note = "overlapping fragment";
    pieces.insert(pieces.begin() + any(), std::move(over));
  } else if (kind < 82) {
    pieces.back().more_fragments = true;  // no end
    pieces.back().note = "fragment, the end is missing";
  } else if (kind < 89) {
    // Not a multiple of eight in the middle.
    pieces.front().fragment_length = static_cast<uint16_t>(std::max(1, pieces.front().fragment_length - 3));
    pieces.front().note = "fragment of an odd length";
  } else if (kind < 95) {
    pieces[any()].tos ^= 3;
    pieces[any()].ttl = 63;
  } else {
    Step& far = pieces[any()];
    far.fragment_offset = 65528;
    far.fragment_length = 0;
    far.note = "fragment beyond 65,535 bytes";
  }
  return pieces;
}

}  // namespace nf::difftest
