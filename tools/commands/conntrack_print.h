// Connections and expectations in the form a command line asks for. A line, without the newline.
#pragma once

#include <string>

#include "conntrack/conntrack.h"
#include "conntrack/expect.h"
#include "tools/commands/conntrack_request.h"

namespace nf {

// `extra_use`: who looks at one entry by its name holds it meanwhile (-G, -U).
std::string print_entry(const CtRequest& request, const ct::Connection& c, Time now, unsigned extra_use = 0);
// -D prints what goes as commands to delete it.
std::string print_deleted(const CtRequest& request, const ct::Connection& c, Time now);
std::string print_event(const CtRequest& request, const ct::EventReport& e);
std::string print_expectation(const CtRequest& request, const ct::Expectation& e, Time now);
std::string print_event(const CtRequest& request, const ct::ExpectReport& r);

// What stands before the first and behind the last: "<?xml ...?>\n<conntrack>\n"; `element`: "conntrack" or "expect".
std::string xml_head(const std::string& element);
std::string xml_foot(const std::string& element);

}  // namespace nf
