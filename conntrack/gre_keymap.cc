#include "conntrack/gre_keymap.h"

#include <algorithm>

namespace nf::ct {

// twin: gre_key_cmpfn
bool GreKeymap::same_key(const Tuple& a, const Tuple& b) {
  return a.source == b.source && a.destination == b.destination && a.protocol == b.protocol &&
         a.destination_id == b.destination_id;
}

Be16 GreKeymap::lookup(const Tuple& tuple) const {
  for (const Entry& e : entries_)
    if (same_key(e.tuple, tuple)) return e.tuple.source_id;
  return {};
}

bool GreKeymap::add(const Connection& master, CtDirection direction, const Tuple& tuple) {
  for (const Entry& e : entries_)
    if (e.master == &master && e.direction == direction) return same_key(e.tuple, tuple);
  entries_.push_back({&master, direction, tuple});
  return true;
}

void GreKeymap::destroy(const Connection& master) {
  entries_.erase(std::remove_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.master == &master; }),
                 entries_.end());
}

}  // namespace nf::ct
