// Whether a rule's conditions hold for a packet that never came to it: the rule without its target is asked by the
// side, in a table no packet goes through, at the hooks a packet does come to.
//
// The answer is that of the engine's own matches on a copy of the packet. Rules that remember (limit, recent, ...) are
// not asked: it would change them.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "datapath/trace/event.h"
#include "tools/gateway/gateway.h"

namespace nf::explain {

class RuleProbe {
 public:
  // `rule`: its text behind "-A CHAIN ". The gateway is configured, and outlives this.
  RuleProbe(Gateway& gateway, const std::string& table, const std::string& rule);
  ~RuleProbe();

  // An event of the packet asked about. Its state counts when it comes to a hook, and at the events of the rule's table
  // there, for what stands before that table may change it.
  void look(const Packet& p, const trace::Event& e);
  // Of the packet looked at: it fits somewhere, fits nowhere, nothing is known.
  std::optional<bool> fits() const { return fits_; }
  void forget();

 private:
  class Hit;
  void ask(const Packet& p);

  Gateway& gateway_;
  std::string table_, conditions_;
  bool askable_;
  std::array<std::unique_ptr<ipt::Iptables>, kHookPoints> rules_;
  std::array<bool, kHookPoints> tried_{};
  bool in_hook_ = false, in_table_ = false;
  trace::HookEntered at_{};
  std::optional<bool> fits_;
};

// The conditions of a rule's text: what stands before -j or -g.
std::string_view conditions_of(std::string_view rule);

}  // namespace nf::explain
