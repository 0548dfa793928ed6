// Plays a case on the kernel and on the engine, packet by packet, and compares: what came out where, byte for byte,
// what was delivered, the conntrack events of every packet, the rules and policies it is told to have met; rule
// counters, the connection table and statistics at random points and at the end.
//
// Where the kernel chooses at random, its choice is checked for membership and given to the engine (PortFollower):
// a source port on a clash. IP ids of what the host itself sends are compared for being consistent only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "datapath/base/result.h"
#include "tools/difftest/case/case.h"
#include "tools/difftest/side_by_side.h"

namespace nf {
class KernelBackend;
}

namespace nf::difftest {

struct Mismatch {
  size_t step = 0;     // index into Case::steps; steps.size(): at the end
  std::string field;   // Disagreement::field: what differs first
  std::string kernel;  // what the kernel has, as text
  std::string engine;
};

struct RunResult {
  std::optional<Mismatch> mismatch;
  uint64_t packets = 0, frames = 0, events = 0, rules = 0, tables_compared = 0;
  uint64_t paths = 0, path_steps = 0;  // SideBySide::paths(), steps()
  uint64_t played_again = 0;           // times it disagreed only because the clock ticked within a packet
  uint64_t ports_followed = 0;         // random ports checked for membership
  uint64_t expectations = 0;           // made by helpers
  uint64_t expected = 0;               // connections that fulfilled one
  bool ticked = false;                 // SideBySide::ticked()
  bool cut_short = false;              // the kernel chose something that cannot be seen; compared up to there
  Excuses excused;                     // known differences met, by their key in known_differences.md
};

// A case that disagreed and whose clock ticked within a packet is played again so often: a difference of the engine's
// comes back, one of the clock's does not.
inline constexpr uint64_t kRunsOnTicks = 3;

// What the kernel did, for a scenario.
struct Recording {
  struct Packet {
    size_t step;
    int port;
    std::vector<uint8_t> bytes;
    std::vector<Emitted> emitted;  // sorted by port
    std::vector<std::string> events;
    std::vector<RulePath> paths;
  };
  std::vector<BackendPort> ports;
  std::vector<Packet> packets;
  // At the end, or at the mismatch.
  std::vector<RuleCounter> counters;
  std::vector<std::string> entries;
  ct::Stats statistics;
  std::vector<uint16_t> random_ports;  // chosen at random: ports and ICMP ids
};

struct RunOptions {
  uint64_t seed = 1;                       // of the random points
  std::vector<std::string> engine_sysctl;  // lines of sysctl.conf that the engine alone gets: a wrong engine, for tests
  bool paths = true;                       // told paths are compared
  Recording* recording = nullptr;
};

// The lab of a case as both sides are configured with it.
Result<lab::Lab> lab_of(const GeneratedLab& generated);

// What a PortFollower asks a kernel, which outlives it.
PortFollower::ReplyOf reply_of(KernelBackend& kernel);
// What a SideBySide asks a kernel, which outlives it.
SideBySide::TraceOf trace_of(KernelBackend& kernel);

// Errors: a namespace cannot be made, a lab one side refuses (then the error says which).
Result<RunResult> run_case(const Case& c, const RunOptions& options);
// The same on another judge than a new kernel namespace; it is not configured yet. Paths are compared if it tells some.
Result<RunResult> run_case_on(Backend& judge, PortFollower::ReplyOf reply_of, SideBySide::TraceOf trace_of,
                              const Case& c, const RunOptions& options,
                              SideBySide::Clock clock = &SideBySide::last_tick);

}  // namespace nf::difftest
