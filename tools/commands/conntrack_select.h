// Whether a connection is one of those a command line is about. twin: nfct_filter of conntrack-tools, nfct_cmp of
// libnetfilter_conntrack, ctnetlink_filter_match
#pragma once

#include "conntrack/connection.h"
#include "tools/commands/conntrack_request.h"

namespace nf {

// Of -L, -D, -G, -E.
bool selects(const CtRequest& request, const ct::Connection& c, Time now);
// What the kernel itself filters a dump of -L by, besides.
bool kernel_selects(const CtRequest& request, const ct::Connection& c);
// Of -U, which changes what other commands compare.
bool selects_for_update(const CtRequest& request, const ct::Connection& c);

}  // namespace nf
