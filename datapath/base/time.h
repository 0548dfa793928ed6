// Time is a parameter: nanoseconds since the Unix epoch, given by whoever drives the engine (a live clock, capture
// time, a manual clock in tests). No code below tools/ reads a clock.
#pragma once

#include <cstdint>

namespace nf {

using Time = int64_t;      // ns since 1970-01-01T00:00:00Z
using Duration = int64_t;  // ns

inline constexpr Duration kMicrosecond = 1'000;
inline constexpr Duration kMillisecond = 1'000'000;
inline constexpr Duration kSecond = 1'000'000'000;
inline constexpr Time kNever = INT64_MAX;

}  // namespace nf
