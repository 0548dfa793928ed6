// Tells whoever asks a running gateway of its packets, as they come: `hookpoint trace`.
//
// All askers share one Recorder, so a packet has one number for all of them and each learns which packet decided what,
// though it may not have asked for that one. What is told is whole stories, to each asker those it chose.
// Invariants:
//  1. With no asker the router traces what it would without this (`beside`, or nothing): nothing is paid.
//  2. A packet nobody asks for costs its askers' filters and is not traced.
//  3. A story is told when its batch is done: finish() tells what there is.
//  4. Nothing waits for an asker: a story that one has no room for, or that is over its rate, is counted instead, and
//     the counts are said.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "datapath/port/capture_filter.h"
#include "datapath/router/router.h"
#include "tools/commands/trace_request.h"
#include "tools/forms/form.h"
#include "tools/trace/recorder.h"

namespace nf {

class Tracer final : public trace::Sink {
 public:
  // The other end of an asker; called from finish() and remove().
  struct Outlet {
    std::function<void(std::string)> out;   // the form's text
    std::function<void(std::string)> note;  // what is said beside it, a line
    std::function<bool()> has_room;         // for another story
    std::function<void()> enough;           // its count is reached; remove() it, but not from here
  };
  using AskerId = uint32_t;  // never 0

  // `surroundings`: what forms are told of the gateway when an asker comes; none: nothing.
  explicit Tracer(Router& router, std::function<forms::Surroundings()> surroundings = {})
      : router_(router), surroundings_(std::move(surroundings)) {}
  ~Tracer() override { router_.set_trace(nullptr); }
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  // A sink that is told of every packet all the time (`run --trace`); the caller's. With an asker it gets the same.
  void set_beside(trace::Sink* sink);

  // The error is the filter's or the form's.
  Result<AskerId> add(const TraceRequest& request, Outlet outlet);
  // Ends the form and says what was told and what not; nothing for an id that is gone.
  void remove(AskerId id);
  void finish();

  // --- trace::Sink
  bool detailed() const override { return true; }
  void event(const Packet& p, const trace::Event& e) override;

 private:
  struct Asker {
    AskerId id = 0;
    TraceRequest request;
    Outlet outlet;
    std::optional<CaptureFilter> frames, packets;  // none: everything; a filter that is none for IPv4 packets: no such
    std::unique_ptr<forms::Form> form;
    std::string text;  // of the story being written
    Time window = 0;   // the second that `in_window` are counted in
    uint64_t in_window = 0, chosen = 0, told = 0;
    uint64_t held_back = 0, lost = 0;  // over the rate; no room
    uint64_t held_back_said = 0, lost_said = 0;
    Time said = 0;
    bool over = false;  // enough() was called
  };
  using Chosen = std::vector<AskerId>;

  static bool matches(const Asker& a, const Packet& p, const Device* in);
  bool selects(const Packet& p, const Device* in);
  void watch();
  void start_recorder();
  void done(const trace::Story& story);
  void tell(Asker& a, const trace::Story& story);
  // The counts, when they grew since they were last said, at most once a second unless it is the last time.
  void say_counts(Asker& a, bool last);
  Asker* find(AskerId id);

  Router& router_;
  std::function<forms::Surroundings()> surroundings_;
  trace::Sink* beside_ = nullptr;
  std::list<Asker> askers_;
  AskerId last_id_ = 0;
  std::optional<trace::Recorder> recorder_;
  uint64_t numbers_ = 0;
  std::map<const Packet*, Chosen> chosen_;  // who chose the packets that begin next
  const Packet* told_packet_ = nullptr;     // of the event that is being told
  Chosen story_;                            // who chose the story's packet
  std::map<uint64_t, Chosen> waiting_;      // stories that go on in another: who gets that one too
};

}  // namespace nf
