// A connection as ctnetlink tells it and takes it: plain values, for what goes out of the table and comes back in
// (conntrack -I, -U, -o save, handover). twin: the CTA_* attributes, net/netfilter/nf_conntrack_netlink.c
//
// What is not there was not told, or is not to be changed. Owns nothing of the table.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "conntrack/connection.h"
#include "conntrack/rare_parts.h"
#include "conntrack/tuple.h"
#include "datapath/base/time.h"

namespace nf::ct {

// What NAT is to make of one half of a new connection. twin: CTA_NAT_SRC, CTA_NAT_DST
struct NatHalf {
  std::optional<Be32> address;
  std::optional<Be16> port;  // or ICMP id, or GRE key
  bool operator==(const NatHalf&) const = default;
};

// The windows cannot be told: whoever takes this in learns them from the next packets. twin: CTA_PROTOINFO_TCP
struct TcpEntry {
  std::optional<TcpState> state;
  struct Flags {
    uint8_t value = 0, mask = 0;  // TcpTrackFlag; only those of the mask are changed. The kernel tells a mask of 0
    bool operator==(const Flags&) const = default;
  };
  std::optional<Flags> flags[2];    // [CtDirection]
  std::optional<uint8_t> scale[2];  // [CtDirection]; taken when both are there and both sides sent the option
};

// twin: CTA_PROTOINFO_SCTP; all three or -EINVAL
struct SctpEntry {
  std::optional<SctpState> state;
  std::optional<Be32> vtag[2];  // [CtDirection]
};

struct EntryState {
  Tuple tuple[2];                   // [CtDirection], each with its zone
  std::optional<uint32_t> status;   // StatusBit
  std::optional<uint32_t> timeout;  // seconds
  std::optional<uint32_t> mark;
  std::optional<Labels> labels;
  std::optional<TcpEntry> tcp;
  std::optional<SctpEntry> sctp;
  std::optional<GreTrack> gre;                         // not in ctnetlink: what /proc/net/nf_conntrack shows
  std::optional<std::string> helper;                   // its name; "": none any more
  std::optional<std::array<SeqAdjust, 2>> seqadj;      // [CtDirection]
  std::optional<Tuple> master;                         // its original tuple
  std::optional<NatHalf> source_nat, destination_nat;  // wishes only; what NAT did is in the tuples
  // --- told, never taken
  std::optional<std::array<Counter, 2>> counters;  // [CtDirection]
  std::optional<Time> started;
  uint32_t id = 0, use = 0;
};

// What a dump tells of a connection. twin: ctnetlink_fill_info
EntryState entry_state(const Connection& c, Time now);

// Of what a dump told, what makes it anew elsewhere: the translation becomes wishes and the reply tuple is the inverse
// of the original again; status bits that nobody may set are taken out; TCP is liberal about windows from then on
// (kTcpBeLiberal), for they are not known. False: no tuple of this kind can be made by hand (ICMP of an unknown type).
bool make_creatable(EntryState& state);

// Sets up both halves of NAT by source_nat and destination_nat, at least one of which is there; false: it cannot.
// Nat::setup_entry is one.
using NatSetup = std::function<bool(Connection& c, const EntryState& state, Time now)>;

}  // namespace nf::ct
