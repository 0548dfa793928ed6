// Small text tools shared by every parser and printer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/base/byteorder.h"

namespace nf {

// printf into a std::string.
[[gnu::format(printf, 1, 2)]] std::string strf(const char* format, ...);

std::string_view trim(std::string_view s);
// Splits at every `sep`; "a,,b" gives three parts, "" gives one empty part.
std::vector<std::string_view> split(std::string_view s, char sep);
// Splits at runs of blanks and tabs; no empty parts.
std::vector<std::string_view> split_words(std::string_view s);

// A whole string as an unsigned number: decimal, or hexadecimal with 0x. nullopt when anything else is in it or it
// is larger than max.
std::optional<uint64_t> parse_number(std::string_view s, uint64_t max = UINT64_MAX);

// Dotted quad, all four parts. nullopt when it does not parse.
std::optional<Be32> parse_ipv4(std::string_view s);
std::string format_ipv4(Be32 address);

struct Prefix4 {
  Be32 address;
  uint8_t length = 32;  // 0..32
};
// "10.0.0.0/8", or an address alone (length 32). The host bits are kept as written.
std::optional<Prefix4> parse_prefix4(std::string_view s);

}  // namespace nf
