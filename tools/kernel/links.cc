#include "tools/kernel/links.h"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/cache.h>
#include <netlink/msg.h>
#include <netlink/object.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace nf {
namespace {

KernelLink from_libnl(rtnl_link* link) {
  KernelLink k;
  k.ifindex = rtnl_link_get_ifindex(link);
  if (const char* name = rtnl_link_get_name(link); name != nullptr) k.name = name;
  if (nl_addr* mac = rtnl_link_get_addr(link); mac != nullptr && nl_addr_get_len(mac) == k.mac.size())
    std::memcpy(k.mac.data(), nl_addr_get_binary_addr(mac), k.mac.size());
  k.mtu = rtnl_link_get_mtu(link);
  if (const char* kind = rtnl_link_get_type(link); kind != nullptr) k.kind = kind;
  k.master = rtnl_link_get_master(link);
  const unsigned flags = rtnl_link_get_flags(link);
  k.up = (flags & IFF_UP) != 0;
  k.running = (flags & IFF_RUNNING) != 0;
  k.no_arp = (flags & IFF_NOARP) != 0;
  k.loopback = (flags & IFF_LOOPBACK) != 0;
  return k;
}

struct Parsed {
  KernelLink link;
  bool valid = false;
};

void parse_link(nl_object* object, void* out) {
  if (std::strcmp(nl_object_get_type(object), "route/link") != 0) return;
  Parsed& p = *static_cast<Parsed*>(out);
  p.link = from_libnl(reinterpret_cast<rtnl_link*>(object));
  p.valid = true;
}

}  // namespace

Result<std::vector<KernelLink>> read_links() {
  Result<nl::Socket> s = nl::connect(NETLINK_ROUTE);
  if (!s) return s.error();
  nl_cache* raw = nullptr;
  if (const int code = rtnl_link_alloc_cache(s->get(), AF_UNSPEC, &raw); code < 0)
    return nl::failed("reading the links", code);
  const nl::Cache cache(raw);
  std::vector<KernelLink> out;
  for (nl_object* o = nl_cache_get_first(raw); o != nullptr; o = nl_cache_get_next(o))
    out.push_back(from_libnl(reinterpret_cast<rtnl_link*>(o)));
  std::sort(out.begin(), out.end(), [](const KernelLink& a, const KernelLink& b) { return a.ifindex < b.ifindex; });
  return out;
}

Result<KernelLink> read_link(const std::string& name) {
  Result<std::vector<KernelLink>> all = read_links();
  if (!all) return all.error();
  for (KernelLink& k : *all)
    if (k.name == name) return std::move(k);
  return error(name + ": no such link");
}

Status set_link_up(const std::string& name, bool up, uint32_t mtu) {
  const unsigned ifindex = if_nametoindex(name.c_str());
  if (ifindex == 0) return error(name + ": no such link");
  Result<nl::Socket> s = nl::connect(NETLINK_ROUTE);
  if (!s) return s.error();
  const auto change = [&](const char* what, const auto& set) -> Status {
    // libnl finds the link by its index, not by its name.
    const nl::Link which(rtnl_link_alloc()), changes(rtnl_link_alloc());
    if (which == nullptr || changes == nullptr) return error("netlink: out of memory");
    rtnl_link_set_ifindex(which.get(), static_cast<int>(ifindex));
    set(changes.get());
    if (const int code = rtnl_link_change(s->get(), which.get(), changes.get(), 0); code < 0)
      return nl::failed(name + what, code);
    return {};
  };
  const auto flags = [up](rtnl_link* link) {
    up ? rtnl_link_set_flags(link, IFF_UP) : rtnl_link_unset_flags(link, IFF_UP);
  };
  if (Status st = change(up ? ": setting the link up" : ": setting the link down", flags); !st) return st;
  // Not in one request: the kernel would tell of the new MTU first, of a link still down, and who listens would take
  // its routes away.
  if (mtu == 0) return {};
  return change(": setting the MTU", [mtu](rtnl_link* link) { rtnl_link_set_mtu(link, mtu); });
}

Result<std::unique_ptr<LinkMonitor>> LinkMonitor::open(Callback callback) {
  std::unique_ptr<LinkMonitor> m(new LinkMonitor(std::move(callback)));
  Result<nl::Socket> s = nl::connect(NETLINK_ROUTE);
  if (!s) return s.error();
  m->socket_ = s.take();
  nl_sock* const sk = m->socket_.get();
  // Notifications have no sequence numbers of ours.
  nl_socket_disable_seq_check(sk);
  nl_socket_modify_cb(sk, NL_CB_VALID, NL_CB_CUSTOM, &LinkMonitor::on_message, m.get());
  if (const int code = nl_socket_add_membership(sk, RTNLGRP_LINK); code < 0)
    return nl::failed("subscribing to link changes", code);
  if (const int code = nl_socket_set_nonblocking(sk); code < 0) return nl::failed("link monitor", code);
  Result<std::vector<KernelLink>> now = read_links();
  if (!now) return now.error();
  for (KernelLink& k : *now) m->links_[k.ifindex] = std::move(k);
  return m;
}

int LinkMonitor::on_message(nl_msg* message, void* self) {
  LinkMonitor& m = *static_cast<LinkMonitor*>(self);
  const nlmsghdr* header = nlmsg_hdr(message);
  if (header->nlmsg_type != RTM_NEWLINK && header->nlmsg_type != RTM_DELLINK) return NL_OK;
  // The bridge tells about its ports in messages of its own family, where DELLINK means "left the bridge".
  const ifinfomsg* info = static_cast<const ifinfomsg*>(nlmsg_data(header));
  if (info->ifi_family != AF_UNSPEC) return NL_OK;
  if (header->nlmsg_type == RTM_DELLINK) {
    m.remove(info->ifi_index);
    return NL_OK;
  }
  Parsed parsed;
  nl_msg_parse(message, parse_link, &parsed);
  if (parsed.valid) m.update(parsed.link);
  return NL_OK;
}

void LinkMonitor::update(const KernelLink& link) {
  const auto [it, added] = links_.try_emplace(link.ifindex, link);
  if (!added && it->second == link) return;
  it->second = link;
  if (callback_) callback_(link, added ? Change::kAdded : Change::kChanged);
}

void LinkMonitor::remove(int ifindex) {
  const auto it = links_.find(ifindex);
  if (it == links_.end()) return;
  const KernelLink last = std::move(it->second);
  links_.erase(it);
  if (callback_) callback_(last, Change::kRemoved);
}

Status LinkMonitor::resynchronize() {
  Result<std::vector<KernelLink>> now = read_links();
  if (!now) return now.error();
  std::vector<int> gone;
  for (const auto& [ifindex, link] : links_)
    if (std::none_of(now->begin(), now->end(), [i = ifindex](const KernelLink& k) { return k.ifindex == i; }))
      gone.push_back(ifindex);
  for (const int ifindex : gone) remove(ifindex);
  for (const KernelLink& k : *now) update(k);
  return {};
}

Status LinkMonitor::poll() {
  for (;;) {
    const int code = nl_recvmsgs_default(socket_.get());
    if (code == -NLE_AGAIN) return {};
    if (code == -NLE_NOMEM) {  // ENOBUFS: the kernel could not queue all it had to tell
      if (Status s = resynchronize(); !s) return s;
      continue;
    }
    if (code < 0) return nl::failed("link monitor", code);
  }
}

const KernelLink* LinkMonitor::find(std::string_view name) const {
  for (const auto& [ifindex, link] : links_)
    if (link.name == name) return &link;
  return nullptr;
}

}  // namespace nf
