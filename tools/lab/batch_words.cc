#include "tools/lab/batch_words.h"

#include <cerrno>
#include <cstdlib>
#include <optional>

namespace nf::lab {
namespace {

// All of it, as strtoul reads it. twin: get_unsigned
std::optional<unsigned long> c_number(const std::string& s, int base) {
  if (s.empty()) return std::nullopt;
  errno = 0;
  char* end = nullptr;
  const unsigned long n = std::strtoul(s.c_str(), &end, base);
  if (end == s.c_str() || *end != '\0' || errno == ERANGE) return std::nullopt;
  return n;
}

// twin: get_addr_ipv4
std::optional<Be32> short_address(const std::string& s) {
  uint32_t address = 0;
  const auto parts = split(s, '.');
  if (parts.size() > 4) return std::nullopt;
  for (size_t i = 0; i < 4; ++i) {
    address <<= 8;
    if (i >= parts.size()) continue;
    const auto n = c_number(std::string(parts[i]), 0);
    if (!n || *n > 255) return std::nullopt;
    address |= static_cast<uint32_t>(*n);
  }
  return be32(address);
}

// A length or a mask written as an address. twin: get_netmask
std::optional<uint8_t> prefix_length(const std::string& s) {
  if (const auto n = c_number(s, 0)) return *n <= 32 ? std::optional(static_cast<uint8_t>(*n)) : std::nullopt;
  const auto mask = short_address(s);
  if (!mask) return std::nullopt;
  for (uint8_t length = 0; length <= 32; ++length) {
    if (prefix_mask(length) == *mask) return length;
  }
  return std::nullopt;
}

// twin: /etc/iproute2/rt_dsfield
constexpr Keyword kDscpNames[] = {
    {"default", 0x00}, {"AF11", 0x28}, {"AF12", 0x30}, {"AF13", 0x38}, {"AF21", 0x48}, {"AF22", 0x50}, {"AF23", 0x58},
    {"AF31", 0x68},    {"AF32", 0x70}, {"AF33", 0x78}, {"AF41", 0x88}, {"AF42", 0x90}, {"AF43", 0x98}, {"CS1", 0x20},
    {"CS2", 0x40},     {"CS3", 0x60},  {"CS4", 0x80},  {"CS5", 0xa0},  {"CS6", 0xc0},  {"CS7", 0xe0},  {"EF", 0xb8}};

}  // namespace

int BatchWords::take_keyword(std::span<const Keyword> keywords) {
  if (at_end()) return -1;
  for (const Keyword& k : keywords) {
    if (k.text == peek() || (k.abbreviable && k.text.starts_with(peek()))) {
      ++at_;
      return k.id;
    }
  }
  return -1;
}

std::string BatchWords::value() {
  if (!at_end()) return take();
  fail("the line ends where a value should follow" + (at_ > 0 ? " \"" + words_[at_ - 1] + "\"" : std::string()));
  return {};
}

uint32_t BatchWords::number(uint32_t max) {
  const std::string word = value();
  const auto n = c_number(word, 0);
  if (n && *n <= max) return static_cast<uint32_t>(*n);
  fail_word(word, "is not a number, or too large");
  return 0;
}

uint8_t BatchWords::tos() {
  const std::string word = value();
  for (const Keyword& k : kDscpNames) {
    if (k.text == word) return static_cast<uint8_t>(k.id);
  }
  const auto n = c_number(word, 16);
  if (n && *n <= 255) return static_cast<uint8_t>(*n);
  fail_word(word, "is not a TOS value");
  return 0;
}

bool BatchWords::on_off() {
  const std::string word = value();
  if (word != "on" && word != "off") fail_word(word, "is neither \"on\" nor \"off\"");
  return word == "on";
}

std::string BatchWords::interface_name() {
  std::string word = value();
  const bool good = !word.empty() && word.size() < 16 && word != "." && word != ".." &&
                    word.find_first_of("/ \t\n\v\f\r") == std::string::npos;
  if (!good) fail_word(word, "is not a valid interface name");
  return word;
}

MacAddress BatchWords::mac() {
  const std::string word = value();
  const auto parts = split(word, ':');
  MacAddress m{};
  bool good = parts.size() == m.size();
  for (size_t i = 0; good && i < m.size(); ++i) {
    const auto n = c_number(std::string(parts[i]), 16);
    good = n && *n <= 255;
    if (good) m[i] = static_cast<uint8_t>(*n);
  }
  if (!good) fail_word(word, "is not a link address");
  return m;
}

Prefix4 BatchWords::parse_prefix(const std::string& word, bool* has_length) {
  if (has_length != nullptr) *has_length = false;
  if (word == "default" || word == "any" || word == "all") return {Be32{}, 0};
  if (word.find(':') != std::string::npos) {
    fail_word(word, "is IPv6, which is not modelled");
    return {};
  }
  const size_t slash = word.find('/');
  const auto address = short_address(word.substr(0, slash));
  std::optional<uint8_t> length = 32;
  if (slash != std::string::npos) {
    length = prefix_length(word.substr(slash + 1));
    if (has_length != nullptr) *has_length = true;
  }
  if (!address || !length) {
    fail_word(word, "is not an IPv4 prefix");
    return {};
  }
  return {*address, *length};
}

Be32 BatchWords::address() {
  const std::string word = value();
  bool has_length = false;
  const Prefix4 p = parse_prefix(word, &has_length);
  if (!failed_ && (has_length || p.length != 32)) fail_word(word, "is not an IPv4 address");
  return p.address;
}

Prefix4 BatchWords::prefix(bool* has_length) { return parse_prefix(value(), has_length); }

void BatchWords::fail(std::string text) {
  if (failed_) return;
  failed_ = true;
  error_ = std::move(text);
}

Result<std::vector<std::string>> split_batch_line(std::string_view line) {
  constexpr std::string_view kBlank = " \t\r\n";
  std::vector<std::string> words;
  size_t at = 0;
  while ((at = line.find_first_not_of(kBlank, at)) != std::string_view::npos) {
    size_t end;
    if (line[at] == '\'' || line[at] == '"') {
      end = line.find(line[at], at + 1);
      if (end == std::string_view::npos) return nf::error("unterminated quoted string");
      ++at;
    } else {
      end = line.find_first_of(kBlank, at);
    }
    words.emplace_back(line.substr(at, end == std::string_view::npos ? end : end - at));
    if (end == std::string_view::npos) break;
    at = end + 1;
  }
  return words;
}

}  // namespace nf::lab
