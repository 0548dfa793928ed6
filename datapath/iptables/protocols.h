// IP protocol names: libxtables' own list, then that of /etc/protocols (Debian 12), built in so that one ruleset
// means the same everywhere. twin: proto_to_name, iptables/xshared.c; xtables_parse_protocol, libxtables/xtables.c
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace nf::ipt {

// A name or a number, decimal, octal or hexadecimal as strtoul(base 0) reads it. Names are lower case.
std::optional<uint8_t> parse_protocol(std::string_view text);
// Empty when the number has no name. Without `lookup` only the list of libxtables is asked (iptables -n).
std::string_view protocol_name(uint8_t protocol, bool lookup = true);

// strtoul with base 0, whole string. twin: xtables_strtoui
std::optional<uint32_t> parse_c_number(std::string_view text, uint32_t max);

}  // namespace nf::ipt
