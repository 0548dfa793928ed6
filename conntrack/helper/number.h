// Decimal numbers as the kernel's simple_strtoul reads them: digits alone, any number of them, overflow wraps round.
#pragma once

#include <cstdint>
#include <string_view>

namespace nf::ct {

// Takes the digits from the front of `text`. None: 0.
inline uint64_t take_number(std::string_view& text) {
  uint64_t n = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    n = n * 10 + static_cast<uint64_t>(text.front() - '0');
    text.remove_prefix(1);
  }
  return n;
}

}  // namespace nf::ct
