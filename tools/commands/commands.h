// The commands a running gateway answers, with the options of the programs people know them from.
//
//   iptables-save [-c] [-t TABLE]
//   iptables [-t TABLE] -L [CHAIN] [-n] [-v] [-x] [--line-numbers] | -S [CHAIN] | -Z [CHAIN [NUMBER]]
//   iptables-restore [-c] [-n]   (with the file's text)
//   sysctl [-w] [-n] [-e] [-q] NAME... | NAME=VALUE... | -a
//   conntrack ...   every command of conntrack(8) 1.4.7 (conntrack_command.h); -E goes on as a stream
// and, answered by ControlServer, `sync` and `handover`.
// Letters may stand together (-nvL), values may be glued on (-tnat, --table=nat), long names may be cut short.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "conntrack/conntrack.h"
#include "conntrack/expect.h"
#include "tools/gateway/gateway.h"

namespace nf {

struct CommandReply {
  std::string out, err;
  int exit_code = 0;
  bool follow_events = false;  // conntrack -E: go on with event lines until the client leaves
  // The lines of an event; an empty text: not asked for, a null function: none of these.
  std::function<std::string(const ct::EventReport&)> event_text;
  std::function<std::string(const ct::ExpectReport&)> expect_text;  // -E expect
};

// Answers one command. Errors are in `err` with exit code 2, worded like the real program's where it has words.
CommandReply run_command(Gateway& gateway, const std::vector<std::string>& words, Time now);

}  // namespace nf
