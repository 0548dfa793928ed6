// `conntrack` on a running gateway: every command and option of conntrack(8) 1.4.7, and -o json and -o procfs.
#pragma once

#include "tools/commands/commands.h"

namespace nf {

// `-R FILE` ends in the file's name for errors and its text (control::file_word).
CommandReply conntrack_command(Gateway& gateway, const std::vector<std::string>& words, Time now);

}  // namespace nf
