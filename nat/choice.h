// How a tuple was chosen in a range, and why it is not the original one: noted by get_unique_tuple for whoever is told,
// made a sentence here. Decides nothing: nothing of it is asked for a choice, and no chance is spent on it.
#pragma once

#include <string>

#include "conntrack/conntrack.h"
#include "datapath/packet/rewrite.h"
#include "datapath/trace/said.h"
#include "nat/nat.h"

namespace nf::nat {

struct Choice {
  enum class How : uint8_t {
    kNothing,       // nothing was to be chosen, or the port may not change
    kKept,          // the port or id as it was, asked for and free
    kSameAsBefore,  // the mapping this source has towards somewhere else
    kOnePort,       // the range has one port only, which the packet had already
    kSearched,      // another was looked for
  } how = How::kNothing;
  bool by_hash = false;       // an address of several
  unsigned size = 0;          // kSearched: of the numbers it was looked for among
  unsigned attempts = 0;      // of the search
  bool given_up = false;      // of the search: the last one looked at is taken, free or not
  std::string other;          // kSameAsBefore: the connection with that mapping
  std::string holder;         // the connection that has what was wanted first
  std::string evicted;        // the connection that was ended to have its port
  std::string evicted_state;  // and the state it was in

  // The sentence ("choice.*"); empty: there is nothing to say. `original` and `chosen` as get_unique_tuple has them;
  // `last_holder`: who has `chosen` too, by its original tuple; empty: nobody.
  Said said(const ct::Tuple& original, const ct::Tuple& chosen, const Range& range, ManipType manip,
            const std::string& last_holder) const;
};

}  // namespace nf::nat
