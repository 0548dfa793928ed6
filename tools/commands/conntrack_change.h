// -I, -A, -U, -D and -G on a running gateway's table, and their `expect` forms.
// twin: do_command_ct and the callbacks of conntrack.c, conntrack-tools 1.4.7
#pragma once

#include "tools/commands/commands.h"
#include "tools/commands/conntrack_request.h"

namespace nf {

// The connection that a template describes: a direction that was not given is the inverse of the other. nullopt: it
// has none.
std::optional<ct::EntryState> wanted_entry(const CtRequest& request);

CommandReply conntrack_create(Gateway& gateway, const CtRequest& request, Time now);
CommandReply conntrack_update(Gateway& gateway, const CtRequest& request, Time now);
CommandReply conntrack_delete(Gateway& gateway, const CtRequest& request, Time now);
CommandReply conntrack_get(Gateway& gateway, const CtRequest& request, Time now);

// -L, -E and -C are where the tables' are.
CommandReply expect_create(Gateway& gateway, const CtRequest& request, Time now);
CommandReply expect_delete(Gateway& gateway, const CtRequest& request, Time now);
CommandReply expect_get(Gateway& gateway, const CtRequest& request, Time now);

// "Operation failed: such conntrack doesn't exist", with the words the program has for it. twin: err2str
std::string failure_text(int error, CtCommand command);

}  // namespace nf
