// Owning handles for libnl objects, and its errors as ours.
#pragma once

#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/route.h>
#include <netlink/route/rule.h>

#include <memory>
#include <string>

#include "datapath/base/result.h"

namespace nf::nl {

template <class T, void (*Free)(T*)>
struct Deleter {
  void operator()(T* p) const { Free(p); }
};

using Socket = std::unique_ptr<nl_sock, Deleter<nl_sock, nl_socket_free>>;
using Message = std::unique_ptr<nl_msg, Deleter<nl_msg, nlmsg_free>>;
using Cache = std::unique_ptr<nl_cache, Deleter<nl_cache, nl_cache_free>>;
using Address = std::unique_ptr<nl_addr, Deleter<nl_addr, nl_addr_put>>;
using Link = std::unique_ptr<rtnl_link, Deleter<rtnl_link, rtnl_link_put>>;
using LinkAddress = std::unique_ptr<rtnl_addr, Deleter<rtnl_addr, rtnl_addr_put>>;
using Route = std::unique_ptr<rtnl_route, Deleter<rtnl_route, rtnl_route_put>>;
using Rule = std::unique_ptr<rtnl_rule, Deleter<rtnl_rule, rtnl_rule_put>>;

// `code` is what libnl returned, negative.
inline Error failed(const std::string& what, int code) { return error(what + ": " + nl_geterror(code)); }

// A socket to one netlink family, in the calling process's network namespace.
inline Result<Socket> connect(int protocol) {
  Socket s(nl_socket_alloc());
  if (s == nullptr) return error("netlink: out of memory");
  if (const int code = nl_connect(s.get(), protocol); code < 0) return failed("netlink", code);
  return s;
}

}  // namespace nf::nl
