#include "tools/difftest/side_by_side.h"

#include <time.h>

#include <algorithm>
#include <utility>

#include "tools/backend/station.h"
#include "tools/difftest/emitted_text.h"

namespace nf::difftest {
namespace {

// More rounds than any packet needs: a held packet leaves, is answered over lo, asks for another neighbour.
constexpr int kArpRounds = 16;

bool is_arp_request(const Emitted& emitted) {
  return emitted.port != kLocalProcesses && arp_request(emitted.bytes) != nullptr;
}

// The kernel's ticks: the coarse clock is what the last one made of it (and may lag behind by some), the moment it
// changes is the tick itself.
class Ticks {
 public:
  Ticks() {
    tick_ = coarse();
    wait(2 * jiffy_);
  }

  static Time boot_time() { return coarse() - fine(); }
  // The clock of the last tick. Not shortly before the next one.
  Time last() {
    constexpr Duration kPlaying = 100 * kMicrosecond;  // what a packet takes, generously
    tick_ = coarse();
    if ((fine() - moment_) % jiffy_ > jiffy_ - kPlaying) wait(3 * kPlaying);
    return (tick_ + jiffy_ / 2) / jiffy_ * jiffy_;
  }

 private:
  static Time read(clockid_t clock) {
    timespec t;
    ::clock_gettime(clock, &t);
    return t.tv_sec * kSecond + t.tv_nsec;
  }
  static Time coarse() { return read(CLOCK_REALTIME_COARSE); }
  static Time fine() { return read(CLOCK_MONOTONIC); }
  static Duration resolution() {
    timespec t;
    ::clock_getres(CLOCK_REALTIME_COARSE, &t);
    return t.tv_sec * kSecond + t.tv_nsec;
  }

  // Until the next tick, but no longer than `most`.
  void wait(Duration most) {
    const Time begin = fine();
    while (coarse() == tick_) {
      if (fine() - begin > most) return;
    }
    moment_ = fine();
    tick_ = coarse();
  }

  const Duration jiffy_ = resolution();
  Time tick_ = 0;    // coarse clock
  Time moment_ = 0;  // of a tick, by the fine clock
};

Error of_side(std::string_view side, Error e) {
  e.text = "on the " + std::string(side) + " side: " + e.text;
  return e;
}

std::vector<std::string> lines_of(Result<std::vector<std::string>> lines) {
  return lines ? lines.take() : std::vector<std::string>();
}

}  // namespace

Time SideBySide::last_tick() {
  static Ticks ticks;
  return ticks.last();
}

SideBySide::Engine::Engine(Backend& judge, PortFollower::ReplyOf reply_of, Time start)
    : machine(start),
      follower(
          std::move(reply_of), [&judge] { return lines_of(judge.expectations()); },
          [this] { return lines_of(machine.expectations()); }) {}

SideBySide::SideBySide(Backend& judge, PortFollower::ReplyOf reply_of, TraceOf trace_of, Clock clock)
    : judge_(judge), trace_of_(std::move(trace_of)), clock_(clock), engine_(judge, reply_of, clock()) {
  if (trace_of_) teller_ = std::make_unique<Teller>(judge, std::move(reply_of), clock());
}

Status SideBySide::configure(const BackendConfig& config, const std::vector<lab::SysctlSetting>& engine_only) {
  BackendConfig judges = config;
  judges.rule_paths = teller_ != nullptr;
  if (Status s = judge_.configure(judges); !s) return of_side(judge_.name(), s.error());
  if (Status s = configure(engine_, config, engine_only); !s) return s;
  helpers_ = config.lab->rules && config.lab->rules->find("--helper") != std::string::npos;
  if (teller_ == nullptr) return {};
  BackendConfig tellers = config;
  tellers.events = false;
  if (Status s = configure(teller_->engine, tellers, engine_only); !s) return s;
  teller_->engine.machine.gateway().router().set_trace(&teller_->recorder);
  return {};
}

Status SideBySide::configure(Engine& engine, const BackendConfig& config,
                             const std::vector<lab::SysctlSetting>& engine_only) {
  if (Status s = engine.machine.configure(config); !s) return of_side("engine's", s.error());
  if (Status s = engine.machine.apply_sysctl(engine_only, "engine only"); !s) return s;
  Gateway& gateway = engine.machine.gateway();
  gateway.nat().set_port_search(&engine.follower);
  gateway.conntrack().expectations().set_port_search(&engine.follower);
  gateway.conntrack().set_boot_time(Ticks::boot_time());
  return {};
}

Status SideBySide::put(Backend& side, int port, std::span<const uint8_t> bytes, std::vector<Emitted>& out) {
  out.clear();
  if (port == kLocalProcesses) {
    if (Result<bool> sent = side.send_from_host(bytes); !sent) return sent.error();
  } else {
    if (Status s = side.inject(port, bytes); !s) return s;
  }
  size_t seen = 0;
  for (int round = 0; round < kArpRounds; ++round) {
    if (Status s = side.collect(out); !s) return s;
    bool answered = false;
    for (const size_t end = out.size(); seen < end; ++seen) {
      if (!is_arp_request(out[seen])) continue;
      const std::optional<Wire::Frame> reply = arp_reply_ ? arp_reply_(out[seen]) : std::nullopt;
      if (!reply) continue;
      answered = true;
      if (Status s = side.inject(reply->port, reply->bytes); !s) return s;
    }
    if (!answered) break;
  }
  std::erase_if(out, is_arp_request);
  return {};
}

Status SideBySide::play(Engine& engine, Time now, int port, std::span<const uint8_t> bytes) {
  engine.follower.set_packet(kernel_events_, !kernel_out_.empty());
  if (Status s = engine.machine.wait_until(now); !s) return s;
  if (Status s = put(engine.machine, port, bytes, engine.out); !s) return of_side("engine's", s.error());
  return {};
}

Result<std::optional<Disagreement>> SideBySide::play(int port, std::span<const uint8_t> bytes) {
  const Time now = clock_();
  if (Status s = put(judge_, port, bytes, kernel_out_); !s) return of_side(judge_.name(), s.error());
  ticked_ = ticked_ || clock_() != now;
  ++packets_;
  frames_ += kernel_out_.size();
  Result<std::vector<std::string>> events = judge_.take_events();
  if (!events) return events.error();
  kernel_events_ = events.take();
  if (Status s = play(engine_, now, port, bytes); !s) return s.error();
  Result<std::vector<std::string>> engine_events = engine_.machine.take_events();
  if (!engine_events) return engine_events.error();
  events_ += kernel_events_.size();
  Result<std::optional<Difference>> paths = compare_paths(now, port, bytes);
  if (!paths) return paths.error();
  const std::optional<std::string>& outside = engine_.follower.outside();
  std::optional<Disagreement> out;
  if (outside) {
    out = Disagreement{"ports", {*outside, ""}};
  } else if (!same_emitted(kernel_out_, engine_.out, port == kLocalProcesses ? bytes : ip_of_frame(bytes), excuses_)) {
    out = Disagreement{"frames", {emitted_text(ports(), kernel_out_), emitted_text(ports(), engine_.out)}};
  } else if (auto events_differ = compare_events(kernel_events_, *engine_events)) {
    out = Disagreement{"events", std::move(*events_differ)};
  } else if (*paths) {
    out = Disagreement{"path", std::move(**paths)};
  }
  return out;
}

Result<std::optional<Difference>> SideBySide::compare_paths(Time now, int port, std::span<const uint8_t> bytes) {
  if (teller_ == nullptr) return std::optional<Difference>();
  Result<std::vector<netns::TraceLine>> told = trace_of_();
  if (!told) return told.error();
  kernel_trace_ = told.take();
  teller_->met.clear();
  if (Status s = play(teller_->engine, now, port, bytes); !s) return s.error();
  teller_->recorder.finish();
  const std::vector<MetRule> met = met_rules(kernel_trace_);
  steps_ += met.size();
  paths_ += kernel_trace_.size() - met.size();
  return compare_met(met, teller_->met);
}

Result<std::optional<Disagreement>> SideBySide::compare_all_tables() {
  std::optional<Disagreement> out;
  Result<std::vector<RuleCounter>> counters = judge_.counters(), engine_counters = engine_.machine.counters();
  if (!counters) return counters.error();
  if (!engine_counters) return engine_counters.error();
  std::vector<ct::Tuple> originals;
  engine_.machine.gateway().conntrack().for_each([&](ct::Connection& c) { originals.push_back(c.original()); });
  Result<std::vector<std::string>> entries = judge_.entries_like(originals), engine_entries = engine_.machine.entries();
  if (!entries) return entries.error();
  if (!engine_entries) return engine_entries.error();
  Result<ct::Stats> statistics = judge_.statistics(), engine_statistics = engine_.machine.statistics();
  if (!statistics) return statistics.error();
  if (!engine_statistics) return engine_statistics.error();
  tables_ += 3;
  std::optional<Difference> expectations;
  if (helpers_) {
    Result<std::vector<std::string>> kernel = judge_.expectations(), engine = engine_.machine.expectations();
    if (!kernel) return kernel.error();
    if (!engine) return engine.error();
    ++tables_;
    expectations = compare_entries(kernel.take(), engine.take());
  }
  // What the kernel's search by chance passed; the engine's begins where that ended.
  if (engine_.follower.followed() > 0 && statistics->found > engine_statistics->found) {
    excuses_["ports-passed"] = statistics->found - engine_statistics->found;
    engine_statistics->found = statistics->found;
  }
  if (auto differ = compare_counters(counters.take(), engine_counters.take())) {
    out = Disagreement{"counters", std::move(*differ)};
  } else if (auto lines = compare_entries(entries.take(), engine_entries.take())) {
    out = Disagreement{"entries", std::move(*lines)};
  } else if (expectations) {
    out = Disagreement{"expectations", std::move(*expectations)};
  } else if (auto numbers = compare_statistics(*statistics, *engine_statistics)) {
    out = Disagreement{"statistics", std::move(*numbers)};
  }
  return out;
}

}  // namespace nf::difftest
