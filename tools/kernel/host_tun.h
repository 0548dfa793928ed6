// Sends all local traffic of a network namespace through a TUN, 127.0.0.1 included, so that ordinary programs are
// the host processes of a router that reads and writes that TUN (TunHostPort).
//
//   ip rule   pref 10 iif TUN lookup local    what comes out of the TUN is for local sockets
//             pref 20 lookup 100              what local sockets send goes into it
//             pref 30 lookup local            (in place of pref 0)
//   table 100 default dev TUN; 127.0.0.0/8 dev TUN src 127.0.0.1; the caller's routes, which give the kernel the
//             router's choice of source addresses
//   addresses as /32 on the TUN, so that programs can bind them
//   sysctls   rp_filter=0 accept_local=1 route_localnet=1 on the TUN
// IPv6 is left alone. Refused in the machine's initial network namespace, whose own connections it would cut off,
// unless forced.
// Ownership: set_up() changes the namespace, tear_down() or the destructor puts back what was there. The TUN belongs
// to its port; when it is closed first, its routes and addresses are already gone.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "datapath/base/result.h"
#include "datapath/base/text.h"
#include "tools/kernel/netlink.h"

namespace nf {

class HostTun {
 public:
  struct Route {
    Prefix4 prefix;
    Be32 source;  // zero: the kernel chooses
  };
  struct Options {
    std::string device;  // an existing TUN
    uint32_t mtu = 1500;
    std::vector<Be32> addresses;
    std::vector<Route> routes;
    bool force = false;
  };
  // On an error everything done so far is undone.
  static Result<std::unique_ptr<HostTun>> set_up(const Options& options);
  ~HostTun();
  HostTun(const HostTun&) = delete;
  HostTun& operator=(const HostTun&) = delete;

  // While it runs: the router's addresses and routes may change.
  Status add_address(Be32 address);
  Status remove_address(Be32 address);
  // Replaces a route of the same prefix.
  Status set_route(const Route& route);
  Status remove_route(const Prefix4& prefix);

  // Idempotent. The first thing that could not be undone; the rest is undone all the same.
  Status tear_down();

 private:
  explicit HostTun(Options options) : options_(std::move(options)) {}
  Status start();
  Status set_sysctl(const std::string& name, const std::string& value);
  Status change_rule(bool add, uint32_t preference, const char* iif, uint32_t table);
  Status change_address(bool add, Be32 address);
  Status change_route(bool add, const Route& route);
  Result<bool> has_local_rule();

  Options options_;
  nl::Socket socket_;
  int ifindex_ = 0;
  std::map<std::string, std::string> old_sysctls_;
  std::vector<uint32_t> rules_;  // preferences of ours
  bool removed_local_rule_ = false;
  bool active_ = false;
};

}  // namespace nf
