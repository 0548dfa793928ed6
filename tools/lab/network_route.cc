// `ip route` and `ip rule`.
#include <utility>

#include "tools/lab/network_commands.h"

namespace nf::lab {
namespace {

// twin: /etc/iproute2/rt_protos
constexpr Keyword kProtocols[] = {{"unspec", 0},    {"redirect", 1}, {"kernel", 2}, {"boot", 3},   {"static", 4},
                                  {"gated", 8},     {"ra", 9},       {"mrt", 10},   {"zebra", 11}, {"bird", 12},
                                  {"dnrouted", 13}, {"xorp", 14},    {"ntk", 15},   {"dhcp", 16},  {"keepalived", 18},
                                  {"babel", 42},    {"openr", 99},   {"bgp", 186},  {"isis", 187}, {"ospf", 188},
                                  {"rip", 189},     {"eigrp", 192}};

std::string protocol_name(BatchWords& w) {
  int id = w.take_keyword(kProtocols);
  if (id < 0) id = static_cast<int>(w.number(255));
  for (const Keyword& k : kProtocols) {
    if (k.id == id) return std::string(k.text);
  }
  return std::to_string(id);
}

struct Hop {
  Nexthop hop;
  std::string device;
};

// The address behind "via", which may name its family. twin: read_family
Be32 gateway(BatchWords& w) {
  if (w.peek() == "inet") w.take();
  if (w.peek() == "inet6") w.fail_word("inet6", "is not modelled");
  return w.address();
}

// twin: parse_one_nh
Hop parse_nexthop(BatchWords& w) {
  enum { kVia, kDev, kWeight, kOnlink, kUnmodelled };
  constexpr Keyword kWords[] = {
      {"via", kVia},         {"dev", kDev}, {"weight", kWeight}, {"onlink", kOnlink}, {"realms", kUnmodelled, true},
      {"encap", kUnmodelled}};
  Hop h;
  while (!w.at_end() && w.peek() != "nexthop") {
    const std::string word = w.peek();
    switch (w.take_keyword(kWords)) {
      case kVia:
        h.hop.gateway = gateway(w);
        break;
      case kDev:
        h.device = w.interface_name();
        break;
      case kWeight:
        h.hop.weight = w.number(256);
        if (h.hop.weight == 0) w.fail_word(word, "is from 1 to 256");
        break;
      case kOnlink:
        h.hop.onlink = true;
        break;
      default:
        w.fail_word(word, "is not modelled for a nexthop");
        break;
    }
  }
  return h;
}

bool has_nexthops(RouteType t) {
  return t != RouteType::kBlackhole && t != RouteType::kUnreachable && t != RouteType::kProhibit &&
         t != RouteType::kThrow;
}

}  // namespace

uint32_t table_id(BatchWords& w) {
  constexpr Keyword kNames[] = {
      {"unspec", 0}, {"default", kTableDefault}, {"main", kTableMain}, {"local", kTableLocal}};
  const int id = w.take_keyword(kNames);
  return id >= 0 ? static_cast<uint32_t>(id) : w.number();
}

RouteType route_type(const std::string& word) {
  constexpr std::pair<const char*, RouteType> kNames[] = {
      {"unicast", RouteType::kUnicast},     {"local", RouteType::kLocal},
      {"broadcast", RouteType::kBroadcast}, {"brd", RouteType::kBroadcast},
      {"anycast", RouteType::kAnycast},     {"multicast", RouteType::kMulticast},
      {"blackhole", RouteType::kBlackhole}, {"unreachable", RouteType::kUnreachable},
      {"prohibit", RouteType::kProhibit},   {"throw", RouteType::kThrow}};
  for (const auto& [name, type] : kNames) {
    if (word == name) return type;
  }
  return RouteType::kUnspec;
}

// twin: iproute_modify
Operation parse_route(BatchWords& w) {
  enum { kDelete = 100, kOther };
  constexpr auto mode_id = [](RouteMode m) { return static_cast<int>(m); };
  constexpr Keyword kCommands[] = {{"add", mode_id(RouteMode::kAdd), true},
                                   {"change", mode_id(RouteMode::kChange), true},
                                   {"chg", mode_id(RouteMode::kChange)},
                                   {"replace", mode_id(RouteMode::kReplace), true},
                                   {"prepend", mode_id(RouteMode::kPrepend), true},
                                   {"append", mode_id(RouteMode::kAppend), true},
                                   {"test", kOther, true},
                                   {"delete", kDelete, true},
                                   {"list", kOther, true}};
  enum { kSrc, kVia, kTos, kMetric, kScope, kMtu, kOnlink, kNexthop, kProtocol, kTable, kDev, kTo, kUnmodelled };
  constexpr Keyword kWords[] = {
      {"src", kSrc},
      {"as", kUnmodelled},
      {"via", kVia},
      {"from", kUnmodelled},
      {"tos", kTos},
      {"dsfield", kTos, true},
      {"expires", kUnmodelled},
      {"metric", kMetric, true},
      {"priority", kMetric, true},
      {"preference", kMetric},
      {"scope", kScope},
      {"mtu", kMtu},
      {"hoplimit", kUnmodelled},
      {"advmss", kUnmodelled},
      {"reordering", kUnmodelled, true},
      {"rtt", kUnmodelled},
      {"rto_min", kUnmodelled},
      {"window", kUnmodelled, true},
      {"cwnd", kUnmodelled, true},
      {"initcwnd", kUnmodelled, true},
      {"initrwnd", kUnmodelled, true},
      {"features", kUnmodelled, true},
      {"quickack", kUnmodelled, true},
      {"congctl", kUnmodelled, true},
      {"rttvar", kUnmodelled, true},
      {"ssthresh", kUnmodelled, true},
      {"realms", kUnmodelled, true},
      {"onlink", kOnlink},
      {"nexthop", kNexthop},
      {"nhid", kUnmodelled},
      {"protocol", kProtocol, true},
      {"table", kTable, true},
      {"vrf", kUnmodelled, true},
      {"dev", kDev},
      {"oif", kDev},
      {"pref", kUnmodelled, true},
      {"encap", kUnmodelled},
      {"ttl-propagate", kUnmodelled},
      {"fastopen_no_cookie", kUnmodelled, true},
      {"to", kTo},
  };
  std::string word = w.peek();
  const int command = w.take_keyword(kCommands);
  if (command < 0 || command == kOther) w.fail_word(word, "is not modelled for ip route");
  const bool remove = command == kDelete;

  Route r;
  std::vector<Hop> hops;
  Hop single;
  std::optional<RouteScope> scope;
  std::optional<uint32_t> table;
  bool has_destination = false, has_gateway = false, typed = false;
  r.protocol = remove ? "" : "boot";
  while (!w.at_end()) {
    word = w.peek();
    switch (w.take_keyword(kWords)) {
      case kSrc:
        r.preferred_source = w.address();
        break;
      case kVia:
        if (has_gateway) w.fail_word(word, "is said twice");
        single.hop.gateway = gateway(w);
        has_gateway = true;
        break;
      case kTos:
        r.tos = w.tos();
        break;
      case kMetric:
        r.metric = w.number();
        break;
      case kScope:
        scope = scope_id(w);
        break;
      case kMtu:
        if (w.peek() == "lock") w.fail_word("mtu lock", "is not modelled");
        r.mtu = w.number();
        break;
      case kOnlink:
        single.hop.onlink = true;
        break;
      case kNexthop:
        if (w.at_end()) w.value();
        hops.push_back(parse_nexthop(w));
        while (!w.at_end()) {
          w.take();  // only "nexthop" ends a nexthop
          if (w.at_end()) w.value();
          hops.push_back(parse_nexthop(w));
        }
        break;
      case kProtocol:
        r.protocol = protocol_name(w);
        break;
      case kTable:
        table = table_id(w);
        break;
      case kDev:
        single.device = w.interface_name();
        break;
      case kUnmodelled:
        w.fail_word(word, "is not modelled for a route");
        break;
      case kTo:
        if (w.at_end()) w.value();
        [[fallthrough]];
      default: {
        if (const RouteType type = route_type(w.peek()); type != RouteType::kUnspec) {
          w.take();
          r.type = type;
          typed = true;
        }
        if (has_destination) w.fail_word(w.peek(), "is a second destination");
        const Prefix4 p = w.prefix();
        r.destination = p.address;
        r.length = p.length;
        has_destination = true;
        break;
      }
    }
  }
  if (!has_destination) w.fail("the destination is missing");
  if (!hops.empty() && (has_gateway || !single.device.empty()))
    w.fail("\"nexthop\" does not go with \"via\" or \"dev\" of the route itself");
  if (hops.empty() && (has_gateway || !single.device.empty() || (!remove && has_nexthops(r.type))))
    hops.push_back(single);
  if (!has_nexthops(r.type) && !hops.empty()) w.fail("a route of this type has no gateway and no device");

  const bool with_gateway = has_gateway || hops.size() > 1 || (!hops.empty() && !hops[0].hop.gateway.is_zero());
  if (remove) {
    r.scope = scope.value_or(r.type == RouteType::kUnicast ? RouteScope::kNowhere
                             : has_nexthops(r.type)        ? Route::default_scope(r.type, with_gateway)
                                                           : RouteScope::kNowhere);
    if (!typed) r.type = RouteType::kUnspec;
  } else {
    r.scope = scope.value_or(Route::default_scope(r.type, with_gateway));
  }
  r.table = table.value_or(Route::default_table(r.type));

  std::vector<std::string> devices;
  for (Hop& h : hops) {
    r.nexthops.push_back(h.hop);
    devices.push_back(std::move(h.device));
  }
  if (remove) return RouteDelete{std::move(r), std::move(devices)};
  return RouteAdd{static_cast<RouteMode>(command < 0 ? 0 : command), std::move(r), std::move(devices)};
}

// twin: iprule_modify
Operation parse_rule(BatchWords& w) {
  enum { kAdd, kDelete, kOther };
  constexpr Keyword kCommands[] = {{"list", kOther, true},    {"lst", kOther, true},     {"show", kOther, true},
                                   {"save", kOther, true},    {"restore", kOther, true}, {"add", kAdd, true},
                                   {"delete", kDelete, true}, {"flush", kOther, true}};
  enum { kNot, kFrom, kTo, kPreference, kTos, kMark, kTable, kIif, kOif, kType, kUnmodelled };
  constexpr Keyword kWords[] = {
      {"not", kNot},
      {"from", kFrom},
      {"to", kTo},
      {"preference", kPreference, true},
      {"order", kPreference, true},
      {"priority", kPreference, true},
      {"tos", kTos},
      {"dsfield", kTos, true},
      {"fwmark", kMark},
      {"realms", kUnmodelled, true},
      {"protocol", kUnmodelled, true},
      {"tun_id", kUnmodelled, true},
      {"table", kTable, true},
      {"lookup", kTable},
      {"suppress_prefixlength", kUnmodelled, true},
      {"sup_pl", kUnmodelled},
      {"suppress_ifgroup", kUnmodelled, true},
      {"sup_group", kUnmodelled},
      {"dev", kIif},
      {"iif", kIif},
      {"oif", kOif},
      {"l3mdev", kUnmodelled},
      {"uidrange", kUnmodelled},
      {"nat", kUnmodelled},
      {"map-to", kUnmodelled, true},
      {"ipproto", kUnmodelled},
      {"sport", kUnmodelled},
      {"dport", kUnmodelled},
      {"help", kUnmodelled, true},
      {"goto", kUnmodelled, true},
      {"nop", kUnmodelled, true},
      {"type", kType},
  };
  std::string word = w.peek();
  const int command = w.take_keyword(kCommands);
  if (command < 0 || command == kOther) w.fail_word(word, "is not modelled for ip rule");
  const bool remove = command == kDelete;
  if (remove && w.at_end()) w.fail("\"ip rule del\" requires arguments");

  PolicyRule r;
  r.preference = PolicyRule::kNoPreference;
  r.action = remove ? RouteType::kUnspec : RouteType::kUnicast;
  bool has_table = false;
  while (!w.at_end()) {
    word = w.peek();
    switch (w.take_keyword(kWords)) {
      case kNot:
        r.invert = true;
        break;
      case kFrom: {
        const Prefix4 p = w.prefix();
        r.from = p.address;
        r.from_length = p.length;
        break;
      }
      case kTo: {
        const Prefix4 p = w.prefix();
        r.to = p.address;
        r.to_length = p.length;
        break;
      }
      case kPreference:
        r.preference = w.number(UINT32_MAX - 1);
        break;
      case kTos:
        r.tos = w.tos();
        break;
      case kMark: {
        const std::string mark = w.value();
        const size_t slash = mark.find('/');
        BatchWords parts(slash == std::string::npos
                             ? std::vector<std::string>{mark}
                             : std::vector<std::string>{mark.substr(0, slash), mark.substr(slash + 1)});
        r.mark = parts.number();
        // The kernel compares all bits of a mark without a mask, unless the mark is zero.
        r.mark_mask = slash != std::string::npos ? parts.number() : r.mark != 0 ? UINT32_MAX : 0;
        if (parts.failed()) w.fail_word(mark, "is not MARK or MARK/MASK");
        break;
      }
      case kTable:
        r.table = table_id(w);
        has_table = true;
        break;
      case kIif:
        r.iif = w.interface_name();
        break;
      case kOif:
        r.oif = w.interface_name();
        break;
      case kUnmodelled:
        w.fail_word(word, "is not modelled for a rule");
        break;
      case kType:
        if (w.at_end()) w.value();
        [[fallthrough]];
      default: {
        const std::string name = w.value();
        r.action = route_type(name);
        if (r.action != RouteType::kBlackhole && r.action != RouteType::kUnreachable &&
            r.action != RouteType::kProhibit && r.action != RouteType::kUnicast)
          w.fail_word(name, "is no action of a rule that is modelled");
        has_table = true;
        break;
      }
    }
  }
  if (!has_table && !remove) r.table = kTableMain;
  if (remove) return RuleDelete{std::move(r)};
  return RuleAdd{std::move(r)};
}

}  // namespace nf::lab
