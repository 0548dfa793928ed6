// Which source call id a packet of PPTP's GRE has: the packet itself carries only its receiver's. The PPTP helper
// enters both directions of a call; a tuple that is not here has source 0. twin: struct netns_proto_gre.keymap_list,
// net/netfilter/nf_conntrack_proto_gre.c
//
// Owned by Core. A master has at most one entry per direction.
#pragma once

#include <vector>

#include "conntrack/tuple.h"

namespace nf::ct {

class Connection;

class GreKeymap {
 public:
  // Of a GRE tuple whose destination's call id is known: the source's. The oldest entry that fits says it.
  // twin: gre_keymap_lookup
  Be16 lookup(const Tuple& tuple) const;
  // False: the master has another call in that direction. twin: nf_ct_gre_keymap_add
  bool add(const Connection& master, CtDirection direction, const Tuple& tuple);
  // twin: nf_ct_gre_keymap_destroy
  void destroy(const Connection& master);
  bool empty() const { return entries_.empty(); }

 private:
  struct Entry {
    const Connection* master;
    CtDirection direction;
    Tuple tuple;
  };
  static bool same_key(const Tuple& a, const Tuple& b);
  std::vector<Entry> entries_;  // the oldest first
};

}  // namespace nf::ct
