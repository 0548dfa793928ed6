#include "datapath/base/text.h"

#include <charconv>
#include <cstdarg>
#include <cstdio>

namespace nf {

std::string strf(const char* format, ...) {
  va_list args;
  va_start(args, format);
  va_list again;
  va_copy(again, args);
  const int n = std::vsnprintf(nullptr, 0, format, args);
  va_end(args);
  std::string out(static_cast<size_t>(n < 0 ? 0 : n), '\0');
  if (n > 0) std::vsnprintf(out.data(), out.size() + 1, format, again);
  va_end(again);
  return out;
}

std::string_view trim(std::string_view s) {
  const char* kBlank = " \t\r\n";
  const size_t first = s.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return s.substr(first, s.find_last_not_of(kBlank) - first + 1);
}

std::vector<std::string_view> split(std::string_view s, char sep) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t at = s.find(sep);
    parts.push_back(s.substr(0, at));
    if (at == std::string_view::npos) return parts;
    s.remove_prefix(at + 1);
  }
}

std::vector<std::string_view> split_words(std::string_view s) {
  std::vector<std::string_view> words;
  size_t at = 0;
  while ((at = s.find_first_not_of(" \t\r\n", at)) != std::string_view::npos) {
    const size_t end = s.find_first_of(" \t\r\n", at);
    words.push_back(s.substr(at, end - at));
    if (end == std::string_view::npos) break;
    at = end;
  }
  return words;
}

std::optional<uint64_t> parse_number(std::string_view s, uint64_t max) {
  uint64_t base = 10;
  if (s.size() > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
    base = 16;
    s.remove_prefix(2);
  }
  if (s.empty()) return std::nullopt;
  uint64_t value = 0;
  for (const char c : s) {
    uint64_t digit;
    if (c >= '0' && c <= '9')
      digit = static_cast<uint64_t>(c - '0');
    else if (base == 16 && c >= 'a' && c <= 'f')
      digit = static_cast<uint64_t>(c - 'a') + 10;
    else if (base == 16 && c >= 'A' && c <= 'F')
      digit = static_cast<uint64_t>(c - 'A') + 10;
    else
      return std::nullopt;
    if (value > (UINT64_MAX - digit) / base) return std::nullopt;
    value = value * base + digit;
  }
  return value > max ? std::nullopt : std::optional(value);
}

std::optional<Be32> parse_ipv4(std::string_view s) {
  const auto parts = split(s, '.');
  if (parts.size() != 4) return std::nullopt;
  uint32_t address = 0;
  for (const std::string_view part : parts) {
    if (part.size() > 3 || part.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
    const auto octet = parse_number(part, 255);
    if (!octet) return std::nullopt;
    address = address << 8 | static_cast<uint32_t>(*octet);
  }
  return be32(address);
}

std::string format_ipv4(Be32 address) {
  const uint32_t a = address.host();
  char text[sizeof "255.255.255.255"];
  char* end = text;
  for (int shift = 24; shift >= 0; shift -= 8) {
    if (end != text) *end++ = '.';
    end = std::to_chars(end, text + sizeof text, a >> shift & 255).ptr;
  }
  return std::string(text, end);
}

std::optional<Prefix4> parse_prefix4(std::string_view s) {
  Prefix4 p;
  const size_t slash = s.find('/');
  const auto address = parse_ipv4(s.substr(0, slash));
  if (!address) return std::nullopt;
  p.address = *address;
  if (slash != std::string_view::npos) {
    const auto length = parse_number(s.substr(slash + 1), 32);
    if (!length) return std::nullopt;
    p.length = static_cast<uint8_t>(*length);
  }
  return p;
}

}  // namespace nf
