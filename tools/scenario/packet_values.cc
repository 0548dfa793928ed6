// The small values inside a packet's text: numbers, addresses, link addresses, hexadecimal, TCP flags and options.
#include <cstring>

#include "datapath/base/text.h"
#include "tools/scenario/packet_text.h"

namespace nf::scenario {
namespace {

constexpr std::string_view kFlagLetters = "FSRPAUEW";  // bit 0 first

bool is_name(std::string_view s) {
  if (s.empty()) return false;
  for (const char c : s)
    if (!(c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))) return false;
  return true;
}

Error bad(std::string_view what, std::string_view text) {
  return error("\"" + std::string(text) + "\" is not " + std::string(what));
}

void put32(std::vector<uint8_t>& out, uint32_t n) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<uint8_t>(n >> shift));
}
uint32_t get32(const uint8_t* p) {
  return uint32_t{p[0]} << 24 | uint32_t{p[1]} << 16 | uint32_t{p[2]} << 8 | uint32_t{p[3]};
}

enum TcpOption : uint8_t { kEol = 0, kNop = 1, kMss = 2, kWscale = 3, kSackOk = 4, kSack = 5, kTimestamp = 8 };

// One option, its words split.
bool put_tcp_option(const std::vector<std::string_view>& words, std::vector<uint8_t>& out) {
  const std::string_view name = words[0];
  const auto number = [&](size_t i, uint64_t max) -> std::optional<uint32_t> {
    const auto n = i < words.size() ? parse_number(words[i], max) : std::nullopt;
    return n ? std::optional<uint32_t>(static_cast<uint32_t>(*n)) : std::nullopt;
  };
  if (words.size() == 1 && name == "nop") return out.push_back(kNop), true;
  if (words.size() == 1 && name == "eol") return out.push_back(kEol), true;
  if (words.size() == 1 && name == "sackOK") return out.insert(out.end(), {kSackOk, 2}), true;
  if (words.size() == 2 && name == "mss") {
    const auto n = number(1, UINT16_MAX);
    if (!n) return false;
    out.insert(out.end(), {kMss, 4, static_cast<uint8_t>(*n >> 8), static_cast<uint8_t>(*n)});
    return true;
  }
  if (words.size() == 2 && name == "wscale") {
    const auto n = number(1, UINT8_MAX);
    if (!n) return false;
    out.insert(out.end(), {kWscale, 3, static_cast<uint8_t>(*n)});
    return true;
  }
  if (words.size() == 3 && name == "TS") {
    const auto value = number(1, UINT32_MAX), echo = number(2, UINT32_MAX);
    if (!value || !echo) return false;
    out.insert(out.end(), {kTimestamp, 10});
    put32(out, *value);
    put32(out, *echo);
    return true;
  }
  if (words.size() >= 2 && words.size() <= 5 && name == "sack") {
    out.insert(out.end(), {kSack, static_cast<uint8_t>(2 + 8 * (words.size() - 1))});
    for (size_t i = 1; i < words.size(); ++i) {
      const auto edges = split(words[i], ':');
      if (edges.size() != 2) return false;
      const auto left = parse_number(edges[0], UINT32_MAX), right = parse_number(edges[1], UINT32_MAX);
      if (!left || !right) return false;
      put32(out, static_cast<uint32_t>(*left));
      put32(out, static_cast<uint32_t>(*right));
    }
    return true;
  }
  if (words.size() == 1) {
    if (const auto bytes = parse_hex(name)) return out.insert(out.end(), bytes->begin(), bytes->end()), true;
  }
  return false;
}

}  // namespace

std::string flags_text(uint8_t tcp_flags) {
  // In the order people write them: SYN before ACK, as tcpdump and packetdrill do.
  constexpr std::string_view kOrder = "SFRPUEWA";
  std::string out;
  for (const char c : kOrder)
    if ((tcp_flags >> kFlagLetters.find(c) & 1) != 0) out += c;
  return out.empty() ? "0" : out;
}

std::string mac_text(const MacAddress& mac) {
  return strf("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

std::optional<MacAddress> parse_mac(std::string_view text) {
  const auto parts = split(text, ':');
  MacAddress mac{};
  if (parts.size() != mac.size()) return std::nullopt;
  for (size_t i = 0; i < mac.size(); ++i) {
    if (parts[i].empty() || parts[i].size() > 2) return std::nullopt;
    const auto n = parse_number("0x" + std::string(parts[i]), UINT8_MAX);
    if (!n) return std::nullopt;
    mac[i] = static_cast<uint8_t>(*n);
  }
  return mac;
}

std::string hex_text(std::span<const uint8_t> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out = "0x";
  for (const uint8_t b : bytes) (out += kDigits[b >> 4]) += kDigits[b & 15];
  return out;
}

std::optional<std::vector<uint8_t>> parse_hex(std::string_view text) {
  if (!text.starts_with("0x") || text.size() % 2 != 0) return std::nullopt;
  std::vector<uint8_t> out;
  for (size_t i = 2; i < text.size(); i += 2) {
    unsigned byte = 0;
    for (const char c : text.substr(i, 2)) {
      unsigned digit = 0;
      if (c >= '0' && c <= '9')
        digit = static_cast<unsigned>(c - '0');
      else if ((c | 32) >= 'a' && (c | 32) <= 'f')
        digit = static_cast<unsigned>((c | 32) - 'a' + 10);
      else
        return std::nullopt;
      byte = byte * 16 + digit;
    }
    out.push_back(static_cast<uint8_t>(byte));
  }
  return out;
}

std::string tcp_options_text(std::span<const uint8_t> o) {
  std::string out;
  const auto add = [&out](const std::string& text) { out += (out.empty() ? "" : ",") + text; };
  for (size_t i = 0; i < o.size();) {
    const uint8_t* p = o.data() + i;
    const size_t left = o.size() - i;
    const auto is = [&](uint8_t kind, size_t length) { return p[0] == kind && left >= length && p[1] == length; };
    if (p[0] == kNop || p[0] == kEol) {
      add(p[0] == kNop ? "nop" : "eol");
      i += 1;
    } else if (is(kMss, 4)) {
      add(strf("mss %u", p[2] << 8 | p[3]));
      i += 4;
    } else if (is(kWscale, 3)) {
      add(strf("wscale %u", p[2]));
      i += 3;
    } else if (is(kSackOk, 2)) {
      add("sackOK");
      i += 2;
    } else if (is(kTimestamp, 10)) {
      add(strf("TS %u %u", get32(p + 2), get32(p + 6)));
      i += 10;
    } else if (p[0] == kSack && left >= 10 && p[1] <= left && p[1] >= 10 && p[1] <= 34 && p[1] % 8 == 2) {
      std::string blocks = "sack";
      for (size_t at = 2; at < p[1]; at += 8) blocks += strf(" %u:%u", get32(p + at), get32(p + at + 4));
      add(blocks);
      i += p[1];
    } else {
      // An unknown option whole, or, when its length is a lie, everything left.
      const size_t length = left >= 2 && p[1] >= 2 && p[1] <= left ? p[1] : left;
      add(hex_text(o.subspan(i, length)));
      i += length;
    }
  }
  return out;
}

Result<std::vector<uint8_t>> parse_tcp_options(std::string_view text) {
  std::vector<uint8_t> out;
  if (trim(text).empty()) return out;
  for (const std::string_view option : split(text, ',')) {
    const auto words = split_words(option);
    if (words.empty() || !put_tcp_option(words, out)) return bad("a TCP option", trim(option));
  }
  while (out.size() % 4 != 0) out.push_back(kEol);
  if (out.size() > 40) return error(strf("TCP options of %zu bytes: a header has room for 40", out.size()));
  return out;
}

Result<Value> parse_value(std::string_view text, uint32_t max) {
  Value v{0, max, {}};
  std::string_view rest = text;
  if (rest == "*") return v;
  if (rest.starts_with('$')) {
    const size_t end = rest.find('{');
    v.variable = rest.substr(1, end == std::string_view::npos ? end : end - 1);
    if (!is_name(v.variable)) return bad("a variable", text);
    if (end == std::string_view::npos) return v;
    rest.remove_prefix(end);
  }
  if (rest.starts_with('{') && rest.ends_with('}')) {
    const auto edges = split(rest.substr(1, rest.size() - 2), '-');
    if (edges.size() != 2) return bad("a range {A-B}", text);
    const auto low = parse_number(edges[0], max), high = parse_number(edges[1], max);
    if (!low || !high || *low > *high) return bad(strf("a range {A-B} of numbers up to %u", max), text);
    v.low = static_cast<uint32_t>(*low);
    v.high = static_cast<uint32_t>(*high);
    return v;
  }
  const auto n = parse_number(rest, max);
  if (!n || !v.variable.empty()) return bad(strf("a number up to %u", max), text);
  return Value::of(static_cast<uint32_t>(*n));
}

Result<Value> parse_address(std::string_view text) {
  if (text == "*") return Value{};
  if (text.starts_with('$')) {
    if (!is_name(text.substr(1))) return bad("a variable", text);
    return Value{0, UINT32_MAX, std::string(text.substr(1))};
  }
  const auto address = parse_ipv4(text);
  if (!address) return bad("an IPv4 address", text);
  return Value::of(address->host());
}

}  // namespace nf::scenario
