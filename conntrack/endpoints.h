// A tuple as trace events show it.
#pragma once

#include <string>

#include "conntrack/tuple.h"
#include "datapath/trace/endpoints_text.h"
#include "datapath/trace/event.h"

namespace nf::ct {

inline trace::Endpoints endpoints(const Tuple& t) {
  return {t.source, t.destination, t.source_id.host(), t.destination_id.host(), t.protocol};
}

// "192.168.66.1:39002 > 192.168.66.100:80"
inline std::string tuple_text(const Tuple& t) { return trace::endpoints_text(endpoints(t)); }

}  // namespace nf::ct
