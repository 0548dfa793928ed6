// A packet as a scenario writes it: what is said of it, and nothing else. The same spec sends (unset: a default) and
// matches (unset: anything).
//
// Invariants:
//  1. Numbers and addresses are in host order. A Value with low == high and no variable is a plain number.
//  2. `bytes` is used by kBytes only, and is then all there is: a frame, or an IP packet for a local process.
//  3. `quote` is set only for ICMP; a kBytes quote is the quoted bytes.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "datapath/packet/headers.h"

namespace nf::scenario {

// What `$name` stands for.
using Variables = std::map<std::string, uint32_t>;

// A number, an address, a range of them, or a variable that takes its value from a range.
struct Value {
  uint32_t low = 0, high = UINT32_MAX;
  std::string variable;  // without the $

  static Value of(uint32_t n) { return {n, n, {}}; }
  bool plain() const { return variable.empty() && low == high; }
  bool operator==(const Value&) const = default;
};

// The numbers a packet may be given, by the words they are written with (field_words).
enum class Field : uint8_t {
  kSequence,
  kAcknowledgment,
  kWindow,
  kUrgent,
  kVtag,
  kIcmpId,
  kIcmpSequence,
  kMtu,
  kGateway,
  kPointer,
  kInfo,  // bytes 4..7 of an ICMP header, as one number
  kTtl,
  kTos,
  kIpId,
  kFragment,  // bytes
  kPart,      // bytes of the datagram described that are sent, from kFragment on
  kTotal,
  kIhl,  // in words of four bytes, as in the header
  kVersion,
  kSum,
  kIpSum,
  kUdpLength,
  kCut,
  kPad,
  kVlan,
  kEtherType,
};
inline constexpr size_t kFields = static_cast<size_t>(Field::kEtherType) + 1;

enum class Form : uint8_t { kTcp, kUdp, kSctp, kIcmp, kOther, kArpRequest, kArpReply, kBytes };

struct PacketSpec {
  Form form = Form::kBytes;
  uint8_t protocol = 0;                      // of the IP header; kUdp: UDP or UDP-Lite
  std::optional<Value> source, destination;  // ARP: `tell A` and `is-at` A are the source, `who-has B` and `to B` not
  std::optional<Value> source_port, destination_port;
  std::optional<uint8_t> tcp_flags;
  uint8_t icmp_type = 0, icmp_code = 0;
  std::array<std::optional<Value>, kFields> numbers;
  bool df = false, mf = false;  // in a match: must be set
  bool no_df = false;           // in a match: must not be
  bool bad_sum = false, bad_ip_sum = false, no_sum = false;
  std::optional<std::vector<uint8_t>> tcp_options, ip_options, payload;  // kSctp: the payload is the chunks
  std::optional<MacAddress> mac_source, mac_destination;
  std::optional<MacAddress> arp_mac;  // is-at
  std::shared_ptr<const PacketSpec> quote;
  std::vector<uint8_t> bytes;

  std::optional<Value>& operator[](Field f) { return numbers[static_cast<size_t>(f)]; }
  const std::optional<Value>& operator[](Field f) const { return numbers[static_cast<size_t>(f)]; }
};

// `len N`: bytes 0, 1, 2, ...
std::vector<uint8_t> counting_payload(size_t length);

// ICMP types by the names of the language.
struct IcmpName {
  const char* name;
  uint8_t type, code;
};
const IcmpName* icmp_by_name(std::string_view name);
const IcmpName* icmp_by_type(uint8_t type, uint8_t code);
// Of the types that carry id and sequence.
bool icmp_is_query(uint8_t type);
bool icmp_is_error(uint8_t type);

// The word of a field that is written as WORD NUMBER; with `form`, as an ICMP query's id and seq are not IP's and
// TCP's.
struct FieldWord {
  const char* word;
  Field field;
  uint32_t max;
};
const FieldWord* field_by_word(std::string_view word, const PacketSpec& spec);
const char* word_of_field(Field field, const PacketSpec& spec);

}  // namespace nf::scenario
