// Connections in the other forms of conntrack-tools 1.4.7, byte for byte, and as JSON. Each is one line, without the
// newline. stands for: conntrack -o save, -o xml, -o labels
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "conntrack/conntrack.h"
#include "conntrack/entry_state.h"
#include "conntrack/expect_state.h"

namespace nf::ct {

// What an event tells of its connection, which is less than a dump does. twin: ctnetlink_conntrack_event
EntryState told_state(const EventReport& e);

using EventKind = EventReport::Kind;

// "-A -t 99 -u UNSET -s ...", of an event -U or -D. Where 1.4.7's own line would make the connection with another port
// than it had (both halves translated and a port, a port alone, an ICMP id), the wish names it: "-g 10.0.0.9:8080".
std::string format_save(const EntryState& s, EventKind kind);

struct XmlOptions {
  std::optional<EventKind> event;
  bool when = false;                // -E -o timestamp: the time of day, local
  bool kernel_times = false;        // -o ktimestamp
  std::optional<Time> stopped;      // of a DESTROY
  std::vector<std::string> labels;  // the names of those it has, where they are to be shown
};
// "<flow><meta direction="original">...</flow>"
std::string format_xml(const EntryState& s, Time now, const XmlOptions& options = {});
// twin: __snprintf_expect_xml
std::string format_xml(const ExpectState& e, Time now, std::optional<EventKind> event = {}, bool when = false);

// One flat object: docs/state.md names its members.
std::string format_json(const EntryState& s, std::optional<EventKind> event = {});
std::string format_json(const ExpectState& e, std::optional<EventKind> event = {});

// Text for XML's content: & < > " as entities.
std::string xml_text(std::string_view text);

// "tcp", "unknown". twin: __proto2str
const char* protocol_name(uint8_t protocol);

}  // namespace nf::ct
