// Moving the connection table between this gateway and the kernel of its network namespace, by ctnetlink.
//
// Everything ctnetlink can say of a connection moves: tuples with zones and NAT, status, seconds left, mark, labels,
// TCP state, flags and window scales, SCTP state and tags, helper, sequence adjustment, master; and expectations. TCP
// windows cannot be said: who takes over learns them from the next packets and stays liberal about them, as the kernel
// does with what it picks up in the middle. Counters and start times begin anew.
// An entry is afterwards in one table only; one that could not be moved stays where it was and is reported, and so is
// whatever of a moved one does not show on the other side.
#pragma once

#include <string>
#include <vector>

#include "datapath/base/result.h"
#include "tools/gateway/gateway.h"

namespace nf {

struct HandoverReport {
  size_t connections = 0, expectations = 0;  // moved
  // Which it is (protocol, tuples) and what is wrong.
  std::vector<std::string> left_behind;  // not moved
  std::vector<std::string> incomplete;   // moved without something
  bool complete() const { return left_behind.empty() && incomplete.empty(); }
  std::string text(const std::string& to) const;  // `to`: "the kernel"
};

// An error: the kernel cannot be asked; nothing has changed.
Result<HandoverReport> hand_over_to_kernel(Gateway& gateway, Time now);
Result<HandoverReport> take_over_from_kernel(Gateway& gateway, Time now);

}  // namespace nf
