// Random timeout policies, one of each kind at most, for CT --timeout to name.
#include <array>

#include "tools/difftest/lab/lab_plan.h"

namespace nf::difftest {
namespace {

struct Kind {
  std::string_view rule;    // what a rule says behind -p
  std::string_view policy;  // what nfct says
  std::string_view name;    // four letters at most: the kernel shows no more of it
  std::array<std::string_view, 11> states;
};
constexpr Kind kKinds[] = {
    {"tcp",
     "tcp",
     "ptcp",
     {"syn_sent", "syn_recv", "established", "fin_wait", "close_wait", "last_ack", "time_wait", "close", "syn_sent2",
      "retrans", "unacknowledged"}},
    {"udp", "udp", "pudp", {"unreplied", "replied"}},
    {"udplite", "udplite", "plit", {"unreplied", "replied"}},
    {"icmp", "icmp", "icm", {"timeout"}},
    {"47", "gre", "pgre", {"unreplied", "replied"}},
    {"132", "sctp", "sctp", {"closed", "cookie_wait", "cookie_echoed", "established", "shutdown_sent"}},
    {"50", "generic", "gen", {"timeout"}},
};

}  // namespace

void plan_timeouts(Dice& dice, LabPlan& plan) {
  if (!dice.chance(40)) return;
  for (const Kind& kind : kKinds) {
    if (!dice.chance(60)) continue;
    std::string line = cat({"nfct add timeout ", kind.name, " inet ", kind.policy});
    bool named = false;
    for (const std::string_view state : kind.states) {
      if (state.empty() || (named && !dice.chance(40))) continue;
      line += cat({" ", state, " ", dice.word({"15", "47", "210", "3100", "86000"})});
      named = true;
    }
    plan.lab.timeouts.push_back(std::move(line));
  }
}

std::string_view timeout_policy_for(const LabPlan& plan, std::string_view protocol) {
  for (const Kind& kind : kKinds) {
    if (kind.rule != protocol) continue;
    for (const std::string& line : plan.lab.timeouts)
      if (line.find(cat({" ", kind.name, " "})) != std::string::npos) return kind.name;
  }
  return {};
}

}  // namespace nf::difftest
