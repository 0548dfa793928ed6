// The judge (the kernel) and the engine, configured alike: a packet goes into both, what comes out of both is
// compared. The engine's time is the time of the judge's packet, and where the judge chooses at random the engine
// follows (PortFollower).
//
// An engine that tells takes another way through the rules than one that does not, and both are to be right: where a
// judge tells what rules a packet met, a second engine plays along and what it tells is compared; everything else is
// compared with the first.
//
// Invariants:
//  1. Time is jiffies: the engine is told the time of the kernel's last tick, so that both count the same ticks.
//  2. ARP is answered on both sides; requests of the machine are not compared.
//  3. After a mismatch the two are no longer alike: nothing more is compared.
//  4. ticked(): the kernel's clock ticked while it had a packet, so what it did may belong to either jiffy; what
//  differs
//     from then on is no finding unless it differs again in another run.
// Errors are those of the backends; a lab that one side refuses is an error that names the side.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tools/backend/memory_backend.h"
#include "tools/difftest/compare.h"
#include "tools/difftest/met_rules.h"
#include "tools/difftest/port_follower.h"
#include "tools/difftest/traffic/wire.h"
#include "tools/trace/recorder.h"

namespace nf::difftest {

struct Disagreement {
  // "frames", "events", "path", "counters", "entries", "expectations", "statistics", "ports"
  std::string field;
  Difference sides;
};

class SideBySide {
 public:
  using Clock = Time (*)();
  // What a judge tells since the last call.
  using TraceOf = std::function<Result<std::vector<netns::TraceLine>>()>;
  using ArpReply = std::function<std::optional<Wire::Frame>(const Emitted&)>;

  // `trace_of`: none, and no paths are compared.
  SideBySide(Backend& judge, PortFollower::ReplyOf reply_of, TraceOf trace_of, Clock clock = &last_tick);
  // CLOCK_REALTIME as of the kernel's last tick, a whole number of jiffies. Waits for the next one when it is due while
  // a packet would be played.
  static Time last_tick();

  // `engine_only`: settings that only the engine gets, to show that a difference is found.
  Status configure(const BackendConfig& config, const std::vector<lab::SysctlSetting>& engine_only = {});
  void answer_arp(ArpReply reply) { arp_reply_ = std::move(reply); }
  const std::vector<BackendPort>& ports() const { return judge_.ports(); }

  // A frame by a port, or a packet of a local process.
  Result<std::optional<Disagreement>> play(int port, std::span<const uint8_t> bytes);
  // What came out of the kernel because of the last packet, requests of ARP left out, sorted by port, and its events.
  const std::vector<Emitted>& kernel_emitted() const { return kernel_out_; }
  const std::vector<std::string>& kernel_events() const { return kernel_events_; }
  const std::vector<netns::TraceLine>& kernel_trace() const { return kernel_trace_; }

  Result<std::optional<Disagreement>> compare_all_tables();

  const PortFollower& follower() const { return engine_.follower; }
  const ct::Stats& engine_statistics() { return engine_.machine.gateway().conntrack().stats(); }
  Excuses& excuses() { return excuses_; }
  // What was compared so far.
  uint64_t packets() const { return packets_; }
  uint64_t frames() const { return frames_; }
  uint64_t events() const { return events_; }
  uint64_t tables() const { return tables_; }
  uint64_t paths() const { return paths_; }  // each pass through the hooks is one
  uint64_t steps() const { return steps_; }  // of paths
  bool ticked() const { return ticked_; }

 private:
  struct Engine {
    Engine(Backend& judge, PortFollower::ReplyOf reply_of, Time start);
    MemoryBackend machine;
    PortFollower follower;
    std::vector<Emitted> out;
  };
  // That tells.
  struct Teller {
    Teller(Backend& judge, PortFollower::ReplyOf reply_of, Time start) : engine(judge, std::move(reply_of), start) {}
    std::vector<MetRule> met;
    trace::Recorder recorder{{.detailed = false}, [this](const trace::Story& story) { add_met(story, met); }};
    Engine engine;
  };

  Status configure(Engine& engine, const BackendConfig& config, const std::vector<lab::SysctlSetting>& engine_only);
  Status play(Engine& engine, Time now, int port, std::span<const uint8_t> bytes);
  Result<std::optional<Difference>> compare_paths(Time now, int port, std::span<const uint8_t> bytes);
  Status put(Backend& side, int port, std::span<const uint8_t> bytes, std::vector<Emitted>& out);

  Backend& judge_;
  TraceOf trace_of_;
  Clock clock_;
  Engine engine_;
  std::unique_ptr<Teller> teller_;
  ArpReply arp_reply_;
  std::vector<Emitted> kernel_out_;
  std::vector<std::string> kernel_events_;
  std::vector<netns::TraceLine> kernel_trace_;
  Excuses excuses_;
  uint64_t packets_ = 0, frames_ = 0, events_ = 0, tables_ = 0, paths_ = 0, steps_ = 0;
  bool ticked_ = false;
  bool helpers_ = false;  // the rules have some
};

}  // namespace nf::difftest
