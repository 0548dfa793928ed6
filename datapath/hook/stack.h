// What a hook function, a match or a target may ask of the IP stack around it. The router implements it; tests of
// tables, conntrack and nat use a small fake.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "datapath/base/random.h"
#include "datapath/base/sysctl.h"
#include "datapath/hook/device.h"
#include "datapath/hook/hook.h"
#include "datapath/packet/pool.h"

namespace nf {

class Stack {
 public:
  virtual ~Stack() = default;

  virtual PacketPool& pool() = 0;
  virtual Random& random() = 0;
  virtual SysctlTable& sysctl() = 0;
  virtual HookTable& hooks() = 0;
  // The time of the packet being processed (also HookState::now).
  virtual Time now() const = 0;
  // null when there is none.
  virtual const Device* device_by_index(int ifindex) const = 0;
  virtual const Device* device_by_name(std::string_view name) const = 0;

  // What kind of address it is for this host; with `dev`, only that device's routes count.
  // twin: inet_addr_type / inet_dev_addr_type
  virtual RouteType address_type(Be32 address, const Device* dev) const = 0;
  // The address to speak from to `destination` on `dev`. twin: inet_select_addr
  virtual std::optional<Be32> select_address(const Device& dev, Be32 destination, RouteScope scope) const = 0;
  // First address of a device (REDIRECT's choice: in_dev->ifa_list->ifa_local). nullopt when it has none.
  virtual std::optional<Be32> first_address(const Device& dev) const = 0;
  // The netmask of the device's first primary address that was given this broadcast address; nullopt: none was.
  // twin: ifa_broadcast, ifa_mask of in_dev->ifa_list
  virtual std::optional<Be32> broadcast_mask(const Device& dev, Be32 broadcast) const = 0;
  // Routes an outgoing packet anew after its header or mark changed; false: no route, drop. twin: ip_route_me_harder
  virtual bool route_me_harder(Packet& p, RouteType source_type) = 0;

  // Reassemble at PREROUTING and OUTPUT from now on (counted; put undoes a get). twin: nf_defrag_ipv4_enable
  virtual void defrag_get() = 0;
  virtual void defrag_put() = 0;

  // An ICMP error about `cause` (at its IPv4 header), subject to the kernel's rules and rate limit. `info` is bytes
  // 4..7 (the MTU of "fragmentation needed"). twin: icmp_send
  virtual void icmp_send(const Packet& cause, uint8_t type, uint8_t code, uint32_t info) = 0;
  // A TCP reset answering `cause`. twin: nf_send_reset, net/ipv4/netfilter/nf_reject_ipv4.c
  virtual void send_reset(const Packet& cause, HookPoint hook) = 0;

  // A line of the kernel log (LOG target, "table full", martians), without its time stamp.
  virtual void log(std::string_view line) = 0;
};

}  // namespace nf
