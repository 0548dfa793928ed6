// Two labs fed with the same packets, in capture time, each packet in both before the next.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tools/labdiff/decisions.h"
#include "tools/replay/capture_player.h"
#include "tools/trace/recorder.h"

namespace nf::labdiff {

class Lockstep {
 public:
  explicit Lockstep(const CapturePlayerOptions& options);

  // Once, first. Every link a packet comes in by must be in both labs; the error names the lab it is not in.
  Status configure(const lab::Lab& a, const lab::Lab& b, const std::vector<CaptureLink>& links);

  // `detailed`: misses and the way through the routing tables are told too.
  void play(size_t link, const CapturedPacket& packet, bool detailed);
  // What the packet played last did.
  const Happened& a() const { return side_[0].happened; }
  const Happened& b() const { return side_[1].happened; }

  CapturePlayer& player(size_t side) { return side_[side].player; }
  const Rules& rules(size_t side) const { return side_[side].rules; }

 private:
  // Detailed for the packets that are wanted so, for the others quick.
  class Switch final : public trace::Sink {
   public:
    explicit Switch(trace::Recorder& recorder) : recorder_(recorder) {}
    bool detailed() const override { return on; }
    void event(const Packet& p, const trace::Event& e) override { recorder_.event(p, e); }
    bool on = false;

   private:
    trace::Recorder& recorder_;
  };
  struct Side {
    explicit Side(const CapturePlayerOptions& options) : player(options) {}
    CapturePlayer player;
    Happened happened = {};
    trace::Recorder recorder{{.detailed = true, .keep_bytes = true},
                             [this](const trace::Story& s) { happened.push_back(s); }};
    Switch sink{recorder};
    Rules rules = {};
  };

  Side side_[2];
};

}  // namespace nf::labdiff
