// The commands, a file each: their options, read into the structs of the rooms that do the work. Return the exit code.
#pragma once

#include "tools/hookpoint/arguments.h"

namespace nf::cli {

int run_command(Arguments args);
int replay_command(Arguments args);
int scenario_command(Arguments args);
int certify_command(Arguments args);
int explain_command(Arguments args);
int diff_command(Arguments args);
int shrink_command(Arguments args);
int trace_command(Arguments args);

}  // namespace nf::cli
