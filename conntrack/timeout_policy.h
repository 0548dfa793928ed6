// Named sets of timeouts that rules give to connections (CT --timeout), as `nfct add timeout` makes them.
// twin: net/netfilter/nfnetlink_cttimeout.c, struct nf_ct_timeout
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/base/result.h"

namespace nf::ct {

inline constexpr uint8_t kGenericPolicy = 255;  // IPPROTO_RAW
// Which policies a protocol may have: its own, or kGenericPolicy. twin: nf_ct_l4proto_find
uint8_t policy_protocol(uint8_t protocol);

// Of one protocol. Seconds, by the state numbers of its tracker (places as in Settings::tcp_timeout, sctp_timeout; UDP,
// UDP-Lite and GRE: unreplied, replied; ICMP and generic: one). What was not named has the sysctl's value of when it
// was made.
struct TimeoutPolicy {
  std::string name;
  uint8_t protocol = 0;  // kGenericPolicy: for any protocol without a tracker of its own
  std::array<int64_t, 14> seconds{};
};

class TimeoutPolicies {
 public:
  // Error: the name is taken.
  Status add(const TimeoutPolicy& policy);
  // null: none. Stays where it is as long as this lives.
  const TimeoutPolicy* find(std::string_view name) const;

 private:
  std::vector<std::unique_ptr<TimeoutPolicy>> policies_;
};

}  // namespace nf::ct
