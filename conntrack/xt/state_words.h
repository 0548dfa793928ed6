// The states of -m conntrack and -m state: their bits and words. twin: XT_CONNTRACK_STATE_*, xt_conntrack.h
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "datapath/base/result.h"
#include "datapath/packet/packet.h"
#include "datapath/trace/said.h"

namespace nf::ct {

enum StateBit : uint16_t {
  kStateInvalid = 1u << 0,
  kStateEstablished = 1u << 1,
  kStateRelated = 1u << 2,
  kStateNew = 1u << 3,
  kStateSnat = 1u << 6,
  kStateDnat = 1u << 7,
  kStateUntracked = 1u << 8,
};

// The bits a packet has: one of the states, and SNAT, DNAT where its connection has them.
uint16_t state_bits(const Packet& p);

// A comma-separated list; each word may be shortened, as in iptables ("N" is NEW). `virtual_states` admits SNAT and
// DNAT. The error is "Bad KIND "TEXT"".
Result<uint16_t> parse_states(std::string_view text, bool virtual_states, std::string_view kind);

// " INVALID,NEW" in iptables' order, with the leading blank.
void append_states(std::string& out, uint16_t mask);
// "ESTABLISHED,SNAT"
std::string states_text(uint16_t mask);

// Why `condition` misses a packet that has no connection and must have one.
Said no_connection(std::string condition, const Packet& p);

}  // namespace nf::ct
