#include "conntrack/timeout_policy.h"

#include "datapath/packet/headers.h"

namespace nf::ct {

namespace {
constexpr uint8_t kIcmpv6 = 58;
}

uint8_t policy_protocol(uint8_t protocol) {
  switch (protocol) {
    case kProtoTcp:
    case kProtoUdp:
    case kProtoUdplite:
    case kProtoIcmp:
    case kIcmpv6:
    case kProtoGre:
    case kProtoSctp:
      return protocol;
    default:
      return kGenericPolicy;
  }
}

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
