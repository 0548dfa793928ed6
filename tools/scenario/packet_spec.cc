#include "tools/scenario/packet_spec.h"

#include <algorithm>
#include <iterator>

namespace nf::scenario {
namespace {

// Where a type has several codes the plain name comes first. (RFC 792, RFC 1122, RFC 1812; types: IANA)
constexpr IcmpName kIcmpNames[] = {
    {"echo-reply", 0, 0},
    {"network-unreachable", 3, 0},
    {"host-unreachable", 3, 1},
    {"protocol-unreachable", 3, 2},
    {"port-unreachable", 3, 3},
    {"fragmentation-needed", 3, 4},
    {"source-route-failed", 3, 5},
    {"network-prohibited", 3, 9},
    {"host-prohibited", 3, 10},
    {"admin-prohibited", 3, 13},
    {"source-quench", 4, 0},
    {"network-redirect", 5, 0},
    {"host-redirect", 5, 1},
    {"echo-request", 8, 0},
    {"router-advertisement", 9, 0},
    {"router-solicitation", 10, 0},
    {"time-exceeded", 11, 0},
    {"reassembly-timeout", 11, 1},
    {"parameter-problem", 12, 0},
    {"required-option-missing", 12, 1},
    {"timestamp", 13, 0},
    {"timestamp-reply", 14, 0},
    {"info-request", 15, 0},
    {"info-reply", 16, 0},
    {"address-mask-request", 17, 0},
    {"address-mask-reply", 18, 0},
};

constexpr FieldWord kFieldWords[] = {
    {"seq", Field::kSequence, UINT32_MAX},
    {"ack", Field::kAcknowledgment, UINT32_MAX},
    {"win", Field::kWindow, UINT16_MAX},
    {"urg", Field::kUrgent, UINT16_MAX},
    {"vtag", Field::kVtag, UINT32_MAX},
    {"mtu", Field::kMtu, UINT16_MAX},
    {"pointer", Field::kPointer, UINT8_MAX},
    {"info", Field::kInfo, UINT32_MAX},
    {"ttl", Field::kTtl, UINT8_MAX},
    {"tos", Field::kTos, UINT8_MAX},
    {"ip-id", Field::kIpId, UINT16_MAX},
    {"id", Field::kIpId, UINT16_MAX},
    {"frag", Field::kFragment, 65528},
    {"part", Field::kPart, UINT16_MAX},
    {"total", Field::kTotal, UINT16_MAX},
    {"ihl", Field::kIhl, 15},
    {"version", Field::kVersion, 15},
    {"sum", Field::kSum, UINT16_MAX},
    {"ip-sum", Field::kIpSum, UINT16_MAX},
    {"udp-len", Field::kUdpLength, UINT16_MAX},
    {"cut", Field::kCut, UINT16_MAX},
    {"pad", Field::kPad, UINT16_MAX},
    {"vlan", Field::kVlan, 4095},
    {"type", Field::kEtherType, UINT16_MAX},
};
constexpr FieldWord kQueryId = {"id", Field::kIcmpId, UINT16_MAX};
constexpr FieldWord kSctpSum = {"sum", Field::kSum, UINT32_MAX};  // its bytes as they stand
constexpr FieldWord kQuerySequence = {"seq", Field::kIcmpSequence, UINT16_MAX};

bool belongs(Field field, const PacketSpec& spec) {
  switch (field) {
    case Field::kSequence:
    case Field::kAcknowledgment:
    case Field::kWindow:
    case Field::kUrgent:
      return spec.form == Form::kTcp;
    case Field::kVtag:
      return spec.form == Form::kSctp;
    case Field::kIcmpId:
    case Field::kIcmpSequence:
      return spec.form == Form::kIcmp && icmp_is_query(spec.icmp_type);
    case Field::kMtu:
    case Field::kGateway:
    case Field::kPointer:
    case Field::kInfo:
      return spec.form == Form::kIcmp && !icmp_is_query(spec.icmp_type);
    case Field::kUdpLength:
      return spec.form == Form::kUdp;
    case Field::kSum:
      return spec.form == Form::kTcp || spec.form == Form::kUdp || spec.form == Form::kIcmp || spec.form == Form::kSctp;
    case Field::kVlan:
    case Field::kEtherType:
    case Field::kPad:
      return spec.form != Form::kBytes;
    default:
      return spec.form != Form::kBytes && spec.form != Form::kArpRequest && spec.form != Form::kArpReply;
  }
}

}  // namespace

std::vector<uint8_t> counting_payload(size_t length) {
  std::vector<uint8_t> payload(length);
  for (size_t i = 0; i < length; ++i) payload[i] = static_cast<uint8_t>(i);
  return payload;
}

const IcmpName* icmp_by_name(std::string_view name) {
  const auto* found =
      std::find_if(std::begin(kIcmpNames), std::end(kIcmpNames), [&](const IcmpName& n) { return n.name == name; });
  return found == std::end(kIcmpNames) ? nullptr : found;
}

const IcmpName* icmp_by_type(uint8_t type, uint8_t code) {
  const auto* found = std::find_if(std::begin(kIcmpNames), std::end(kIcmpNames),
                                   [&](const IcmpName& n) { return n.type == type && n.code == code; });
  return found == std::end(kIcmpNames) ? nullptr : found;
}

bool icmp_is_query(uint8_t type) { return type == kIcmpEchoReply || type == kIcmpEcho || (type >= 13 && type <= 18); }

bool icmp_is_error(uint8_t type) {
  return IcmpHeader{.type = type, .code = 0, .checksum = {}, .id = {}, .sequence = {}}.is_error();
}

const FieldWord* field_by_word(std::string_view word, const PacketSpec& spec) {
  if (belongs(Field::kIcmpId, spec)) {
    if (word == kQueryId.word) return &kQueryId;
    if (word == kQuerySequence.word) return &kQuerySequence;
  }
  if (spec.form == Form::kSctp && word == kSctpSum.word) return &kSctpSum;
  for (const FieldWord& w : kFieldWords)
    if (w.word == word && belongs(w.field, spec)) return &w;
  return nullptr;
}

const char* word_of_field(Field field, const PacketSpec& spec) {
  switch (field) {
    case Field::kIcmpId:
      return kQueryId.word;
    case Field::kIcmpSequence:
      return kQuerySequence.word;
    case Field::kGateway:
      return "gateway";
    case Field::kIpId:
      return belongs(Field::kIcmpId, spec) ? "ip-id" : "id";
    default:
      return std::find_if(std::begin(kFieldWords), std::end(kFieldWords),
                          [&](const FieldWord& w) { return w.field == field; })
          ->word;
  }
}

}  // namespace nf::scenario
