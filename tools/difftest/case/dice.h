// A generator's choices. Every choice takes its number from the one Random, in the order the program text has them:
// the same seed makes the same case with any compiler. So nothing here may be called twice within one expression whose
// operands have no order; cat({...}) has one.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/base/random.h"

namespace nf::difftest {

class Dice {
 public:
  explicit Dice(Random& random) : random_(random) {}

  bool chance(uint32_t percent) { return random_.below(100) < percent; }
  uint32_t below(uint32_t bound) { return random_.below(bound); }
  uint32_t between(uint32_t low, uint32_t high) { return low + random_.below(high - low + 1); }  // both included
  // Precondition: not empty.
  template <typename T>
  const T& one(const std::vector<T>& of) {
    return of[random_.below(static_cast<uint32_t>(of.size()))];
  }
  std::string_view word(std::initializer_list<std::string_view> of) {
    return of.begin()[random_.below(static_cast<uint32_t>(of.size()))];
  }
  // "! " now and then.
  std::string_view inversion(uint32_t percent = 20) { return chance(percent) ? "! " : ""; }

 private:
  Random& random_;
};

// The parts in a row; the braces give their evaluation an order.
inline std::string cat(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view p : parts) out += p;
  return out;
}

}  // namespace nf::difftest
