// iptables' own options, those that no extension brings. twin: original_opts, iptables/iptables.c, and IPT_OPTSTRING
#pragma once

#include <cstdint>
#include <string_view>

namespace nf::ipt {

enum class Arguments : uint8_t { kNone, kOne, kOptional };

struct GenericOption {
  char letter;  // names the option; 0 for the ones without a short form is never used
  Arguments arguments;
};

// By "--name", whole or an unambiguous beginning when `abbreviated`; null when it is not one of these.
const GenericOption* generic_long_option(std::string_view name, bool abbreviated);
const GenericOption* generic_short_option(char letter);

}  // namespace nf::ipt
