// The trace sink of explain: a Recorder, who of its stories is told, and the rule looked for (RuleProbe).
#pragma once

#include <functional>

#include "tools/explain/rule_probe.h"
#include "tools/trace/recorder.h"

namespace nf::explain {

class ToldPackets final : public trace::Sink {
 public:
  // `done` gets the stories of wanted packets only.
  ToldPackets(trace::RecorderOptions options, trace::Recorder::Done done)
      : recorder_(std::move(options), [this, done = std::move(done)](const trace::Story& s) {
          last_ = s;
          if (wanted_) done(s);
        }) {}

  bool detailed() const override { return wanted_; }
  void event(const Packet& p, const trace::Event& e) override;

  // Ends the story there is; the next is told, or only followed.
  void next(bool wanted) {
    recorder_.finish();
    wanted_ = wanted;
  }
  void finish() { recorder_.finish(); }
  // The frame received meanwhile is a station's ARP answer, which nobody asked about: it has no story, but what it lets
  // go on is told where it waited.
  void hide_arp(bool hide) {
    hide_arp_ = hide;
    hidden_ = nullptr;
  }
  void probe(RuleProbe* probe) { probe_ = probe; }

  trace::Recorder& recorder() { return recorder_; }
  // The last one ended, told or not.
  const trace::Story& last() const { return last_; }

 private:
  bool wanted_ = true, hide_arp_ = false;
  RuleProbe* probe_ = nullptr;
  const Packet* own_ = nullptr;     // the story's own packet
  const Packet* hidden_ = nullptr;  // the ARP answer
  trace::Story last_;
  trace::Recorder recorder_;
};

}  // namespace nf::explain
