#include "tools/backend/path_sink.h"

#include <algorithm>

#include "datapath/base/text.h"
#include "datapath/hook/device.h"

namespace nf {

void PathSink::event(const Packet& p, const trace::Event& e) {
  auto open = std::find_if(open_.begin(), open_.end(), [&](const auto& o) { return o.first == &p; });
  const auto* sent = std::get_if<trace::Sent>(&e);
  const bool leaves = sent != nullptr && sent->device->kind != DeviceKind::kLoopback;
  if (leaves || std::holds_alternative<trace::Dropped>(e) || std::holds_alternative<trace::Delivered>(e)) {
    if (open != open_.end()) open_.erase(open);
    return;
  }
  // A rule is told when its target has run; what that made the host send stands behind the packet all the same.
  if (open == open_.end()) {
    open = open_.emplace(open_.end(), &p, paths_.size());
    paths_.emplace_back();
  }
  const auto add = [&](std::string_view table, std::string_view chain, const std::string& what) {
    ((paths_[open->second].emplace_back(table) += ':') += chain) += what;
  };
  if (const auto* rule = std::get_if<trace::RuleMatched>(&e)) {
    const bool end_of_chain = rule->target.empty() && rule->verdict == trace::RuleVerdict::kReturn;
    if (!end_of_chain) add(rule->table, rule->chain, strf(":rule:%u", rule->number));
  } else if (const auto* policy = std::get_if<trace::PolicyReached>(&e)) {
    add(policy->table, policy->chain, ":policy");
  }
}

std::vector<RulePath> PathSink::take() {
  open_.clear();
  std::erase_if(paths_, [](const RulePath& path) { return path.empty(); });
  return std::exchange(paths_, {});
}

}  // namespace nf
