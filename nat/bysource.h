// The by-source index: every connection whose source half is decided, by its original source (protocol, address,
// port or id). It lets a client's port keep one mapping towards all destinations.
// twin: nf_nat_bysource, net/netfilter/nf_nat_core.c
//
// Connections are linked through their own NatPart, so nothing is allocated on the packet path. Invariants:
//  1. A connection is linked at most once; nat.bysource_at is null exactly when it is not linked.
//  2. The newest of one source comes first, as hlist_add_head has it.
//  3. Whoever frees a connection has it removed first (Nat does, from Conntrack::on_destroy).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "conntrack/connection.h"

namespace nf::nat {

class BySource {
 public:
  // `buckets` is fixed for life; `seed` keys the hash, for senders choose their tuples.
  BySource(size_t buckets, uint64_t seed);
  BySource(const BySource&) = delete;
  BySource& operator=(const BySource&) = delete;

  // Links a connection under its original tuple. Precondition: not linked.
  void add(ct::Connection& c);
  // Unlinks; a connection that is not linked is left alone.
  void remove(ct::Connection& c);

  // Visits the connections with the same source as `tuple` (its zone id is the original direction's), newest first,
  // until `visit` returns true. Returns whether it did. The kernel's hash takes in the ids of zones that count in both
  // directions only, so those and the others do not find each other.
  // twin: the loop of find_appropriate_src with hash_by_src and same_src
  template <class Visit>
  bool find(const ct::Tuple& tuple, const ct::ZoneIds& zone, Visit visit) const {
    for (const ct::Connection* c = heads_[bucket(tuple)]; c != nullptr; c = c->nat.bysource_next) {
      const bool same_kind = zone.id[0] == 0 || zone.symmetric() == c->zone().symmetric();
      if (same_kind && c->original().same_source(tuple) && visit(*c)) return true;
    }
    return false;
  }

 private:
  struct Free {
    void operator()(ct::Connection** p) const;
  };
  size_t bucket(const ct::Tuple& tuple) const;

  size_t buckets_;
  uint64_t seed_;
  std::unique_ptr<ct::Connection*[], Free> heads_;
};

}  // namespace nf::nat
