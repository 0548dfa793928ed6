// RoutingWorld: see routing_test_support.h.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "datapath/route/routing_test_support.h"

namespace nf {
namespace {

std::vector<std::string> split(std::string_view text, char separator = ' ') {
  std::vector<std::string> words;
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    if (end > 0) words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

uint32_t number(const std::string& text) { return static_cast<uint32_t>(std::strtoul(text.c_str(), nullptr, 0)); }

struct Prefix {
  Be32 address;
  uint8_t length = 32;
};

Prefix parse_prefix(const std::string& text) {
  if (text == "default" || text == "all") return {{}, 0};
  const size_t slash = text.find('/');
  Prefix p{parse_ip(text.substr(0, slash))};
  if (slash != std::string::npos) p.length = static_cast<uint8_t>(number(text.substr(slash + 1)));
  return p;
}

std::string prefix_text(Be32 address, unsigned length) {
  if (length == 0) return "default";
  return ip_text(address) + (length == 32 ? "" : "/" + std::to_string(length));
}

RouteScope parse_scope(const std::string& text) {
  if (text == "global") return RouteScope::kUniverse;
  if (text == "link") return RouteScope::kLink;
  return text == "host" ? RouteScope::kHost : static_cast<RouteScope>(number(text));
}

RouteType parse_type(const std::string& word) {
  constexpr const char* kWords[] = {"",          "unicast",   "local",       "broadcast", "",
                                    "multicast", "blackhole", "unreachable", "prohibit",  "throw"};
  for (size_t i = 1; i < std::size(kWords); ++i)
    if (word == kWords[i]) return static_cast<RouteType>(i);
  return RouteType::kUnspec;
}

std::string type_text(RouteType t) { return t == RouteType::kUnicast ? "" : std::to_string(static_cast<int>(t)) + " "; }

std::string hex(uint32_t v, const char* format = "0x%x") {
  char text[16];
  std::snprintf(text, sizeof text, format, v);
  return text;
}

// strerror of what the kernel returns for a drop.
std::string answer(DropReason reason) {
  switch (reason) {
    case DropReason::kNoRoute:
    case DropReason::kDeviceDown:
      return "RTNETLINK answers: Network is unreachable";
    case DropReason::kRouteUnreachable:
    case DropReason::kForwardingOff:
      return "RTNETLINK answers: No route to host";
    case DropReason::kRouteProhibit:
      return "RTNETLINK answers: Permission denied";
    default:
      return "RTNETLINK answers: Invalid argument";
  }
}

std::string outcome(const Status& s) { return s ? "" : s.error().text; }

}  // namespace

Be32 parse_ip(std::string_view text) {
  unsigned a = 0, b = 0, c = 0, d = 0;
  EXPECT_EQ(std::sscanf(std::string(text).c_str(), "%u.%u.%u.%u", &a, &b, &c, &d), 4) << text;
  return be32(a << 24 | b << 16 | c << 8 | d);
}

std::string ip_text(Be32 a) {
  const uint32_t h = a.host();
  return std::to_string(h >> 24) + "." + std::to_string(h >> 16 & 255) + "." + std::to_string(h >> 8 & 255) + "." +
         std::to_string(h & 255);
}

RoutingWorld::RoutingWorld() : routing_(all_, devices_[0]) {
  // Ordinary devices have odd indexes: their veth peers take the even ones.
  constexpr const char* kNames[] = {"lo", "v0", "v1", "v2"};
  constexpr int kIndexes[] = {1, 3, 5, 7};
  for (size_t i = 0; i < 4; ++i) {
    devices_[i].ifindex = kIndexes[i];
    devices_[i].name = kNames[i];
  }
  devices_[0].kind = DeviceKind::kLoopback;
  devices_[0].mtu = 65536;
  run("ip link set lo up");
}

Device* RoutingWorld::device(std::string_view name) {
  for (Device& d : devices_)
    if (d.name == name) return &d;
  ADD_FAILURE() << "no device " << name;
  return nullptr;
}

std::string RoutingWorld::run(std::string_view command) {
  const Words w = split(command);
  if (w[0] == "get") return get(w);
  if (w[0] == "show") return show_routes();
  if (w[0] == "rules") return show_rules();
  if (w[0] == "addr") return show_addresses(*device(w[1]));
  if (w[0] == "sysctl") return sysctl(w.back());
  if (w[1] == "link") return link(w);
  if (w[1] == "addr") return address(w);
  if (w[1] == "route") return route(w);
  return rule(w);
}

std::string RoutingWorld::link(const Words& w) {
  Device& d = *device(w[3]);
  const bool up = w[4] == "up";
  if (d.up == up) return "";
  d.up = d.running = up;
  if (d.up)
    routing_.device_up(d);
  else
    routing_.device_down(d);
  return "";
}

std::string RoutingWorld::address(const Words& w) {
  Address a;
  const Prefix p = parse_prefix(w[3]);
  a.local = p.address;
  a.length = p.length;
  Device* dev = nullptr;
  for (size_t i = 4; i + 1 < w.size(); i += 2) {
    if (w[i] == "dev") dev = device(w[i + 1]);
    if (w[i] == "scope") a.scope = parse_scope(w[i + 1]);
    if (w[i] == "brd" && w[i + 1] != "+") a.broadcast = parse_ip(w[i + 1]);
    // ip(8) leaves "+" out for /31 and /32.
    if (w[i] == "brd" && w[i + 1] == "+" && a.length <= 30) a.broadcast = a.local | ~prefix_mask(a.length);
    if (w[i] == "peer") {
      a.peer = parse_prefix(w[i + 1]).address;
      a.length = parse_prefix(w[i + 1]).length;
    }
  }
  return outcome(w[2] == "add" ? routing_.add_address(*dev, a)
                               : routing_.remove_address(*dev, a.local, a.length, a.peer));
}

std::string RoutingWorld::route(const Words& w) {
  const bool del = w[2] == "del";
  size_t i = 3;
  Route r;
  r.type = parse_type(w[i]);
  if (r.type != RouteType::kUnspec)
    ++i;
  else if (!del)
    r.type = RouteType::kUnicast;
  r.destination = parse_prefix(w[i]).address;
  r.length = parse_prefix(w[i]).length;
  bool scope_given = false, gateway_given = false, multipath = false;
  r.table = Route::default_table(r.type);
  Nexthop nh;
  bool have_nexthop = false;
  for (++i; i < w.size();) {
    const std::string& key = w[i++];
    if (key == "onlink") {
      nh.onlink = have_nexthop = true;
      continue;
    }
    if (key == "nexthop") {
      if (multipath) r.nexthops.push_back(nh);
      nh = {};
      multipath = true;
      continue;
    }
    const std::string& value = w[i++];
    if (key == "via" || key == "dev") have_nexthop = true;
    if (key == "via") {
      nh.gateway = parse_ip(value);
      gateway_given = true;
    }
    if (key == "dev") nh.device = device(value);
    if (key == "weight") nh.weight = number(value);
    if (key == "src") r.preferred_source = parse_ip(value);
    if (key == "metric") r.metric = number(value);
    if (key == "mtu") r.mtu = number(value);
    if (key == "tos") r.tos = static_cast<uint8_t>(number(value));
    if (key == "table") r.table = number(value);
    if (key == "scope") {
      r.scope = parse_scope(value);
      scope_given = true;
    }
  }
  if (have_nexthop) r.nexthops.push_back(nh);
  if (!scope_given) r.scope = del ? RouteScope::kNowhere : Route::default_scope(r.type, gateway_given || multipath);
  if (del) {
    r.protocol.clear();
    return outcome(routing_.remove_route(r));
  }
  constexpr const char* kModes[] = {"add", "append", "prepend", "replace", "change"};
  for (size_t m = 0; m < std::size(kModes); ++m)
    if (w[2] == kModes[m]) return outcome(routing_.add_route(r, static_cast<RouteMode>(m)));
  return "?";
}

std::string RoutingWorld::rule(const Words& w) {
  PolicyRule r;
  r.preference = PolicyRule::kNoPreference;
  for (size_t i = 3; i < w.size();) {
    const std::string& key = w[i++];
    if (key == "not") {
      r.invert = true;
      continue;
    }
    if (parse_type(key) != RouteType::kUnspec) {
      r.action = parse_type(key);
      continue;
    }
    const std::string& value = w[i++];
    if (key == "from" || key == "to") {
      const Prefix p = parse_prefix(value);
      (key == "from" ? r.from : r.to) = p.address;
      (key == "from" ? r.from_length : r.to_length) = p.length;
    }
    if (key == "iif") r.iif = value;
    if (key == "oif") r.oif = value;
    if (key == "tos") r.tos = static_cast<uint8_t>(number(value));
    if (key == "lookup" || key == "table") r.table = number(value);
    if (key == "pref") r.preference = number(value);
    if (key == "fwmark") {
      const Words mark = split(value, '/');
      r.mark = number(mark[0]);
      if (mark.size() > 1) r.mark_mask = number(mark[1]);
    }
  }
  return outcome(w[2] == "add" ? routing_.add_rule(r) : routing_.remove_rule(r));
}

std::string RoutingWorld::sysctl(const std::string& assignment) {
  const Words halves = split(assignment, '=');
  const int64_t value = number(halves[1]);
  const Words path = split(halves[0], '.');
  if (path.back() == "ip_forward") {
    all_.forwarding = value;
    for (Device& d : devices_) d.conf.forwarding = value;
    return "";
  }
  DeviceConf& conf = path[3] == "all" ? all_ : device(path[3])->conf;
  const struct {
    const char* name;
    int64_t* value;
  } options[] = {{"rp_filter", &conf.rp_filter},           {"accept_local", &conf.accept_local},
                 {"route_localnet", &conf.route_localnet}, {"send_redirects", &conf.send_redirects},
                 {"forwarding", &conf.forwarding},         {"bc_forwarding", &conf.bc_forwarding},
                 {"src_valid_mark", &conf.src_valid_mark}};
  for (const auto& o : options) {
    if (path.back() != o.name) continue;
    *o.value = value;
    return "";
  }
  return "?";
}

std::string RoutingWorld::get(const Words& w) {
  FlowKey key;
  key.destination = parse_ip(w[1]);
  const Device* in = nullptr;
  for (size_t i = 2; i + 1 < w.size(); i += 2) {
    if (w[i] == "from") key.source = parse_ip(w[i + 1]);
    if (w[i] == "iif") in = device(w[i + 1]);
    if (w[i] == "oif") key.out = device(w[i + 1]);
    if (w[i] == "tos") key.tos = static_cast<uint8_t>(number(w[i + 1]));
    if (w[i] == "mark") key.mark = number(w[i + 1]);
  }
  Dst dst;
  Be32 chosen = key.source;
  const DropReason reason = in != nullptr
                                ? routing_.route_input(key.destination, key.source, key.tos, key.mark, *in, dst)
                                : routing_.route_output(key, dst, chosen);
  if (reason != DropReason::kNone) return answer(reason);

  std::string text = type_text(dst.type) + w[1];
  if (!key.source.is_zero()) text += " from " + ip_text(key.source);
  if (dst.via_gateway) text += " via " + ip_text(dst.nexthop);
  text += " dev " + dst.out->name;
  if (chosen != key.source) text += " src " + ip_text(chosen);
  if (key.mark != 0) text += " mark " + (key.mark < 16 ? std::to_string(key.mark) : hex(key.mark));
  text += " cache";
  const bool on_lo = dst.out->kind == DeviceKind::kLoopback;
  if (dst.type == RouteType::kBroadcast && (in == nullptr || on_lo))
    text += " <local,brd>";
  else if (dst.type == RouteType::kMulticast)
    text += key.destination == ip4(224, 0, 0, 1) ? " <local,mc>" : " <mc>";
  else if (on_lo && (in == nullptr || dst.type == RouteType::kLocal))
    text += " <local>";
  if (dst.do_redirect) text += " <redirect>";
  if (dst.mtu != std::min<uint32_t>(dst.out->mtu, 65535)) text += " mtu " + std::to_string(dst.mtu);
  if (in != nullptr) text += " iif " + in->name;
  return text;
}

std::string RoutingWorld::show_routes() {
  std::string text;
  const auto hop = [](const Nexthop& nh) {
    return (nh.gateway.is_zero() ? "" : " via " + ip_text(nh.gateway)) + " dev " + nh.device->name;
  };
  for (const Route& r : routing_.routes()) {
    text += type_text(r.type) + prefix_text(r.destination, r.length);
    if (r.tos != 0) text += " tos " + hex(r.tos, "0x%02x");
    if (r.nexthops.size() == 1) text += hop(r.nexthops[0]);
    if (r.table != kTableMain) text += " table " + std::to_string(r.table);
    if (r.protocol == "kernel") text += " proto 2";
    if (r.scope != RouteScope::kUniverse) text += " scope " + std::to_string(static_cast<int>(r.scope));
    if (!r.preferred_source.is_zero()) text += " src " + ip_text(r.preferred_source);
    if (r.metric != 0) text += " metric " + std::to_string(r.metric);
    if (r.nexthops.size() == 1 && r.nexthops[0].onlink) text += " onlink";
    if (r.mtu != 0) text += " mtu " + std::to_string(r.mtu);
    if (r.nexthops.size() > 1)
      for (const Nexthop& nh : r.nexthops)
        text += " nexthop" + hop(nh) + " weight " + std::to_string(nh.weight) + (nh.dead ? " dead" : "") +
                (nh.onlink ? " onlink" : "") + (nh.dead ? " linkdown" : "");
    text += "\n";
  }
  return text;
}

std::string RoutingWorld::show_rules() {
  std::string text;
  for (const PolicyRule& r : routing_.rules()) {
    text += std::to_string(r.preference) + ":" + (r.invert ? " not" : "");
    text += " from " + (r.from_length == 0 ? "all" : prefix_text(r.from, r.from_length));
    if (r.to_length != 0) text += " to " + prefix_text(r.to, r.to_length);
    if (r.tos != 0) text += " tos " + hex(r.tos, "0x%02x");
    if (r.mark_mask != 0)
      text +=
          " fwmark " + (r.mark == 0 ? "0" : hex(r.mark)) + (r.mark_mask == UINT32_MAX ? "" : "/" + hex(r.mark_mask));
    if (!r.iif.empty()) text += " iif " + r.iif;
    if (!r.oif.empty()) text += " oif " + r.oif;
    if (r.action == RouteType::kUnicast)
      text += " lookup " + std::to_string(r.table);
    else
      text += " " + std::to_string(static_cast<int>(r.action));
    text += "\n";
  }
  return text;
}

std::string RoutingWorld::show_addresses(const Device& dev) {
  std::string text;
  for (const Address& a : routing_.addresses(dev)) {
    if (a.peer == a.local)
      text += ip_text(a.local) + "/" + std::to_string(a.length);
    else
      text += ip_text(a.local) + " peer " + ip_text(a.peer) + "/" + std::to_string(a.length);
    if (!a.broadcast.is_zero()) text += " brd " + ip_text(a.broadcast);
    text += " scope " + std::to_string(static_cast<int>(a.scope));
    if (a.secondary) text += " secondary";
    text += " " + a.label + "\n";
  }
  return text;
}

}  // namespace nf
