// The file `network` of a lab: lines as `ip -batch` takes them, parsed into typed operations.
//
// The grammar is iproute2's (6.1), its abbreviations and its order of looking words up included, for the commands and
// words that are modelled; everything else is an error that names the word. Devices stay names: whether they exist,
// and whether the kernel would refuse the operation, is found out by whoever carries it out. What the file may have
// that `ip -batch` does not: a leading "ip " on a line.
// A word that only speaks of IPv6 or of queues (addrgenmode, txqueuelen, alias, group, ...) is read and left out.
// twin: do_cmd and its callees, iproute2
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "datapath/base/result.h"
#include "datapath/base/time.h"
#include "datapath/packet/headers.h"
#include "datapath/route/neighbour.h"
#include "datapath/route/routing.h"

namespace nf::lab {

enum class LinkKind : uint8_t { kBridge, kVeth, kDummy, kTap, kTun };

// What `ip link` may say of any device; only what was said has a value.
struct LinkSettings {
  std::optional<bool> up;
  std::optional<std::string> master;  // empty: nomaster
  std::optional<MacAddress> address;
  std::optional<uint32_t> mtu;  // bytes
  std::optional<bool> arp;
};
struct BridgeSettings {
  std::optional<Duration> ageing_time;
};
struct PortSettings {  // of a bridge's port
  std::optional<bool> hairpin, isolated, learning, flood, multicast_flood, broadcast_flood;
};

struct LinkAdd {  // also `ip tuntap add`
  std::string name;
  LinkKind kind{};
  LinkSettings settings;
  BridgeSettings bridge;
  std::string peer;  // kVeth; empty: the kernel takes the first free of veth0, veth1, ...
  LinkSettings peer_settings;
};
struct LinkSet {
  std::string device;
  LinkSettings settings;
  std::optional<std::string> new_name;
  BridgeSettings bridge;
  PortSettings port;
};
struct LinkDelete {
  std::string device;
};
struct AddressAdd {
  std::string device;
  Address address;
  bool replace = false;
};
struct AddressDelete {
  std::string device;
  Address address;
  bool any_length = false;  // written without a length
};
// The nexthops' devices stand in `devices`, one for each nexthop, empty when none was named; Nexthop::device is null.
struct RouteAdd {
  RouteMode mode = RouteMode::kAdd;
  Route route;
  std::vector<std::string> devices;
};
struct RouteDelete {  // what was not said matches anything (Routing::remove_route)
  Route route;
  std::vector<std::string> devices;
};
struct RuleAdd {
  PolicyRule rule;
};
struct RuleDelete {  // action kUnspec unless said
  PolicyRule rule;
};
struct NeighbourAdd {
  std::string device;
  Be32 address;
  std::optional<MacAddress> mac;
  NeighbourState state = NeighbourState::kPermanent;
  bool replace = false;
};
struct NeighbourDelete {
  std::string device;
  Be32 address;
};

using Operation = std::variant<LinkAdd, LinkSet, LinkDelete, AddressAdd, AddressDelete, RouteAdd, RouteDelete, RuleAdd,
                               RuleDelete, NeighbourAdd, NeighbourDelete>;

struct NetworkLine {
  Operation operation;
  int line = 0;      // 1-based; of a continued line the first
  std::string text;  // as written, comment and continuation taken out
};

// `file` is the name for errors.
Result<std::vector<NetworkLine>> parse_network(std::string_view text, const std::string& file);

}  // namespace nf::lab
