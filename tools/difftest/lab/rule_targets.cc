// Random targets: every one the engine knows, with all its options.
#include "tools/difftest/lab/rule_parts.h"

namespace nf::difftest {
namespace {

using Maker = std::string (*)(RuleDraft&);

std::string verdict_accept(RuleDraft&) { return "ACCEPT"; }
std::string nothing(RuleDraft&) { return {}; }

std::string verdict_drop(RuleDraft& rule) { return rule.conditions < 2 ? "ACCEPT" : "DROP"; }

std::string log(RuleDraft& rule) {
  Dice& dice = rule.dice;
  std::string out = "LOG";
  if (dice.chance(70)) out += cat({" --log-prefix ", dice.word({"\"in: \"", "x", "\"a b \"", "[nf]"})});
  if (dice.chance(25)) out += cat({" --log-level ", dice.word({"4", "info", "debug", "7", "alert"})});
  for (const std::string_view flag :
       {"--log-tcp-sequence", "--log-tcp-options", "--log-ip-options", "--log-uid", "--log-macdecode"})
    if (dice.chance(15)) out += cat({" ", flag});
  return out;
}

std::string mark(RuleDraft& rule) {
  return cat({"MARK ", rule.dice.word({"--set-xmark 0x1/0x1", "--set-mark 2", "--set-mark 0x10/0xf0", "--and-mark 0xf",
                                       "--or-mark 0x10", "--xor-mark 0x3", "--set-mark 0x0", "--set-mark 1"})});
}

std::string dscp(RuleDraft& rule) {
  Dice& dice = rule.dice;
  if (dice.chance(30)) return cat({"DSCP --set-dscp-class ", dice.word({"EF", "AF21", "CS6", "BE"})});
  return "DSCP --set-dscp " + std::to_string(dice.below(64));
}

std::string tos(RuleDraft& rule) {
  return cat({"TOS ", rule.dice.word({"--set-tos 0x10/0xff", "--set-tos 8/0x3f", "--and-tos 0xf0", "--or-tos 0x08",
                                      "--xor-tos 0x03", "--set-tos Minimize-Cost", "--set-tos 0x10"})});
}

std::string ttl(RuleDraft& rule) {
  Dice& dice = rule.dice;
  if (rule.conditions >= 2 && dice.chance(25)) return cat({"TTL ", dice.word({"--ttl-set 1", "--ttl-dec 63"})});
  return cat({"TTL ", dice.word({"--ttl-set 64", "--ttl-dec 1", "--ttl-inc 1", "--ttl-set 10", "--ttl-inc 200"})});
}

std::string ecn(RuleDraft& rule) {
  Dice& dice = rule.dice;
  if (rule.protocol != "tcp" || dice.chance(35)) return "ECN --ecn-ip-ect " + std::to_string(dice.below(4));
  return cat({"ECN ", dice.word({"--ecn-tcp-remove", "--ecn-tcp-cwr 1", "--ecn-tcp-ece 0",
                                 "--ecn-tcp-cwr 0 --ecn-tcp-ece 1", "--ecn-ip-ect 0 --ecn-tcp-ece 1"})});
}

std::string reject(RuleDraft& rule) {
  Dice& dice = rule.dice;
  if (rule.conditions < 2) return "ACCEPT";
  if (rule.protocol == "tcp" && dice.chance(50))
    return cat({"REJECT --reject-with ", dice.word({"tcp-reset", "tcp-rst"})});
  if (dice.chance(15)) return "REJECT";
  return cat(
      {"REJECT --reject-with ",
       dice.word({"icmp-net-unreachable", "icmp-host-unreachable", "icmp-port-unreachable", "icmp-proto-unreachable",
                  "icmp-net-prohibited", "icmp-host-prohibited", "icmp-admin-prohibited", "host-unreach"})});
}

std::string ct(RuleDraft& rule) {
  Dice& dice = rule.dice;
  if (dice.chance(25))
    for (const DialectFacts& d : kDialects)
      if (rule.protocol == (d.protocol == kProtoTcp ? "tcp" : "udp") && dice.chance(60))
        return cat({"CT --helper ", d.helper});
  if (rule.conditions >= 1 && dice.chance(50))
    return std::string(dice.word({"CT --notrack", "NOTRACK", "CT --notrack", "CT --notrack --ctevents new,destroy"}));
  // Few zones, so that connections meet in them; those from the mark are 0 where nothing marks.
  std::string out = cat({"CT", dice.word({"", "", " --zone 1", " --zone 2", " --zone 65535", " --zone-orig 1",
                                          " --zone-orig 1", " --zone-reply 1", " --zone-reply 2", " --zone mark",
                                          " --zone-orig mark", " --zone-reply mark"})});
  if (dice.chance(15))
    out += cat({" --ctevents ", dice.word({"new", "destroy", "new,destroy", "assured,protoinfo", "reply,mark",
                                           "new,related,destroy,reply,assured,protoinfo,helper,mark,natseqinfo,secmark",
                                           "natseqinfo,secmark", "protoinfo"})});
  if (dice.chance(5)) out += " --expevents new";
  const std::string_view policy = timeout_policy_for(rule.plan, rule.protocol);
  if (!policy.empty() && dice.chance(70)) out += cat({" --timeout ", policy});
  return out;
}

std::string connmark(RuleDraft& rule) {
  Dice& dice = rule.dice;
  std::string out =
      cat({"CONNMARK ",
           dice.word({"--set-xmark 0x1/0x1", "--set-mark 2", "--set-mark 0x10/0xf0", "--and-mark 0xf", "--or-mark 0x10",
                      "--xor-mark 0x3", "--set-mark 0x0", "--save-mark", "--save-mark", "--restore-mark",
                      "--restore-mark", "--save-mark --nfmask 0xff --ctmask 0xff00", "--save-mark --mask 0xf",
                      "--restore-mark --nfmask 0xff --ctmask 0xff", "--restore-mark --mask 1"})});
  if (dice.chance(15))
    out += cat({dice.word({" --left-shift-mark ", " --right-shift-mark "}), dice.word({"1", "8", "31"})});
  return out;
}

// An address or a range to translate the source to. Precondition: links.
std::string source_address(RuleDraft& rule) {
  Dice& dice = rule.dice;
  const PlannedLink& link = dice.one(rule.plan.links);
  const uint32_t kind = dice.below(100);
  if (kind < 45) return format_ipv4(dice.one(rule.plan.lab.own_addresses));
  if (kind < 80 && !link.pool.empty()) {
    const std::string low = format_ipv4(link.pool.front());
    return dice.chance(40) ? low : cat({low, "-", format_ipv4(link.pool[link.pool.size() - 1 - dice.below(2)])});
  }
  return std::string(dice.word({"203.0.113.7", "203.0.113.16-203.0.113.18", "203.0.113.20-203.0.113.23"}));
}

// Options by the names there are. With `-m tos` in the rule iptables finds the short one ambiguous.
std::string_view to_option(RuleDraft& rule, std::string_view name, std::string_view other_name) {
  const uint32_t kind = rule.dice.below(8);
  if (kind == 0 && rule.match.find("--tos") == std::string::npos) return " --to ";
  return kind <= 2 ? other_name : name;
}

// ICMP's ports are its ids.
bool takes_ports(RuleDraft& rule) { return rule.has_ports() || (rule.protocol == "icmp" && rule.dice.chance(30)); }

std::string snat(RuleDraft& rule) {
  Dice& dice = rule.dice;
  const bool ports = takes_ports(rule) && dice.chance(30);
  std::string out = cat({"SNAT", to_option(rule, " --to-source ", " --to-source ")});
  if (!ports || !dice.chance(15)) out += source_address(rule);
  if (ports)
    out +=
        cat({":", dice.word({"5000", "40", "30000-30001", "1024-65535", "600-603", "2000-2003", "61000-61100/61050"})});
  if (dice.chance(12)) out += cat({" ", dice.word({"--random", "--random-fully", "--random --random-fully"})});
  if (dice.chance(15)) out += " --persistent";
  return out;
}

std::string masquerade(RuleDraft& rule) {
  Dice& dice = rule.dice;
  std::string out = "MASQUERADE";
  if (takes_ports(rule) && dice.chance(25))
    out += cat({to_option(rule, " --to-ports ", " --to-port "),
                dice.word({"5000", "333", "30000-30002", "1024-65535", "600-700"})});
  if (dice.chance(12)) out += cat({" ", dice.word({"--random", "--random-fully"})});
  return out;
}

// Where connections are led to: stations, the machine itself, pools of servers, nowhere.
std::string destination_address(RuleDraft& rule) {
  Dice& dice = rule.dice;
  const PlannedLink& link = dice.one(rule.plan.links);
  const uint32_t kind = dice.below(100);
  if (kind < 62) return format_ipv4(dice.one(rule.plan.lab.stations).address);
  if (kind < 74) return format_ipv4(dice.one(rule.plan.lab.own_addresses));
  if (kind < 80) return std::string(dice.word({"127.0.0.1", "127.0.0.53"}));
  // .2 to .4 of the subnet: stations.
  if (kind < 92 && !link.pool.empty()) {
    const uint32_t network = link.subnet.address.host();
    return cat({format_ipv4(be32(network + 2)), "-", format_ipv4(be32(network + 4))});
  }
  return link.pool.empty() ? "10.240.0.5" : format_ipv4(link.pool[1]);
}

// Not everything is to go to one place: what leads away speaks of a destination, mostly.
void narrow_destination(RuleDraft& rule) {
  const bool narrow = rule.match.find("-d ") != std::string::npos || rule.match.find("dport") != std::string::npos;
  if (narrow || rule.dice.chance(10)) return;
  rule.add("-d " + format_ipv4(rule.dice.one(rule.plan.lab.service_addresses)));
  ++rule.conditions;
}

std::string dnat(RuleDraft& rule) {
  Dice& dice = rule.dice;
  narrow_destination(rule);
  const bool ports = takes_ports(rule) && dice.chance(50);
  std::string out = cat({"DNAT", to_option(rule, " --to-destination ", " --to-dest ")});
  if (!ports || !dice.chance(20)) out += destination_address(rule);
  if (ports)
    out += cat({":", dice.chance(50) ? some_port(rule)
                                     : std::string(dice.word({"80-90", "1000-1010", "2000-2100/53", "100-20000/1",
                                                              "7000-7001", "8080-8083/80"}))});
  if (dice.chance(10)) out += " --random";
  if (dice.chance(12)) out += " --persistent";
  return out;
}

std::string redirect(RuleDraft& rule) {
  Dice& dice = rule.dice;
  narrow_destination(rule);
  std::string out = "REDIRECT";
  if (takes_ports(rule) && dice.chance(60))
    out += cat({to_option(rule, " --to-ports ", " --to-port "),
                dice.chance(60) ? some_port(rule) : std::string(dice.word({"100-105", "7000-7001", "1024-65535"}))});
  if (dice.chance(10)) out += " --random";
  return out;
}

std::string netmap(RuleDraft& rule) {
  Dice& dice = rule.dice;
  if (!rule.reached_only_from(kIn | kPost)) narrow_destination(rule);
  Prefix4 to = dice.one(rule.plan.networks);
  if (dice.chance(25)) to = {ip4(203, 0, 113, 0), 24};
  if (to.length < 29 && dice.chance(30)) to.length = static_cast<uint8_t>(to.length + 3);
  rule.plan.serve(be32(to.address.host() + 2));
  return "NETMAP --to " + prefix_text(to);
}

struct Target {
  Maker make;
  uint32_t weight;
  std::string_view table;  // empty: any
  uint8_t hooks = 0xff;    // the chain must be reached from these only
};
constexpr Target kTargets[] = {
    {verdict_accept, 6, ""},
    {nothing, 4, ""},
    {log, 3, ""},
    {mark, 5, "raw"},
    {mark, 14, "mangle"},
    {mark, 3, "nat"},
    {mark, 3, "filter"},
    {mark, 3, "security"},
    {ct, 14, "raw"},
    {connmark, 12, "mangle"},
    {connmark, 2, "raw"},
    {connmark, 3, "nat"},
    {connmark, 3, "filter"},
    {connmark, 2, "security"},
    {verdict_drop, 3, "raw"},
    {verdict_drop, 2, "mangle"},
    {verdict_drop, 7, "filter"},
    {verdict_drop, 3, "security"},
    {dscp, 5, "mangle"},
    {tos, 5, "mangle"},
    {ttl, 5, "mangle"},
    {ecn, 5, "mangle"},
    {reject, 10, "filter", kIn | kFwd | kOut},
    {snat, 20, "nat", kPost},
    {snat, 20, "nat", kIn},
    {masquerade, 16, "nat", kPost},
    {dnat, 30, "nat", kPre | kOut},
    {redirect, 8, "nat", kPre | kOut},
    {netmap, 4, "nat"},
};

}  // namespace

std::string draft_target(RuleDraft& rule) {
  const auto usable = [&](const Target& t) {
    return (t.table.empty() || t.table == rule.table) && rule.reached_only_from(t.hooks);
  };
  uint32_t total = 0;
  for (const Target& t : kTargets)
    if (usable(t)) total += t.weight;
  uint32_t at = rule.dice.below(total);
  for (const Target& t : kTargets) {
    if (!usable(t)) continue;
    if (at < t.weight) {
      const std::string text = t.make(rule);
      return text.empty() ? text : " -j " + text;
    }
    at -= t.weight;
  }
  return {};
}

}  // namespace nf::difftest
