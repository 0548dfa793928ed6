#include "nat/choice.h"

#include "datapath/base/text.h"
#include "nat/range_text.h"

namespace nf::nat {
namespace {

bool has_ports(uint8_t protocol) {
  return protocol == kProtoTcp || protocol == kProtoUdp || protocol == kProtoUdplite || protocol == kProtoSctp;
}

// What of a tuple's half tells connections apart, as conntrack -L has it: "sport=80", "id=7"; empty: nothing does.
std::string number_text(const ct::Tuple& t, ManipType manip) {
  const bool source = manip == ManipType::kSource;
  if (t.protocol == kProtoIcmp) return strf("id=%u", t.source_id.host());
  const unsigned number = (source ? t.source_id : t.destination_id).host();
  if (t.protocol == kProtoGre) return strf("%s=0x%x", source ? "srckey" : "dstkey", number);
  if (!has_ports(t.protocol)) return {};
  return strf("%s=%u", source ? "sport" : "dport", number);
}

bool has_number(const Range& range, Be16 number) {
  return (range.flags & kRangeProtoSpecified) == 0 || (range.min_port <= number && number <= range.max_port);
}

Said searched(const Choice& c, const std::string& wanted, const std::string& got, Be16 number, const Range& range,
              const std::string& last_holder) {
  if (!c.evicted.empty()) return {"choice.evicted", {got, c.evicted, c.evicted_state}, {}};
  if (c.size == 1) {
    if (last_holder.empty()) return {"choice.one_port", {got}, {}};
    return {"choice.one_port_taken", {got, last_holder}, {}};
  }
  if (c.given_up) return {"choice.given_up", {strf("%u", c.attempts), got, last_holder}, {}};
  if ((range.flags & kRangeProtoOffset) != 0)
    return {"choice.offset", {got, wanted, strf("%u", range.base_port.host()), format_ports(range)}, {}};
  if ((range.flags & (kRangeProtoRandom | kRangeProtoRandomFully)) != 0) return {"choice.random", {got}, {}};
  if (!has_number(range, number)) return {"choice.out_of_range", {wanted, format_ports(range), got}, {}};
  return {"choice.port_taken", {wanted, c.holder, got}, {}};
}

}  // namespace

Said Choice::said(const ct::Tuple& original, const ct::Tuple& chosen, const Range& range, ManipType manip,
                  const std::string& last_holder) const {
  const bool source = manip == ManipType::kSource;
  const std::string wanted = number_text(original, manip), got = number_text(chosen, manip);
  const bool without_number = got.empty() && how != How::kSameAsBefore;
  Said number;
  switch (without_number ? How::kNothing : how) {
    case How::kKept:
      number = {"choice.kept", {got}, {}};
      break;
    case How::kSameAsBefore:
      number = {"choice.same_as_before", {other, format_ipv4(chosen.source), got}, {}};
      break;
    case How::kOnePort:
      number = last_holder.empty() ? Said{"choice.one_port", {got}, {}}
                                   : Said{"choice.one_port_taken", {got, last_holder}, {}};
      break;
    case How::kSearched: {
      const bool destination_number = !source && original.protocol != kProtoIcmp;
      number = searched(*this, wanted, got, destination_number ? original.destination_id : original.source_id, range,
                        last_holder);
      break;
    }
    case How::kNothing:
      if (!last_holder.empty()) {
        number = has_ports(chosen.protocol) ? Said{"choice.destination_taken", {got, last_holder}, {}}
                                            : Said{"choice.no_ports", {last_holder}, {}};
      } else if (has_ports(chosen.protocol) && (range.flags & (kRangeProtoRandom | kRangeProtoRandomFully)) != 0) {
        number = {"choice.random_no_effect", {got}, {}};
      }
      break;
  }
  if (!by_hash) return number;
  Range addresses = range;
  addresses.flags = kRangeMapIps;
  const Be32 address = source ? chosen.source : chosen.destination;
  Said hashed{(range.flags & kRangePersistent) != 0 ? "choice.address_of_range_persistent" : "choice.address_of_range",
              {format_ipv4(address), format_range(addresses)},
              {}};
  if (!number) return hashed;
  return {"choice.and", {}, {std::move(hashed), std::move(number)}};
}

}  // namespace nf::nat
