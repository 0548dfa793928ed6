// The one place that wires everything: router, tables, conntrack, nat, configured from a lab. run, replay, explain,
// the benchmarks and the tests all use it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "conntrack/conntrack.h"
#include "datapath/iptables/iptables.h"
#include "datapath/router/router.h"
#include "nat/helper/helpers.h"
#include "nat/nat.h"
#include "tools/gateway/network_setup.h"
#include "tools/lab/lab.h"

namespace nf {

struct GatewayOptions {
  uint64_t seed = 1;  // ports NAT chooses, ICMP ids; also keys the connection table
  bool assume_neighbours = false;
  int64_t conntrack_buckets = 262144;
};

class Gateway {
 public:
  explicit Gateway(const GatewayOptions& options);
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  // Applies network, sysctl.conf, timeouts and rules.v4, in that order. On error the gateway is of no use. `links`
  // exist before (NetworkSetup::make_links).
  Status configure(const lab::Lab& lab, FindLink find_link, const std::vector<std::string>& links = {});
  // Changes while it runs, after configure().
  Status apply_network(const std::vector<lab::NetworkLine>& lines, const std::string& file);
  Status apply_sysctl(const std::vector<lab::SysctlSetting>& settings, const std::string& file);

  // Runs everything due, conntrack's garbage collection too. Returns when to call again.
  Time run_timers(Time now);

  Router& router() { return router_; }
  ipt::Iptables& iptables() { return *iptables_; }
  const ipt::Iptables& iptables() const { return *iptables_; }
  ct::Conntrack& conntrack() { return conntrack_; }
  nat::Nat& nat() { return nat_; }
  ipt::ExtensionRegistry& registry() { return registry_; }

 private:
  Status add_timeout_policies(const std::vector<lab::TimeoutLine>& lines, const std::string& file);

  Router router_;
  ipt::ExtensionRegistry registry_;
  std::unique_ptr<ipt::Iptables> iptables_;  // its rules' extensions refer to conntrack and nat: gone first
  ct::Conntrack conntrack_;
  nat::Nat nat_;
  nat::HelperNats helper_nats_;
  std::unique_ptr<NetworkSetup> network_;
  Time sweep_due_ = 0;
};

}  // namespace nf
