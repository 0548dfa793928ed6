#include "tools/difftest/lab/lab_generator.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "tools/difftest/lab/lab_plan.h"

namespace nf::difftest {

void LabPlan::serve(Be32 address) {
  if (std::find(lab.service_addresses.begin(), lab.service_addresses.end(), address) == lab.service_addresses.end())
    lab.service_addresses.push_back(address);
}

void LabPlan::serve_port(uint16_t port) {
  if (std::find(lab.service_ports.begin(), lab.service_ports.end(), port) == lab.service_ports.end())
    lab.service_ports.push_back(port);
}

std::string prefix_text(const Prefix4& prefix) {
  return format_ipv4(prefix.address) + '/' + std::to_string(prefix.length);
}

GeneratedLab generate_lab(Random& random) {
  Dice dice(random);
  LabPlan plan;
  for (const uint16_t port : std::initializer_list<uint16_t>{22, 53, 80, 443, 1000, 5060, 8080})
    if (dice.chance(70)) plan.serve_port(port);
  plan.serve_port(7000);
  plan_network(dice, plan);
  plan_sysctls(dice, plan);
  plan_timeouts(dice, plan);
  plan_rules(dice, plan);
  for (const uint16_t port : plan.lab.service_ports)
    if (plan.lab.process_ports.size() < 4 && dice.chance(40)) plan.lab.process_ports.push_back(port);
  if (plan.lab.process_ports.empty()) plan.lab.process_ports.push_back(plan.lab.service_ports.front());
  return std::move(plan.lab);
}

std::vector<std::string> lab_left_out() {
  return {
      "multipath routes: the kernel's hash has a secret seed",
      "`limit` that refills within ten minutes: only bursts and rates whose next packet is further away",
      "ICMP rate limits: icmp_ratemask is 0",
      "timeouts under 10 s: nothing expires while a case runs",
      "nf_conntrack_max, nf_conntrack_buckets, nf_conntrack_expect_max: cannot be set in a namespace",
      "nf_conntrack_log_invalid, log_martians: they write to the machine's kernel log",
      "proxy_arp, arp_accept: answered after a random delay; ARP is not part of a case",
      "accepting redirects and path MTUs (accept_redirects 0, ip_no_pmtu_disc 2): route exceptions are not modelled",
      "REDIRECT with a shifted port range: the kernel has no such form; SNAT with one only as iptables 1.8.9 loads it, "
      "with the base lost; MASQUERADE with one: its base is uninitialised memory of the kernel's",
      "-j QUEUE, -j TRACE and extensions that are not modelled",
      "veth, dummy and tun links; spanning tree, VLANs and multicast snooping of bridges",
      "rules that begin with counters other than zero",
      "IPv6",
  };
}

}  // namespace nf::difftest
