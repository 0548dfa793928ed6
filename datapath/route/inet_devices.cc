#include "datapath/route/inet_devices.h"

#include <algorithm>

namespace nf {
namespace {

size_t owner_slot(Be32 local, size_t size) { return (local.raw() * 0x9e3779b97f4a7c15 >> 32) & (size - 1); }

}  // namespace

void InetDevices::know(Device& dev) {
  const auto i = static_cast<size_t>(dev.ifindex);
  if (by_index_.size() <= i) by_index_.resize(i + 1);
  if (by_index_[i].dev == &dev) return;
  by_index_[i] = {&dev, {}};
}

Status InetDevices::insert(Device& dev, Address& address) {
  know(dev);
  std::vector<Address>& list = by_index_[static_cast<size_t>(dev.ifindex)].addresses;
  address.secondary = false;
  size_t after_primaries = 0;
  for (size_t i = 0; i < list.size(); ++i) {
    const Address& other = list[i];
    if (!other.secondary && address.scope <= other.scope) after_primaries = i + 1;
    if (other.length != address.length || !same_subnet(other.peer, address)) continue;
    if (other.local == address.local) return error("Error: ipv4: Address already assigned.");
    if (other.scope != address.scope) return error("Error: ipv4: Invalid scope value.");
    address.secondary = true;
  }
  const size_t at = address.secondary ? list.size() : after_primaries;
  list.insert(list.begin() + static_cast<ptrdiff_t>(at), address);
  owners_.insert(owners_.begin(), {address.local, &dev});
  rebuild_owners();
  return {};
}

Address InetDevices::take(Device& dev, size_t index) {
  std::vector<Address>& list = by_index_[static_cast<size_t>(dev.ifindex)].addresses;
  Address taken = std::move(list[index]);
  list.erase(list.begin() + static_cast<ptrdiff_t>(index));
  const auto it = std::find_if(owners_.begin(), owners_.end(),
                               [&](const Owner& o) { return o.local == taken.local && o.dev == &dev; });
  owners_.erase(it);
  rebuild_owners();
  return taken;
}

const Address* InetDevices::by_prefix(const Device& dev, Be32 address, uint8_t length) const {
  const auto* list = find(dev);
  if (list == nullptr) return nullptr;
  for (const Address& a : *list)
    if (a.length == length && same_subnet(address, a)) return &a;
  return nullptr;
}

void InetDevices::add_owner(Be32 local, Device* dev) {
  for (size_t i = owner_slot(local, owner_hash_.size());; i = (i + 1) & (owner_hash_.size() - 1)) {
    if (owner_hash_[i].dev != nullptr && owner_hash_[i].local != local) continue;
    if (owner_hash_[i].dev == nullptr) owner_hash_[i] = {local, dev};
    return;
  }
}

void InetDevices::rebuild_owners() {
  size_t size = 16;
  while (size < owners_.size() * 2) size *= 2;
  owner_hash_.assign(size, {});
  for (const Owner& o : owners_) add_owner(o.local, o.dev);
}

Device* InetDevices::owner(Be32 local) const {
  if (owner_hash_.empty()) return nullptr;
  for (size_t i = owner_slot(local, owner_hash_.size());; i = (i + 1) & (owner_hash_.size() - 1)) {
    if (owner_hash_[i].dev == nullptr || owner_hash_[i].local == local) return owner_hash_[i].dev;
  }
}

Be32 InetDevices::select(const Device& dev, Be32 destination, RouteScope scope) const {
  // route_localnet lets addresses of scope host be used up to scope link.
  const RouteScope localnet =
      (all_.route_localnet | dev.conf.route_localnet) != 0 ? RouteScope::kLink : RouteScope::kHost;
  Be32 chosen;
  if (const auto* list = find(dev)) {
    for (const Address& a : *list) {
      if (a.secondary || std::min(a.scope, localnet) > scope) continue;
      if (destination.is_zero() || same_subnet(destination, a)) return a.local;
      if (chosen.is_zero()) chosen = a.local;
    }
  }
  if (!chosen.is_zero()) return chosen;
  // An address of another device, lo first.
  for (const Known& k : by_index_) {
    if (k.dev == nullptr) continue;
    for (const Address& a : k.addresses)
      if (!a.secondary && a.scope != RouteScope::kLink && a.scope <= scope) return a.local;
  }
  return {};
}

bool InetDevices::on_link(const Device& dev, Be32 a, Be32 b) const {
  const auto* list = find(dev);
  if (list == nullptr) return false;
  return std::any_of(list->begin(), list->end(),
                     [&](const Address& ifa) { return same_subnet(a, ifa) && (b.is_zero() || same_subnet(b, ifa)); });
}

}  // namespace nf
