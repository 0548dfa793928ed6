#include "datapath/route/fib.h"

#include <algorithm>
#include <bit>

namespace nf {
namespace {

// twin: fib_lookup_good_nhc
bool good(const FibNexthop& nh, const FibKey& key) { return !nh.dead && (key.out == nullptr || key.out == nh.device); }

// A route's tos is compared with bits 2..4 of the packet's only. twin: fib_dscp_masked_match
constexpr uint8_t kTosMask = 0x1c;

}  // namespace

FibError fib_error(RouteType type) {
  switch (type) {
    case RouteType::kBlackhole:
      return FibError::kInvalid;
    case RouteType::kUnreachable:
      return FibError::kHostUnreachable;
    case RouteType::kProhibit:
      return FibError::kAccess;
    case RouteType::kThrow:
      return FibError::kAgain;
    default:
      return FibError::kNone;
  }
}

void FibEntry::rebalance() {
  if (nexthops.size() < 2) return;
  uint64_t total = 0;
  for (const FibNexthop& nh : nexthops)
    if (!nh.dead) total += nh.weight;
  uint64_t w = 0;
  for (FibNexthop& nh : nexthops) {
    if (nh.dead) {
      nh.upper_bound = -1;
      continue;
    }
    w += nh.weight;
    nh.upper_bound = static_cast<int32_t>(((w << 31) + total / 2) / total - 1);
  }
}

bool FibEntry::same(const FibEntry& o) const {
  if (type != o.type || scope != o.scope || metric != o.metric || mtu != o.mtu || protocol != o.protocol ||
      preferred_source != o.preferred_source || nexthops.size() != o.nexthops.size())
    return false;
  for (size_t i = 0; i < nexthops.size(); ++i) {
    const FibNexthop &a = nexthops[i], &b = o.nexthops[i];
    if (a.device != b.device || a.gateway != b.gateway || a.scope != b.scope || a.weight != b.weight ||
        a.onlink != b.onlink)
      return false;
  }
  return true;
}

inline bool FibTrie::match(const Prefix& p, const FibKey& key, FibResult& result, FibError& error) {
  for (const FibEntry* e = p.first.get(); e != nullptr; e = e->next.get()) {
    if (e->tos != 0 && e->tos != (key.tos & kTosMask)) continue;
    if (e->scope < key.scope) continue;
    if (e->nexthops.empty()) {
      result = {e, nullptr, p.length};
      error = fib_error(e->type);
      return true;
    }
    if (e->dead) continue;
    for (const FibNexthop& nh : e->nexthops) {
      if (!good(nh, key)) continue;
      result = {e, &nh, p.length};
      error = FibError::kNone;
      return true;
    }
  }
  return false;
}

FibError FibTrie::lookup(const FibKey& key, FibResult& result) const {
  const uint32_t address = key.destination.host();
  FibError error = FibError::kAgain;
  for (uint32_t id = trie_.lookup(address); id != PrefixTrie::kNone; id = shorter(address, prefixes_[id].length)) {
    if (match(prefixes_[id], key, result, error)) return error;
  }
  return FibError::kAgain;
}

uint32_t FibTrie::shorter(uint32_t address, unsigned length) const {
  for (uint64_t left = lengths_ & ((uint64_t{1} << length) - 1); left != 0;) {
    const unsigned n = 63 - static_cast<unsigned>(std::countl_zero(left));
    left &= ~(uint64_t{1} << n);
    const auto it = exact_.find(key_of(address & prefix_mask(n).host(), n));
    if (it != exact_.end()) return it->second;
  }
  return PrefixTrie::kNone;
}

FibTrie::Prefix* FibTrie::find(uint32_t address, unsigned length) {
  const auto it = exact_.find(key_of(address, length));
  return it == exact_.end() ? nullptr : &prefixes_[it->second];
}

FibTrie::Prefix& FibTrie::find_or_create(uint32_t address, unsigned length) {
  if (Prefix* p = find(address, length)) return *p;
  uint32_t id;
  if (free_.empty()) {
    id = static_cast<uint32_t>(prefixes_.size());
    prefixes_.emplace_back();
  } else {
    id = free_.back();
    free_.pop_back();
  }
  prefixes_[id].address = address;
  prefixes_[id].length = static_cast<uint8_t>(length);
  exact_.emplace(key_of(address, length), id);
  ordered_.emplace(order_of(address, length), id);
  ++count_of_length_[length];
  lengths_ |= uint64_t{1} << length;
  trie_.insert(address, length, id);
  return prefixes_[id];
}

void FibTrie::drop_if_empty(Prefix& p) {
  if (p.first != nullptr) return;
  const auto it = exact_.find(key_of(p.address, p.length));
  const uint32_t id = it->second;
  exact_.erase(it);
  ordered_.erase(order_of(p.address, p.length));
  if (--count_of_length_[p.length] == 0) lengths_ &= ~(uint64_t{1} << p.length);
  const uint32_t next = shorter(p.address, p.length);
  trie_.remove(p.address, p.length, next, next == PrefixTrie::kNone ? 0 : prefixes_[next].length);
  free_.push_back(id);
}

FibTrie::Insert FibTrie::insert(Be32 destination, unsigned length, std::unique_ptr<FibEntry> entry, RouteMode mode) {
  Prefix* p = find(destination.host(), length);
  std::unique_ptr<FibEntry>* at = nullptr;
  if (p != nullptr) {
    at = &p->first;
    const auto before = [&](const FibEntry& e) {
      if (e.table != entry->table) return e.table > entry->table;
      if (e.tos != entry->tos) return e.tos > entry->tos;
      return e.metric < entry->metric;
    };
    while (*at != nullptr && before(**at)) at = &(*at)->next;
    const auto same_key = [&](const FibEntry& e) {
      return e.table == entry->table && e.tos == entry->tos && e.metric == entry->metric;
    };
    if (*at != nullptr && same_key(**at)) {
      if (mode == RouteMode::kAdd) return Insert::kExists;
      std::unique_ptr<FibEntry>*first = at, *match = nullptr;
      for (; *at != nullptr && same_key(**at); at = &(*at)->next) {
        if (!(*at)->same(*entry)) continue;
        match = at;
        break;
      }
      if (mode == RouteMode::kReplace || mode == RouteMode::kChange) {
        if (match != nullptr) return match == first ? Insert::kOk : Insert::kExists;
        entry->next = std::move((*first)->next);
        *first = std::move(entry);
        return Insert::kOk;
      }
      if (match != nullptr) return Insert::kExists;
      if (mode == RouteMode::kPrepend) at = first;
    }
  }
  if (mode == RouteMode::kChange) return Insert::kMissing;
  if (at == nullptr) at = &find_or_create(destination.host(), length).first;
  entry->next = std::move(*at);
  *at = std::move(entry);
  return Insert::kOk;
}

void FibTrie::flush() {
  for (size_t i = 0; i < prefixes_.size(); ++i) {
    Prefix& p = prefixes_[i];
    if (p.first == nullptr) continue;
    for (std::unique_ptr<FibEntry>* at = &p.first; *at != nullptr;) {
      if ((*at)->dead)
        *at = std::move((*at)->next);
      else
        at = &(*at)->next;
    }
    drop_if_empty(p);
  }
}

void FibTrie::move_table(uint32_t table, FibTrie& to) {
  for (size_t i = 0; i < prefixes_.size(); ++i) {
    Prefix& p = prefixes_[i];
    if (p.first == nullptr) continue;
    std::unique_ptr<FibEntry>* to_end = nullptr;
    for (std::unique_ptr<FibEntry>* at = &p.first; *at != nullptr;) {
      if ((*at)->table != table) {
        at = &(*at)->next;
        continue;
      }
      std::unique_ptr<FibEntry> e = std::move(*at);
      *at = std::move(e->next);
      if (to_end == nullptr) to_end = &to.find_or_create(p.address, p.length).first;
      *to_end = std::move(e);
      to_end = &(*to_end)->next;
    }
    drop_if_empty(p);
  }
}

Fib::Fib() = default;

FibTrie* Fib::table(uint32_t id) {
  for (const Table& t : tables_)
    if (t.id == id) return t.trie;
  return nullptr;
}

const FibTrie* Fib::table(uint32_t id) const { return const_cast<Fib*>(this)->table(id); }

FibTrie& Fib::make_table(uint32_t id) {
  if (FibTrie* t = table(id)) return *t;
  FibTrie* trie;
  if (id == kTableLocal && merged_) {
    trie = &make_table(kTableMain);
  } else {
    tries_.push_back(std::make_unique<FibTrie>());
    trie = tries_.back().get();
  }
  tables_.push_back({id, trie});
  if (id == kTableMain) main_ = trie;
  if (id == kTableDefault) fallback_ = trie;
  return *trie;
}

void Fib::unmerge() {
  if (!merged_) return;
  merged_ = false;
  for (Table& t : tables_) {
    if (t.id != kTableLocal) continue;
    tries_.push_back(std::make_unique<FibTrie>());
    main_->move_table(kTableLocal, *tries_.back());
    t.trie = tries_.back().get();
  }
}

void Fib::flush() {
  for (auto& t : tries_) t->flush();
}

std::vector<uint32_t> Fib::dump_order() const {
  // Tables hang in 256 buckets by their id's low byte, the youngest first.
  std::vector<uint32_t> ids;
  for (auto t = tables_.rbegin(); t != tables_.rend(); ++t) ids.push_back(t->id);
  std::stable_sort(ids.begin(), ids.end(), [](uint32_t a, uint32_t b) { return (a & 255) < (b & 255); });
  return ids;
}

}  // namespace nf
