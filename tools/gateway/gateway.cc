#include "tools/gateway/gateway.h"

#include <algorithm>

#include "conntrack/xt.h"

namespace nf {

Gateway::Gateway(const GatewayOptions& options)
    : router_(RouterOptions{options.seed, options.assume_neighbours}),
      iptables_(std::make_unique<ipt::Iptables>(router_, registry_)),
      conntrack_(router_, ct::Options{.hash_seed = options.seed, .buckets = options.conntrack_buckets}),
      nat_(router_, conntrack_, *iptables_) {
  ipt::register_base_extensions(registry_);
  ct::register_conntrack_extensions(registry_, conntrack_);
  nat::register_nat_extensions(registry_, nat_);
  router_.on_device_down = [this](const Device& dev) { nat_.device_down(dev.ifindex, router_.now()); };
}

Gateway::~Gateway() { iptables_.reset(); }

Status Gateway::configure(const lab::Lab& lab, const FindLink& find_link) {
  if (Status s = set_up_network(router_, lab, find_link); !s) return s;
  for (const lab::SysctlSetting& setting : lab.sysctl) {
    if (Status s = router_.sysctl().set(setting.name, setting.value); !s && !setting.ignore_error)
      return error_at(lab.sysctl_file, setting.line, s.error().text);
  }
  if (lab.rules) return iptables_->load(*lab.rules, lab.rules_file);
  return {};
}

Time Gateway::run_timers(Time now) {
  const Time router = router_.run_timers(now);
  return std::min(router, conntrack_.gc(now));
}

}  // namespace nf
