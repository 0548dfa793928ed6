#include "tools/labdiff/groups.h"

#include <algorithm>

#include "datapath/base/text.h"

namespace nf::labdiff {
namespace {

// The numbers of why a packet is INVALID are its own.
void add_key(std::string& key, const Said& said) {
  key += said.key + '(';
  if (said.key.starts_with("invalid.")) return;
  for (const std::string& value : said.values) key += value + '\x1f';
  for (const Said& inner : said.inner) add_key(key, inner);
  key += ')';
}

}  // namespace

const Said* Groups::inherited(const Cause& cause) const {
  const uint32_t ids[] = {cause.connection_a, cause.connection_b};
  for (size_t side = 0; side < 2; ++side) {
    const auto made = made_[side].find(ids[side]);
    if (ids[side] != 0 && made != made_[side].end()) return &made->second;
  }
  return nullptr;
}

void Groups::add(uint64_t number, const std::string& packet, const Difference& difference) {
  const Said* const earlier = inherited(difference.cause);
  const bool consequence = earlier != nullptr;
  const Said cause = consequence ? *earlier : difference.cause.said;
  ++(difference.kind == Kind::kPath ? path_only_ : differ_);
  std::string key(kind_key(difference.kind));
  add_key(key, cause);
  if (difference.kind == Kind::kFate) {
    for (const Said& end : difference.ends_a) add_key(key, end);
    key += '/';
    for (const Said& end : difference.ends_b) add_key(key, end);
  }
  const auto [at, fresh] = by_key_.emplace(key, groups_.size());
  if (fresh) groups_.push_back({difference.kind, cause, difference.ends_a, difference.ends_b, 0, number, packet, 0});
  Group& group = groups_[at->second];
  ++group.packets;
  group.consequences += consequence;
  remember(difference, cause);
}

void Groups::pass(const Difference& difference) {
  const Said* const earlier = inherited(difference.cause);
  remember(difference, earlier != nullptr ? *earlier : difference.cause.said);
}

void Groups::remember(const Difference& difference, const Said& cause) {
  last_ = cause;
  any_ = difference.kind != Kind::kPath;
}

void Groups::learn(const Happened& a, const Happened& b) {
  const Happened* both[] = {&a, &b};
  for (size_t side = 0; any_ && side < 2; ++side)
    for (const trace::Story& story : *both[side])
      for (const trace::Step& s : story.steps)
        if (s.kind == trace::StepKind::kConntrack && s.field("created") == "true")
          if (const auto id = parse_number(s.field("id"), UINT32_MAX); id && *id != 0)
            made_[side].emplace(static_cast<uint32_t>(*id), last_);
  any_ = false;
}

std::vector<Group> Groups::sorted() const {
  std::vector<Group> out = groups_;
  std::stable_sort(out.begin(), out.end(), [](const Group& x, const Group& y) {
    const bool path_x = x.kind == Kind::kPath, path_y = y.kind == Kind::kPath;
    if (path_x != path_y) return path_y;
    return x.packets != y.packets ? x.packets > y.packets : x.first < y.first;
  });
  return out;
}

}  // namespace nf::labdiff
