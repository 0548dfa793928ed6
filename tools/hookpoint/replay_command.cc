#include "datapath/base/text.h"
#include "tools/hookpoint/command.h"
#include "tools/replay/replay.h"

namespace nf::cli {

int replay_command(Arguments args) {
  nf::ReplayOptions options;
  std::string seed, in;
  while (!args.done()) {
    if (args.option("--in", in)) {
      if (!args.missing().empty()) break;
      if (!add_input(in, options.inputs)) return refuse("replay: --in needs IF=FILE, not \"" + in + "\"");
      continue;
    }
    if (args.option("--out", options.out) || args.option("--seed", seed)) continue;
    if (args.flag("--checksum")) {
      options.checksum = true;
      continue;
    }
    if (args.flag("--trace")) {
      options.trace = true;
      continue;
    }
    if (args.peek().starts_with("-") || !options.lab.empty())
      return refuse("replay: unexpected \"" + args.peek() + "\"");
    options.lab = args.take();
  }
  if (!args.missing().empty()) return refuse("replay: " + args.missing() + " needs an argument");
  if (options.lab.empty()) return refuse("replay: which lab?");
  if (options.inputs.empty()) return refuse("replay: at least one --in IF=FILE is needed");
  if (options.out.empty()) return refuse("replay: --out DIR is needed");
  if (!seed.empty()) {
    const auto n = nf::parse_number(seed);
    if (!n) return refuse("replay: --seed needs a number");
    options.seed = *n;
  }
  return nf::replay(options);
}

}  // namespace nf::cli
