// The choice of a connection's new tuple: which address and port NAT gives it.
// twin: get_unique_tuple and what it calls, net/netfilter/nf_nat_core.c
//
//  1. source half, no --random: the tuple as it is, when it fits the range and is free; otherwise the mapping this
//     source (protocol, address, port) already has towards somewhere else;
//  2. an address of the range, by a hash of the source without a secret;
//  3. the port as it is, when it fits the range and is free;
//  4. a search for a port or id, in rounds of 128, 64, 32, 16, 8 from random starts.
// It may fail to find a free one; the last candidate is used then and the packet dies at confirm.
#pragma once

#include "conntrack/conntrack.h"
#include "datapath/base/random.h"
#include "datapath/packet/rewrite.h"
#include "nat/bysource.h"
#include "nat/choice.h"
#include "nat/nat.h"

namespace nf::nat {

// What the choice depends on besides the connection.
struct TupleSpace {
  ct::Conntrack& conntrack;
  const BySource& by_source;
  Random& random;
  PortSearch* port_search;  // null: `random` alone
  Time now;
  Choice* choice = nullptr;  // notes how it came out; null: nobody is told. No decision depends on it
};

// `original` is what the packet looks like now: the inverse of the reply tuple, with the other half's NAT in it.
// May evict a closed TCP connection whose port is needed. twin: get_unique_tuple
ct::Tuple get_unique_tuple(const ct::Tuple& original, const Range& range, const ct::Connection& c, ManipType manip,
                           const TupleSpace& space);

// Who has this tuple already, so that `c` cannot have it: its original tuple as text; empty: nobody. For Choice::said.
std::string holder_text(const ct::Tuple& tuple, const ct::Connection& c, const TupleSpace& space);

// Step 2 alone: changes one address of `tuple`. `zone`: the id of its connection's zone. twin: find_best_ips_proto
void find_best_ips_proto(ct::Tuple& tuple, const Range& range, ManipType manip, uint16_t zone);

}  // namespace nf::nat
