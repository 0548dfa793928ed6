#include "datapath/base/text.h"
#include "tools/daemon/run.h"
#include "tools/hookpoint/command.h"

namespace nf::cli {

int run_command(Arguments args) {
  nf::RunOptions options;
  std::string seed;
  while (!args.done()) {
    if (args.option("--control", options.control) || args.option("--host-tun", options.host_tun) ||
        args.option("--trace", options.trace) || args.option("--trace-form", options.trace_form) ||
        args.option("--log", options.log) || args.option("--seed", seed))
      continue;
    if (args.flag("--standby")) {
      options.standby = true;
      continue;
    }
    if (args.peek().starts_with("-") || !options.lab.empty()) return refuse("run: unexpected \"" + args.peek() + "\"");
    options.lab = args.take();
  }
  if (!args.missing().empty()) return refuse("run: " + args.missing() + " needs an argument");
  if (options.trace_form != "text" && options.trace_form != "json")
    return refuse("run: --trace-form is text or json, not \"" + options.trace_form + "\"");
  if (options.lab.empty()) return refuse("run: which lab?");
  if (!seed.empty()) {
    const auto n = nf::parse_number(seed);
    if (!n || *n == 0) return refuse("run: --seed needs a number from 1");
    options.seed = *n;
  }
  return nf::run_gateway(options);
}

}  // namespace nf::cli
