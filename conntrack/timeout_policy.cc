#include "conntrack/timeout_policy.h"

namespace nf::ct {

Status TimeoutPolicies::add(const TimeoutPolicy& policy) {
  if (find(policy.name) != nullptr) return error("timeout policy \"" + policy.name + "\" exists already");
  policies_.push_back(std::make_unique<TimeoutPolicy>(policy));
  return {};
}

const TimeoutPolicy* TimeoutPolicies::find(std::string_view name) const {
  for (const std::unique_ptr<TimeoutPolicy>& p : policies_)
    if (p->name == name) return p.get();
  return nullptr;
}

}  // namespace nf::ct
