#include "datapath/iptables/protocols.h"

namespace nf::ipt {
namespace {

struct Name {
  std::string_view name;
  uint8_t number;
};

constexpr Name kChainProtocols[] = {
    {"tcp", 6},        {"sctp", 132},  {"udp", 17}, {"udplite", 136}, {"icmp", 1},
    {"ipv6-icmp", 58}, {"icmpv6", 58}, {"esp", 50}, {"ah", 51},       {"mobility-header", 135},
    {"ipv6-mh", 135},  {"mh", 135},    {"all", 0},
};

// The order of the file: the first name of a number is the one printed.
constexpr Name kEtcProtocols[] = {
    {"ip", 0},        {"hopopt", 0},       {"icmp", 1},        {"igmp", 2},
    {"ggp", 3},       {"ipencap", 4},      {"st", 5},          {"tcp", 6},
    {"egp", 8},       {"igp", 9},          {"pup", 12},        {"udp", 17},
    {"hmp", 20},      {"xns-idp", 22},     {"rdp", 27},        {"iso-tp4", 29},
    {"dccp", 33},     {"xtp", 36},         {"ddp", 37},        {"idpr-cmtp", 38},
    {"ipv6", 41},     {"ipv6-route", 43},  {"ipv6-frag", 44},  {"idrp", 45},
    {"rsvp", 46},     {"gre", 47},         {"esp", 50},        {"ah", 51},
    {"skip", 57},     {"ipv6-icmp", 58},   {"ipv6-nonxt", 59}, {"ipv6-opts", 60},
    {"rspf", 73},     {"vmtp", 81},        {"eigrp", 88},      {"ospf", 89},
    {"ax.25", 93},    {"ipip", 94},        {"etherip", 97},    {"encap", 98},
    {"pim", 103},     {"ipcomp", 108},     {"vrrp", 112},      {"l2tp", 115},
    {"isis", 124},    {"sctp", 132},       {"fc", 133},        {"mobility-header", 135},
    {"udplite", 136}, {"mpls-in-ip", 137}, {"manet", 138},     {"hip", 139},
    {"shim6", 140},   {"wesp", 141},       {"rohc", 142},      {"ethernet", 143},
};

}  // namespace

std::optional<uint32_t> parse_c_number(std::string_view text, uint32_t max) {
  uint32_t base = 10;
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text[0] == '0') {
    base = 8;
    text.remove_prefix(1);
  }
  if (text.empty()) return std::nullopt;
  uint64_t value = 0;
  for (const char c : text) {
    uint32_t digit = 99;
    if (c >= '0' && c <= '9') digit = static_cast<uint32_t>(c - '0');
    if (c >= 'a' && c <= 'f') digit = static_cast<uint32_t>(c - 'a') + 10;
    if (c >= 'A' && c <= 'F') digit = static_cast<uint32_t>(c - 'A') + 10;
    if (digit >= base) return std::nullopt;
    value = value * base + digit;
    if (value > max) return std::nullopt;
  }
  return static_cast<uint32_t>(value);
}

std::optional<uint8_t> parse_protocol(std::string_view text) {
  if (const auto number = parse_c_number(text, 255)) return static_cast<uint8_t>(*number);
  for (const Name& n : kChainProtocols)
    if (n.name == text) return n.number;
  for (const Name& n : kEtcProtocols)
    if (n.name == text) return n.number;
  return std::nullopt;
}

std::string_view protocol_name(uint8_t protocol, bool lookup) {
  for (const Name& n : kChainProtocols)
    if (n.number == protocol) return n.name;
  if (protocol == 0 || !lookup) return {};
  for (const Name& n : kEtcProtocols)
    if (n.number == protocol) return n.name;
  return {};
}

}  // namespace nf::ipt
