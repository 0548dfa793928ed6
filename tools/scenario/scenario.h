// A scenario as read: what the file says, checked, nothing played yet. (README.md is the language.)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/base/result.h"
#include "datapath/base/time.h"
#include "tools/backend/backend.h"
#include "tools/lab/lab.h"
#include "tools/scenario/packet_spec.h"
#include "tools/scenario/why.h"

namespace nf::scenario {

enum class StepKind : uint8_t {
  kIn,       // port, packet
  kHost,     // packet
  kOut,      // port, packet
  kDeliver,  // packet
  kNothing,
  kWait,      // duration
  kPath,      // words; empty: none
  kCounter,   // counter, values: packets, bytes
  kEntry,     // words
  kNoEntry,   // words; empty: no entry at all
  kEntries,   // number
  kExpect,    // words
  kNoExpect,  // words; empty: no expectation at all
  kExpects,   // number
  kEvent,     // words
  kNoEvent,
  kLog,      // words
  kStats,    // words, NAME=N
  kSaved,    // text; number 1: with counters
  kListed,   // table, chain, text
  kWhy,      // why
  kNoWhy,    // why
  kFate,     // words
  kRefused,  // words, text
  kNetwork,  // network
  kSysctl,   // sysctl
  kRules,    // text
  kFlush,
};

struct Step {
  StepKind kind{};
  int line = 0;
  int port = kLocalProcesses;  // index into ports_of(lab)
  PacketSpec packet;
  Duration duration = 0;
  std::vector<std::string> words;
  std::string table, chain;  // kCounter
  uint32_t number = 0;       // kCounter: of the rule, 0 the policy; kEntries, kExpects
  std::vector<Value> values;
  std::vector<lab::NetworkLine> network;
  std::vector<lab::SysctlSetting> sysctl;
  std::string text;
  Why why;
};

// A stimulus is what something can come out of.
inline bool is_stimulus(StepKind k) {
  return k == StepKind::kIn || k == StepKind::kHost || k == StepKind::kWait || k == StepKind::kNetwork ||
         k == StepKind::kSysctl || k == StepKind::kRules || k == StepKind::kRefused || k == StepKind::kFlush;
}

// What only a backend that tells can answer (Backend::tells); others pass over it.
inline bool asks_why(StepKind k) { return k == StepKind::kWhy || k == StepKind::kNoWhy || k == StepKind::kFate; }

// The longest `wait` a backend that really waits plays.
inline constexpr Duration kLongestRealWait = 10 * kSecond;

struct Scenario {
  std::string file, title;
  std::vector<uint32_t> facts, issues;
  std::vector<std::string> backends;  // empty: all
  std::string backends_reason;
  bool arp = false;
  lab::Lab lab;
  bool lab_from_folder = false;
  std::vector<ProcessPort> processes;
  std::vector<Step> steps;

  // Errors about the lab's lines and about those a scenario adds meet in one list: lines of the scenario's own blocks
  // are numbered from here on when it has a lab's folder as well (Scenario::place).
  static constexpr int kOwnLines = 1'000'000;
  // An error of Backend::configure() with the file and line it is really about.
  Error place(Error e) const;

  bool uses(StepKind kind) const;
  size_t whys() const;  // steps that ask why
  Duration longest_wait() const;
  Duration total_wait() const;
};

// `file` is read and named in errors; labs are looked for beside it.
Result<Scenario> read_scenario(const std::string& file);
// The same of a text.
Result<Scenario> parse_scenario(std::string_view text, const std::string& file);

}  // namespace nf::scenario
