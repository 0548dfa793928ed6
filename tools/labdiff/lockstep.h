// Two labs fed with the same packets, in capture time, each packet in both before the next.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
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
  // Lets time pass behind the last packet until no timer holds one back any more.
  void finish();
  // What timers did to earlier packets between the last two (behind finish(): behind the last). Story::number is the
  // packet's own, as all stories' are: counted from 1 over those played.
  const Happened& meanwhile(size_t side) const { return side_[side].meanwhile; }

  CapturePlayer& player(size_t side) { return side_[side].player; }
  const Rules& rules(size_t side) const { return side_[side].rules; }

 private:
  // Detailed for the packets that are wanted so, for the others quick. Keeps the numbers of packets on their way, so
  // that what a timer does to one later is told of that one.
  class Switch final : public trace::Sink {
   public:
    explicit Switch(trace::Recorder& recorder) : recorder_(recorder) {}
    bool detailed() const override { return on; }
    void event(const Packet& p, const trace::Event& e) override;
    bool on = false;
    bool waits = false;   // time passes, no packet is played
    uint64_t played = 0;  // the number of the packet played, or played last
    uint64_t about = 0;   // of the packet the story is about; 0: not known yet

   private:
    trace::Recorder& recorder_;
    std::unordered_map<const Packet*, uint64_t> numbers_;
    bool gone_ = false;  // the packet told of last
  };
  struct Side {
    explicit Side(const CapturePlayerOptions& options) : player(options) {}
    CapturePlayer player;
    void pass(Time to);
    Happened happened = {}, meanwhile = {};
    trace::Recorder recorder{{.detailed = true, .keep_bytes = true, .number = [this] { return sink.about; }},
                             [this](const trace::Story& s) {
                               happened.push_back(s);
                               happened.back().number = sink.about;  // what it is about may show at its end
                             }};
    Switch sink{recorder};
    Rules rules = {};
    Duration fragments = 0;  // how long their datagram is waited for
  };

  Side side_[2];
};

}  // namespace nf::labdiff
