#include "datapath/iptables/address.h"

#include <bit>
#include <optional>

#include "datapath/base/text.h"
#include "datapath/iptables/protocols.h"

namespace nf::ipt {
namespace {

// twin: __numeric_to_ipaddr
std::optional<Be32> parse_dotted(std::string_view text, bool is_mask) {
  const auto parts = split(text, '.');
  if (parts.size() > 4 || (is_mask && parts.size() != 4)) return std::nullopt;
  uint32_t address = 0;
  for (size_t i = 0; i < 4; ++i) {
    uint32_t octet = 0;
    if (i < parts.size()) {
      const auto value = parse_c_number(parts[i], 255);
      if (!value) return std::nullopt;
      octet = *value;
    }
    address = address << 8 | octet;
  }
  return be32(address);
}

std::optional<Be32> parse_mask(std::string_view text) {
  if (const auto dotted = parse_dotted(text, true)) return dotted;
  const auto bits = parse_c_number(text, 32);
  if (!bits) return std::nullopt;
  return prefix_mask(*bits);
}

// -1 when the mask is no prefix.
int prefix_length(Be32 mask) {
  const uint32_t m = mask.host();
  const int ones = std::countl_one(m);
  return prefix_mask(static_cast<unsigned>(ones)) == mask ? ones : -1;
}

}  // namespace

Result<std::vector<AddressMask>> parse_addresses(std::string_view text) {
  std::vector<AddressMask> out;
  for (std::string_view part : split(text, ',')) {
    part.remove_prefix(std::min(part.find_first_not_of(" \t\r\n\v\f"), part.size()));
    AddressMask am;
    am.mask = prefix_mask(32);
    const size_t slash = part.rfind('/');
    std::string_view name = part;
    if (slash != std::string_view::npos) {
      const std::string_view mask_text = part.substr(slash + 1);
      const auto mask = parse_mask(mask_text);
      if (!mask) return error(strf("invalid mask `%s' specified", std::string(mask_text).c_str()));
      am.mask = *mask;
      name = part.substr(0, slash);
    }
    // With a null mask the name is not read at all, as in "any/0".
    if (!am.mask.is_zero()) {
      const auto address = parse_dotted(name, false);
      if (!address) return error(strf("host/network `%s' not found", std::string(name).c_str()));
      am.address = *address & am.mask;
    }
    out.push_back(am);
  }
  return out;
}

std::string mask_for_save(Be32 mask) {
  const int length = prefix_length(mask);
  return length >= 0 ? strf("%d", length) : format_ipv4(mask);
}

std::string mask_for_list(Be32 mask) {
  const int length = prefix_length(mask);
  if (length == 32) return {};
  return length >= 0 ? strf("/%d", length) : "/" + format_ipv4(mask);
}

}  // namespace nf::ipt
