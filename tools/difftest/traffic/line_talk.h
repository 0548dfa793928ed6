// A TCP connection in which lines are said: what the dialects over TCP have in common. Segments may be lost on their
// way, and come again.
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "tools/difftest/traffic/traffic_context.h"

namespace nf::difftest {

class LineTalk {
 public:
  LineTalk(TrafficContext& context, uint32_t flow);

  uint32_t flow() const { return flow_; }
  void open(TrafficContext& context);  // the handshake
  // One segment of text, marks and all (words.h). The id of its step.
  uint16_t say(TrafficContext& context, End from, std::string_view words);
  void close(TrafficContext& context);
  // Sends the next segment. False: all is said.
  bool speak(TrafficContext& context);

 private:
  struct Side {
    uint32_t next = 0, received = 0;
  };
  Side& side(End which) { return sides_[static_cast<size_t>(which)]; }
  void queue(TrafficContext& context, End from, uint8_t flags, std::string_view words, std::string_view note);

  uint32_t flow_;
  uint32_t loss_;  // per mille
  bool sack_;
  Side sides_[2];
  std::deque<Step> waiting_;
};

}  // namespace nf::difftest
