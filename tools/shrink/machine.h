// One lab played in memory as a scenario is: the engine, its hosts around it, and what is told of every frame.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/backend/memory_backend.h"
#include "tools/labdiff/decisions.h"
#include "tools/scenario/surroundings.h"
#include "tools/shrink/frames.h"

namespace nf::shrink {

struct MachineOptions {
  bool told = true;       // what happened
  bool detailed = false;  // misses too
  bool events = false;
  bool paths = false;  // not together with `told`
};

struct Came {
  labdiff::Happened happened;
  std::vector<Emitted> emitted;  // sorted by port, without ARP
  std::vector<std::string> events;
  std::vector<std::string> log;  // lines of LOG
  std::vector<RulePath> paths;
};
struct Seen {
  Came meanwhile;  // of earlier frames, while this one's gap passed: timers' doing
  Came own;        // of the frame
};

class Machine {
 public:
  explicit Machine(const MachineOptions& options) : options_(options) {}
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // Once, first; errors are the lab's.
  Status configure(const lab::Lab& lab);
  const std::vector<BackendPort>& ports() const { return backend_.ports(); }
  const scenario::Surroundings& surroundings() const { return surroundings_; }
  MemoryBackend& backend() { return backend_; }

  // Lets the frame's gap pass and plays it. An error: it has no such link, or asks for addresses without end.
  Result<Seen> play(const Frame& frame);

 private:
  class Told final : public trace::Sink {
   public:
    explicit Told(Machine& machine) : machine_(machine) {}
    bool detailed() const override { return machine_.options_.detailed; }
    void event(const Packet& p, const trace::Event& e) override { machine_.recorder_.event(p, e); }

   private:
    Machine& machine_;
  };

  // Answers ARP, and takes what there is to see.
  Result<Came> gather();

  MachineOptions options_;
  labdiff::Happened happened_;
  trace::Recorder recorder_{{.detailed = true, .keep_bytes = true},
                            [this](const trace::Story& s) { happened_.push_back(s); }};
  Told told_{*this};
  MemoryBackend backend_;
  scenario::Surroundings surroundings_{backend_.ports()};
};

}  // namespace nf::shrink
