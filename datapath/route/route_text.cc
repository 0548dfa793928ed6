// Rules and routes as ip(8) prints them. twin: print_rule (ip/iprule.c), print_route (ip/iproute.c)
#include "datapath/base/text.h"
#include "datapath/route/routing_impl.h"

namespace nf {
namespace {

std::string table_text(uint32_t table) {
  switch (table) {
    case kTableLocal:
      return "local";
    case kTableMain:
      return "main";
    case kTableDefault:
      return "default";
    default:
      return strf("%u", table);
  }
}

std::string type_text(RouteType type) {
  switch (type) {
    case RouteType::kLocal:
      return "local ";
    case RouteType::kBroadcast:
      return "broadcast ";
    case RouteType::kAnycast:
      return "anycast ";
    case RouteType::kMulticast:
      return "multicast ";
    case RouteType::kBlackhole:
      return "blackhole ";
    case RouteType::kUnreachable:
      return "unreachable ";
    case RouteType::kProhibit:
      return "prohibit ";
    case RouteType::kThrow:
      return "throw ";
    default:
      return {};
  }
}

std::string prefix_text(Be32 address, unsigned length) {
  const std::string text = format_ipv4(address);
  return length == 32 ? text : text + strf("/%u", length);
}

std::string rule_text(const PolicyRule& r) {
  std::string out = strf("%u:", r.preference);
  out += r.invert ? " not from " : " from ";
  out += r.from_length == 0 ? "all" : prefix_text(r.from, r.from_length);
  if (r.to_length != 0) out += " to " + prefix_text(r.to, r.to_length);
  if (r.tos != 0) out += strf(" tos 0x%02x", r.tos);
  if (r.mark != 0 || r.mark_mask != 0) {
    out += strf(" fwmark 0x%x", r.mark);
    if (r.mark_mask != UINT32_MAX) out += strf("/0x%x", r.mark_mask);
  }
  if (!r.iif.empty()) out += " iif " + r.iif;
  if (!r.oif.empty()) out += " oif " + r.oif;
  if (r.action != RouteType::kUnicast) return out + ' ' + type_text(r.action).substr(0, type_text(r.action).size() - 1);
  return out + " lookup " + table_text(r.table);
}

std::string route_text(const FibResult& result, Be32 destination) {
  const FibEntry& entry = *result.entry;
  const uint32_t mask = result.length == 0 ? 0 : ~uint32_t{0} << (32 - result.length);
  std::string out = type_text(entry.type);
  out += result.length == 0 ? "default" : prefix_text(be32(destination.host() & mask), result.length);
  if (result.nexthop != nullptr) {
    if (!result.nexthop->gateway.is_zero()) out += " via " + format_ipv4(result.nexthop->gateway);
    if (result.nexthop->device != nullptr) out += " dev " + result.nexthop->device->name;
  }
  if (entry.table != kTableMain && entry.table != kTableLocal && entry.table != 0)
    out += " table " + table_text(entry.table);
  if (!entry.preferred_source.is_zero()) out += " src " + format_ipv4(entry.preferred_source);
  if (entry.metric != 0) out += strf(" metric %u", entry.metric);
  return out;
}

}  // namespace

Routing::Answer Routing::explain(const FlowKey& key) const {
  const Impl& r = *impl_;
  const Device& in = key.in != nullptr ? *key.in : r.loopback;
  const FibKey fib_key{key.destination, RouteScope::kUniverse, key.out, key.tos};
  for (const PolicyRule& rule : r.rules.list()) {
    if (!PolicyRules::match(rule, key.destination, key.source, in, key.out, key.tos, key.mark)) continue;
    if (rule.action != RouteType::kUnicast) return {rule_text(rule), {}};
    const FibTrie* trie = r.fib.table(rule.table);
    if (trie == nullptr) continue;
    FibResult result;
    if (trie->lookup(fib_key, result) == FibError::kAgain) continue;
    // While local and main are one table the longest prefix decides, and the entry knows whose it is.
    if (!r.rules.custom())
      for (const PolicyRule& own : r.rules.list())
        if (own.table == result.entry->table) return {rule_text(own), route_text(result, key.destination)};
    return {rule_text(rule), route_text(result, key.destination)};
  }
  return {};
}

}  // namespace nf
