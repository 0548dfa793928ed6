// The protocol trackers: each follows one packet of a connection, sets its timeout and its state.
//
// twin: nf_conntrack_handle_packet and the nf_conntrack_proto_*.c it calls
#pragma once

#include <span>

#include "conntrack/core.h"

namespace nf::ct {

inline const int64_t* connection_timeouts(const Connection& c, const int64_t* usual) {
  return c.rare != nullptr && c.rare->timeout != nullptr ? c.rare->timeout->seconds.data() : usual;
}

// One packet for a tracker. The connection is known; `transport` is everything behind the IPv4 header.
struct TrackInput {
  Core& core;
  Connection& c;
  Packet& p;
  std::span<const uint8_t> transport;
  CtInfo ctinfo;
  const HookState& state;

  CtDirection direction() const { return direction_of(ctinfo); }
  void refresh(int64_t seconds) const { Core::refresh_acct(c, ctinfo, p.length(), seconds, state.now); }
  // The timeouts of the connection's policy (CT --timeout), by the places of its tracker; else `usual`.
  // twin: nf_ct_timeout_lookup
  const int64_t* timeouts(const int64_t* usual) const { return connection_timeouts(c, usual); }
  // Whether checksums are to be verified here: on the way in only, and if asked for.
  bool check_sums() const { return core.settings.checksum != 0 && state.hook == HookPoint::kPreRouting; }
};

enum class Track : uint8_t {
  kAccept,
  kInvalid,  // -NF_ACCEPT: not part of the connection; the packet goes on without one
  kRepeat,   // -NF_REPEAT: the connection was closed and is gone, look again
  kDrop,     // -NF_DROP
};

Track tcp_packet(const TrackInput& in);      // proto_tcp.cc
Track udp_packet(const TrackInput& in);      // proto_udp.cc
Track udplite_packet(const TrackInput& in);  // proto_udp.cc
Track icmp_packet(const TrackInput& in);     // proto_icmp.cc
Track sctp_packet(const TrackInput& in);     // proto_sctp.cc
Track gre_packet(const TrackInput& in);      // proto_generic.cc
Track generic_packet(const TrackInput& in);  // proto_generic.cc

// Says of a packet whose transport checksum, `field` bytes behind the IPv4 header, is wrong what it is and should be.
// `pseudo`: protocol of the pseudo-header, 0: none. `coverage`: bytes it counts, 0: all. checksum_told.cc
void invalid_checksum(Reason& reason, const Packet& p, const char* protocol, size_t field, uint8_t pseudo,
                      size_t coverage = 0);

// What comes before the lookup of an ICMP packet: checks, and for an error the connection it is about, which the
// packet then carries as RELATED. False: INVALID. twin: nf_conntrack_icmpv4_error
bool icmp_error(Core& core, Packet& p, const ZoneIds& zone, const HookState& state);

// --- more of TCP, for the core
void tcp_set_closing(Core& core, Connection& c, Time now);  // twin: nf_conntrack_tcp_set_closing
bool tcp_can_early_drop(const Connection& c);               // twin: tcp_can_early_drop
bool sctp_can_early_drop(const Connection& c);              // twin: sctp_can_early_drop

// Two connections of this protocol may have met on their way into the table. twin: nf_conntrack_l4proto.allow_clash
bool allow_clash(uint8_t protocol);
// "SYN_SENT", or empty when the protocol has no states.
std::string_view state_name(const Connection& c);

}  // namespace nf::ct
