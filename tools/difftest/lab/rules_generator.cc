// The ruleset of a lab: tables, chains and who calls whom; what stands in a rule is rule_parts.h's.
#include <algorithm>

#include "tools/difftest/lab/rule_parts.h"

namespace nf::difftest {
namespace {

struct BuiltIn {
  std::string_view name;
  uint8_t hook;
};
struct TableShape {
  std::string_view name;
  uint32_t percent;  // of the labs that have it
  std::vector<BuiltIn> chains;
};

struct UserChain {
  std::string name;
  uint8_t hooks;  // may be reached from
  bool called = false;
};

class RulesPlanner {
 public:
  RulesPlanner(Dice& dice, LabPlan& plan) : dice_(dice), plan_(plan) {}

  void run() {
    std::vector<TableShape> tables = {
        {"raw", 50, {{"PREROUTING", kPre}, {"OUTPUT", kOut}}},
        {"mangle",
         60,
         {{"PREROUTING", kPre}, {"INPUT", kIn}, {"FORWARD", kFwd}, {"OUTPUT", kOut}, {"POSTROUTING", kPost}}},
        {"nat", 78, {{"PREROUTING", kPre}, {"INPUT", kIn}, {"OUTPUT", kOut}, {"POSTROUTING", kPost}}},
        {"filter", 85, {{"INPUT", kIn}, {"FORWARD", kFwd}, {"OUTPUT", kOut}}},
        {"security", 20, {{"INPUT", kIn}, {"FORWARD", kFwd}, {"OUTPUT", kOut}}},
    };
    // The order of the tables is the order they are loaded in, which shows in what the tools print.
    for (size_t i = tables.size() - 1; i > 0; --i)
      std::swap(tables[i], tables[dice_.below(static_cast<uint32_t>(i + 1))]);
    for (const TableShape& table : tables)
      if (dice_.chance(table.percent)) plan_table(table);
  }

 private:
  void line(std::string text) { plan_.lab.rules.push_back(std::move(text)); }

  void plan_table(const TableShape& table) {
    table_ = table.name;
    line(cat({"*", table_}));
    uint8_t dropping = 0;
    for (const BuiltIn& chain : table.chains) {
      // Behind a prologue that lets through what matters; elsewhere only where few packets pass.
      const bool aside = (chain.hook & (kIn | kOut)) != 0 && table_ != "nat";
      const uint32_t percent = table_ == "filter" ? 6 : aside ? 1 : 0;
      const bool drop = dice_.chance(percent);
      if (drop) dropping |= chain.hook;
      line(cat({":", chain.name, drop ? " DROP" : " ACCEPT", " [0:0]"}));
    }
    plan_user_chains(table);
    for (const UserChain& user : users_) line(cat({":", user.name, " - [0:0]"}));
    for (const BuiltIn& chain : table.chains) {
      if (table_ == "raw") plan_listening(chain);
      if (table_ == "filter") plan_prologue(chain, (dropping & chain.hook) != 0);
      if (table_ == "nat") plan_publishing(chain);
      plan_rules_of(chain.name, chain.hook, true, 0);
    }
    for (size_t i = 0; i < users_.size(); ++i) plan_rules_of(users_[i].name, users_[i].hooks, false, i + 1);
    line("COMMIT");
  }

  // Half of them for one built-in chain, so that everything that is valid there may stand in them.
  void plan_user_chains(const TableShape& table) {
    constexpr std::string_view kNames[] = {"web", "in-lan", "u_2", "DOCKER", "log.drop"};
    users_.clear();
    const uint32_t count = dice_.below(5);
    for (uint32_t i = 0; i < count; ++i) {
      uint8_t hooks = 0;
      const uint32_t from = dice_.chance(60) ? 1 : dice_.between(2, 3);
      for (uint32_t n = 0; n < from; ++n) hooks |= dice_.one(table.chains).hook;
      users_.push_back({std::string(kNames[i]), hooks});
    }
  }

  void rule(std::string_view chain, std::string_view text) { line(cat({"-A ", chain, " ", text})); }

  // What most firewalls begin with; and a chain whose policy is DROP lets something through.
  void plan_prologue(const BuiltIn& chain, bool dropping) {
    if (dropping || dice_.chance(30))
      rule(chain.name, dice_.chance(50) ? "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
                                        : "-m state --state RELATED,ESTABLISHED -j ACCEPT");
    if (dice_.chance(12)) rule(chain.name, "-m conntrack --ctstate INVALID -j DROP");
    if (!dropping) return;
    rule(chain.name, "-p icmp -j ACCEPT");
    rule(chain.name, cat({"-p tcp -m tcp --dport ", std::to_string(dice_.one(plan_.lab.service_ports)), " -j ACCEPT"}));
    rule(chain.name, "-p udp -j ACCEPT");
  }

  // Helpers, at the ports they are usually given.
  void plan_listening(const BuiltIn& chain) {
    for (const DialectFacts& d : kDialects) {
      if (!dice_.chance(chain.hook == kPre ? 45 : 20)) continue;
      const uint16_t port = dice_.chance(85) ? d.port : dice_.one(plan_.lab.service_ports);
      const std::string_view protocol = d.protocol == kProtoTcp ? "tcp" : "udp";
      rule(chain.name,
           cat({"-p ", protocol, " -m ", protocol, " --dport ", std::to_string(port), " -j CT --helper ", d.helper}));
      plan_.serve_port(port);
      plan_.lab.listening.push_back({d.dialect, port});
    }
  }

  // What most NAT boxes have: a service published, to the same subnet too (hairpin), and a masqueraded way out.
  void plan_publishing(const BuiltIn& chain) {
    if (chain.hook == kPre && dice_.chance(45)) {
      const Be32 service = dice_.chance(70) ? dice_.one(plan_.lab.own_addresses) : ip4(203, 0, 113, 7);
      const std::string server = format_ipv4(dice_.one(plan_.lab.stations).address);
      plan_.serve(service);
      rule(chain.name, cat({"-d ", format_ipv4(service), "/32 -p ", dice_.word({"tcp", "tcp", "udp"}), " --dport ",
                            std::to_string(dice_.one(plan_.lab.service_ports)), " -j DNAT --to-destination ", server,
                            ":", std::to_string(dice_.one(plan_.lab.service_ports))}));
    }
    if (chain.hook != kPost) return;
    if (dice_.chance(30)) rule(chain.name, cat({"-o ", dice_.one(plan_.links).device, " -j MASQUERADE"}));
    if (dice_.chance(20)) {
      const std::string subnet = prefix_text(dice_.one(plan_.links).subnet);
      rule(chain.name, cat({"-s ", subnet, " -d ", subnet, " -j ", dice_.word({"MASQUERADE", "MASQUERADE --random"})}));
    }
  }

  // A user chain that may be reached from everywhere this one is, and stands behind it: no loops.
  const std::string* callee(uint8_t hooks, size_t first) {
    std::vector<size_t> fitting;
    for (size_t i = first; i < users_.size(); ++i)
      if ((hooks & ~users_[i].hooks) == 0) fitting.push_back(i);
    if (fitting.empty()) return nullptr;
    UserChain& chain = users_[dice_.one(fitting)];
    chain.called = true;
    return &chain.name;
  }

  void plan_rules_of(std::string_view chain, uint8_t hooks, bool built_in, size_t first_callee) {
    const uint32_t count = dice_.word({"0", "1", "2", "3", "4", "6"})[0] - static_cast<uint32_t>('0');
    for (uint32_t i = 0; i < count; ++i) {
      RuleDraft draft{dice_, plan_, table_, hooks, built_in, {}, {}, 0};
      draft_header(draft);
      // A rule that asks for more than three things hardly ever matches.
      const uint32_t matches = draft.conditions >= 3 ? 0 : dice_.below(draft.conditions >= 2 ? 3 : 5) / 2;
      for (uint32_t n = 0; n < matches; ++n) draft_match(draft);
      std::string target;
      const std::string* user = dice_.chance(28) ? callee(hooks, first_callee) : nullptr;
      if (user != nullptr)
        target = cat({dice_.chance(75) ? " -j " : " -g ", *user});
      else if (dice_.chance(6))
        target = " -j RETURN";
      else
        target = draft_target(draft);
      std::string text = cat({"-A ", chain});
      if (!draft.match.empty()) text += ' ' + draft.match;
      line(text + target);
    }
  }

  Dice& dice_;
  LabPlan& plan_;
  std::string_view table_;
  std::vector<UserChain> users_;
};

}  // namespace

void plan_rules(Dice& dice, LabPlan& plan) { RulesPlanner(dice, plan).run(); }

}  // namespace nf::difftest
