#include "tools/replay/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>

namespace nf {

Progress::Progress(uint64_t total) : total_(total), shown_(::isatty(2) != 0), begin_(Clock::now()), last_(begin_) {}

Progress::~Progress() {
  if (any_) std::fputs("\r\033[K", stderr);
}

void Progress::show(uint64_t packets, uint64_t bytes) {
  const Clock::time_point now = Clock::now();
  if (now - last_ < std::chrono::milliseconds(200)) return;
  last_ = now;
  any_ = true;
  const double seconds = std::chrono::duration<double>(now - begin_).count();
  std::fprintf(stderr, "\r\033[K%" PRIu64 " packets, %.0f packets/s", packets, static_cast<double>(packets) / seconds);
  if (total_ == 0 || bytes == 0) return;
  const double done = std::min(1.0, static_cast<double>(bytes) / static_cast<double>(total_));
  std::fprintf(stderr, ", %.0f %%, %.0f s left", done * 100, seconds / done - seconds);
}

}  // namespace nf
