// A ctnetlink message about an expectation, so that one formatter writes the kernel's and the engine's.
// tools/ctnetlink reads it.
#pragma once

#include "conntrack/expect.h"
#include "tools/netns/ct_message.h"

namespace nf::netns {

// `expectation` belongs to no table; its master, which is this message's, has the original tuple and the helper's name.
struct ExpectMessage {
  ct::Connection master;
  ct::RareParts rare;
  ct::Expectation expectation;
};

// False: not of IPv4.
bool decode(const nlmsghdr& message, Time now, ExpectMessage& out);

}  // namespace nf::netns
