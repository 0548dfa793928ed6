// Connections as text, byte for byte as conntrack-tools 1.4.7 print them.
#pragma once

#include <string>

#include "conntrack/conntrack.h"
#include "conntrack/text/label_map.h"

namespace nf::ct {

struct FormatOptions {
  bool extended = false;  // -o extended: "ipv4     2 " in front
  bool id = false;        // -o id: " id=582639855" at the end
  // " labels=3,20" at the end, by their numbers, when there are any: for comparing; conntrack(8) prints names only.
  bool label_numbers = false;
  bool kernel_times = false;         // -o ktimestamp: " [start=Sat Nov 21 16:30:45 2026]", local
  const LabelMap* labels = nullptr;  // -o labels: " labels=web,last" at the end, of those that have a name
  unsigned extra_use = 0;            // references of who looks
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
