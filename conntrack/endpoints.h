// A tuple as trace events show it.
#pragma once

#include "conntrack/tuple.h"
#include "datapath/trace/event.h"

namespace nf::ct {

inline trace::Endpoints endpoints(const Tuple& t) {
  return {t.source, t.destination, t.source_id.host(), t.destination_id.host(), t.protocol};
}

}  // namespace nf::ct
