#include "tools/kernel/host_tun.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/cache.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "tools/kernel/kernel_sysctl.h"
#include "tools/kernel/links.h"

namespace nf {
namespace {

constexpr uint32_t kTable = 100;
constexpr uint32_t kFromTun = 10, kToTun = 20, kLocal = 30;

nl::Address address_of(Be32 address, unsigned length) {
  nl::Address a(nl_addr_build(AF_INET, &address, sizeof address));
  if (a != nullptr) nl_addr_set_prefixlen(a.get(), static_cast<int>(length));
  return a;
}

Error out_of_memory() { return error("netlink: out of memory"); }

}  // namespace

Result<std::unique_ptr<HostTun>> HostTun::set_up(const Options& options) {
  if (in_initial_network_namespace() && !options.force)
    return error("a host TUN takes over all local traffic of its network namespace: refused in the initial one");
  std::unique_ptr<HostTun> t(new HostTun(options));
  if (Status s = t->start(); !s) return s.error();
  return t;
}

HostTun::~HostTun() { (void)tear_down(); }

Status HostTun::start() {
  const std::string& device = options_.device;
  ifindex_ = static_cast<int>(if_nametoindex(device.c_str()));
  if (ifindex_ == 0) return error(device + ": no such link");
  Result<nl::Socket> s = nl::connect(NETLINK_ROUTE);
  if (!s) return s.error();
  socket_ = s.take();
  active_ = true;

  const std::string conf = "net/ipv4/conf/" + device + "/";
  // The effective rp_filter is the larger of the link's and all's.
  for (const auto& [name, value] :
       {std::pair{std::string("net/ipv4/conf/all/rp_filter"), "0"}, std::pair{conf + "rp_filter", "0"},
        std::pair{conf + "accept_local", "1"}, std::pair{conf + "route_localnet", "1"}})
    if (Status status = set_sysctl(name, value); !status) return status;

  // 127.0.0.1 is there only while lo is up.
  if (Status status = set_link_up("lo", true); !status) return status;
  if (Status status = set_link_up(device, true, options_.mtu); !status) return status;

  for (const Be32 address : options_.addresses)
    if (Status status = change_address(true, address); !status) return status;
  if (Status status = change_route(true, {{Be32{}, 0}, Be32{}}); !status) return status;
  if (Status status = change_route(true, {{ip4(127, 0, 0, 0), 8}, ip4(127, 0, 0, 1)}); !status) return status;
  for (const Route& route : options_.routes)
    if (Status status = change_route(true, route); !status) return status;

  // The rules last and the old one after them, so that local traffic has a way at every moment.
  if (Status status = change_rule(true, kFromTun, device.c_str(), RT_TABLE_LOCAL); !status) return status;
  if (Status status = change_rule(true, kLocal, nullptr, RT_TABLE_LOCAL); !status) return status;
  if (Status status = change_rule(true, kToTun, nullptr, kTable); !status) return status;
  Result<bool> local = has_local_rule();
  if (!local) return local.error();
  if (*local) {
    if (Status status = change_rule(false, 0, nullptr, RT_TABLE_LOCAL); !status) return status;
    removed_local_rule_ = true;
  }
  return {};
}

Status HostTun::tear_down() {
  if (!active_) return {};
  active_ = false;
  Status first;
  const auto keep = [&first](Status s) {
    if (first.ok() && !s.ok()) first = std::move(s);
  };
  if (std::exchange(removed_local_rule_, false)) keep(change_rule(true, 0, nullptr, RT_TABLE_LOCAL));
  for (const uint32_t preference : rules_)
    keep(change_rule(false, preference, preference == kFromTun ? options_.device.c_str() : nullptr,
                     preference == kToTun ? kTable : static_cast<uint32_t>(RT_TABLE_LOCAL)));
  rules_.clear();
  // What belongs to the TUN went with it if it is closed.
  if (if_nametoindex(options_.device.c_str()) == static_cast<unsigned>(ifindex_)) {
    for (const Route& route : options_.routes) keep(change_route(false, route));
    keep(change_route(false, {{ip4(127, 0, 0, 0), 8}, Be32{}}));
    keep(change_route(false, {{Be32{}, 0}, Be32{}}));
    for (const Be32 address : options_.addresses) keep(change_address(false, address));
  } else {
    std::erase_if(old_sysctls_, [&](const auto& s) { return s.first.find("/all/") == std::string::npos; });
  }
  for (const auto& [name, value] : old_sysctls_) keep(write_kernel_sysctl(name, value));
  return first;
}

Status HostTun::add_address(Be32 address) {
  if (Status s = change_address(true, address); !s) return s;
  options_.addresses.push_back(address);
  return {};
}

Status HostTun::remove_address(Be32 address) {
  if (Status s = change_address(false, address); !s) return s;
  std::erase(options_.addresses, address);
  return {};
}

Status HostTun::set_route(const Route& route) {
  if (Status s = change_route(true, route); !s) return s;
  std::erase_if(options_.routes, [&](const Route& r) {
    return r.prefix.address == route.prefix.address && r.prefix.length == route.prefix.length;
  });
  options_.routes.push_back(route);
  return {};
}

Status HostTun::remove_route(const Prefix4& prefix) {
  if (Status s = change_route(false, {prefix, Be32{}}); !s) return s;
  std::erase_if(options_.routes,
                [&](const Route& r) { return r.prefix.address == prefix.address && r.prefix.length == prefix.length; });
  return {};
}

Status HostTun::set_sysctl(const std::string& name, const std::string& value) {
  Result<std::string> old = read_kernel_sysctl(name);
  if (!old) return old.error();
  if (*old == value) return {};
  if (Status s = write_kernel_sysctl(name, value); !s) return s;
  old_sysctls_.emplace(name, *old);
  return {};
}

Status HostTun::change_rule(bool add, uint32_t preference, const char* iif, uint32_t table) {
  const nl::Rule rule(rtnl_rule_alloc());
  if (rule == nullptr) return out_of_memory();
  rtnl_rule_set_family(rule.get(), AF_INET);
  rtnl_rule_set_prio(rule.get(), preference);
  rtnl_rule_set_table(rule.get(), table);
  rtnl_rule_set_action(rule.get(), FR_ACT_TO_TBL);
  if (iif != nullptr) rtnl_rule_set_iif(rule.get(), iif);
  const int code =
      add ? rtnl_rule_add(socket_.get(), rule.get(), NLM_F_EXCL) : rtnl_rule_delete(socket_.get(), rule.get(), 0);
  if (code < 0)
    return nl::failed(strf("%s the routing rule with preference %u", add ? "adding" : "deleting", preference), code);
  if (add && preference != 0) rules_.push_back(preference);
  return {};
}

Status HostTun::change_address(bool add, Be32 address) {
  const nl::LinkAddress a(rtnl_addr_alloc());
  const nl::Address local = address_of(address, 32);
  if (a == nullptr || local == nullptr) return out_of_memory();
  rtnl_addr_set_ifindex(a.get(), ifindex_);
  rtnl_addr_set_local(a.get(), local.get());
  const int code =
      add ? rtnl_addr_add(socket_.get(), a.get(), NLM_F_EXCL) : rtnl_addr_delete(socket_.get(), a.get(), 0);
  if (code < 0)
    return nl::failed(
        strf("%s: %s %s", options_.device.c_str(), add ? "adding" : "deleting", format_ipv4(address).c_str()), code);
  return {};
}

Status HostTun::change_route(bool add, const Route& route) {
  const nl::Route r(rtnl_route_alloc());
  const nl::Address destination =
      address_of(route.prefix.address & prefix_mask(route.prefix.length), route.prefix.length);
  if (r == nullptr || destination == nullptr) return out_of_memory();
  rtnl_route_set_family(r.get(), AF_INET);
  rtnl_route_set_table(r.get(), kTable);
  rtnl_route_set_scope(r.get(), RT_SCOPE_LINK);
  rtnl_route_set_dst(r.get(), destination.get());
  if (!route.source.is_zero() && add) {
    const nl::Address source = address_of(route.source, 32);
    if (source == nullptr) return out_of_memory();
    rtnl_route_set_pref_src(r.get(), source.get());
  }
  rtnl_nexthop* const hop = rtnl_route_nh_alloc();
  if (hop == nullptr) return out_of_memory();
  rtnl_route_nh_set_ifindex(hop, ifindex_);
  rtnl_route_add_nexthop(r.get(), hop);
  const int code =
      add ? rtnl_route_add(socket_.get(), r.get(), NLM_F_REPLACE) : rtnl_route_delete(socket_.get(), r.get(), 0);
  if (code < 0)
    return nl::failed(strf("%s the route to %s/%u", add ? "adding" : "deleting",
                           format_ipv4(route.prefix.address).c_str(), route.prefix.length),
                      code);
  return {};
}

// Deleting "preference 0" deletes the first rule that looks up the local table, whatever its preference (the kernel
// takes 0 for "not given"), so it must be known to be there.
Result<bool> HostTun::has_local_rule() {
  nl_cache* raw = nullptr;
  if (const int code = rtnl_rule_alloc_cache(socket_.get(), AF_INET, &raw); code < 0)
    return nl::failed("reading the routing rules", code);
  const nl::Cache cache(raw);
  for (nl_object* o = nl_cache_get_first(raw); o != nullptr; o = nl_cache_get_next(o)) {
    rtnl_rule* const rule = reinterpret_cast<rtnl_rule*>(o);
    if (rtnl_rule_get_prio(rule) == 0 && rtnl_rule_get_table(rule) == RT_TABLE_LOCAL) return true;
  }
  return false;
}

}  // namespace nf
