// `iptables-restore [-c] [-n] [-w [SECONDS]]` on a running gateway. Tables the text names are replaced, the others
// stay; all or nothing. Connections live on: who was translated stays translated, as in the kernel.
#pragma once

#include "tools/commands/commands.h"

namespace nf {

// `words` end in "--", the file's name for errors, and its text (control::file_word).
CommandReply restore_command(Gateway& gateway, const std::vector<std::string>& words);

}  // namespace nf
