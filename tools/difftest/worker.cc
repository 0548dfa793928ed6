#include "tools/difftest/worker.h"

#include <sys/stat.h>
#include <time.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "datapath/base/random.h"
#include "datapath/base/text.h"
#include "tools/difftest/lab/lab_generator.h"
#include "tools/difftest/scenario_writer.h"
#include "tools/difftest/shrink.h"
#include "tools/difftest/traffic/traffic_generator.h"

namespace nf::difftest {
namespace {

// Enough for a case of 500 steps and 50 rules, a few seconds.
constexpr size_t kShrinkRuns = 500;

Case generate(uint64_t seed, uint64_t packets) {
  Random random(seed);
  Case c;
  c.seed = seed;
  c.lab = generate_lab(random);
  generate_traffic(random, packets, c);
  return c;
}

// The path, or what went wrong.
std::string write_scenario(const std::string& folder, uint64_t seed, const std::string& text) {
  if (::mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST)
    return strf("%s: %s", folder.c_str(), std::strerror(errno));
  const std::string path = folder + strf("/seed-%llu.scn", static_cast<unsigned long long>(seed));
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) return strf("%s: %s", path.c_str(), std::strerror(errno));
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (std::fclose(file) != 0 || !written) return strf("%s: %s", path.c_str(), std::strerror(errno));
  return path;
}

}  // namespace

int64_t monotonic_now() {
  timespec t;
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * kSecond + t.tv_nsec;
}

LabReport play_lab(uint64_t seed, const CertifyOptions& options) {
  LabReport report;
  report.seed = seed;
  const Case c = generate(seed, options.packets);
  RunOptions run;
  run.seed = seed;
  run.engine_sysctl = options.engine_sysctl;
  run.paths = options.paths;
  Result<RunResult> result = run_case(c, run);
  uint64_t played_again = 0;
  for (; played_again < kRunsOnTicks && result && result->mismatch && result->ticked; ++played_again)
    result = run_case(c, run);
  const std::string where = strf("seed %llu", static_cast<unsigned long long>(seed));
  if (!result) {
    report.finding = Finding{where, {0, "lab", result.error().str(), {}}, {}};
    return report;
  }
  report.result = result.take();
  report.result.played_again = played_again;
  if (!report.result.mismatch) return report;

  Shrunk small{c, *report.result.mismatch};
  if (options.shrink) {
    const Play play = [&run](const Case& candidate) { return run_case(candidate, run); };
    small = shrink(c, small.mismatch, play, kShrinkRuns);
  }
  Recording recording;
  run.recording = &recording;
  std::string scenario;
  if (Result<RunResult> again = run_case(small.smallest, run); again && again->mismatch)
    scenario = write_scenario(options.out, seed, scenario_text(small.smallest, recording, *again->mismatch));
  report.finding = Finding{where, std::move(small.mismatch), std::move(scenario)};
  return report;
}

int work(const WorkOrder& order, SharedWork& shared, int report_to) {
  for (;;) {
    if (order.deadline != 0 && monotonic_now() >= order.deadline) return 0;
    const uint64_t number = shared.next.fetch_add(1);
    if (number >= order.labs) return 0;
    LabReport begun;
    begun.seed = order.seed + number;
    begun.begun = true;
    if (!write_report(report_to, begun)) return 0;
    if (!write_report(report_to, play_lab(order.seed + number, *order.options))) return 0;
  }
}

}  // namespace nf::difftest
