// What the IP layer says of routes and neighbours to whoever watches. Decides nothing.
#include "datapath/base/text.h"
#include "datapath/router/router.h"

namespace nf {
namespace {

FlowKey key_of_received(const Packet& p) {
  FlowKey key;
  key.destination = p.ip().destination;
  key.source = p.ip().source;
  key.in = p.dev;
  key.tos = p.ip().tos;
  key.mark = p.mark;
  return key;
}

}  // namespace

void Router::tell_route(const Packet& p, const FlowKey& key, Be32 source) {
  if (!p.traced || trace_ == nullptr) [[likely]]
    return;
  trace::Routed e{p.dst.type, p.dst.out, p.dst.nexthop};
  Routing::Answer answer;
  if (trace_->detailed()) {
    answer = routing_->explain(key);
    e.rule = answer.rule;
    e.route = answer.route;
    e.source = source;
  }
  trace_->event(p, trace::Event(e));
}

void Router::tell_refused(const Packet& p, DropReason reason) {
  if (!p.traced || trace_ == nullptr || !trace_->detailed()) [[likely]]
    return;
  Said said;
  switch (reason) {
    case DropReason::kReversePath: {
      FlowKey back;
      back.destination = p.ip().source;
      back.source = p.ip().destination;
      const Routing::Answer answer = routing_->explain(back);
      const std::string source = format_ipv4(p.ip().source);
      said = answer.route.empty() ? Said{"route.reverse_path_none", {source, p.dev->name}, {}}
                                  : Said{"route.reverse_path", {source, p.dev->name, answer.rule, answer.route}, {}};
      break;
    }
    case DropReason::kForwardingOff:
      said = {"route.forwarding_off", {p.dev->name}, {}};
      break;
    case DropReason::kNoRoute:
    case DropReason::kRouteBlackhole:
    case DropReason::kRouteUnreachable:
    case DropReason::kRouteProhibit: {
      const Routing::Answer answer = routing_->explain(key_of_received(p));
      said = answer.rule.empty() ? Said{"route.none", {format_ipv4(p.ip().destination)}, {}}
                                 : Said{"route.refused", {answer.rule, answer.route}, {}};
      break;
    }
    default:
      return;
  }
  trace_->event(p, trace::Event(trace::Noted{&said}));
}

void Router::tell_neighbour(const Packet& p, const Device& dev, Be32 nexthop) {
  if (!p.traced || trace_ == nullptr) [[likely]]
    return;
  // Where every next hop is taken to exist nothing waits, and lo and raw IP have no link addresses.
  if (options_.assume_neighbours || dev.kind == DeviceKind::kLoopback || dev.kind == DeviceKind::kRawIp) return;
  trace::NeighbourAsked e{&dev, nexthop, trace::NeighbourAnswer::kAsked, {}};
  if (const std::optional<MacAddress> mac = neighbours_->lookup(dev, nexthop)) {
    e.answer = trace::NeighbourAnswer::kKnown;
    e.mac = *mac;
  } else if (neighbours_->state(dev, nexthop) == NeighbourState::kIncomplete) {
    e.answer = trace::NeighbourAnswer::kWaits;
  } else if (p.dst.type == RouteType::kBroadcast || p.dst.type == RouteType::kMulticast || dev.no_arp) {
    return;
  }
  trace_->event(p, trace::Event(e));
}

}  // namespace nf
