// The commands a running gateway answers, with the options of the programs people know them from.
//
//   iptables-save [-c] [-t TABLE]
//   iptables [-t TABLE] -L [CHAIN] [-n] [-v] [-x] [--line-numbers] | -S [CHAIN] | -Z
//   conntrack -L | -C | -S   [-o extended,id]
//   conntrack -E [-o timestamp,extended,id]     (answered by the control server as a stream)
#pragma once

#include <string>
#include <vector>

#include "conntrack/format.h"
#include "tools/gateway/gateway.h"

namespace nf {

struct CommandReply {
  std::string out, err;
  int exit_code = 0;
  bool follow_events = false;  // conntrack -E: go on with event lines until the client leaves
  bool timestamps = false;
  ct::FormatOptions format;
};

// Answers one command. Errors are in `err` with exit code 2, worded like the real program's where it has words.
CommandReply run_command(Gateway& gateway, const std::vector<std::string>& words, Time now);

}  // namespace nf
