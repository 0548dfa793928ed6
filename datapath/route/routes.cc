// Adding and removing routes and rules: what the kernel checks, in its order and words.
// twin: net/ipv4/fib_semantics.c (fib_create_info, fib_check_nh, fib_sync_down_dev), inet_rtm_newroute
#include <algorithm>

#include "datapath/route/routing_impl.h"

namespace nf {
namespace {

// twin: fib_props
RouteScope least_scope(RouteType type) {
  switch (type) {
    case RouteType::kLocal:
      return RouteScope::kHost;
    case RouteType::kBroadcast:
    case RouteType::kAnycast:
      return RouteScope::kLink;
    case RouteType::kUnspec:
      return RouteScope::kNowhere;
    default:
      return RouteScope::kUniverse;
  }
}

// twin: rtm_to_fib_config
Status check_route(const Route& r) {
  if ((r.tos & 3) != 0) return error("Error: Invalid dsfield (tos): ECN bits must be 0.");
  if (r.length > 32) return error("Error: Invalid prefix length.");
  if ((r.destination.raw() & ~prefix_mask(r.length).raw()) != 0)
    return error("Error: Invalid prefix for given prefix length.");
  return {};
}

// The largest MTU a route may have (65535 - 15).
constexpr uint32_t kMaxRouteMtu = 65520;

}  // namespace

RouteScope Route::default_scope(RouteType type, bool has_gateway_or_nexthops) {
  switch (type) {
    case RouteType::kLocal:
      return RouteScope::kHost;
    case RouteType::kBroadcast:
    case RouteType::kMulticast:
    case RouteType::kAnycast:
      return RouteScope::kLink;
    case RouteType::kUnicast:
    case RouteType::kUnspec:
      return has_gateway_or_nexthops ? RouteScope::kUniverse : RouteScope::kLink;
    default:
      return RouteScope::kUniverse;
  }
}

uint32_t Route::default_table(RouteType type) {
  return type == RouteType::kLocal || type == RouteType::kBroadcast || type == RouteType::kAnycast ? kTableLocal
                                                                                                   : kTableMain;
}

Status Routing::Impl::check_nexthop(FibNexthop& nh, const Route& route) const {
  if (nh.gateway.is_zero()) {
    if (nh.onlink) return error("Error: Invalid flags for nexthop - PERVASIVE and ONLINK can not be set.");
    if (nh.device == nullptr) return error("RTNETLINK answers: No such device");
    if (!nh.device->up) return error("Error: Device for nexthop is not up.");
    nh.scope = RouteScope::kHost;
    return {};
  }
  if (nh.onlink) {
    if (route.scope >= RouteScope::kLink) return error("Error: Nexthop has invalid scope.");
    if (nh.device == nullptr) return error("Error: Nexthop device required for onlink.");
    if (!nh.device->up) return error("Error: Nexthop device is not up.");
    if (address_type(nh.gateway, nullptr, kTableLocal) != RouteType::kUnicast)
      return error("Error: Nexthop has invalid gateway.");
    nh.scope = RouteScope::kLink;
    return {};
  }
  // The way to the gateway must have a narrower scope than the route, at least link.
  const auto narrower = static_cast<RouteScope>(static_cast<uint8_t>(route.scope) + 1);
  const RouteScope scope = std::max(narrower, RouteScope::kLink);
  FibResult result;
  FibError failed = FibError::kAgain;
  if (const FibTrie* trie = route.table != kTableMain ? fib.table(route.table) : nullptr)
    failed = trie->lookup({nh.gateway, scope, nh.device}, result);
  if (failed != FibError::kNone) failed = lookup({nh.gateway, {}, &loopback, nh.device, 0, 0, scope}, result);
  if (failed != FibError::kNone) return error("Error: Nexthop has invalid gateway.");
  if (result.entry->type != RouteType::kUnicast && result.entry->type != RouteType::kLocal)
    return error("Error: Nexthop has invalid gateway.");
  nh.scope = result.entry->scope;
  nh.device = result.nexthop->device;
  if (!nh.device->up) return error("RTNETLINK answers: Network is down");
  return {};
}

Result<std::unique_ptr<FibEntry>> Routing::Impl::create_entry(const Route& route) const {
  if (least_scope(route.type) > route.scope) return error("Error: Invalid scope.");
  auto e = std::make_unique<FibEntry>();
  e->table = route.table;
  e->type = route.type;
  e->scope = route.scope;
  e->tos = route.tos;
  e->metric = route.metric;
  e->mtu = std::min(route.mtu, kMaxRouteMtu);
  e->preferred_source = route.preferred_source;
  e->protocol = route.protocol;
  for (const Nexthop& n : route.nexthops) {
    FibNexthop nh;
    nh.gateway = n.gateway;
    nh.device = n.device;
    nh.onlink = n.onlink;
    nh.weight = std::max<uint32_t>(n.weight, 1);
    e->nexthops.push_back(nh);
  }
  if (route.type >= RouteType::kBlackhole) {
    if (!e->nexthops.empty())
      return error("Error: Gateway, device and multipath can not be specified for this route type.");
    return e;
  }
  if (e->nexthops.empty()) e->nexthops.emplace_back();
  if (route.scope > RouteScope::kHost) return error("Error: Invalid scope.");
  if (route.scope == RouteScope::kHost) {
    if (e->nexthops.size() != 1) return error("Error: Route with host scope can not have multiple nexthops.");
    FibNexthop& nh = e->nexthops.front();
    if (!nh.gateway.is_zero()) return error("Error: Route with host scope can not have a gateway.");
    if (nh.device == nullptr) return error("RTNETLINK answers: No such device");
    nh.scope = RouteScope::kNowhere;
  } else {
    for (FibNexthop& nh : e->nexthops)
      if (Status s = check_nexthop(nh, route); !s) return s.error();
  }
  const bool own = route.type == RouteType::kLocal && route.preferred_source == route.destination;
  if (!route.preferred_source.is_zero() && !own) {
    const uint32_t table = route.table == kTableMain ? kTableLocal : route.table;
    if (address_type(route.preferred_source, nullptr, table) != RouteType::kLocal &&
        (table == kTableLocal || address_type(route.preferred_source, nullptr, kTableLocal) != RouteType::kLocal))
      return error("Error: Invalid prefsrc address.");
  }
  e->rebalance();
  return e;
}

Status Routing::add_route(const Route& given, RouteMode mode) {
  Route route = given;
  if (route.table == 0) route.table = kTableMain;
  if (Status s = check_route(route); !s) return s;
  // The table exists from now on, even if the route is refused.
  FibTrie& trie = impl_->fib.make_table(route.table);
  auto entry = impl_->create_entry(route);
  if (!entry) return entry.error();
  switch (trie.insert(route.destination, route.length, entry.take(), mode)) {
    case FibTrie::Insert::kExists:
      return error("RTNETLINK answers: File exists");
    case FibTrie::Insert::kMissing:
      return error("RTNETLINK answers: No such file or directory");
    case FibTrie::Insert::kOk:
      break;
  }
  if (route.type == RouteType::kLocal) impl_->custom_local_routes = true;
  return {};
}

bool Routing::Impl::remove_entry(const Route& r, FibTrie& trie) {
  return trie.remove(r.destination, r.length, r.table, r.tos, [&](const FibEntry& e) {
    if (r.type != RouteType::kUnspec && e.type != r.type) return false;
    if (r.scope != RouteScope::kNowhere && e.scope != r.scope) return false;
    if (!r.preferred_source.is_zero() && e.preferred_source != r.preferred_source) return false;
    if (!r.protocol.empty() && e.protocol != r.protocol) return false;
    if (r.metric != 0 && e.metric != r.metric) return false;
    if (r.mtu != 0 && e.mtu != std::min(r.mtu, kMaxRouteMtu)) return false;
    // twin: fib_nh_match (one nexthop given is compared with the first)
    if (r.nexthops.size() > e.nexthops.size()) return false;
    for (size_t i = 0; i < r.nexthops.size(); ++i) {
      if (r.nexthops[i].device != nullptr && r.nexthops[i].device != e.nexthops[i].device) return false;
      if (!r.nexthops[i].gateway.is_zero() && r.nexthops[i].gateway != e.nexthops[i].gateway) return false;
    }
    return true;
  });
}

Status Routing::remove_route(const Route& given) {
  Route route = given;
  if (route.table == 0) route.table = kTableMain;
  if (Status s = check_route(route); !s) return s;
  FibTrie* trie = impl_->fib.table(route.table);
  if (trie == nullptr) return error("Error: FIB table does not exist.");
  if (!impl_->remove_entry(route, *trie)) return error("RTNETLINK answers: No such process");
  return {};
}

Status Routing::add_rule(const PolicyRule& rule) {
  Status s = impl_->rules.add(rule);
  if (impl_->rules.custom()) impl_->fib.unmerge();
  return s;
}

Status Routing::remove_rule(const PolicyRule& rule) {
  Status s = impl_->rules.remove(rule);
  if (impl_->rules.custom()) impl_->fib.unmerge();
  return s;
}

std::vector<PolicyRule> Routing::rules() const { return impl_->rules.list(); }

std::vector<Route> Routing::routes() const {
  std::vector<Route> all;
  impl_->fib.for_each([&](Be32 destination, unsigned length, const FibEntry& e) {
    Route r;
    r.destination = destination;
    r.length = static_cast<uint8_t>(length);
    r.type = e.type;
    r.scope = e.scope;
    r.table = e.table;
    r.tos = e.tos;
    r.metric = e.metric;
    r.preferred_source = e.preferred_source;
    r.mtu = e.mtu;
    r.protocol = e.protocol;
    for (const FibNexthop& nh : e.nexthops)
      r.nexthops.push_back({nh.gateway, nh.device, nh.onlink, nh.weight, nh.dead});
    all.push_back(std::move(r));
  });
  return all;
}

void Routing::Impl::sync_down(const Device& dev, bool force) {
  fib.for_each_trie([&](FibTrie& trie) {
    trie.for_each_entry([&](FibEntry& e) {
      if (e.nexthops.empty()) return;
      bool changed = false, alive = false;
      for (FibNexthop& nh : e.nexthops) {
        if (nh.device == &dev && !nh.dead && (force || nh.scope != RouteScope::kNowhere)) nh.dead = changed = true;
        alive |= !nh.dead;
      }
      if (!changed) return;
      e.dead = !alive;
      e.rebalance();
    });
  });
  fib.flush();
}

void Routing::Impl::sync_up(const Device& dev) {
  if (!dev.up) return;
  fib.for_each_trie([&](FibTrie& trie) {
    trie.for_each_entry([&](FibEntry& e) {
      bool changed = false;
      for (FibNexthop& nh : e.nexthops) {
        if (nh.device != &dev || !nh.dead) continue;
        nh.dead = false;
        changed = true;
      }
      if (changed) e.rebalance();
    });
  });
}

}  // namespace nf
