#include "tools/commands/conntrack_select.h"

#include "conntrack/entry_state.h"
#include "datapath/packet/headers.h"

namespace nf {
namespace {

using ct::Connection;
using ct::Tuple;

bool has_ports(uint8_t protocol) {
  return protocol == kProtoTcp || protocol == kProtoUdp || protocol == kProtoUdplite || protocol == kProtoSctp ||
         protocol == kProtoGre;
}

template <class T>
bool fits(const std::optional<T>& wanted, const T& is) {
  return !wanted || *wanted == is;
}

// The original direction: addresses where no mask is compared, protocol, ports. twin: __cmp_orig
bool same_original(const CtRequest& r, const Connection& c) {
  const CtTemplate& t = r.tmpl;
  const Tuple& o = c.original();
  if (!fits(t.protocol, o.protocol)) return false;
  if (!r.mask[0] && !fits(t.address[0], o.source)) return false;
  if (!r.mask[1] && !fits(t.address[1], o.destination)) return false;
  if (o.protocol == kProtoIcmp)
    return fits(t.icmp_type, o.icmp_type()) && fits(t.icmp_code, o.icmp_code()) && fits(t.icmp_id, o.source_id);
  return !has_ports(o.protocol) || (fits(t.port[0], o.source_id) && fits(t.port[1], o.destination_id));
}

// twin: cmp_repl
bool same_reply(const CtRequest& r, const Connection& c) {
  const CtTemplate& t = r.tmpl;
  const Tuple& p = c.reply();
  if (!fits(t.address[2], p.source) || !fits(t.address[3], p.destination)) return false;
  return !has_ports(p.protocol) || (fits(t.port[2], p.source_id) && fits(t.port[3], p.destination_id));
}

// twin: cmp_meta
bool same_meta(const CtRequest& r, const Connection& c, Time now) {
  const CtTemplate& t = r.tmpl;
  if (!fits(t.id, c.id)) return false;
  if (t.timeout && *t.timeout != ct::entry_state(c, now).timeout) return false;
  if (t.status && (*t.status & c.status) != *t.status) return false;
  if (t.state) {
    const uint8_t protocol = c.original().protocol;
    const uint8_t state = protocol == kProtoTcp    ? static_cast<uint8_t>(c.tcp.state)
                          : protocol == kProtoSctp ? static_cast<uint8_t>(c.sctp.state)
                                                   : uint8_t{0xff};
    if (state != *t.state) return false;
  }
  const ct::ZoneIds zone = c.zone();
  if (t.zone && *t.zone != (zone.symmetric() ? zone.any() : 0)) return false;
  for (size_t d = 0; d < 2; ++d)
    if (t.direction_zone[d] && *t.direction_zone[d] != (zone.symmetric() ? 0 : zone.id[d])) return false;
  return true;
}

// twin: filter_nat
bool nat_fits(const CtRequest& r, const Connection& c) {
  const bool any = r.has('j');
  const auto half = [&](size_t which) {
    const bool source = which == 0;
    const Tuple &o = c.original(), &p = c.reply();
    const bool address = (c.status & (source ? ct::kSrcNat : ct::kDstNat)) != 0 &&
                         (source ? p.destination != o.source : p.source != o.destination);
    // The library compares what stands where ports are, of ICMP an id with a type.
    const bool port =
        (c.status & ct::kNatMask) != 0 && (source ? p.destination_id != o.source_id : p.source_id != o.destination_id);
    const std::optional<Be32>& wanted = r.tmpl.nat_address[which];
    const std::optional<Be16>& wanted_port = r.tmpl.nat_port[which];
    if (!wanted && !wanted_port) return address || port;
    if (wanted && (!address || *wanted != (source ? p.destination : p.source))) return false;
    return !wanted_port || (port && *wanted_port == (source ? p.destination_id : p.source_id));
  };
  if (any) return half(0) || half(1);
  return (!r.has('n') || half(0)) && (!r.has('g') || half(1));
}

// twin: filter_network
bool network_fits(const CtRequest& r, const Connection& c) {
  const Be32 own[] = {c.original().source, c.original().destination};
  for (size_t i = 0; i < 2; ++i) {
    if (!r.mask[i] || !r.tmpl.address[i]) continue;
    const uint32_t mask = r.mask[i]->raw();
    if ((own[i].raw() & mask) != (r.tmpl.address[i]->raw() & mask)) return false;
  }
  return true;
}

// twin: filter_label
bool labels_fit(const CtRequest& r, const Connection& c) {
  if (!r.labels) return true;
  const ct::Labels* own = ct::labels_of(c);
  if (own == nullptr || *own == ct::Labels{}) return false;
  for (size_t i = 0; i < own->words.size(); ++i)
    if ((own->words[i] & r.labels->words[i]) != r.labels->words[i]) return false;
  return true;
}

// twin: CT_COMPARISON
bool compares(const CtRequest& r) {
  for (const char letter : {'p', 's', 'd', 'r', 'q', 'm', 'c', 'u', 'i', 'w', 'l', '(', ')'})
    if (r.has(letter)) return true;
  return false;
}

}  // namespace

bool selects(const CtRequest& r, const Connection& c, Time now) {
  if (r.family == 6 || !nat_fits(r, c) || !labels_fit(r, c) || !network_fits(r, c)) return false;
  if (r.has('m') && (c.mark & r.mark_mask) != r.mark) return false;
  return !compares(r) || (same_meta(r, c, now) && same_original(r, c) && same_reply(r, c));
}

bool kernel_selects(const CtRequest& r, const Connection& c) {
  return !r.has('u') || (c.status & r.status_mask) == r.status;
}

bool selects_for_update(const CtRequest& r, const Connection& c) {
  if (r.family == 6 || !nat_fits(r, c) || !labels_fit(r, c) || !network_fits(r, c)) return false;
  return fits(r.tmpl.id, c.id) && same_original(r, c) && same_reply(r, c);
}

}  // namespace nf
