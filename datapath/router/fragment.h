// IPv4 reassembly and fragmentation.
// twin: net/ipv4/{ip_fragment,inet_fragment}.c, ip_do_fragment in ip_output.c
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "datapath/base/sysctl.h"
#include "datapath/base/time.h"
#include "datapath/packet/pool.h"
#include "datapath/trace/drop_reason.h"

namespace nf {

// Who reassembles; datagrams of different users never mix. twin: enum ip_defrag_users
enum class DefragUser : uint8_t { kLocalDeliver, kConntrackIn, kConntrackOut, kConntrackBridgeIn };

// Datagrams being put together, each known by (source, destination, id, protocol, user).
//
// Ownership: fragments that wait belong to the Reassembly; those it gives up go to Actions::drop.
// Invariants, all the kernel's:
//  1. A fragment that overlaps what is there kills its whole datagram, unless every byte of it is there already in one
//     run: then it alone is dropped as a duplicate.
//  2. A datagram lives ipfrag_time from its first fragment on, or from the last time it was begun anew because more
//     than ipfrag_max_dist fragments of its source came between two of its own.
//  3. While the memory charged is above ipfrag_high_thresh every fragment is refused, also one that would complete a
//     datagram. A fragment is charged what the kernel charges for it when it came from a TAP device.
//  4. Header, mark and link-layer header of the result are those of the fragment at offset 0, `dev` and `dst` those of
//     the fragment that came last; the header's length, DF and checksum are written anew, MF, offset and the reserved
//     bit are clear.
// It allocates only when more datagrams wait than ever before.
class Reassembly {
 public:
  struct Actions {
    // A datagram timed out and its first fragment is known (held by kConntrackOut: never told). When the host is its
    // destination - for kLocalDeliver it is; otherwise route_input says kLocal - the owner sends ICMP 11/1 about
    // `first`, which has lost its payload beyond a multiple of 8. twin: ip_expire
    std::function<void(Packet& first)> expired;
    // A fragment that came to nothing: kDefragOverlap (also duplicates), kDefragMalformed, kDefragMemory,
    // kDefragIncomplete. It may have lost its payload beyond a multiple of 8.
    std::function<void(PacketPtr p, DropReason reason)> drop;
  };
  // Registers net.ipv4.ipfrag_* with `sysctl`, which outlives this. `hash_seed` keys the table.
  Reassembly(PacketPool& pool, SysctlTable& sysctl, Actions actions, uint64_t hash_seed = 0);
  ~Reassembly();  // frees what waits, without telling drop()

  // Takes a fragment at its IPv4 header. Returns the whole datagram when this one completed it (its frag_max_size,
  // df_fragments, dev and mark set as ip_frag_reasm does), otherwise null: the fragment is held or was dropped.
  // A datagram that came by PREROUTING's defragmentation may be cut again though it carries DF (skb->ignore_df), as
  // long as frag_max_size fits the MTU.
  // twin: ip_defrag
  PacketPtr add(PacketPtr fragment, DefragUser user, Time now);
  // Drops what is older than ipfrag_time. Returns when the next one is due (INT64_MAX: none).
  Time expire(Time now);
  size_t waiting() const;  // datagrams in reassembly
  size_t memory() const;   // bytes charged against ipfrag_high_thresh. twin: /proc/net/sockstat FRAG memory

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Cuts a packet (not GSO; a kPartial checksum is completed first) into fragments of at most `mtu` bytes each, or of
// frag_max_size when that is less, and hands them to `emit` in order, headers and options as the kernel writes them.
// Whether the packet may be cut at all (DF) was decided by the caller.
//  - A reassembled packet whose fragments all fit is cut where it was cut before, and DF is clear in every fragment.
//  - Otherwise: equal parts, rounded down to 8 bytes; DF is set in every fragment when df_fragments, else clear.
// Options the router has read (Packet::options) without the copied flag become NOPs in all but the first. Fragments
// inherit the metadata (packet/metadata.h), not the connection and not the link-layer header. mtu is at least the
// header length and 8 bytes. twin: ip_do_fragment
void fragment(PacketPtr p, uint32_t mtu, PacketPool& pool, const std::function<void(PacketPtr)>& emit);

// A packet of the host's own that is longer than its route's MTU is made in pieces. When a rule sends it by another
// route, it is cut where these end, if they fit. twin: __ip_append_data
void make_in_pieces(Packet& p, uint32_t mtu);

}  // namespace nf
