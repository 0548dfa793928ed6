#include "tools/kernel/forwarding_check.h"

#include <netlink/cache.h>

#include <algorithm>

#include "tools/kernel/kernel_sysctl.h"
#include "tools/kernel/links.h"

namespace nf {

Result<std::vector<std::string>> forwarding_conflicts(const std::vector<std::string>& links) {
  std::vector<std::string> out;
  Result<std::vector<KernelLink>> all = read_links();
  if (!all) return all.error();
  const auto by = [&](auto&& same) {
    const auto it = std::find_if(all->begin(), all->end(), same);
    return it == all->end() ? nullptr : &*it;
  };

  Result<std::string> forward = read_kernel_sysctl("net/ipv4/ip_forward");
  if (!forward) return forward.error();
  const bool everywhere = *forward != "0";
  if (everywhere) out.push_back("net.ipv4.ip_forward = " + *forward);

  Result<nl::Socket> s = nl::connect(NETLINK_ROUTE);
  if (!s) return s.error();
  nl_cache* raw = nullptr;
  if (const int code = rtnl_addr_alloc_cache(s->get(), &raw); code < 0)
    return nl::failed("reading the addresses", code);
  const nl::Cache addresses(raw);

  for (const std::string& name : links) {
    const KernelLink* const link = by([&](const KernelLink& k) { return k.name == name; });
    if (link == nullptr) return error(name + ": no such link");
    // ip_forward = 1 switches each link's own on; saying both would be saying it twice.
    if (!everywhere) {
      Result<std::string> own = read_kernel_sysctl("net/ipv4/conf/" + name + "/forwarding");
      if (own && *own != "0") out.push_back("net.ipv4.conf." + name + ".forwarding = " + *own);
    }
    for (nl_object* o = nl_cache_get_first(raw); o != nullptr; o = nl_cache_get_next(o)) {
      rtnl_addr* const a = reinterpret_cast<rtnl_addr*>(o);
      if (rtnl_addr_get_ifindex(a) != link->ifindex || rtnl_addr_get_family(a) != AF_INET) continue;
      char text[64];
      out.push_back(name + " has the address " + nl_addr2str(rtnl_addr_get_local(a), text, sizeof text));
    }
    if (link->master != 0) {
      const KernelLink* const master = by([&](const KernelLink& k) { return k.ifindex == link->master; });
      out.push_back(name + " is a port of " + (master != nullptr ? master->name : "another link"));
    }
  }
  return out;
}

}  // namespace nf
