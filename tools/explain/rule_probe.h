// Whether a rule's conditions hold for a packet that never came to it: the rule without its target is asked by the
// side, in a table no packet goes through.
//
// The answer is that of the engine's own matches on a copy of the packet. Invariants:
//  1. A rule is asked where it stands: at the hooks its chain is run at, with the packet as it is when its table's turn
//     comes there. Of one hook the last answer counts; of several hooks a yes at any of them.
//  2. A packet that never came to such a hook is taken as it was last when the hook would have come later on its way,
//     and as it came when the hook is on another way.
//  3. Conditions nobody can know are not asked: the device there is none of, the connection before conntrack saw the
//     packet, away from the rule's hook whatever is not in the packet's bytes, and always what remembers (limit,
//     recent,
//     ...), which asking would change. A packet that fails one of the others does not fit; else nothing is known.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "datapath/trace/event.h"
#include "tools/explain/rule_text.h"
#include "tools/gateway/gateway.h"

namespace nf::explain {

// Which of a rule's conditions are asked.
struct Askable {
  bool in = true, out = true;  // -i, -o
  bool connection = true;      // matches that ask conntrack
  bool beyond_bytes = true;    // all matches that ask more than the packet's bytes
};
struct Conditions {
  std::string text;
  bool whole = true;  // none was left out
};
// `conditions`: as conditions_of() has them.
Conditions askable_conditions(std::string_view conditions, const Askable& askable);

// The hooks a rule's chain is run at: its own, of a user chain those of the rules that lead to it.
std::array<bool, kHookPoints> hooks_of(const Rule& rule, const std::vector<Rule>& rules);

class RuleProbe {
 public:
  // `rules`: all there are. The gateway is configured, and outlives this.
  RuleProbe(Gateway& gateway, const Rule& rule, const std::vector<Rule>& rules);
  ~RuleProbe();

  // An event of the packet asked about.
  void look(const Packet& p, const trace::Event& e);
  // Of the packet looked at: it fits, it does not, nothing is known.
  std::optional<bool> fits() const;
  void forget();

 private:
  class Hit;
  enum class Answer : uint8_t { kNone, kNo, kUnknown, kYes };
  void entered(const Packet& p, const trace::HookEntered& e);
  // It came to one of the rule's hooks: what it would be elsewhere does not matter any more.
  bool here() const;
  // At one of the rule's hooks.
  void ask_here(const Packet& p, bool connection);
  // As if it stood at one of the rule's hooks.
  Answer ask_elsewhere(const Packet& p);
  Answer ask(const Packet& p, const Askable& askable);
  ipt::Iptables* rules_for(HookPoint hook, const std::string& conditions);

  Gateway& gateway_;
  std::string table_, conditions_;
  std::array<bool, kHookPoints> hooks_;
  std::map<std::pair<HookPoint, std::string>, std::unique_ptr<ipt::Iptables>> rules_;  // null: not to be had there
  trace::HookEntered at_{};
  bool in_hook_ = false, in_table_ = false, entered_ = false;
  std::array<Answer, kHookPoints> here_{};
  Answer came_{}, last_{};  // elsewhere: as it came, and as it was last
};

// The conditions of a rule's text: what stands before -j or -g.
std::string_view conditions_of(std::string_view rule);

}  // namespace nf::explain
