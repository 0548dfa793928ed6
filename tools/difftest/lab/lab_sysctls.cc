// The sysctls of a lab: forwarding, source checks, redirects, the bridge's way into iptables, and conntrack's own.
#include "tools/difftest/lab/lab_plan.h"

namespace nf::difftest {
namespace {

struct Choice {
  std::string_view name;
  std::initializer_list<std::string_view> values;
  uint32_t percent;
};

// Per device; of arp_* only those that answer at once.
const Choice kDeviceChoices[] = {
    {"rp_filter", {"0", "1", "1", "2"}, 12},
    {"accept_local", {"1"}, 8},
    {"route_localnet", {"1"}, 12},
    {"send_redirects", {"0", "1"}, 15},
    {"accept_source_route", {"0", "1"}, 8},
    {"src_valid_mark", {"1"}, 6},
    {"bc_forwarding", {"1"}, 4},
    {"forwarding", {"0", "1", "1"}, 4},
    {"arp_ignore", {"1", "2"}, 4},
    {"arp_announce", {"1", "2"}, 4},
    {"arp_filter", {"1"}, 3},
};

const Choice kConntrackChoices[] = {
    {"acct", {"1"}, 25},
    {"timestamp", {"1"}, 12},
    {"checksum", {"0"}, 12},
    {"events", {"0", "1", "1", "1"}, 12},
    {"tcp_loose", {"0"}, 25},
    {"tcp_be_liberal", {"1"}, 15},
    {"tcp_ignore_invalid_rst", {"1"}, 15},
    {"tcp_max_retrans", {"0", "1", "2", "5", "255"}, 15},
};

// Seconds; none is short enough to end while a case runs.
constexpr std::string_view kTimeouts[] = {
    "generic_timeout",
    "gre_timeout",
    "gre_timeout_stream",
    "icmp_timeout",
    "sctp_timeout_closed",
    "sctp_timeout_established",
    "tcp_timeout_close",
    "tcp_timeout_close_wait",
    "tcp_timeout_established",
    "tcp_timeout_fin_wait",
    "tcp_timeout_last_ack",
    "tcp_timeout_max_retrans",
    "tcp_timeout_syn_recv",
    "tcp_timeout_syn_sent",
    "tcp_timeout_time_wait",
    "tcp_timeout_unacknowledged",
    "udp_timeout",
    "udp_timeout_stream",
};

}  // namespace

void plan_sysctls(Dice& dice, LabPlan& plan) {
  const auto set = [&](std::initializer_list<std::string_view> name, std::string_view value) {
    plan.lab.sysctl.push_back(cat({cat(name), " = ", value}));
  };
  set({"net.ipv4.ip_forward"}, dice.chance(94) ? "1" : "0");
  set({"net.ipv4.icmp_ratemask"}, "0");
  set({"net.netfilter.nf_conntrack_log_invalid"}, "0");
  // Route exceptions are not modelled. The engine has no such setting (hence "-"), and no exceptions either.
  set({"-net.ipv4.ip_no_pmtu_disc"}, "2");
  set({"-net.ipv6.conf.all.disable_ipv6"}, "1");
  set({"-net.ipv6.conf.default.disable_ipv6"}, "1");

  std::vector<std::string> devices = {"all", "lo"};
  for (const std::string& port : plan.ports) devices.push_back(port);
  if (!plan.bridge.empty()) devices.push_back(plan.bridge);
  // A lab has its exotic device settings or has none: most labs let most packets through.
  if (dice.chance(60)) {
    for (const std::string& device : devices) {
      for (const Choice& c : kDeviceChoices)
        if (dice.chance(c.percent)) set({"net.ipv4.conf.", device, ".", c.name}, dice.word(c.values));
    }
  }
  // Last: the kernel turns it on again when forwarding is turned off.
  for (const std::string& device : devices) set({"net.ipv4.conf.", device, ".accept_redirects"}, "0");
  if (dice.chance(8)) set({"net.ipv4.ip_default_ttl"}, dice.word({"128", "255", "1"}));
  if (dice.chance(8)) set({"net.ipv4.icmp_errors_use_inbound_ifaddr"}, "1");
  if (dice.chance(5)) set({"net.ipv4.ipfrag_max_dist"}, dice.word({"0", "1", "200"}));

  if (!plan.bridge.empty() && dice.chance(80)) set({"net.bridge.bridge-nf-call-iptables"}, dice.word({"0", "1", "1"}));

  for (const Choice& c : kConntrackChoices)
    if (dice.chance(c.percent)) set({"net.netfilter.nf_conntrack_", c.name}, dice.word(c.values));
  if (!dice.chance(40)) return;
  for (const std::string_view name : kTimeouts)
    if (dice.chance(25)) set({"net.netfilter.nf_conntrack_", name}, dice.word({"15", "45", "200", "3000", "100000"}));
}

}  // namespace nf::difftest
