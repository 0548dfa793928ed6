// Connections as text, byte for byte as conntrack-tools 1.4.7 print them.
#pragma once

#include <string>

#include "conntrack/conntrack.h"

namespace nf::ct {

struct FormatOptions {
  bool extended = false;  // -o extended: "ipv4     2 " in front
  bool id = false;        // -o id: " id=582639855" at the end
};

// A line of `conntrack -L`, without the newline.
std::string format_entry(const Connection& c, Time now, const FormatOptions& options = {});
// A line of `conntrack -E`, without the newline; with `timestamp` as -o timestamp prints it.
std::string format_event(const EventReport& e, bool timestamp, const FormatOptions& options = {});
// The line(s) of `conntrack -S`, for one cpu.
std::string format_stats(const Stats& s);
// A line of /proc/net/nf_conntrack.
std::string format_proc(const Connection& c, Time now);

}  // namespace nf::ct
