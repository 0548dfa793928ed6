// `conntrack -R FILE`: a command a line, as `conntrack -L -o save` writes them. All lines are read before the first is
// carried out. twin: ct_parse_file, conntrack.c of conntrack-tools
#pragma once

#include <string>
#include <vector>

#include "tools/commands/commands.h"

namespace nf {

// `file` names it in errors.
CommandReply conntrack_load(Gateway& gateway, const std::string& file, const std::string& text,
                            const std::string& labels_file, Time now);

// The words of a line; a word may stand in double quotes, where a backslash takes the next character as it is.
// twin: add_param_to_argv
std::vector<std::string> words_of_line(std::string_view line);

}  // namespace nf
