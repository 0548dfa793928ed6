// A new timeout for a connection, without a packet being counted. twin: nf_ct_refresh
#pragma once

#include "conntrack/connection.h"

namespace nf::ct {

inline void refresh(Connection& c, int64_t seconds, Time now) {
  if ((c.status & kFixedTimeout) == 0) c.expires = seconds * kSecond + (c.confirmed() ? now : 0);
}

}  // namespace nf::ct
