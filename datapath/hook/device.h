// A network device as the stack sees it. twin: struct net_device, with its struct ipv4_devconf
//
// Devices are owned by the router and live as long as it does; a removed device is down and unnamed, never freed,
// so pointers in packets stay good.
#pragma once

#include <cstdint>
#include <string>

#include "datapath/packet/headers.h"

namespace nf {

enum class DeviceKind : uint8_t {
  kEthernet,
  kLoopback,
  kBridge,
  kRawIp,  // frames are IPv4 packets without a link header (a TUN link, a raw-IP capture)
};

// net.ipv4.conf.IF.*; the effective value of most is combined with conf.all (see router/devconf use).
struct DeviceConf {
  int64_t forwarding = 0;
  int64_t rp_filter = 0;
  int64_t accept_local = 0;
  int64_t route_localnet = 0;
  int64_t send_redirects = 1;
  int64_t accept_redirects = 1;
  int64_t accept_source_route = 1;
  int64_t log_martians = 0;
  int64_t proxy_arp = 0;
  int64_t arp_ignore = 0;
  int64_t arp_announce = 0;
  int64_t arp_filter = 0;
  int64_t arp_accept = 0;
  int64_t src_valid_mark = 0;
  int64_t bc_forwarding = 0;
};

struct Device {
  int ifindex = 0;  // 1-based; 1 is lo
  std::string name;
  DeviceKind kind = DeviceKind::kEthernet;
  MacAddress mac{};
  uint32_t mtu = 1500;        // bytes of layer 3
  bool up = false;            // IFF_UP
  bool running = false;       // carrier
  bool no_arp = false;        // IFF_NOARP
  Device* master = nullptr;   // the bridge this device is a port of
  bool can_checksum = false;  // the port takes ChecksumState::kPartial
  bool can_gso = false;       // the port takes GSO packets whole
  DeviceConf conf;

  // Statistics, twin: struct rtnl_link_stats64
  uint64_t rx_packets = 0, rx_bytes = 0, tx_packets = 0, tx_bytes = 0, rx_dropped = 0, tx_dropped = 0;
};

}  // namespace nf
