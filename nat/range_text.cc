#include "nat/range_text.h"

#include <arpa/inet.h>

#include "datapath/base/text.h"
#include "datapath/iptables/xt_options.h"
#include "datapath/iptables/xt_ports.h"

namespace nf::nat {
namespace {

// A port at the front of `text`; a service's name takes all of it.
Status parse_port(std::string_view text, uint32_t min, uint16_t& port, std::string_view& rest) {
  if (const auto number = ipt::number_prefix(text); number && number->value >= min && number->value <= 0xffff) {
    port = static_cast<uint16_t>(number->value);
    rest = text.substr(number->length);
    return {};
  }
  rest = {};
  const bool numeric = !text.empty() && text[0] >= '0' && text[0] <= '9';
  if (const Result<uint16_t> service = ipt::parse_port_any_protocol(text); !numeric && service.ok()) {
    port = *service;
    return {};
  }
  return error("Port `" + std::string(text) + "' not valid");
}

Status parse_address(std::string_view text, Be32& address) {
  in_addr a;
  if (inet_pton(AF_INET, std::string(text).c_str(), &a) != 1)
    return error("Bad IP address \"" + std::string(text) + "\"");
  address = Be32::from_raw(a.s_addr);
  return {};
}

}  // namespace

Status parse_ports(std::string_view text, Range& range) {
  range.flags |= kRangeProtoSpecified;
  std::string_view rest;
  uint16_t low, high, base;
  if (Status s = parse_port(text, 0, low, rest); !s.ok()) return s;
  range.min_port = range.max_port = be16(low);
  if (rest.empty()) return {};
  if (rest[0] == ':') return error("Invalid port:port syntax - use dash");
  if (rest[0] != '-') return error("Garbage after port value: `" + std::string(rest) + "'");

  const std::string_view upper = rest.substr(1);
  if (Status s = parse_port(upper, 0, high, rest); !s.ok()) return s;
  if (high < low) return error("Port range `" + std::string(upper) + "' funky");
  range.max_port = be16(high);
  if (rest.empty()) return {};
  if (rest[0] != '/') return error("Garbage after port range: `" + std::string(rest) + "'");

  if (Status s = parse_port(rest.substr(1), 1, base, rest); !s.ok()) return s;
  range.flags |= kRangeProtoOffset;
  range.base_port = be16(base);
  return {};
}

Status parse_to(std::string_view text, Range& range) {
  if (text.find('[') != std::string_view::npos) return error("Invalid address format");
  size_t colon = text.find(':');
  // Two colons would be an IPv6 address.
  if (colon != std::string_view::npos && text.find(':', colon + 1) != std::string_view::npos)
    colon = std::string_view::npos;
  if (colon != std::string_view::npos) {
    if (Status s = parse_ports(text.substr(colon + 1), range); !s.ok()) return s;
    if (colon == 0) return {};
  }
  const std::string_view addresses = text.substr(0, colon);
  range.flags |= kRangeMapIps;
  const size_t dash = addresses.find('-');
  if (Status s = parse_address(addresses.substr(0, dash), range.min_address); !s.ok()) return s;
  range.max_address = range.min_address;
  if (dash == std::string_view::npos) return {};
  return parse_address(addresses.substr(dash + 1), range.max_address);
}

std::string format_ports(const Range& range) {
  if ((range.flags & kRangeProtoSpecified) == 0) return {};
  std::string out = strf("%u", range.min_port.host());
  if (range.max_port != range.min_port) out += strf("-%u", range.max_port.host());
  if ((range.flags & kRangeProtoOffset) != 0) out += strf("/%u", range.base_port.host());
  return out;
}

std::string format_range(const Range& range) {
  std::string out;
  if ((range.flags & kRangeMapIps) != 0) {
    out += format_ipv4(range.min_address);
    if (range.max_address != range.min_address) out += '-' + format_ipv4(range.max_address);
  }
  if ((range.flags & kRangeProtoSpecified) != 0) out += ':' + format_ports(range);
  return out;
}

void append_flags(std::string& out, std::string_view prefix, const Range& range) {
  constexpr struct {
    uint32_t bit;
    std::string_view word;
  } kFlags[] = {
      {kRangeProtoRandom, "random"}, {kRangeProtoRandomFully, "random-fully"}, {kRangePersistent, "persistent"}};
  for (const auto& f : kFlags) {
    if ((range.flags & f.bit) == 0) continue;
    out += ' ';
    out += prefix;
    out += f.word;
  }
}

Status check_port_protocol(const ipt::RuleContext& rule, const Range& range) {
  if ((range.flags & kRangeProtoSpecified) == 0) return {};
  switch (rule.protocol) {
    case kProtoTcp:
    case kProtoUdp:
    case kProtoSctp:
    case kProtoDccp:
    case kProtoIcmp:
      return {};
    default:
      return error("Need TCP, UDP, SCTP or DCCP with port specification");
  }
}

}  // namespace nf::nat
