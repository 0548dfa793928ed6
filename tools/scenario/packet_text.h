// Packets as text, in the language of README.md: what a person writes, what a failure shows, what the differential's
// scenarios are made of.
//
//   text --parse_packet--> spec --build_packet--> bytes --describe_packet--> spec --print_packet--> text
//
// Invariants:
//  1. parse_packet(print_packet(s)) says what s says.
//  2. build_packet(parse_packet(packet_text(bytes))) gives the same bytes, for any bytes: what the language cannot say
//  is
//     written `frame 0xHEX`.
// Errors have a text only; the caller knows file and line.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/base/result.h"
#include "tools/scenario/packet_spec.h"

namespace nf::scenario {

// Whether bytes begin with an Ethernet header or, for local processes, with the IP header.
enum class Layer : uint8_t { kEthernet, kIp };

Result<PacketSpec> parse_packet(std::string_view text);
std::string print_packet(const PacketSpec& spec);

// The bytes a spec stands for. What it leaves unset has the language's defaults; TCP numbers, IP id and the Ethernet
// destination depend on what was sent before and are 0 here (conversation.h, play.cc fill them in first). Every value
// must be plain or a variable that has a value.
Result<std::vector<uint8_t>> build_packet(const PacketSpec& spec, Layer layer, const Variables& variables = {});

// What bytes are, every field said. Bytes that are no packet of the language are kBytes.
PacketSpec describe_packet(std::span<const uint8_t> bytes, Layer layer);

// Text that gives these bytes again, defaults left out.
std::string packet_text(std::span<const uint8_t> bytes, Layer layer);
// For people: what was understood of the bytes, in the same words, even when they do not say all of it.
std::string packet_summary(std::span<const uint8_t> bytes, Layer layer);

std::string flags_text(uint8_t tcp_flags);
std::string mac_text(const MacAddress& mac);
std::optional<MacAddress> parse_mac(std::string_view text);
std::string hex_text(std::span<const uint8_t> bytes);  // 0x...
std::optional<std::vector<uint8_t>> parse_hex(std::string_view text);
std::string tcp_options_text(std::span<const uint8_t> options);  // without < >
Result<std::vector<uint8_t>> parse_tcp_options(std::string_view text);
// A number, {A-B}, $name or $name{A-B}.
Result<Value> parse_value(std::string_view text, uint32_t max);
// An address, * or $name.
Result<Value> parse_address(std::string_view text);

}  // namespace nf::scenario
