// A datagram cut into pieces: as a router would, or as somebody would who looks for a hole.
#include <algorithm>

#include "tools/difftest/traffic/traffic_context.h"

namespace nf::difftest {
namespace {

constexpr size_t kLargest = 1480;

// Pieces that end at `ends`, in order; the last end is the datagram's.
std::vector<Step> pieces_ending_at(TrafficContext& context, const Step& step, const std::vector<size_t>& ends) {
  std::vector<Step> pieces;
  const bool whole_sum = step.damage == Damage::kTransportSum;
  size_t at = 0;
  for (const size_t end : ends) {
    Step piece = step;
    if (!whole_sum) piece.damage = Damage::kNone;
    piece.fragment_offset = static_cast<uint16_t>(at);
    piece.fragment_length = static_cast<uint16_t>(end - at);
    piece.more_fragments = end != ends.back();
    piece.df = step.df && context.chance(300);
    piece.note = "fragment";
    pieces.push_back(std::move(piece));
    at = end;
  }
  return pieces;
}

// As a router cuts: all the same but the last. Few of them.
std::vector<size_t> even_cuts(TrafficContext& context, size_t length) {
  // A size that leaves few pieces; tiny ones only of short datagrams.
  const size_t even = (length / 2 + 7) / 8 * 8;
  size_t size = context.chance(600) ? even : 8u * (1 + context.below(64));
  while (length / size > 8) size *= 2;
  size = std::clamp<size_t>(size / 8 * 8, 8, kLargest);
  std::vector<size_t> ends;
  for (size_t end = size; end < length; end += size) ends.push_back(end);
  ends.push_back(length);
  return ends;
}

// Anywhere: two to twenty pieces, more when they would be too large for a link.
std::vector<size_t> many_cuts(TrafficContext& context, size_t length) {
  std::vector<size_t> ends;
  const size_t inside = (length - 1) / 8;  // places to cut at
  for (uint32_t cuts = 1 + context.below(19); cuts > 0 && inside > 0; --cuts)
    ends.push_back(8 * (1 + context.below(static_cast<uint32_t>(inside))));
  ends.push_back(length);
  std::sort(ends.begin(), ends.end());
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
  for (size_t i = 0, at = 0; i < ends.size(); at = ends[i++])
    if (ends[i] - at > kLargest) ends.insert(ends.begin() + static_cast<std::ptrdiff_t>(i), at + kLargest);
  return ends;
}

// What may go wrong with all pieces of a datagram. Of a sound case only their order does.
void spoil(TrafficContext& context, std::vector<Step>& pieces) {
  const size_t count = pieces.size();
  const auto any = [&] { return context.below(static_cast<uint32_t>(count)); };
  const uint32_t kind = context.below(100);
  if (kind < 20) {
    std::reverse(pieces.begin(), pieces.end());
  } else if (kind < 30) {
    std::swap(pieces[any()], pieces[any()]);
  } else if (!context.odd(300)) {
    return;
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
}

// More goes wrong with many: an order nobody sent them in, some twice, some over others, and what spoil() does. What
// comes again as it was does no harm, so most datagrams are whole in the end.
void spoil_many(TrafficContext& context, std::vector<Step>& pieces) {
  const auto any = [&] { return context.below(static_cast<uint32_t>(pieces.size())); };
  if (context.chance(500))
    for (size_t i = pieces.size() - 1; i > 0; --i)
      std::swap(pieces[i], pieces[context.below(static_cast<uint32_t>(i + 1))]);
  for (uint32_t again = context.chance(400) ? 1 + context.below(3) : 0; again > 0; --again) {
    Step piece = pieces[any()];
    piece.note = "fragment repeated";
    if (piece.fragment_length > 16 && context.chance(150)) {
      piece.fragment_length = static_cast<uint16_t>(piece.fragment_length / 16 * 8);
      piece.more_fragments = true;
    } else if (context.odd(100)) {
      piece.fragment_length = static_cast<uint16_t>(std::min<size_t>(piece.fragment_length + 8u, kLargest));
      piece.more_fragments = piece.more_fragments || context.chance(300);
      piece.note = "overlapping fragment";
    }
    pieces.insert(pieces.begin() + any(), std::move(piece));
  }
  if (context.odd(250)) spoil(context, pieces);
}

}  // namespace

std::vector<Step> fragments_of(TrafficContext& context, const Step& step, size_t length) {
  const bool many = context.in_pieces();
  std::vector<Step> pieces =
      pieces_ending_at(context, step, many ? many_cuts(context, length) : even_cuts(context, length));
  if (many)
    spoil_many(context, pieces);
  else
    spoil(context, pieces);
  return pieces;
}

}  // namespace nf::difftest
