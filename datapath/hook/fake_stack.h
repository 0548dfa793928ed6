// A Stack for tests of what stands on hooks (tables, conntrack, nat): it answers from plain members and keeps what
// it was asked to send. Only tests include it.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "datapath/hook/stack.h"

namespace nf {

class FakeStack final : public Stack {
 public:
  PacketPool pool_;
  Random random_{1};
  SysctlTable sysctl_;
  HookTable hooks_;
  Time now_ = 1'000'000 * kSecond;
  std::vector<Device> devices_;                         // fill before use; pointers must stay good
  std::map<Be32, RouteType> address_types_;             // others are kUnicast
  std::map<std::string, Be32, std::less<>> addresses_;  // device name -> its first address
  std::map<Be32, Be32> broadcast_masks_;                // broadcast address, of any device -> netmask
  bool route_ok_ = true;
  int reroutes_ = 0;
  int defrag_users_ = 0;
  struct Icmp {
    uint8_t type, code;
    uint32_t info;
  };
  std::vector<Icmp> icmp_;
  int resets_ = 0;
  std::vector<std::string> log_;

  PacketPool& pool() override { return pool_; }
  Random& random() override { return random_; }
  SysctlTable& sysctl() override { return sysctl_; }
  HookTable& hooks() override { return hooks_; }
  Time now() const override { return now_; }
  const Device* device_by_index(int ifindex) const override {
    for (const Device& d : devices_)
      if (d.ifindex == ifindex) return &d;
    return nullptr;
  }
  const Device* device_by_name(std::string_view name) const override {
    for (const Device& d : devices_)
      if (d.name == name) return &d;
    return nullptr;
  }
  RouteType address_type(Be32 address, const Device*) const override {
    const auto it = address_types_.find(address);
    return it == address_types_.end() ? RouteType::kUnicast : it->second;
  }
  std::optional<Be32> select_address(const Device& dev, Be32, RouteScope) const override { return first_address(dev); }
  std::optional<Be32> first_address(const Device& dev) const override {
    const auto it = addresses_.find(dev.name);
    return it == addresses_.end() ? std::nullopt : std::optional(it->second);
  }
  std::optional<Be32> broadcast_mask(const Device&, Be32 broadcast) const override {
    const auto it = broadcast_masks_.find(broadcast);
    return it == broadcast_masks_.end() ? std::nullopt : std::optional(it->second);
  }
  bool route_me_harder(Packet&, RouteType) override {
    ++reroutes_;
    return route_ok_;
  }
  void defrag_get() override { ++defrag_users_; }
  void defrag_put() override { --defrag_users_; }
  void icmp_send(const Packet&, uint8_t type, uint8_t code, uint32_t info) override {
    icmp_.push_back({type, code, info});
  }
  void send_reset(const Packet&, HookPoint) override { ++resets_; }
  void log(std::string_view line) override { log_.emplace_back(line); }
};

}  // namespace nf
