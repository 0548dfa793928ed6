#include "nat/unique_tuple.h"

#include <algorithm>

#include "conntrack/endpoints.h"
#include "conntrack/proto.h"
#include "datapath/base/jhash.h"

namespace nf::nat {
namespace {

constexpr uint32_t kRandomAll = kRangeProtoRandom | kRangeProtoRandomFully;
constexpr unsigned kMaxAttempts = 128;                   // NF_NAT_MAX_ATTEMPTS
constexpr unsigned kHarderThreshold = kMaxAttempts / 4;  // NF_NAT_HARDER_THRESH

bool has_ports(uint8_t protocol) {
  return protocol == kProtoTcp || protocol == kProtoUdp || protocol == kProtoUdplite || protocol == kProtoSctp;
}

// twin: nf_nat_used_tuple
bool used_tuple(const ct::Tuple& tuple, const ct::Connection& ignored, const TupleSpace& space) {
  ct::Tuple reply;
  ct::Conntrack::invert(reply, tuple);
  return space.conntrack.tuple_taken(reply, ignored, space.now);
}

// twin: nf_ct_tuple_equal
bool equal_but_for_zone(ct::Tuple a, const ct::Tuple& b) {
  a.zone = b.zone;
  return a.same_key(b);
}

// Whether the tuple a connection has by itself is taken. Not by the same flow from its other end, where the protocol
// lets confirm see to that: the kernel means two processors that see both ends at once, but with zones of one
// direction an answer is such a new connection, too (and confirm drops it). twin: nf_nat_used_tuple_new
bool used_tuple_new(const ct::Tuple& tuple, const ct::Connection& ignored, const TupleSpace& space) {
  constexpr uint32_t kUsesNat = ct::kNatMask | ct::kSeqAdjust;
  if (!used_tuple(tuple, ignored, space)) return false;
  if (!ct::allow_clash(tuple.protocol) || (ignored.status & kUsesNat) != 0) return true;
  ct::Tuple reply;
  ct::Conntrack::invert(reply, tuple);
  CtDirection direction;
  const ct::Connection* holder = space.conntrack.find(tuple, ignored.zone(), direction, space.now);
  if (holder == nullptr) holder = space.conntrack.find(reply, ignored.zone(), direction, space.now);
  if (holder == nullptr) return false;
  return (holder->status & kUsesNat) != 0 || !equal_but_for_zone(holder->original(), ignored.reply());
}

// twin: nf_nat_may_kill
bool may_kill(const ct::Connection& c) {
  if (c.tcp.state < ct::TcpState::kTimeWait) return false;
  if ((c.status & (ct::kFixedTimeout | ct::kDying)) != 0) return false;
  return (c.status & ct::kSrcNat) != 0;
}

// Packets of the old connection must be out of the new one's window. twin: nf_seq_has_advanced
bool sequence_has_advanced(const ct::Connection& old, const ct::Connection& fresh) {
  return static_cast<int32_t>(fresh.tcp.seen[0].end - old.tcp.seen[0].end) > 0;
}

// twin: nf_nat_used_tuple_harder
bool used_tuple_harder(const ct::Tuple& tuple, const ct::Connection& ignored, unsigned attempts_left,
                       const TupleSpace& space) {
  if (attempts_left > kHarderThreshold || tuple.protocol != kProtoTcp || ignored.tcp.state != ct::TcpState::kSynSent) {
    return used_tuple(tuple, ignored, space);
  }
  ct::Tuple reply;
  ct::Conntrack::invert(reply, tuple);
  CtDirection direction;
  ct::Connection* holder = space.conntrack.find(reply, ignored.zone(), direction, space.now);
  if (holder == nullptr) return false;
  if (direction == CtDirection::kOriginal || holder == &ignored) return true;
  if (!may_kill(*holder) || !sequence_has_advanced(*holder, ignored)) return true;
  if (space.choice != nullptr) {
    space.choice->evicted = ct::tuple_text(holder->original());
    space.choice->evicted_state = ct::tcp_state_name(holder->tcp.state);
  }
  return !space.conntrack.kill(*holder, space.now);
}

// twin: l4proto_in_range
bool port_in_range(const ct::Tuple& tuple, ManipType manip, const Range& range) {
  Be16 value;
  if (tuple.protocol == kProtoIcmp) {
    value = tuple.source_id;
  } else if (has_ports(tuple.protocol) || tuple.protocol == kProtoGre) {
    value = manip == ManipType::kSource ? tuple.source_id : tuple.destination_id;
  } else {
    return true;
  }
  return range.min_port <= value && value <= range.max_port;
}

// twin: nf_in_range
bool in_range(const ct::Tuple& tuple, const Range& range) {
  if ((range.flags & kRangeMapIps) != 0 && (tuple.source < range.min_address || tuple.source > range.max_address))
    return false;
  return (range.flags & kRangeProtoSpecified) == 0 || port_in_range(tuple, ManipType::kSource, range);
}

// twin: find_appropriate_src
bool find_appropriate_src(const ct::Tuple& tuple, const ct::ZoneIds& zone, const Range& range, const TupleSpace& space,
                          ct::Tuple& result) {
  return space.by_source.find(tuple, zone, [&](const ct::Connection& c) {
    ct::Conntrack::invert(result, c.reply());
    result.zone = tuple.zone;
    result.destination = tuple.destination;
    result.destination_id = tuple.destination_id;
    if (!in_range(result, range)) return false;
    if (space.choice != nullptr) space.choice->other = ct::tuple_text(c.original());
    return true;
  });
}

// The numbers a port or id may take: `size` of them from `min` on; size 0: it may not change.
struct Choices {
  Be16* field;
  unsigned min, size;
};

Choices choices(ct::Tuple& tuple, const Range& range, const ct::Connection& c, ManipType manip) {
  const bool specified = (range.flags & kRangeProtoSpecified) != 0;
  const unsigned low = range.min_port.host(), high = range.max_port.host();
  const bool source = manip == ManipType::kSource;
  if (tuple.protocol == kProtoIcmp) {
    if (!specified) return {&tuple.source_id, 0, 65536};
    return {&tuple.source_id, low, high - low + 1};
  }
  Be16* field = source ? &tuple.source_id : &tuple.destination_id;
  if (tuple.protocol == kProtoGre) {
    // Only PPTP's call ids may change, and only a connection with a master is PPTP's.
    if (c.master == nullptr) return {field, 0, 0};
    if (!specified) return {field, 1, 65535};
    return {field, low, high - low + 1};
  }
  if (!has_ports(tuple.protocol)) return {field, 0, 0};
  if (specified) return {field, std::min(low, high), std::max(low, high) - std::min(low, high) + 1};
  if (!source) return {field, 0, 0};
  const unsigned port = field->host();
  if (port < 512) return {field, 1, 511};
  if (port < 1024) return {field, 600, 1023 - 600 + 1};
  return {field, 1024, 65536 - 1024};
}

// twin: nf_nat_l4proto_unique_tuple
void l4proto_unique_tuple(ct::Tuple& tuple, const Range& range, const ct::Connection& c, ManipType manip,
                          const TupleSpace& space) {
  const Choices from = choices(tuple, range, c, manip);
  if (from.size == 0) return;
  if (space.choice != nullptr) {
    space.choice->how = Choice::How::kSearched;
    space.choice->size = from.size;
  }

  const auto start = [&]() -> uint16_t {
    if (space.port_search != nullptr)
      return space.port_search->start(c, manip, static_cast<uint16_t>(from.min), from.size);
    return space.random.u16();
  };
  const auto take = [&from](uint16_t offset) {
    *from.field = be16(static_cast<uint16_t>(from.min + offset % from.size));
  };
  uint16_t offset = 0;
  bool chance = false;
  if ((range.flags & kRangeProtoOffset) != 0) {
    offset = static_cast<uint16_t>(from.field->host() - range.base_port.host());
  } else if ((range.flags & kRandomAll) != 0 || manip == ManipType::kSource) {
    offset = start();
    chance = true;
  }

  unsigned attempts = std::min(from.size, kMaxAttempts);
  for (;;) {
    for (unsigned i = 0; i < attempts; ++i, ++offset) {
      take(offset);
      if (space.choice != nullptr) ++space.choice->attempts;
      if (!used_tuple_harder(tuple, c, attempts - i, space)) return;
    }
    if (attempts >= from.size || attempts < 16) break;
    attempts /= 2;
    offset = start();
    chance = true;
  }
  if (space.choice != nullptr) space.choice->given_up = true;
  // Given up: the last one looked at is taken all the same. Who tells where to begin tells where that was.
  if (chance && space.port_search != nullptr) take(start());
}

}  // namespace

void find_best_ips_proto(ct::Tuple& tuple, const Range& range, ManipType manip, uint16_t zone) {
  if ((range.flags & kRangeMapIps) == 0) return;
  Be32& address = manip == ManipType::kSource ? tuple.source : tuple.destination;
  if (range.min_address == range.max_address) {
    address = range.min_address;
    return;
  }
  // The kernel hashes its 16-byte address union, of which IPv4 fills the first word.
  const uint32_t source[4] = {tuple.source.raw(), 0, 0, 0};
  const uint32_t initial = (range.flags & kRangePersistent) != 0 ? 0 : tuple.destination.raw() ^ zone;
  const uint32_t hash = jhash2(source, 4, initial);
  const uint32_t min = range.min_address.host();
  const uint32_t size = range.max_address.host() - min + 1;
  address = be32(min + static_cast<uint32_t>((uint64_t{hash} * size) >> 32));
}

std::string holder_text(const ct::Tuple& tuple, const ct::Connection& c, const TupleSpace& space) {
  ct::Tuple reply;
  ct::Conntrack::invert(reply, tuple);
  const ct::Connection* holder = space.conntrack.tuple_holder(reply, c, space.now);
  return holder == nullptr ? std::string() : ct::tuple_text(holder->original());
}

ct::Tuple get_unique_tuple(const ct::Tuple& original, const Range& range, const ct::Connection& c, ManipType manip,
                           const TupleSpace& space) {
  const bool random = (range.flags & kRandomAll) != 0;
  ct::Tuple tuple = original;
  const auto told = [&space](Choice::How how) {
    if (space.choice != nullptr) space.choice->how = how;
  };
  if (manip == ManipType::kSource && !random) {
    if (in_range(original, range)) {
      if (!used_tuple_new(original, c, space)) {
        told(Choice::How::kKept);
        return original;
      }
    } else if (find_appropriate_src(original, c.zone(), range, space, tuple)) {
      if (!used_tuple(tuple, c, space)) {
        told(Choice::How::kSameAsBefore);
        return tuple;
      }
    }
  }

  tuple = original;
  find_best_ips_proto(tuple, range, manip, c.zone().any());
  if (space.choice != nullptr)
    space.choice->by_hash = (range.flags & kRangeMapIps) != 0 && range.min_address != range.max_address;

  if (!random) {
    if ((range.flags & kRangeProtoSpecified) != 0) {
      // One port only: the kernel does not ask whether it is free, as there would be no other.
      if ((range.flags & kRangeProtoOffset) == 0 && port_in_range(tuple, manip, range) &&
          (range.min_port == range.max_port || !used_tuple(tuple, c, space))) {
        told(range.min_port == range.max_port ? Choice::How::kOnePort : Choice::How::kKept);
        return tuple;
      }
    } else if (!used_tuple(tuple, c, space)) {
      if (manip == ManipType::kSource) told(Choice::How::kKept);
      return tuple;
    }
    if (space.choice != nullptr) space.choice->holder = holder_text(tuple, c, space);
  }
  l4proto_unique_tuple(tuple, range, c, manip, space);
  return tuple;
}

}  // namespace nf::nat
