#include "conntrack/host_mask.h"

#include <arpa/inet.h>

#include <bit>

#include "datapath/base/text.h"

namespace nf::ct {
namespace {

bool parse_address(std::string_view text, Be32& address) {
  in_addr a;
  if (inet_pton(AF_INET, std::string(text).c_str(), &a) != 1) return false;
  address = Be32::from_raw(a.s_addr);
  return true;
}

}  // namespace

int mask_length(Be32 mask) { return std::countl_one(mask.host()); }

Result<HostMask> parse_host_mask(std::string_view extension, const ipt::OptionSpec& option, std::string_view text) {
  HostMask h{{}, prefix_mask(32)};
  const size_t slash = text.find('/');
  if (!parse_address(text.substr(0, slash), h.address))
    return error("host/network \"" + std::string(text.substr(0, slash)) + "\" not found");
  if (slash == std::string_view::npos) return h;
  const std::string_view mask = text.substr(slash + 1);
  if (const auto length = parse_number(mask, 32); length) {
    h.mask = prefix_mask(static_cast<unsigned>(*length));
    return h;
  }
  if (parse_address(mask, h.mask)) {
    // The real program keeps a length, and a mask with holes has none: it becomes 255, all ones.
    if (prefix_mask(static_cast<unsigned>(mask_length(h.mask))) != h.mask) h.mask = prefix_mask(32);
    return h;
  }
  return error(std::string(extension) + ": bad value for option \"--" + std::string(option.name) +
               "\", neither a valid network mask nor valid CIDR (0-32).");
}

}  // namespace nf::ct
