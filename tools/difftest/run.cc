#include "tools/difftest/run.h"

#include <algorithm>

#include "datapath/base/random.h"
#include "tools/netns/packet_paths.h"

namespace nf::difftest {
namespace {

// Tables are compared after one packet in so many, and at the end.
constexpr uint32_t kTablesEvery = 100;

std::string text_of(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) (out += line) += '\n';
  return out;
}

BackendConfig config_of(const lab::Lab& lab, const GeneratedLab& generated, uint64_t seed) {
  BackendConfig config;
  config.lab = &lab;
  config.seed = seed;
  for (const uint16_t port : generated.process_ports) {
    config.processes.push_back({kProtoTcp, port});
    config.processes.push_back({kProtoUdp, port});
  }
  return config;
}

class CaseRun {
 public:
  CaseRun(Backend& judge, PortFollower::ReplyOf reply_of, SideBySide::TraceOf trace_of, SideBySide::Clock clock,
          const Case& c, const RunOptions& options)
      : judge_(judge), case_(c), options_(options), both_(judge, std::move(reply_of), std::move(trace_of), clock) {}

  Result<RunResult> run() {
    Result<lab::Lab> lab = lab_of(case_.lab);
    if (!lab) return lab.error();
    Result<std::vector<lab::SysctlSetting>> engine_only =
        lab::parse_sysctl_conf(text_of(options_.engine_sysctl), "engine only");
    if (!engine_only) return engine_only.error();
    if (Status s = both_.configure(config_of(*lab, case_.lab, case_.seed), *engine_only); !s) return s.error();

    for (const std::string& rule : case_.lab.rules) result_.rules += rule.starts_with("-A ");
    if (Status s = play(); !s) return s.error();
    result_.packets = both_.packets();
    result_.frames = both_.frames();
    result_.events = both_.events();
    result_.tables_compared = both_.tables();
    result_.paths = both_.paths();
    result_.path_steps = both_.steps();
    result_.ports_followed = both_.follower().followed();
    result_.expectations = both_.engine_statistics().expect_create;
    result_.expected = both_.engine_statistics().expect_new;
    result_.excused = both_.excuses();
    result_.ticked = both_.ticked();
    if (options_.recording != nullptr)
      if (Status s = finish(*options_.recording); !s) return s.error();
    return std::move(result_);
  }

 private:
  Status play() {
    Wire wire(case_, both_.ports());
    both_.answer_arp([&wire](const Emitted& e) { return wire.arp_reply(e); });
    Random random(options_.seed);
    for (size_t i = 0; i < case_.steps.size(); ++i) {
      const std::optional<Wire::Frame> frame = wire.frame(case_.steps[i]);
      if (!frame) continue;
      Result<std::optional<Disagreement>> differ = both_.play(frame->port, frame->bytes);
      if (!differ) return differ.error();
      if (options_.recording != nullptr) {
        options_.recording->packets.push_back({i, frame->port, frame->bytes, both_.kernel_emitted(),
                                               both_.kernel_events(), netns::packet_paths(both_.kernel_trace())});
      }
      if (both_.follower().unseen()) {
        result_.cut_short = true;
        return {};
      }
      if (set_mismatch(i, *differ)) return {};
      wire.received(case_.steps[i], both_.kernel_emitted());
      if (random.below(kTablesEvery) != 0) continue;
      if (Result<bool> wrong = tables_differ(i); !wrong || *wrong) return wrong ? Status() : wrong.error();
    }
    if (Result<bool> wrong = tables_differ(case_.steps.size()); !wrong) return wrong.error();
    return {};
  }

  bool set_mismatch(size_t step, std::optional<Disagreement>& differ) {
    if (!differ) return false;
    result_.mismatch =
        Mismatch{step, std::move(differ->field), std::move(differ->sides.first), std::move(differ->sides.second)};
    return true;
  }

  Result<bool> tables_differ(size_t step) {
    Result<std::optional<Disagreement>> differ = both_.compare_all_tables();
    if (!differ) return differ.error();
    return set_mismatch(step, *differ);
  }

  Status finish(Recording& recording) {
    recording.ports = both_.ports();
    recording.random_ports = both_.follower().ports();
    Result<std::vector<RuleCounter>> counters = judge_.counters();
    if (!counters) return counters.error();
    recording.counters = counters.take();
    Result<std::vector<std::string>> entries = judge_.entries();
    if (!entries) return entries.error();
    recording.entries = entries.take();
    Result<ct::Stats> statistics = judge_.statistics();
    if (!statistics) return statistics.error();
    recording.statistics = *statistics;
    return {};
  }

  Backend& judge_;
  const Case& case_;
  const RunOptions& options_;
  SideBySide both_;
  RunResult result_;
};

}  // namespace

Result<lab::Lab> lab_of(const GeneratedLab& generated) {
  lab::Lab lab;
  lab.network_file = "network";
  lab.sysctl_file = "sysctl.conf";
  lab.timeouts_file = "timeouts";
  lab.rules_file = "rules.v4";
  Result<std::vector<lab::NetworkLine>> network = lab::parse_network(text_of(generated.network), lab.network_file);
  if (!network) return network.error();
  lab.network = network.take();
  Result<std::vector<lab::SysctlSetting>> sysctl = lab::parse_sysctl_conf(text_of(generated.sysctl), lab.sysctl_file);
  if (!sysctl) return sysctl.error();
  lab.sysctl = sysctl.take();
  Result<std::vector<lab::TimeoutLine>> timeouts = lab::parse_timeouts(text_of(generated.timeouts), lab.timeouts_file);
  if (!timeouts) return timeouts.error();
  lab.timeouts = timeouts.take();
  if (!generated.rules.empty()) lab.rules = text_of(generated.rules);
  return lab;
}

Result<RunResult> run_case_on(Backend& judge, PortFollower::ReplyOf reply_of, SideBySide::TraceOf trace_of,
                              const Case& c, const RunOptions& options, SideBySide::Clock clock) {
  return CaseRun(judge, std::move(reply_of), std::move(trace_of), clock, c, options).run();
}

}  // namespace nf::difftest
