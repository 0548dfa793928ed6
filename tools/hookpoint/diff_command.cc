#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

#include "datapath/base/text.h"
#include "tools/hookpoint/command.h"
#include "tools/labdiff/diff.h"

namespace nf::cli {
namespace {

// Below that two stories beside each other are mostly line ends.
constexpr uint64_t kWide = 120;

// Of standard output; 0: no terminal, or a narrow one. COLUMNS says it where there is none.
size_t wide_columns() {
  winsize size{};
  uint64_t columns = 0;
  if (const char* said = std::getenv("COLUMNS"); said != nullptr)
    columns = parse_number(said, 1000).value_or(0);
  else if (isatty(STDOUT_FILENO) != 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
    columns = size.ws_col;
  return columns >= kWide ? columns : 0;
}

}  // namespace

int diff_command(Arguments args) {
  labdiff::DiffOptions options;
  options.language = words::language_of_locale();
  options.columns = wide_columns();
  options.colour = isatty(STDOUT_FILENO) != 0;
  std::vector<std::string> labs;
  std::string in, language, output, limit, seed;
  while (!args.done()) {
    if (args.option("--in", in)) {
      if (!args.missing().empty()) break;
      if (!add_input(in, options.inputs)) return refuse("diff: --in needs IF=FILE, not \"" + in + "\"");
      continue;
    }
    if (args.option("--filter", options.filter) || args.option("--lang", language) || args.option("-o", output) ||
        args.option("--limit", limit) || args.option("--seed", seed))
      continue;
    if (args.flag("--paths")) {
      options.paths = true;
      continue;
    }
    if (args.flag("--checksum")) {
      options.checksum = true;
      continue;
    }
    if (args.peek().starts_with("-") || labs.size() == 2) return refuse("diff: unexpected \"" + args.peek() + "\"");
    labs.push_back(args.take());
  }
  if (!args.missing().empty()) return refuse("diff: " + args.missing() + " needs an argument");
  if (labs.size() != 2) return refuse("diff: which two labs?");
  if (options.inputs.empty()) return refuse("diff: at least one --in IF=FILE is needed");
  options.lab_a = labs[0];
  options.lab_b = labs[1];
  if (!language.empty()) {
    const auto known = words::language_by_name(language);
    if (!known) return refuse("diff: --lang is en or zh, not \"" + language + "\"");
    options.language = *known;
  }
  if (output == "json")
    options.output = labdiff::Output::kJson;
  else if (!output.empty() && output != "text")
    return refuse("diff: -o is text or json, not \"" + output + "\"");
  if (!limit.empty()) {
    const auto n = parse_number(limit);
    if (!n) return refuse("diff: --limit needs a number");
    options.limit = *n;
  }
  if (!seed.empty()) {
    const auto n = parse_number(seed);
    if (!n) return refuse("diff: --seed needs a number");
    options.seed = *n;
  }
  return labdiff::diff(options);
}

}  // namespace nf::cli
