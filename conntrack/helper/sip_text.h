// The text of a SIP message (RFC 3261): where in it the addresses, ports and numbers stand that the helper needs.
// twin: the ct_sip_* functions of net/netfilter/nf_conntrack_sip.c
//
// Offsets count from the message's first byte. Any bytes are safe: nothing outside `message` is read. What is accepted
// is what the kernel accepts, which is neither all of RFC 3261 nor only that: a needle at the very end of a message is
// not found, an address must be followed by something, a port is four or five digits from 1024 on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "datapath/base/byteorder.h"

namespace nf::ct::sip {

inline constexpr uint16_t kPort = 5060;

// twin: enum sip_header_types
enum class Header : uint8_t { kCSeq, kFrom, kTo, kContact, kViaUdp, kViaTcp, kExpires, kContentLength };

// kBad: it is there, but cannot be read. twin: the return values 1, 0 and -1
enum class Found : uint8_t { kYes, kNo, kBad };

struct TextRange {
  size_t offset = 0, length = 0;
  size_t end() const { return offset + length; }
  bool operator==(const TextRange&) const = default;
};

struct Endpoint {
  Be32 address;
  Be16 port;
  bool operator==(const Endpoint&) const = default;
};

// --- words
// Letters as the kernel knows them: of ISO 8859-1. twin: isalpha
bool is_letter(char c);
inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
// Whether `word` stands at `at`, in any case. twin: strncasecmp
bool word_at(std::string_view message, size_t at, std::string_view word);
size_t letters(std::string_view message, size_t at);  // how many begin at `at`
size_t digits(std::string_view message, size_t at);

// A decimal number and where it ends; at most eleven digits and 32 bits, else 0 and no end (`end` is `at`).
// twin: sip_strtouint
struct Number {
  uint32_t value = 0;
  size_t end = 0;
};
Number parse_number(std::string_view message, size_t at);

// A dotted address in message[at, limit) and where it ends; it ends before any byte that is no hexadecimal digit.
// twin: in4_pton with any delimiter, sip_parse_addr, sdp_parse_addr
struct Address {
  Be32 address;
  size_t end = 0;
};
std::optional<Address> parse_address(std::string_view message, size_t at, size_t limit);

// --- the first line
// The address and port of the URI a request is for. twin: ct_sip_parse_request
Found parse_request(std::string_view message, TextRange& match, Endpoint& uri);

// --- headers
// The part of a header's value that is of interest: of an address its host and port, else a number. Searches the lines
// that begin behind `from`. With kBad, `match.offset` is where to go on. twin: ct_sip_get_header
Found get_header(std::string_view message, size_t from, Header type, TextRange& match);

// How far a walk through all headers of a kind has come.
struct HeaderWalk {
  size_t offset = 0;
  bool in_header = false;  // in a comma separated list
};
// The first of the headers that can be read; with `walk` the next one. twin: ct_sip_parse_header_uri
Found parse_header_uri(std::string_view message, HeaderWalk* walk, Header type, TextRange& match, Endpoint& uri);

// --- parameters behind a header's value, which begins before `from`, up to the next comma
// `name` is "expires=". twin: ct_sip_parse_numerical_param
Found parse_number_parameter(std::string_view message, size_t from, std::string_view name, TextRange& match,
                             uint32_t& value);
// Never kBad. twin: ct_sip_parse_address_param
Found parse_address_parameter(std::string_view message, size_t from, std::string_view name, TextRange& match,
                              Be32& address);
// The protocol the parameter transport= names, or that of the connection. False: another than the connection's.
// twin: ct_sip_parse_transport
bool parse_transport(std::string_view message, size_t from, uint8_t connection_protocol, uint8_t& protocol);

}  // namespace nf::ct::sip
