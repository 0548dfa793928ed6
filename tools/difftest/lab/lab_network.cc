// The network of a lab: links, addresses, routes, policy rules, neighbours, and the stations they lead to.
//
// Numbers that mean something: 10.K.0.0 is link K's subnet, 10.50+K its second one, 10.100+K what lies behind its
// gateway, 10.240 and above what special routes are for, 10.99 and 192.0.2 the machine's own on lo.
#include <algorithm>

#include "tools/difftest/lab/lab_plan.h"

namespace nf::difftest {
namespace {

Be32 host_of(const Prefix4& subnet, uint32_t number) { return be32(subnet.address.host() + number); }

std::string mac_text(Be32 station) {
  const uint32_t a = station.host();
  return strf("02:00:%02x:%02x:%02x:%02x", a >> 24, a >> 16 & 0xff, a >> 8 & 0xff, a & 0xff);
}

class NetworkPlanner {
 public:
  NetworkPlanner(Dice& dice, LabPlan& plan) : dice_(dice), plan_(plan) {}

  void run() {
    plan_links();
    for (PlannedLink& link : plan_.links) plan_addresses(link);
    plan_own_addresses_on_lo();
    for (PlannedLink& link : plan_.links) plan_networks_behind(link);
    plan_default_route();
    plan_special_routes();
    if (dice_.chance(35)) plan_policy();
    if (dice_.chance(45)) plan_neighbours();
  }

 private:
  void line(std::initializer_list<std::string_view> parts) { plan_.lab.network.push_back(cat(parts)); }

  static uint8_t number_of(const PlannedLink& link, const LabPlan& plan) {
    return static_cast<uint8_t>(&link - plan.links.data());
  }

  void plan_links() {
    constexpr std::string_view kNames[] = {"eth0", "lan0", "lan1", "lan2"};
    const uint32_t count = dice_.between(2, 4);
    for (uint32_t i = 0; i < count; ++i) plan_.ports.emplace_back(kNames[i]);
    uint32_t bridged = dice_.chance(30) ? std::min(dice_.between(2, 3), count) : 0;

    line({"link set dev lo up"});
    for (uint32_t i = 0; i < count; ++i) {
      const std::string& port = plan_.ports[i];
      if (dice_.chance(30)) line({"link set dev ", port, " address ", strf("02:fe:00:00:0%u:0%u", dice_.below(10), i)});
      if (dice_.chance(15)) line({"link set dev ", port, " mtu ", dice_.word({"1400", "1280", "1000", "576"})});
    }
    if (bridged != 0) plan_bridge(count - bridged);
    for (uint32_t i = 0; i < count; ++i) line({"link set dev ", plan_.ports[i], " up"});
    for (uint32_t i = 0; i < count - bridged; ++i) {
      PlannedLink& link = plan_.links.emplace_back();
      link.device = plan_.ports[i];
      link.wires = {link.device};
    }
    if (bridged == 0) return;
    line({"link set dev ", plan_.bridge, " up"});
    PlannedLink& link = plan_.links.emplace_back();
    link.device = plan_.bridge;
    link.wires.assign(plan_.ports.begin() + (count - bridged), plan_.ports.end());
  }

  // Over the ports from `first` on.
  void plan_bridge(size_t first) {
    plan_.bridge = "br0";
    line({"link add br0 type bridge mcast_snooping 0"});
    if (dice_.chance(25)) line({"link set dev br0 address 02:fd:00:00:00:01"});
    for (size_t i = first; i < plan_.ports.size(); ++i) {
      line({"link set dev ", plan_.ports[i], " master br0"});
      if (dice_.chance(15))
        line({"link set dev ", plan_.ports[i], " type bridge_slave ",
              dice_.word({"hairpin on", "isolated on", "learning off", "flood off", "bcast_flood off"})});
    }
  }

  void own_address(PlannedLink& link, Be32 address) {
    link.own.push_back(address);
    plan_.lab.own_addresses.push_back(address);
    plan_.serve(address);
  }

  // Behind `gateway`, or on the link.
  void station(Be32 address, const std::string& wire, Be32 gateway = {}) {
    plan_.lab.stations.push_back({address, wire, gateway == Be32{}, gateway});
  }

  const std::string& wire_of(const PlannedLink& link, size_t n) { return link.wires[n % link.wires.size()]; }

  void plan_addresses(PlannedLink& link) {
    const uint8_t k = number_of(link, plan_);
    link.subnet = {ip4(10, k, 0, 0), 24};
    const bool bridge = link.wires.size() > 1;
    const uint32_t kind = bridge ? 0 : dice_.below(100);
    if (kind < 80) {
      link.subnet.length = static_cast<uint8_t>(dice_.chance(75) ? 24 : dice_.chance(50) ? 16 : 28);
      plan_wide_subnet(link);
    } else if (kind < 88) {
      link.subnet.length = 31;
      own_address(link, link.subnet.address);
      line({"addr add ", format_ipv4(link.own[0]), "/31 dev ", link.device});
      station(host_of(link.subnet, 1), link.device);
    } else if (kind < 94) {
      link.subnet.length = 30;
      own_address(link, host_of(link.subnet, 1));
      line({"addr add ", format_ipv4(link.own[0]), " peer ", format_ipv4(host_of(link.subnet, 2)), " dev ",
            link.device});
      station(host_of(link.subnet, 2), link.device);
    } else {
      own_address(link, host_of(link.subnet, 1));
      line({"addr add ", format_ipv4(link.own[0]), "/32 dev ", link.device});
      line({"route add ", prefix_text(link.subnet), " dev ", link.device});
      station(host_of(link.subnet, 2), link.device);
      station(host_of(link.subnet, 3), link.device);
    }
    plan_.networks.push_back(link.subnet);
    if (dice_.chance(20)) plan_second_subnet(link, k);
  }

  void plan_wide_subnet(PlannedLink& link) {
    own_address(link, host_of(link.subnet, 1));
    const std::string length = '/' + std::to_string(link.subnet.length);
    line({"addr add ", format_ipv4(link.own[0]), length, dice_.chance(60) ? " brd + dev " : " dev ", link.device});
    if (dice_.chance(30)) {
      own_address(link, host_of(link.subnet, 10));
      line({"addr add ", format_ipv4(link.own[1]), length, " dev ", link.device});
    }
    const size_t count = std::max<size_t>(link.wires.size(), dice_.between(2, 3));
    for (size_t i = 0; i < count; ++i) station(host_of(link.subnet, static_cast<uint32_t>(2 + i)), wire_of(link, i));
    // The pool is not longer than the subnet.
    const uint32_t low = link.subnet.length == 28 ? 11 : 16;
    for (uint32_t i = 0; i < (low == 11 ? 3u : 8u); ++i) link.pool.push_back(host_of(link.subnet, low + i));
  }

  void plan_second_subnet(PlannedLink& link, uint8_t k) {
    const Prefix4 second{ip4(10, static_cast<uint8_t>(50 + k), 0, 0), 24};
    own_address(link, host_of(second, 1));
    line({"addr add ", format_ipv4(host_of(second, 1)), "/24 dev ", link.device});
    station(host_of(second, 2), wire_of(link, dice_.below(4)));
    plan_.networks.push_back(second);
  }

  void plan_own_addresses_on_lo() {
    if (dice_.chance(30)) {
      const Be32 address = ip4(10, 99, 0, 1);
      plan_.lab.own_addresses.push_back(address);
      plan_.serve(address);
      line({"addr add ", format_ipv4(address), "/32 dev lo"});
    }
    if (dice_.chance(8)) {  // a network on lo is the machine's own as a whole
      plan_.lab.own_addresses.push_back(ip4(192, 0, 2, 1));
      plan_.serve(ip4(192, 0, 2, 5));
      line({"addr add 192.0.2.1/28 dev lo"});
      plan_.networks.push_back({ip4(192, 0, 2, 0), 28});
    }
  }

  // What a route may say besides where it leads.
  std::string route_options(const PlannedLink& link, bool metric) {
    std::string out;
    if (dice_.chance(40)) out += " dev " + link.device;
    if (dice_.chance(20)) out += " src " + format_ipv4(dice_.one(plan_.lab.own_addresses));
    if (dice_.chance(15)) out += cat({" mtu ", dice_.word({"1300", "1000", "600"})});
    if (metric && dice_.chance(15)) out += strf(" metric %u", dice_.between(1, 200));
    return out;
  }

  void plan_networks_behind(PlannedLink& link) {
    const bool only_way = &link == &plan_.links.back() && plan_.lab.stations.size() < 3;
    if (!only_way && !dice_.chance(55)) return;
    const uint8_t k = number_of(link, plan_);
    // The gateway is the link's first station.
    const auto at = std::find_if(plan_.lab.stations.begin(), plan_.lab.stations.end(), [&](const Station& s) {
      return s.on_link && std::find(link.wires.begin(), link.wires.end(), s.port) != link.wires.end();
    });
    const Station gateway = *at;
    link.gateways.push_back(gateway.address);
    const Prefix4 behind{ip4(10, static_cast<uint8_t>(100 + k), 0, 0), 16};
    line({"route add ", prefix_text(behind), " via ", format_ipv4(gateway.address), route_options(link, true)});
    station(host_of(behind, 0x109), gateway.port, gateway.address);
    plan_.networks.push_back(behind);
    if (dice_.chance(20)) {  // part of it another way: a longer prefix
      const Prefix4 part{ip4(10, static_cast<uint8_t>(100 + k), 7, 0), 24};
      const PlannedLink& other = dice_.one(plan_.links);
      line({"route add ", prefix_text(part), " dev ", other.device});
      station(host_of(part, 2), wire_of(other, dice_.below(4)));
      plan_.networks.push_back(part);
    }
  }

  std::vector<const PlannedLink*> links_with_gateway() const {
    std::vector<const PlannedLink*> out;
    for (const PlannedLink& link : plan_.links)
      if (!link.gateways.empty()) out.push_back(&link);
    return out;
  }

  void plan_default_route() {
    const auto links = links_with_gateway();
    if (links.empty() || !dice_.chance(65)) return;
    const PlannedLink& link = *dice_.one(links);
    line({"route add default via ", format_ipv4(link.gateways[0]), route_options(link, true)});
    behind_default(link);
  }

  void behind_default(const PlannedLink& link) {
    const auto gateway = std::find_if(plan_.lab.stations.begin(), plan_.lab.stations.end(),
                                      [&](const Station& s) { return s.address == link.gateways[0]; });
    const Be32 address = ip4(198, 51, 100, static_cast<uint8_t>(dice_.between(2, 250)));
    station(address, std::string(gateway->port), Be32(gateway->address));
  }

  void plan_special_routes() {
    if (dice_.chance(20)) {
      const Prefix4 nowhere{ip4(10, 240, static_cast<uint8_t>(dice_.below(4)), 0), 24};
      line({"route add ", dice_.word({"blackhole ", "unreachable ", "prohibit "}), prefix_text(nowhere)});
      plan_.serve(host_of(nowhere, 5));
      plan_.networks.push_back(nowhere);
    }
    if (dice_.chance(6)) {
      line({"route add local 10.241.0.0/24 dev lo"});
      plan_.serve(ip4(10, 241, 0, 7));
    }
    if (dice_.chance(12)) {
      const PlannedLink& link = dice_.one(plan_.links);
      line({"route add 10.242.0.0/16 dev ", link.device, dice_.chance(50) ? " scope link" : ""});
      station(ip4(10, 242, 0, 2), wire_of(link, dice_.below(4)));
    }
    if (dice_.chance(6)) {
      const PlannedLink& link = dice_.one(plan_.links);
      line({"route add 10.244.0.0/16 via 10.245.0.1 dev ", link.device, " onlink"});
      station(ip4(10, 244, 0, 2), wire_of(link, 0), ip4(10, 245, 0, 1));
    }
  }

  std::string selector() {
    switch (dice_.below(6)) {
      case 0:
        return cat({dice_.chance(10) ? "not " : "", "from ", prefix_text(dice_.one(plan_.networks))});
      case 1:
        return "to " + prefix_text(dice_.one(plan_.networks));
      case 2:
        return "from " + format_ipv4(dice_.one(plan_.lab.stations).address);
      case 3:
        return cat({"iif ", dice_.chance(15) ? std::string("lo") : dice_.one(plan_.links).device});
      case 4:
        return cat({"tos ", dice_.word({"0x10", "0x08"})});
      default:
        return cat({"fwmark ", dice_.word({"1", "0x2/0x2", "0x10/0xf0", "3"})});
    }
  }

  void plan_policy() {
    const auto links = links_with_gateway();
    if (!links.empty()) {
      const PlannedLink& link = *dice_.one(links);
      line({"route add default via ", format_ipv4(link.gateways[0]), route_options(link, false), " table 100"});
    } else {
      line({"route add ", dice_.word({"unreachable", "prohibit", "blackhole"}), " default table 100"});
    }
    if (dice_.chance(30)) line({"route add throw ", prefix_text(plan_.networks[0]), " table 100"});
    if (dice_.chance(30)) line({"route add 10.243.0.0/16 dev ", dice_.one(plan_.links).device, " table 101"});
    const uint32_t count = dice_.between(1, 3);
    for (uint32_t i = 0; i < count; ++i) {
      const std::string which = selector();
      const bool refuse = dice_.chance(8);
      line({"rule add pref ", std::to_string(100 + i), " ", which,
            refuse             ? dice_.word({" prohibit", " unreachable", " blackhole"})
            : dice_.chance(80) ? " table 100"
                               : dice_.word({" table 101", " table main"})});
    }
    if (!dice_.chance(15)) return;
    // The table of the own addresses asked later than it usually is.
    line({"rule add pref ", dice_.word({"90", "101", "200"}), " table local"});
    line({"rule del pref 0"});
  }

  void plan_neighbours() {
    const bool all = dice_.chance(60);
    for (const Station& s : plan_.lab.stations) {
      if (!s.on_link || (!all && dice_.chance(50))) continue;
      const auto link = std::find_if(plan_.links.begin(), plan_.links.end(), [&](const PlannedLink& l) {
        return std::find(l.wires.begin(), l.wires.end(), s.port) != l.wires.end();
      });
      line({"neigh add ", format_ipv4(s.address), " lladdr ", mac_text(s.address), " dev ", link->device,
            " nud permanent"});
    }
  }

  Dice& dice_;
  LabPlan& plan_;
};

}  // namespace

void plan_network(Dice& dice, LabPlan& plan) { NetworkPlanner(dice, plan).run(); }

}  // namespace nf::difftest
