#include "tools/commands/conntrack_options.h"

#include <array>

namespace nf {
namespace {

constexpr CtArgument kNo = CtArgument::kNo, kYes = CtArgument::kYes, kOptional = CtArgument::kOptional;

constexpr CtOption kCommon[] = {
    {'L', "dump", kOptional},      {'I', "create", kOptional},  {'A', "add", kOptional},   {'D', "delete", kOptional},
    {'U', "update", kOptional},    {'G', "get", kOptional},     {'F', "flush", kOptional}, {'E', "event", kOptional},
    {'C', "counter", kOptional},   {'S', "stats", kNo},         {'V', "version", kNo},     {'h', "help", kNo},
    {'s', "orig-src", kYes},       {'s', "src", kYes},          {'d', "orig-dst", kYes},   {'d', "dst", kYes},
    {'r', "reply-src", kYes},      {'q', "reply-dst", kYes},    {'p', "protonum", kYes},   {'t', "timeout", kYes},
    {'u', "status", kYes},         {'z', "zero", kNo},          {'e', "event-mask", kYes}, {'[', "tuple-src", kYes},
    {']', "tuple-dst", kYes},      {'{', "mask-src", kYes},     {'}', "mask-dst", kYes},   {'a', "nat-range", kYes},
    {'m', "mark", kYes},           {'c', "secmark", kYes},      {'i', "id", kYes},         {'f', "family", kYes},
    {'n', "src-nat", kOptional},   {'g', "dst-nat", kOptional}, {'o', "output", kYes},     {'b', "buffer-size", kYes},
    {'j', "any-nat", kOptional},   {'w', "zone", kYes},         {'l', "label", kYes},      {'<', "label-add", kYes},
    {'>', "label-del", kOptional}, {'(', "orig-zone", kYes},    {')', "reply-zone", kYes},
};

// Places in the program's list of options.
constexpr std::string_view kPlaces = "sdrqptuze[]{}amifngocbjwl<>()";
constexpr std::string_view kMessages[kCommonPlaces] = {
    "src",        "dst",       "reply-src", "reply-dst", "protonum",  "timeout",     "status",  "zero",
    "event-mask", "tuple-src", "tuple-dst", "mask-src",  "mask-dst",  "nat-range",   "mark",    "id",
    "family",     "src-nat",   "dst-nat",   "output",    "secmark",   "buffer-size", "any-nat", "zone",
    "label",      "label-add", "label-del", "orig-zone", "reply-zone"};
// By CtCommand.
constexpr std::string_view kRows[] = {
    "22222022000220202222202220022", "33331120000002200220000202022", "22222220000220222222000022200",
    "22222220000220222222000220022", "33331000000000020002000020000", "00000000000000002000000000000",
    "22222000200220202222222220022", "00000000000000000000000000000", "00002000000000000000000000000",
    "00000000000000002002000000000", "11221120011110000000000000000", "11221000000000000000000000000",
    "11221000000000000000000000000", "00000000000000000000000000000", "00000000000000000002000000000",
    "00000000000000000000000000000", "00000000000000000000000000000", "00000000000000000000000000000",
    "00000000000000000000000000000", "33331120000002200220000202022",
};

constexpr char at(int place) { return static_cast<char>(kProtocolPlace + place); }

#define NF_CONNTRACK_PORTS                                                                                        \
  {at(0), "orig-port-src", kYes}, {at(0), "sport", kYes}, {at(1), "orig-port-dst", kYes}, {at(1), "dport", kYes}, \
      {at(2), "reply-port-src", kYes}, {at(3), "reply-port-dst", kYes}, {at(4), "mask-port-src", kYes}, {         \
    at(5), "mask-port-dst", kYes                                                                                  \
  }
constexpr CtOption kTcp[] = {
    NF_CONNTRACK_PORTS, {at(6), "state", kYes}, {at(7), "tuple-port-src", kYes}, {at(8), "tuple-port-dst", kYes}};
constexpr CtOption kUdp[] = {NF_CONNTRACK_PORTS, {at(6), "tuple-port-src", kYes}, {at(7), "tuple-port-dst", kYes}};
constexpr CtOption kSctp[] = {NF_CONNTRACK_PORTS,
                              {at(6), "state", kYes},
                              {at(7), "tuple-port-src", kYes},
                              {at(8), "tuple-port-dst", kYes},
                              {at(9), "orig-vtag", kYes},
                              {at(10), "reply-vtag", kYes}};
constexpr CtOption kDccp[] = {NF_CONNTRACK_PORTS,
                              {at(6), "state", kYes},
                              {at(7), "tuple-port-src", kYes},
                              {at(8), "tuple-port-dst", kYes},
                              {at(9), "role", kYes}};
#undef NF_CONNTRACK_PORTS
constexpr CtOption kIcmp[] = {{at(0), "icmp-type", kYes}, {at(1), "icmp-code", kYes}, {at(2), "icmp-id", kYes}};
constexpr CtOption kGre[] = {{at(0), "orig-key-src", kYes},  {at(0), "srckey", kYes},
                             {at(1), "orig-key-dst", kYes},  {at(1), "dstkey", kYes},
                             {at(2), "reply-key-src", kYes}, {at(3), "reply-key-dst", kYes},
                             {at(4), "mask-key-src", kYes},  {at(5), "mask-key-dst", kYes},
                             {at(6), "tuple-key-src", kYes}, {at(7), "tuple-key-dst", kYes}};

constexpr std::string_view kTcpNames[] = {"sport",         "dport", "reply-port-src", "reply-port-dst", "mask-port-src",
                                          "mask-port-dst", "state", "tuple-port-src", "tuple-port-dst"};
constexpr std::string_view kUdpNames[] = {"sport",         "dport",         "reply-port-src", "reply-port-dst",
                                          "mask-port-src", "mask-port-dst", "tuple-port-src", "tuple-port-dst"};
constexpr std::string_view kSctpNames[] = {"sport",          "dport",         "reply-port-src", "reply-port-dst",
                                           "mask-port-src",  "mask-port-dst", "state",          "tuple-port-src",
                                           "tuple-port-dst", "orig-vtag",     "reply-vtag"};
constexpr std::string_view kDccpNames[] = {"sport",          "dport",         "reply-port-src", "reply-port-dst",
                                           "mask-port-src",  "mask-port-dst", "state",          "tuple-port-src",
                                           "tuple-port-dst", "role"};
constexpr std::string_view kIcmpNames[] = {"icmp-type", "icmp-code", "icmp-id"};
constexpr std::string_view kGreNames[] = {"srckey",       "dstkey",       "reply-key-src", "reply-key-dst",
                                          "mask-key-src", "mask-key-dst", "tuple-key-src", "tuple-key-dst"};

constexpr CtProtocol kProtocols[] = {
    {"tcp", 6, kTcp, kTcpNames},      {"udp", 17, kUdp, kUdpNames},    {"udplite", 136, kUdp, kUdpNames},
    {"sctp", 132, kSctp, kSctpNames}, {"dccp", 33, kDccp, kDccpNames}, {"icmp", 1, kIcmp, kIcmpNames},
    {"gre", 47, kGre, kGreNames},
};

// One protocol's rows, of the commands that allow it anything.
struct Rows {
  std::string_view list, create, update, remove, get, event, expect_create, expect_delete;
};
constexpr Rows kTcpRows = {"222200200", "333300100", "222200200", "222200200",
                           "333300200", "222200200", "110011011", "111100000"};
constexpr Rows kUdpRows = {"22220000", "33330000", "22220000", "22220000",
                           "33330000", "22220000", "11001111", "11110000"};
constexpr Rows kSctpRows = {"22220020000", "33330010011", "22220020022", "22220020000",
                            "33330020022", "22220020000", "11001101111", "11110000000"};
constexpr Rows kDccpRows = {"2222002000", "3333001001", "2222002000", "2222002000",
                            "3333002000", "2222002000", "1100110111", "1111000000"};
constexpr Rows kIcmpRows = {"222", "112", "222", "222", "112", "222", "000", "000"};
constexpr Rows kGreRows = {"22220000", "33330000", "22220000", "22220000",
                           "33330000", "22220000", "11111111", "11110000"};

const Rows& rows_of(const CtProtocol& p) {
  switch (p.number) {
    case 6:
      return kTcpRows;
    case 132:
      return kSctpRows;
    case 33:
      return kDccpRows;
    case 1:
      return kIcmpRows;
    case 47:
      return kGreRows;
    default:
      return kUdpRows;
  }
}

}  // namespace

std::span<const CtOption> conntrack_options() { return kCommon; }
bool is_short_option(char letter) { return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z'); }
std::span<const CtProtocol> conntrack_protocols() { return kProtocols; }

std::optional<size_t> place_of(char letter) {
  const size_t place = kPlaces.find(letter);
  return place == std::string_view::npos ? std::nullopt : std::optional(place);
}
std::string_view common_message(size_t place) { return kMessages[place]; }

char allowed(CtCommand command, size_t place) {
  const auto row = static_cast<size_t>(command);
  return row < std::size(kRows) ? kRows[row][place] : '0';
}

char allowed(const CtProtocol& protocol, CtCommand command, size_t place) {
  const Rows& r = rows_of(protocol);
  std::string_view row;
  switch (command) {
    case CtCommand::kList:
      row = r.list;
      break;
    case CtCommand::kCreate:
    case CtCommand::kAdd:
      row = r.create;
      break;
    case CtCommand::kUpdate:
      row = r.update;
      break;
    case CtCommand::kDelete:
      row = r.remove;
      break;
    case CtCommand::kGet:
      row = r.get;
      break;
    case CtCommand::kEvent:
      row = r.event;
      break;
    case CtCommand::kExpectCreate:
      row = r.expect_create;
      break;
    case CtCommand::kExpectDelete:
    case CtCommand::kExpectGet:
      row = r.expect_delete;
      break;
    default:
      return '0';
  }
  return place < row.size() ? row[place] : '0';
}

}  // namespace nf
