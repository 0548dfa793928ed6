// Expectations as text, byte for byte as conntrack-tools 1.4.7 and the kernel print them.
#pragma once

#include <string>

#include "conntrack/expect.h"

namespace nf::ct {

// A line of `conntrack -L expect`, without the newline.
std::string format_expectation(const Expectation& e, Time now);
// A line of `conntrack -E expect`, without the newline; with `timestamp` as -o timestamp prints it.
std::string format_expect_event(const ExpectReport& r, bool timestamp);
// A line of /proc/net/nf_conntrack_expect.
std::string format_expect_proc(const Expectation& e, Time now);

}  // namespace nf::ct
