// Plays one scenario on one backend.
#pragma once

#include <string>

#include "tools/backend/backend.h"
#include "tools/scenario/scenario.h"

namespace nf::scenario {

struct Outcome {
  ExitCode code = ExitCode::kOk;  // kNotModelled: not for this backend, `text` is the reason
  std::string text;               // of a failure everything there is to say, ready to print
};

struct PlayOptions {
  bool trace = false;  // a failure shows the packet's way
  uint64_t seed = 1;
};

// Why a backend of this name does not play the scenario; empty: it does.
std::string not_for(const Scenario& scenario, std::string_view backend);

// `backend` is fresh. Stops at the first failure.
Outcome play(const Scenario& scenario, Backend& backend, const PlayOptions& options);

}  // namespace nf::scenario
