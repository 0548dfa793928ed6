#include "tools/difftest/side_by_side.h"

#include <time.h>

#include <algorithm>
#include <utility>

#include "tools/difftest/emitted_text.h"

namespace nf::difftest {
namespace {

// More rounds than any packet needs: a held packet leaves, is answered over lo, asks for another neighbour.
constexpr int kArpRounds = 16;

bool is_arp_request(const Emitted& emitted) {
  if (emitted.port == kLocalProcesses) return false;
  const auto* eth = view<EthernetHeader>(emitted.bytes);
  const auto* arp = view<ArpHeader>(emitted.bytes, sizeof(EthernetHeader));
  return eth != nullptr && arp != nullptr && eth->type.host() == kEtherArp && arp->operation.host() == kArpRequest;
}

Error of_side(std::string_view side, Error e) {
  e.text = "on the " + std::string(side) + " side: " + e.text;
  return e;
}

}  // namespace

Time SideBySide::last_tick() {
  static const Duration jiffy = [] {
    timespec resolution;
    ::clock_getres(CLOCK_REALTIME_COARSE, &resolution);
    return resolution.tv_sec * kSecond + resolution.tv_nsec;
  }();
  timespec now;
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  const Time t = now.tv_sec * kSecond + now.tv_nsec;
  return (t + jiffy / 2) / jiffy * jiffy;
}

SideBySide::SideBySide(Backend& judge, PortFollower::ReplyOf reply_of, Clock clock)
    : judge_(judge), clock_(clock), engine_(clock()), follower_(std::move(reply_of)) {}

Status SideBySide::configure(const BackendConfig& config, const std::vector<lab::SysctlSetting>& engine_only) {
  if (Status s = judge_.configure(config); !s) return of_side(judge_.name(), s.error());
  if (Status s = engine_.configure(config); !s) return of_side("engine's", s.error());
  if (Status s = engine_.apply_sysctl(engine_only, "engine only"); !s) return s;
  engine_.gateway().nat().set_port_search(&follower_);
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

Result<std::optional<Disagreement>> SideBySide::play(int port, std::span<const uint8_t> bytes) {
  const Time now = clock_();
  if (Status s = put(judge_, port, bytes, kernel_out_); !s) return of_side(judge_.name(), s.error());
  ++packets_;
  frames_ += kernel_out_.size();
  Result<std::vector<std::string>> events = judge_.take_events();
  if (!events) return events.error();
  kernel_events_ = events.take();
  follower_.set_packet(kernel_events_, !kernel_out_.empty());
  if (Status s = engine_.wait_until(now); !s) return s.error();
  if (Status s = put(engine_, port, bytes, engine_out_); !s) return of_side("engine's", s.error());
  Result<std::vector<std::string>> engine_events = engine_.take_events();
  if (!engine_events) return engine_events.error();
  events_ += kernel_events_.size();
  std::optional<Disagreement> out;
  if (follower_.outside()) {
    out = Disagreement{"ports", {*follower_.outside(), ""}};
  } else if (!same_emitted(kernel_out_, engine_out_, port == kLocalProcesses ? bytes : ip_of_frame(bytes), excuses_)) {
    out = Disagreement{"frames", {emitted_text(ports(), kernel_out_), emitted_text(ports(), engine_out_)}};
  } else if (auto events_differ = compare_events(kernel_events_, *engine_events)) {
    out = Disagreement{"events", std::move(*events_differ)};
  }
  return out;
}

Result<std::optional<Disagreement>> SideBySide::compare_all_tables() {
  std::optional<Disagreement> out;
  Result<std::vector<RuleCounter>> counters = judge_.counters(), engine_counters = engine_.counters();
  if (!counters) return counters.error();
  if (!engine_counters) return engine_counters.error();
  std::vector<ct::Tuple> originals;
  engine_.gateway().conntrack().for_each([&](ct::Connection& c) { originals.push_back(c.original()); });
  Result<std::vector<std::string>> entries = judge_.entries_like(originals), engine_entries = engine_.entries();
  if (!entries) return entries.error();
  if (!engine_entries) return engine_entries.error();
  Result<ct::Stats> statistics = judge_.statistics(), engine_statistics = engine_.statistics();
  if (!statistics) return statistics.error();
  if (!engine_statistics) return engine_statistics.error();
  tables_ += 3;
  if (auto differ = compare_counters(counters.take(), engine_counters.take())) {
    out = Disagreement{"counters", std::move(*differ)};
  } else if (auto lines = compare_entries(entries.take(), engine_entries.take())) {
    out = Disagreement{"entries", std::move(*lines)};
  } else if (auto numbers = compare_statistics(*statistics, *engine_statistics)) {
    out = Disagreement{"statistics", std::move(*numbers)};
  }
  return out;
}

}  // namespace nf::difftest
