// What the texts of connections and of expectations have in common.
#pragma once

#include <string>

#include "conntrack/tuple.h"

namespace nf::ct {

// "sport=1 dport=2 ", "type=8 code=0 id=1 ", "srckey=0x0 dstkey=0x1 ", or nothing. twin: __snprintf_proto
std::string format_ids(const Tuple& t, uint8_t protocol);

}  // namespace nf::ct
