// How far a replay is: packets, rate and, when the size of the input is known, the time left; on a terminal's stderr,
// a few times a second. Quiet otherwise.
#pragma once

#include <chrono>
#include <cstdint>

namespace nf {

class Progress {
 public:
  // `total`: bytes of all inputs, 0 when not known.
  explicit Progress(uint64_t total);
  // Takes its line away.
  ~Progress();
  void update(uint64_t packets, uint64_t bytes) {
    if (shown_ && packets % 1024 == 0) show(packets, bytes);
  }

 private:
  using Clock = std::chrono::steady_clock;
  void show(uint64_t packets, uint64_t bytes);
  uint64_t total_;
  bool shown_, any_ = false;
  Clock::time_point begin_, last_;
};

}  // namespace nf
