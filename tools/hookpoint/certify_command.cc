#include "datapath/base/text.h"
#include "tools/difftest/certify.h"
#include "tools/hookpoint/command.h"

namespace nf::cli {

int certify_command(Arguments args) {
  nf::difftest::CertifyOptions options;
  std::string seed, labs, packets, seconds, jobs, in, sysctl;
  while (!args.done()) {
    if (args.option("--in", in)) {
      if (!args.missing().empty()) break;
      if (!add_input(in, options.inputs)) return refuse("certify: --in needs IF=FILE, not \"" + in + "\"");
      continue;
    }
    // Makes the engine a wrong one; for tests of certify itself, so not in the usage.
    if (args.option("--engine-sysctl", sysctl)) {
      options.engine_sysctl.push_back(sysctl);
      continue;
    }
    if (args.option("--seed", seed) || args.option("--labs", labs) || args.option("--packets", packets) ||
        args.option("--seconds", seconds) || args.option("--jobs", jobs) || args.option("--known", options.known) ||
        args.option("--out", options.out))
      continue;
    if (args.flag("--no-shrink")) {
      options.shrink = false;
      continue;
    }
    if (args.flag("--no-paths")) {
      options.paths = false;
      continue;
    }
    if (args.peek().starts_with("-") || !options.lab.empty())
      return refuse("certify: unexpected \"" + args.peek() + "\"");
    options.lab = args.take();
  }
  if (!args.missing().empty()) return refuse("certify: " + args.missing() + " needs an argument");
  if (options.lab.empty() != options.inputs.empty())
    return refuse("certify: a lab needs a capture and a capture a lab (LAB --in IF=FILE)");
  const auto number = [](const std::string& word, const char* name, uint64_t min, uint64_t max, auto set) {
    if (word.empty()) return 0;
    const auto n = nf::parse_number(word, max);
    if (!n || *n < min) return refuse(std::string("certify: ") + name + " needs a number from " + std::to_string(min));
    set(*n);
    return 0;
  };
  constexpr uint64_t kMany = 1'000'000'000'000;
  if (int code = number(seed, "--seed", 0, kMany, [&](uint64_t n) { options.seed = n; }); code != 0) return code;
  if (int code = number(labs, "--labs", 1, kMany, [&](uint64_t n) { options.labs = n; }); code != 0) return code;
  if (int code = number(packets, "--packets", 1, 60'000, [&](uint64_t n) { options.packets = n; }); code != 0)
    return code;
  if (int code = number(seconds, "--seconds", 1, 1'000'000, [&](uint64_t n) { options.seconds = n; }); code != 0)
    return code;
  const auto set_jobs = [&](uint64_t n) { options.jobs = static_cast<unsigned>(n); };
  if (int code = number(jobs, "--jobs", 1, 1024, set_jobs); code != 0) return code;
  return nf::difftest::certify(options);
}

}  // namespace nf::cli
