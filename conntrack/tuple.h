// A connection's key in one direction. twin: struct nf_conntrack_tuple
//
// Laid out as two 64-bit words and compared as such; every byte is written (no padding garbage).
#pragma once

#include <cstdint>
#include <cstring>

#include "datapath/base/byteorder.h"
#include "datapath/packet/ctinfo.h"

namespace nf::ct {

struct Tuple {
  Be32 source;
  Be32 destination;
  // What a protocol keeps in the two halves of its id: ports; ICMP: source_id = id, destination_id = type<<8|code;
  // GRE of PPTP: the two call ids, as far as known; other GRE and unknown protocols: zero.
  Be16 source_id;
  Be16 destination_id;
  uint8_t protocol = 0;
  CtDirection direction = CtDirection::kOriginal;
  uint16_t zone = 0;  // in this tuple's direction. twin: nf_ct_zone_id

  uint8_t icmp_type() const { return static_cast<uint8_t>(destination_id.host() >> 8); }
  uint8_t icmp_code() const { return static_cast<uint8_t>(destination_id.host()); }
  void set_icmp(uint8_t type, uint8_t code) { destination_id = be16(static_cast<uint16_t>(type << 8 | code)); }

  // Same key, direction not looked at. twin: nf_ct_tuple_equal
  bool same_key(const Tuple& o) const {
    return source == o.source && destination == o.destination && source_id == o.source_id &&
           destination_id == o.destination_id && protocol == o.protocol && zone == o.zone;
  }
  // twin: nf_ct_tuple_src_equal
  bool same_source(const Tuple& o) const {
    return source == o.source && source_id == o.source_id && protocol == o.protocol && zone == o.zone;
  }
};
static_assert(sizeof(Tuple) == 16);

// A zone by its id in each direction, 0 where it does not count. twin: struct nf_conntrack_zone, nf_ct_zone_id
struct ZoneIds {
  uint16_t id[2] = {0, 0};  // [CtDirection]
  // It counts in both directions, or there is none. twin: dir == NF_CT_DEFAULT_ZONE_DIR
  bool symmetric() const { return id[0] == id[1]; }
  // Its id, whichever directions it counts in. twin: nf_conntrack_zone.id
  uint16_t any() const { return id[0] != 0 ? id[0] : id[1]; }
};

}  // namespace nf::ct
