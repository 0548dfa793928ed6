// Connections and expectations as messages of the kernel's conntrack subsystem, both ways.
// twin: ctnetlink_fill_info, ctnetlink_exp_dump_expect, net/netfilter/nf_conntrack_netlink.c, and what reads them there
#pragma once

#include <linux/netlink.h>

#include <cstdint>

#include "conntrack/entry_state.h"
#include "conntrack/expect_state.h"

struct nl_msg;

namespace nf::ctnetlink {

// Which attributes an event had that show in its text.
struct Told {
  bool protoinfo = false, mark = false, labels = false, helper = false;
  bool stopped = false;  // with the time of its end
  Time stop = 0;
};

// Of an IPv4 connection, dumped or told as an event; false: it is none.
bool read_entry(const nlmsghdr& message, ct::EntryState& out, Told* told = nullptr);
// Appends everything that can be taken. False: out of room.
bool put_entry(nl_msg* message, const ct::EntryState& state);
// What names a connection: its original tuple and zones.
bool put_key(nl_msg* message, const ct::Tuple& original, uint16_t reply_zone);

bool read_expectation(const nlmsghdr& message, ct::ExpectState& out);
bool put_expectation(nl_msg* message, const ct::ExpectState& state);

}  // namespace nf::ctnetlink
