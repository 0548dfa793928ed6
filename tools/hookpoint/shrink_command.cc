#include "tools/shrink/shrink.h"

#include "datapath/base/text.h"
#include "tools/hookpoint/command.h"

namespace nf::cli {

int shrink_command(Arguments args) {
  shrink::ShrinkOptions options;
  options.language = words::language_of_locale();
  std::string in, language, runs;
  while (!args.done()) {
    if (args.option("--in", in)) {
      if (!args.missing().empty()) break;
      if (!add_input(in, options.inputs)) return refuse("shrink: --in needs IF=FILE, not \"" + in + "\"");
      continue;
    }
    if (args.option("--until", options.until) || args.option("--out", options.out) || args.option("--lang", language) ||
        args.option("--runs", runs))
      continue;
    if (args.flag("--checksum")) {
      options.checksum = true;
      continue;
    }
    if (args.peek().starts_with("-") || !options.lab.empty())
      return refuse("shrink: unexpected \"" + args.peek() + "\"");
    options.lab = args.take();
  }
  if (!args.missing().empty()) return refuse("shrink: " + args.missing() + " needs an argument");
  if (options.lab.empty()) return refuse("shrink: which lab?");
  if (options.inputs.empty()) return refuse("shrink: at least one --in IF=FILE is needed");
  if (options.until.empty()) return refuse("shrink: --until CONDITION is needed");
  if (!language.empty()) {
    const auto known = words::language_by_name(language);
    if (!known) return refuse("shrink: --lang is en or zh, not \"" + language + "\"");
    options.language = *known;
  }
  if (!runs.empty()) {
    const auto n = parse_number(runs);
    if (!n || *n == 0) return refuse("shrink: --runs needs a number from 1");
    options.max_runs = static_cast<size_t>(*n);
  }
  return shrink::shrink(options);
}

}  // namespace nf::cli
