#include "datapath/base/text.h"
#include "tools/hookpoint/command.h"
#include "tools/scenario/run.h"

namespace nf::cli {

int scenario_command(Arguments args) {
  nf::scenario::RunOptions options;
  std::string jobs;
  while (!args.done()) {
    if (args.option("--backend", options.backend) || args.option("--known", options.known) ||
        args.option("--format", options.format) || args.option("--jobs", jobs))
      continue;
    if (args.flag("-v") || args.flag("--verbose")) {
      options.verbose = true;
      continue;
    }
    if (args.peek().starts_with("-")) return refuse("scenario: unexpected \"" + args.peek() + "\"");
    options.paths.push_back(args.take());
  }
  if (!args.missing().empty()) return refuse("scenario: " + args.missing() + " needs an argument");
  if (options.backend != "memory" && options.backend != "gateway" && options.backend != "kernel")
    return refuse("scenario: --backend is memory, gateway or kernel, not \"" + options.backend + "\"");
  if (options.format != "text" && options.format != "tap" && options.format != "junit")
    return refuse("scenario: --format is text, tap or junit, not \"" + options.format + "\"");
  if (options.paths.empty()) return refuse("scenario: which files?");
  if (!jobs.empty()) {
    const auto n = nf::parse_number(jobs, 1000);
    if (!n || *n == 0) return refuse("scenario: --jobs needs a number from 1");
    options.jobs = static_cast<unsigned>(*n);
  }
  return nf::scenario::run_scenarios(options);
}

}  // namespace nf::cli
