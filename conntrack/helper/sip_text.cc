#include "conntrack/helper/sip_text.h"

#include "datapath/packet/headers.h"

namespace nf::ct::sip {
namespace {

constexpr size_t kNone = std::string_view::npos;

// How the part of interest of a header is measured.
enum class Value : uint8_t { kDigits, kHost, kUserAndHost };

// twin: struct sip_header, ct_sip_hdrs
struct HeaderForm {
  std::string_view name, compact, search;
  Value value;
};
constexpr HeaderForm kHeaders[] = {
    {"CSeq", "", "", Value::kDigits},         {"From", "f", "sip:", Value::kUserAndHost},
    {"To", "t", "sip:", Value::kUserAndHost}, {"Contact", "m", "sip:", Value::kUserAndHost},
    {"Via", "v", "UDP ", Value::kHost},       {"Via", "v", "TCP ", Value::kHost},
    {"Expires", "", "", Value::kDigits},      {"Content-Length", "l", "", Value::kDigits},
};
const HeaderForm& form_of(Header type) { return kHeaders[static_cast<size_t>(type)]; }

bool is_line_end(char c) { return c == '\r' || c == '\n'; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

// From a line's end to the text of the continuation line behind it; kNone: the next line is none.
// twin: sip_follow_continuation
size_t follow_continuation(std::string_view message, size_t at, size_t limit) {
  if (++at >= limit) return kNone;
  if (message[at - 1] == '\r' && message[at] == '\n' && ++at >= limit) return kNone;
  if (!is_blank(message[at])) return kNone;
  while (at < limit && is_blank(message[at])) ++at;
  return at;
}

// twin: sip_skip_whitespace
size_t skip_whitespace(std::string_view message, size_t at) {
  while (at < message.size() && is_blank(message[at])) ++at;
  if (at < message.size() && is_line_end(message[at])) return follow_continuation(message, at, message.size());
  return at;
}

// In a header's value with its continuation lines; the first byte of such a line is passed over.
// twin: ct_sip_header_search
size_t header_search(std::string_view message, size_t at, size_t limit, std::string_view needle) {
  if (limit < needle.size()) return kNone;
  limit -= needle.size();
  for (; at < limit; ++at) {
    if (is_line_end(message[at])) {
      at = follow_continuation(message, at, limit);
      if (at == kNone) return kNone;
      continue;
    }
    if (word_at(message, at, needle)) return at;
  }
  return kNone;
}

// Behind an address: ":port" or something else. Without one the port is SIP's. twin: sip_parse_port
struct Port {
  Be16 port;
  size_t end = 0;
};
std::optional<Port> parse_port(std::string_view message, size_t at) {
  if (at >= message.size()) return std::nullopt;
  if (message[at] != ':') return Port{be16(kPort), at};
  const size_t n = digits(message, ++at);
  if (n == 0 || n > 5 || at + n >= message.size()) return std::nullopt;
  const Number number = parse_number(message, at);
  if (number.value < 1024 || number.value > 65535) return std::nullopt;
  return Port{be16(static_cast<uint16_t>(number.value)), number.end};
}

// Length of address and port; 0: none there. twin: epaddr_len
size_t host_length(std::string_view message, size_t at) {
  const std::optional<Address> address = parse_address(message, at, message.size());
  if (!address) return 0;
  const std::optional<Port> port = parse_port(message, address->end);
  return port ? port->end - at : 0;
}

// Behind "user@", if that stands before the line's end. twin: skp_epaddr_len
size_t skip_user(std::string_view message, size_t at) {
  size_t i = at;
  while (i < message.size() && message[i] != '@' && !is_line_end(message[i])) ++i;
  return i < message.size() && message[i] == '@' ? i + 1 : at;
}

// The value's part of interest at or behind `at`; length 0: it cannot be read.
TextRange measure(std::string_view message, size_t at, Value value) {
  switch (value) {
    case Value::kDigits:
      return {at, digits(message, at)};
    case Value::kUserAndHost:
      at = skip_user(message, at);
      break;
    case Value::kHost:
      break;
  }
  return {at, host_length(message, at)};
}

// Behind the header's name, when it stands at `at`. twin: in ct_sip_get_header
size_t behind_name(std::string_view message, size_t at, const HeaderForm& form) {
  if (word_at(message, at, form.name)) return at + form.name.size();
  if (form.compact.empty() || !word_at(message, at, form.compact)) return kNone;
  const size_t end = at + form.compact.size();
  return end < message.size() && !is_letter(message[end]) ? end : kNone;
}

// The next value of a comma separated list. twin: ct_sip_next_header
Found next_header(std::string_view message, size_t from, Header type, TextRange& match) {
  const HeaderForm& form = form_of(type);
  size_t at = header_search(message, from, message.size(), ",");
  if (at == kNone) return Found::kNo;
  at = header_search(message, at, message.size(), form.search);
  if (at == kNone) return Found::kNo;
  at += form.search.size();
  match = measure(message, at, form.value);
  if (match.length != 0) return Found::kYes;
  match.offset = at;
  return Found::kBad;
}

// twin: ct_sip_walk_headers
Found walk_headers(std::string_view message, HeaderWalk* walk, Header type, TextRange& match) {
  size_t from = walk != nullptr ? walk->offset : 0;
  if (walk != nullptr && walk->in_header) {
    Found found;
    while ((found = next_header(message, from, type, match)) == Found::kBad) from = match.offset;
    if (found == Found::kYes) return found;
    walk->in_header = false;
  }
  Found found;
  while ((found = get_header(message, from, type, match)) == Found::kBad) from = match.offset;
  if (found == Found::kYes && walk != nullptr) walk->in_header = true;
  return found;
}

// The parameter's value; kNone: it is not there.
size_t parameter(std::string_view message, size_t from, std::string_view name, size_t& limit) {
  limit = header_search(message, from, message.size(), ",");
  if (limit == kNone) limit = message.size();
  const size_t at = header_search(message, from, limit, name);
  return at == kNone ? kNone : at + name.size();
}

}  // namespace

bool is_letter(char c) {
  const auto u = static_cast<uint8_t>(c);
  const char l = lower(c);
  return (l >= 'a' && l <= 'z') || (u >= 0xc0 && u != 0xd7 && u != 0xf7);
}

bool word_at(std::string_view message, size_t at, std::string_view word) {
  if (at > message.size() || message.size() - at < word.size()) return false;
  for (size_t i = 0; i < word.size(); ++i)
    if (lower(message[at + i]) != lower(word[i])) return false;
  return true;
}

size_t letters(std::string_view message, size_t at) {
  size_t n = 0;
  while (at + n < message.size() && is_letter(message[at + n])) ++n;
  return n;
}

size_t digits(std::string_view message, size_t at) {
  size_t n = 0;
  while (at + n < message.size() && is_digit(message[at + n])) ++n;
  return n;
}

Number parse_number(std::string_view message, size_t at) {
  constexpr size_t kMostDigits = 11;
  const size_t n = digits(message, at);
  if (n > kMostDigits) return {0, at};
  uint64_t value = 0;
  for (size_t i = 0; i < n; ++i) value = value * 10 + static_cast<uint64_t>(message[at + i] - '0');
  if (value > UINT32_MAX) return {0, at};
  return {static_cast<uint32_t>(value), at + n};
}

std::optional<Address> parse_address(std::string_view message, size_t at, size_t limit) {
  uint32_t address = 0, part = 0;
  bool has_digit = false;
  for (int parts = 0;; ++at) {
    const char c = at < limit ? message[at] : '\0';
    if (is_digit(c)) {
      part = part * 10 + static_cast<uint32_t>(c - '0');
      if (part > 255) return std::nullopt;
      has_digit = true;
      continue;
    }
    if ((lower(c) >= 'a' && lower(c) <= 'f') || !has_digit) return std::nullopt;
    address = address << 8 | part;
    ++parts;
    if (c != '.') {
      if (parts != 4) return std::nullopt;
      return Address{be32(address), at};
    }
    if (parts == 4) return std::nullopt;
    part = 0;
    has_digit = false;
  }
}

Found parse_request(std::string_view message, TextRange& match, Endpoint& uri) {
  constexpr std::string_view kScheme = "sip:";
  size_t at = letters(message, 0);
  if (at == 0 || ++at >= message.size()) return Found::kNo;
  for (; at + kScheme.size() < message.size(); ++at) {
    if (is_line_end(message[at])) return Found::kBad;
    if (word_at(message, at, kScheme)) {
      at += kScheme.size();
      break;
    }
  }
  const size_t host = skip_user(message, at);
  if (host_length(message, host) == 0) return Found::kNo;
  const std::optional<Address> address = parse_address(message, host, message.size());
  const std::optional<Port> port = parse_port(message, address->end);
  uri = {address->address, port->port};
  match = {host, port->end - host};
  return Found::kYes;
}

Found get_header(std::string_view message, size_t from, Header type, TextRange& match) {
  const HeaderForm& form = form_of(type);
  const size_t limit = message.size();
  for (size_t at = from; at < limit; ++at) {
    if (!is_line_end(message[at])) continue;
    if (++at >= limit) break;
    if (message[at - 1] == '\r' && message[at] == '\n' && ++at >= limit) break;
    if (is_blank(message[at])) continue;
    const size_t end = behind_name(message, at, form);
    if (end == kNone) continue;

    at = skip_whitespace(message, end);
    if (at == kNone || at >= limit || message[at] != ':' || ++at >= limit) break;
    at = skip_whitespace(message, at);
    if (at == kNone) break;

    match.offset = at;
    if (!form.search.empty()) {
      at = header_search(message, at, limit, form.search);
      if (at == kNone) return Found::kBad;
      at += form.search.size();
    }
    const TextRange found = measure(message, at, form.value);
    match.length = found.length;
    if (match.length == 0) return Found::kBad;
    match.offset = found.offset;
    return Found::kYes;
  }
  return Found::kNo;
}

Found parse_header_uri(std::string_view message, HeaderWalk* walk, Header type, TextRange& match, Endpoint& uri) {
  if (walk_headers(message, walk, type, match) == Found::kNo) return Found::kNo;
  const std::optional<Address> address = parse_address(message, match.offset, message.size());
  if (!address) return Found::kBad;
  const std::optional<Port> port = parse_port(message, address->end);
  if (!port) return Found::kBad;
  uri = {address->address, port->port};
  if (walk != nullptr) walk->offset = port->end;
  return Found::kYes;
}

Found parse_number_parameter(std::string_view message, size_t from, std::string_view name, TextRange& match,
                             uint32_t& value) {
  size_t limit;
  const size_t at = parameter(message, from, name, limit);
  if (at == kNone) return Found::kNo;
  const Number number = parse_number(message.substr(0, limit), at);
  value = number.value;
  if (number.end == at) return Found::kBad;
  match = {at, number.end - at};
  return Found::kYes;
}

Found parse_address_parameter(std::string_view message, size_t from, std::string_view name, TextRange& match,
                              Be32& address) {
  size_t limit;
  const size_t at = parameter(message, from, name, limit);
  if (at == kNone) return Found::kNo;
  const std::optional<Address> found = parse_address(message, at, limit);
  if (!found) return Found::kNo;
  address = found->address;
  match = {at, found->end - at};
  return Found::kYes;
}

bool parse_transport(std::string_view message, size_t from, uint8_t connection_protocol, uint8_t& protocol) {
  protocol = connection_protocol;
  size_t limit;
  const size_t at = parameter(message, from, "transport=", limit);
  if (at == kNone) return true;
  if (word_at(message, at, "TCP"))
    protocol = kProtoTcp;
  else if (word_at(message, at, "UDP"))
    protocol = kProtoUdp;
  else
    return false;
  return protocol == connection_protocol;
}

}  // namespace nf::ct::sip
