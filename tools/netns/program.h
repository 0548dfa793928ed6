// Runs a program of the machine to its end: input in, output and exit status back. Nothing is left running.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "datapath/base/result.h"

namespace nf::netns {

struct ProgramResult {
  int status = 0;  // exit status; 128 + N: ended by signal N
  std::string output, errors;
};

// `arguments[0]` is looked up in PATH and the system's folders. An error: it cannot be started.
Result<ProgramResult> run_program(const std::vector<std::string>& arguments, std::string_view input = {});

}  // namespace nf::netns
