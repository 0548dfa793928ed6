// What stands first in a random rule: addresses, devices, protocol, ports.
#include "tools/difftest/lab/rule_parts.h"

namespace nf::difftest {
namespace {

// A network with its length written in one of the ways there are.
std::string written_network(Dice& dice, const Prefix4& network) {
  if (network.length == 24 && dice.chance(15)) return format_ipv4(network.address) + "/255.255.255.0";
  if (dice.chance(10)) return format_ipv4(be32(network.address.host() + 1)) + '/' + std::to_string(network.length);
  return prefix_text(network);
}

void draft_tcp(RuleDraft& rule) {
  Dice& dice = rule.dice;
  constexpr std::string_view kFlags[] = {"SYN,ACK SYN", "ALL ACK", "RST,FIN RST", "ALL NONE", "FIN,SYN,RST,ACK SYN",
                                         "ACK ACK",     "PSH PSH", "URG,PSH URG", "ALL ALL"};
  if (dice.chance(80)) rule.add("-m tcp");
  if (dice.chance(55))
    rule.add(cat({dice.inversion(10), dice.word({"--dport ", "--dport ", "--dport ", "--destination-port "}),
                  some_port_range(rule)})),
        ++rule.conditions;
  if (dice.chance(20))
    rule.add(cat({dice.inversion(), dice.word({"--sport ", "--sport ", "--source-port "}), some_port_range(rule)}));
  if (dice.chance(12)) {
    rule.add(cat({dice.inversion(), "--syn"}));
    ++rule.conditions;
  } else if (dice.chance(18)) {
    rule.add(cat({dice.inversion(), "--tcp-flags ", kFlags[dice.below(std::size(kFlags))]}));
    ++rule.conditions;
  }
  if (dice.chance(8)) rule.add(cat({dice.inversion(), "--tcp-option ", dice.word({"2", "3", "4", "8", "34"})}));
}

void draft_udp(RuleDraft& rule) {
  Dice& dice = rule.dice;
  if (dice.chance(80)) rule.add("-m udp");
  if (dice.chance(60))
    rule.add(
        cat({dice.inversion(10), dice.word({"--dport ", "--dport ", "--destination-port "}), some_port_range(rule)})),
        ++rule.conditions;
  if (dice.chance(25))
    rule.add(cat({dice.inversion(), dice.word({"--sport ", "--source-port "}), some_port_range(rule)}));
}

void draft_icmp(RuleDraft& rule) {
  Dice& dice = rule.dice;
  rule.add(cat({dice.chance(80) ? "-m icmp " : "", dice.inversion(), "--icmp-type ",
                dice.word({"8",
                           "0",
                           "3",
                           "3/3",
                           "3/4",
                           "11",
                           "any",
                           "echo-request",
                           "echo-reply",
                           "port-unreachable",
                           "fragmentation-needed",
                           "ttl-exceeded",
                           "redirect",
                           "13",
                           "timestamp-reply",
                           "3/1:3",
                           "destination-unreachable",
                           "address-mask-request",
                           "5/1",
                           "12"})}));
  ++rule.conditions;
}

void draft_protocol(RuleDraft& rule) {
  Dice& dice = rule.dice;
  if (dice.chance(42)) return;
  const std::string_view name = dice.chance(12)
                                    ? dice.word({"47", "50", "udplite", "132", "all", "ipencap"})
                                    : dice.word({"tcp", "tcp", "tcp", "tcp", "6", "udp", "udp", "udp", "icmp", "icmp"});
  const bool inverted = name != "all" && dice.chance(7);
  rule.add(cat({inverted ? "! " : "", "-p ", name}));
  if (name == "all") return;
  if (inverted) return;
  ++rule.conditions;
  rule.protocol = name == "6" ? "tcp" : name;
  if (rule.protocol == "tcp" && dice.chance(50)) draft_tcp(rule);
  if (rule.protocol == "udp" && dice.chance(50)) draft_udp(rule);
  if (rule.protocol == "icmp" && dice.chance(50)) draft_icmp(rule);
}

}  // namespace

std::string some_address(RuleDraft& rule) {
  Dice& dice = rule.dice;
  const LabPlan& plan = rule.plan;
  const uint32_t kind = dice.below(100);
  if (kind < 30) return format_ipv4(dice.one(plan.lab.stations).address);
  if (kind < 65) return written_network(dice, dice.one(plan.networks));
  if (kind < 78) return format_ipv4(dice.one(plan.lab.own_addresses));
  if (kind < 84) return format_ipv4(dice.one(plan.lab.service_addresses));
  return std::string(
      dice.word({"10.0.0.0/8", "10.0.0.0/255.0.255.254", "0.0.0.0/0", "10.0.0.0/15", "10.0.0.2/255.0.0.255",
                 "198.51.100.0/24", "127.0.0.0/8", "224.0.0.0/4", "255.255.255.255"}));
}

std::string some_port(RuleDraft& rule) { return std::to_string(rule.dice.one(rule.plan.lab.service_ports)); }

std::string some_port_range(RuleDraft& rule) {
  Dice& dice = rule.dice;
  if (dice.chance(65)) return some_port(rule);
  return std::string(dice.word({"1024:65535", ":1023", "20:100", "1000:", "0:65535", "ssh", "domain", "40000:50000"}));
}

std::string some_interface(RuleDraft& rule) {
  Dice& dice = rule.dice;
  const uint32_t kind = dice.below(100);
  if (kind < 65) return dice.one(rule.plan.links).device;
  if (kind < 80) return dice.one(rule.plan.ports);
  return std::string(dice.word({"eth+", "lan+", "lo", "br+", "+", "lan0"}));
}

void draft_header(RuleDraft& rule) {
  Dice& dice = rule.dice;
  constexpr uint8_t kNoIn = kOut | kPost, kNoOut = kPre | kIn;
  // Of a user chain any device may be asked for, wherever the chain is reached from.
  const bool in = !rule.built_in || (rule.hooks & kNoIn) == 0, out = !rule.built_in || (rule.hooks & kNoOut) == 0;
  if (dice.chance(12)) rule.add(cat({dice.inversion(), "-s ", some_address(rule)})), ++rule.conditions;
  if (dice.chance(14)) rule.add(cat({dice.inversion(), "-d ", some_address(rule)})), ++rule.conditions;
  if (in && dice.chance(11)) rule.add(cat({dice.inversion(), "-i ", some_interface(rule)})), ++rule.conditions;
  if (out && dice.chance(11)) rule.add(cat({dice.inversion(), "-o ", some_interface(rule)})), ++rule.conditions;
  if (dice.chance(3)) rule.add(cat({dice.inversion(50), "-f"}));
  draft_protocol(rule);
}

}  // namespace nf::difftest
