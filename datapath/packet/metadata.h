// What a packet made out of another one inherits: everything the stack knows about it, but not its bytes, its
// connection, and what speaks of its form (checksum state, GSO, fragments).
#pragma once

#include "datapath/packet/packet.h"

namespace nf {

// twin: ip_copy_metadata, __copy_skb_header
inline void copy_metadata(Packet& to, const Packet& from) {
  to.dev = from.dev;
  to.phys_in = from.phys_in;
  to.phys_out = from.phys_out;
  to.dst = from.dst;
  to.bridged_source = from.bridged_source;
  to.mark = from.mark;
  to.priority = from.priority;
  to.protocol = from.protocol;
  to.type = from.type;
  to.bridge_netfilter = from.bridge_netfilter;
  to.bridged_dnat = from.bridged_dnat;
  to.forwarded = from.forwarded;
  to.traced = from.traced;
}

}  // namespace nf
