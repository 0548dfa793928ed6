// Random matches: every one the engine knows, with all its options. Values are drawn from the lab and its traffic, so
// that they sometimes match and sometimes do not.
#include "tools/difftest/lab/rule_parts.h"

namespace nf::difftest {
namespace {

using Maker = std::string (*)(RuleDraft&);

std::string addrtype(RuleDraft& rule) {
  Dice& dice = rule.dice;
  const auto types = [&] {
    return dice.word({"LOCAL", "LOCAL", "UNICAST", "BROADCAST", "MULTICAST", "LOCAL,UNICAST", "BLACKHOLE,UNREACHABLE",
                      "PROHIBIT", "UNSPEC", "ANYCAST,THROW"});
  };
  std::string out = cat({"-m addrtype ", dice.inversion()});
  const bool source = dice.chance(40);
  out += cat({source ? "--src-type " : "--dst-type ", types()});
  if (source && dice.chance(30)) out += cat({" ", dice.inversion(), "--dst-type ", types()});
  if (dice.chance(25)) {
    if (rule.reached_only_from(kPre | kIn | kFwd) && dice.chance(60))
      out += " --limit-iface-in";
    else if (rule.reached_only_from(kFwd | kOut | kPost))
      out += " --limit-iface-out";
  }
  return out;
}

std::string comment(RuleDraft& rule) {
  return cat({"-m comment --comment ", rule.dice.word({"\"to the office\"", "plain", "\"a \\\"quoted\\\" word\"",
                                                       "x-y_z", "\"#1; not a comment\""})});
}

std::string dscp(RuleDraft& rule) {
  Dice& dice = rule.dice;
  if (dice.chance(30))
    return cat({"-m dscp ", dice.inversion(), "--dscp-class ", dice.word({"EF", "BE", "AF11", "CS1"})});
  return cat({"-m dscp ", dice.inversion(), "--dscp ", dice.word({"0", "0x02", "46", "10", "0x2e"})});
}

std::string ecn(RuleDraft& rule) {
  Dice& dice = rule.dice;
  if (rule.protocol == "tcp" && dice.chance(65)) {
    std::string out = cat({"-m ecn ", dice.inversion(), dice.word({"--ecn-tcp-cwr", "--ecn-tcp-ece"})});
    if (dice.chance(20)) out += cat({" ", dice.inversion(), "--ecn-ip-ect ", std::to_string(dice.below(4))});
    return out;
  }
  return cat({"-m ecn ", dice.inversion(), "--ecn-ip-ect ", std::to_string(dice.below(4))});
}

std::string length(RuleDraft& rule) {
  Dice& dice = rule.dice;
  return cat({"-m length ", dice.inversion(), "--length ",
              dice.word({"40", "28", "40:60", "0:100", "100:", ":84", "61:1500", "1000:65535"})});
}

// Bursts that last until the case is over: the next credit comes after 12 minutes at the earliest. Not every burst of a
// day's rate can be counted in the kernel's 32 bits.
std::string limit(RuleDraft& rule) {
  return cat({"-m limit ", rule.dice.word({"--limit 1/hour --limit-burst 1", "--limit 1/hour --limit-burst 7",
                                           "--limit 2/hour", "--limit-burst 2", "--limit 5/hour --limit-burst 12",
                                           "--limit 1/hour --limit-burst 37", "--limit 1/day --limit-burst 3",
                                           "--limit 4/day --limit-burst 5", "--limit 1/h --limit-burst 20"})});
}

std::string mac(RuleDraft& rule) {
  if (!rule.reached_only_from(kPre | kIn | kFwd)) return {};
  Dice& dice = rule.dice;
  const uint32_t a = dice.one(rule.plan.lab.stations).address.host();
  return cat({"-m mac ", dice.inversion(),
              strf("--mac-source 02:00:%02X:%02x:%02x:%02x", a >> 24, a >> 16 & 0xff, a >> 8 & 0xff, a & 0xff)});
}

std::string mark(RuleDraft& rule) {
  Dice& dice = rule.dice;
  return cat({"-m mark ", dice.inversion(), "--mark ",
              dice.word({"0x0", "0x1", "1/1", "0x2/0x2", "0x10/0xf0", "3", "0/0xff"})});
}

std::string multiport(RuleDraft& rule) {
  if (!rule.has_ports() && rule.protocol != "udplite" && rule.protocol != "132") return {};
  Dice& dice = rule.dice;
  std::string ports = some_port(rule);
  const uint32_t more = dice.below(4);
  for (uint32_t i = 0; i < more; ++i)
    ports += cat({",", dice.chance(40) ? dice.word({"1000:2000", "1:1023", "1024:65535", "40000:40100"})
                                       : std::string_view(some_port(rule))});
  return cat({"-m multiport ", dice.inversion(),
              dice.word({"--dports ", "--dports ", "--sports ", "--ports ", "--destination-ports ", "--source-ports "}),
              ports});
}

std::string pkttype(RuleDraft& rule) {
  Dice& dice = rule.dice;
  return cat({"-m pkttype ", dice.inversion(), "--pkt-type ",
              dice.word({"unicast", "broadcast", "multicast", "otherhost", "host"})});
}

std::string tos(RuleDraft& rule) {
  Dice& dice = rule.dice;
  return cat({"-m tos ", dice.inversion(), "--tos ",
              dice.word({"0x10/0xff", "0x00/0xff", "8/8", "0x02/0x03", "0x10", "Minimize-Delay", "Normal-Service"})});
}

std::string ttl(RuleDraft& rule) {
  Dice& dice = rule.dice;
  if (dice.chance(50))
    return cat({"-m ttl ", dice.inversion(), dice.word({"--ttl-eq ", "--ttl "}), dice.word({"64", "63", "1", "255"})});
  return cat({"-m ttl ", dice.word({"--ttl-lt 64", "--ttl-gt 63", "--ttl-gt 62", "--ttl-lt 2", "--ttl-lt 255"})});
}

std::string state(RuleDraft& rule) {
  Dice& dice = rule.dice;
  return cat(
      {"-m state ", dice.inversion(), "--state ",
       dice.word({"NEW", "ESTABLISHED", "RELATED,ESTABLISHED", "INVALID", "UNTRACKED", "INVALID,NEW", "RELATED"})});
}

constexpr std::string_view kConntrackOptions[] = {"--ctorigsrc",     "--ctorigdst",     "--ctreplsrc",
                                                  "--ctrepldst",     "--ctorigsrcport", "--ctorigdstport",
                                                  "--ctreplsrcport", "--ctrepldstport", "--ctproto"};

std::string conntrack(RuleDraft& rule) {
  Dice& dice = rule.dice;
  std::string out = "-m conntrack";
  const auto option = [&](std::string_view name, std::string_view value, bool invertible = true) {
    out += cat({" ", invertible ? dice.inversion() : std::string_view(), name, " ", value});
  };
  // Few at a time: the rule has to match now and then. Without a connection only the state is asked.
  const bool state = dice.chance(60);
  if (state)
    option("--ctstate", dice.word({"NEW", "ESTABLISHED", "RELATED,ESTABLISHED", "INVALID", "UNTRACKED", "DNAT", "SNAT",
                                   "NEW,DNAT", "SNAT,INVALID", "RELATED", "SNAT,DNAT", "NEW,UNTRACKED"}));
  const uint32_t others = dice.chance(state ? 60 : 0) ? 0 : dice.between(1, 2);
  uint32_t done = 0;  // a bit each
  for (uint32_t n = 0; n < others; ++n) {
    const uint32_t which = dice.below(std::size(kConntrackOptions) + 3);
    if ((done >> which & 1) != 0) continue;
    done |= 1u << which;
    if (which < 4) {
      std::string address = some_address(rule);
      if (address.find("/255.") != std::string::npos) address = "10.0.0.0/8";  // a mask has to be a length here
      option(kConntrackOptions[which], address);
    } else if (which < 8) {
      option(kConntrackOptions[which],
             dice.chance(70) ? some_port(rule) : std::string(dice.word({"1024:65535", "1:1023"})));
    } else if (which == 8) {
      option("--ctproto", dice.word({"6", "17", "1", "tcp", "udp", "47"}));
    } else if (which == 9) {
      option("--ctstatus", dice.word({"NONE", "EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED", "SEEN_REPLY,ASSURED"}));
    } else if (which == 10) {
      // A second more or less is chance: only ranges whose ends no timeout comes near.
      option("--ctexpire", dice.word({"0", "0:5", "250:1000", "90000:4000000", "1:5000000", "500:80000"}));
    } else {
      option("--ctdir", dice.word({"ORIGINAL", "REPLY"}), false);
    }
  }
  return out == "-m conntrack" ? "-m conntrack --ctstate NEW" : out;
}

std::string helper(RuleDraft& rule) {
  Dice& dice = rule.dice;
  return cat({"-m helper ", dice.inversion(), "--helper ",
              dice.word({"ftp", "ftp-2121", "f", "sip", "irc", "\"\"", "nobody"})});
}

std::string connmark(RuleDraft& rule) {
  Dice& dice = rule.dice;
  return cat({"-m connmark ", dice.inversion(), "--mark ",
              dice.word({"0x0", "0x1", "1/1", "0x2/0x2", "0x10/0xf0", "3", "0x100/0xff00"})});
}

std::string connlabel(RuleDraft& rule) {
  Dice& dice = rule.dice;
  std::string out = cat({"-m connlabel ", dice.inversion(), "--label ", dice.word({"0", "1", "1", "63", "64", "127"})});
  if (dice.chance(60)) out += " --set";
  return out;
}

std::string connbytes(RuleDraft& rule) {
  Dice& dice = rule.dice;
  const std::string_view mode = dice.word({"packets", "bytes", "avgpkt"});
  const std::string_view range = mode == "packets" ? dice.word({"1", "2:3", "0:1", "3:", ":4", "5:5", "0:0"})
                                 : mode == "bytes" ? dice.word({"100", "0:80", "200:4000", "1000:", ":40"})
                                                   : dice.word({"60", "0:50", "40:44", "100:1500", "28:40"});
  return cat({"-m connbytes ", dice.inversion(), "--connbytes ", range, " --connbytes-mode ", mode, " --connbytes-dir ",
              dice.word({"original", "reply", "both"})});
}

struct Match {
  std::string_view name;
  Maker make;
  uint32_t weight;
};
constexpr Match kMatches[] = {
    {"addrtype", addrtype, 6},   {"comment", comment, 3},      {"dscp", dscp, 4},     {"ecn", ecn, 4},
    {"length", length, 5},       {"limit", limit, 3},          {"mac", mac, 4},       {"mark", mark, 7},
    {"multiport", multiport, 8}, {"pkttype", pkttype, 3},      {"tos", tos, 4},       {"ttl", ttl, 4},
    {"state", state, 5},         {"conntrack", conntrack, 18}, {"helper", helper, 3}, {"connmark", connmark, 6},
    {"connlabel", connlabel, 5}, {"connbytes", connbytes, 4},
};

}  // namespace

void draft_match(RuleDraft& rule) {
  uint32_t total = 0;
  for (const Match& m : kMatches) total += m.weight;
  uint32_t at = rule.dice.below(total);
  const Match* match = kMatches;
  for (; at >= match->weight; ++match) at -= match->weight;
  if (rule.match.find(cat({"-m ", match->name, " "})) != std::string::npos) return;
  const std::string text = match->make(rule);
  if (text.empty()) return;
  rule.add(text);
  if (match->name != "comment") ++rule.conditions;
}

}  // namespace nf::difftest
