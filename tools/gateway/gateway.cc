#include "tools/gateway/gateway.h"

#include <algorithm>
#include <utility>

#include "conntrack/expect.h"
#include "conntrack/timeout_policy.h"
#include "conntrack/xt/xt.h"

namespace nf {

Gateway::Gateway(const GatewayOptions& options)
    : router_(RouterOptions{options.seed, options.assume_neighbours}),
      iptables_(std::make_unique<ipt::Iptables>(router_, registry_)),
      conntrack_(router_, ct::Options{.hash_seed = options.seed, .buckets = options.conntrack_buckets}),
      nat_(router_, conntrack_, *iptables_),
      helper_nats_(nat_) {
  ct::register_helpers(conntrack_, helper_nats_.interfaces());
  ipt::register_base_extensions(registry_);
  ct::register_conntrack_extensions(registry_, conntrack_);
  nat::register_nat_extensions(registry_, nat_);
  router_.on_device_down = [this](const Device& dev) { nat_.device_down(dev.ifindex, router_.now()); };
  router_.routing().on_address_removed = [this](const Device& dev, Be32 local) {
    nat_.address_removed(dev.ifindex, local, router_.now());
  };
}

Gateway::~Gateway() { iptables_.reset(); }

Status Gateway::configure(const lab::Lab& lab, FindLink find_link, const std::vector<std::string>& links) {
  network_ = std::make_unique<NetworkSetup>(router_, std::move(find_link));
  if (Status s = network_->make_links(links); !s) return s;
  if (Status s = apply_network(lab.network, lab.network_file); !s) return s;
  if (Status s = apply_sysctl(lab.sysctl, lab.sysctl_file); !s) return s;
  if (Status s = add_timeout_policies(lab.timeouts, lab.timeouts_file); !s) return s;
  if (lab.rules) return iptables_->load(*lab.rules, lab.rules_file);
  return {};
}

Status Gateway::apply_network(const std::vector<lab::NetworkLine>& lines, const std::string& file) {
  return network_->apply(lines, file);
}

Status Gateway::apply_sysctl(const std::vector<lab::SysctlSetting>& settings, const std::string& file) {
  for (const lab::SysctlSetting& setting : settings) {
    if (Status s = router_.sysctl().set(setting.name, setting.value); !s && !setting.ignore_error)
      return error_at(file, setting.line, s.error().text);
  }
  return {};
}

Status Gateway::add_timeout_policies(const std::vector<lab::TimeoutLine>& lines, const std::string& file) {
  for (const lab::TimeoutLine& line : lines) {
    ct::TimeoutPolicy policy = conntrack_.usual_timeouts(line.protocol);
    policy.name = line.name;
    for (const lab::TimeoutLine::State& s : line.states) policy.seconds[s.place] = s.seconds;
    if (Status s = conntrack_.timeout_policies().add(policy); !s) return error_at(file, line.line, s.error().text);
  }
  return {};
}

Time Gateway::run_timers(Time now) {
  const Time router = router_.run_timers(now);
  // The router's timers are asked for after every packet, the sweep keeps its own pace.
  if (now >= sweep_due_) sweep_due_ = conntrack_.gc(now);
  // Expectations have timers of their own.
  return std::min({router, sweep_due_, conntrack_.expectations().expire(now)});
}

}  // namespace nf
