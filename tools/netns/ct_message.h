// A ctnetlink message as a Connection, so that one formatter writes the kernel's entries and the engine's.
// tools/ctnetlink reads it.
#pragma once

#include <cstdint>

#include "conntrack/conntrack.h"
#include "conntrack/rare_parts.h"
#include "tools/netns/netlink_socket.h"

namespace nf::netns {

// What a message tells. `connection` has no table behind it: only what text shows is set (tuples, status, mark, use,
// id, TCP state, counters, start, helper), `expires` counted from `now`; its `rare` is this message's.
struct CtMessage {
  ct::Connection connection;
  ct::RareParts rare;
  ct::EventReport::Kind kind{};
  uint16_t events = 0;  // EventBit; of an event, those that show: kEventProtoinfo, kEventMark
  Time now = 0;         // when it was said: the end of the connection if it is told, else `now` of decode()

  ct::EventReport report() const { return {kind, connection, events, now}; }
};

// False: not an IPv4 connection.
bool decode(const nlmsghdr& message, Time now, CtMessage& out);

// Somebody of that name, for texts: it helps nobody.
const ct::Helper* helper_named(std::string_view name);

// The tuple as ctnetlink has it, appended to a request as attribute `type`; its zone is an attribute of its own.
void put_tuple(Request& request, int type, const ct::Tuple& tuple);

}  // namespace nf::netns
