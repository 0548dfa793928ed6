// net.ipv4.ip_forward and net.ipv4.conf.{all,default,IF}.*. twin: net/ipv4/devinet.c, devinet_conf_proc
#include "datapath/router/router.h"

namespace nf {

void Router::add_sysctls() {
  // Turning forwarding on or off sets it everywhere. twin: inet_forward_change
  const auto change_all = [this](int64_t on) {
    ip_forward_ = conf_all_.forwarding = conf_default_.forwarding = on;
    for (const auto& dev : devices_) dev->conf.forwarding = on;
  };
  sysctl_.add("net.ipv4.ip_forward", {.value = &ip_forward_, .on_change = change_all});
  add_conf_sysctls("all", conf_all_);
  add_conf_sysctls("default", conf_default_);
  sysctl_.add("net.ipv4.conf.all.forwarding", {.value = &conf_all_.forwarding, .on_change = change_all});
  ip_.add_sysctls(sysctl_);
  icmp_.add_sysctls(sysctl_);
  bridges_.add_sysctls(sysctl_);
}

void Router::add_conf_sysctls(const std::string& name, DeviceConf& conf) {
  const std::string prefix = "net.ipv4.conf." + name + ".";
  const auto add = [&](const char* key, int64_t& value) { sysctl_.add(prefix + key, {.value = &value}); };
  add("forwarding", conf.forwarding);
  add("rp_filter", conf.rp_filter);
  add("accept_local", conf.accept_local);
  add("route_localnet", conf.route_localnet);
  add("send_redirects", conf.send_redirects);
  add("accept_redirects", conf.accept_redirects);
  add("accept_source_route", conf.accept_source_route);
  add("log_martians", conf.log_martians);
  add("proxy_arp", conf.proxy_arp);
  add("arp_ignore", conf.arp_ignore);
  add("arp_announce", conf.arp_announce);
  add("arp_filter", conf.arp_filter);
  add("arp_accept", conf.arp_accept);
  add("src_valid_mark", conf.src_valid_mark);
  add("bc_forwarding", conf.bc_forwarding);
}

}  // namespace nf
