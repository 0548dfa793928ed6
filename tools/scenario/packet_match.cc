#include "tools/scenario/packet_match.h"

#include <algorithm>

#include "datapath/base/text.h"
#include "tools/scenario/packet_describe.h"

namespace nf::scenario {
namespace {

const char* form_name(const PacketSpec& s) {
  switch (s.form) {
    case Form::kTcp:
      return "tcp";
    case Form::kUdp:
      return s.protocol == kProtoUdp ? "udp" : "udplite";
    case Form::kSctp:
      return "sctp";
    case Form::kIcmp:
      return "icmp";
    case Form::kOther:
      return "an IP packet";
    case Form::kArpRequest:
      return "arp who-has";
    case Form::kArpReply:
      return "arp reply";
    case Form::kBytes:
      return "bytes";
  }
  return "";
}

class Matcher {
 public:
  Matcher(const PacketSpec& expected, const PacketSpec& actual, Variables& variables, bool quoted)
      : e_(expected), a_(actual), variables_(variables), quoted_(quoted) {}

  std::optional<FieldMismatch> match() {
    if (e_.form != a_.form) return differ("form", form_name(e_), form_name(a_));
    if (e_.protocol != a_.protocol) return differ("protocol", strf("%u", e_.protocol), strf("%u", a_.protocol));
    if (e_.form == Form::kIcmp && (e_.icmp_type != a_.icmp_type || e_.icmp_code != a_.icmp_code))
      return differ("ICMP type", type_text(e_), type_text(a_));
    address("source", e_.source, a_.source);
    port("source port", e_.source_port, a_.source_port);
    address("destination", e_.destination, a_.destination);
    port("destination port", e_.destination_port, a_.destination_port);
    if (e_.tcp_flags && a_.tcp_flags && *e_.tcp_flags != *a_.tcp_flags)
      differ("flags", flags_text(*e_.tcp_flags), flags_text(*a_.tcp_flags));
    for (size_t i = 0; i < kFields; ++i) number(static_cast<Field>(i));
    bits();
    bytes();
    macs();
    sums();
    if (!found_ && e_.quote != nullptr) quote();
    return found_;
  }

 private:
  static std::string type_text(const PacketSpec& s) {
    const IcmpName* name = icmp_by_type(s.icmp_type, s.icmp_code);
    return (name != nullptr ? std::string(name->name) + " " : "") + strf("%u/%u", s.icmp_type, s.icmp_code);
  }
  std::optional<FieldMismatch> differ(const char* field, std::string expected, std::string actual) {
    if (!found_) found_ = FieldMismatch{field, std::move(expected), std::move(actual)};
    return found_;
  }
  std::string expected_text(const Value& v, bool is_address) const {
    const auto text = [&](uint32_t n) { return is_address ? format_ipv4(be32(n)) : strf("%u", n); };
    std::string out;
    if (!v.variable.empty()) {
      out = "$" + v.variable;
      if (const auto known = variables_.find(v.variable); known != variables_.end())
        return out + " = " + text(known->second);
    }
    if (v.low == v.high) return text(v.low);
    return out + "{" + text(v.low) + "-" + text(v.high) + "}";
  }
  void value(const char* field, const std::optional<Value>& e, const std::optional<Value>& a, bool is_address) {
    if (found_ || !e) return;
    if (!a) {
      differ(field, expected_text(*e, is_address), "none");
    } else if (!match_value(*e, a->low, variables_)) {
      differ(field, expected_text(*e, is_address), is_address ? format_ipv4(be32(a->low)) : strf("%u", a->low));
    }
  }
  void address(const char* field, const std::optional<Value>& e, const std::optional<Value>& a) {
    value(field, e, a, true);
  }
  void port(const char* field, const std::optional<Value>& e, const std::optional<Value>& a) {
    value(field, e, a, false);
  }

  void number(Field f) {
    switch (f) {
      case Field::kPart:  // bytes()
      case Field::kEtherType:
        return;
      case Field::kSum:  // sums()
      case Field::kIpSum:
        if (!e_[f] || !a_[f]) return;
        break;
      case Field::kIhl:
        if (!a_[f] && e_[f]) {
          const uint32_t words = 5 + static_cast<uint32_t>(a_.ip_options ? a_.ip_options->size() / 4 : 0);
          return value("ihl", e_[f], Value::of(words), false);
        }
        break;
      case Field::kInfo:
        if (!e_[f] || !a_[f]) return info();
        break;
      case Field::kTotal:
      case Field::kVersion:
      case Field::kUdpLength:
        if (!a_[f]) return;  // no lie there: length() and the payload say the same
        break;
      case Field::kFragment:
      case Field::kCut:
      case Field::kPad:
      case Field::kVlan:
        // Not written means not there; but a quote may always be cut.
        if (!e_[f] && quoted_) return;
        if (!e_[f] && a_[f] && a_[f]->low != 0) differ(word_of_field(f, a_), "none", strf("%u", a_[f]->low));
        if (e_[f] && !a_[f]) return value(word_of_field(f, e_), e_[f], Value::of(0), false);
        break;
      default:
        break;
    }
    value(word_of_field(f, e_), e_[f], a_[f], f == Field::kGateway);
  }

  // `info N` of an error whose four bytes were read as mtu, gateway or pointer.
  void info() {
    if (!e_[Field::kInfo]) return;
    const uint32_t n = a_[Field::kMtu]       ? a_[Field::kMtu]->low
                       : a_[Field::kGateway] ? a_[Field::kGateway]->low
                       : a_[Field::kPointer] ? a_[Field::kPointer]->low << 24
                                             : 0;
    value("info", e_[Field::kInfo], Value::of(n), false);
  }

  void bits() {
    if (found_) return;
    if (e_.df && !a_.df) differ("df", "set", "not set");
    if (e_.no_df && a_.df) differ("df", "not set", "set");
    if (e_[Field::kPart]) return;
    if (e_.mf && !a_.mf) differ("mf", "set", "not set");
    if (!e_.mf && a_.mf && !quoted_) differ("mf", "not set", "set");
  }

  void bytes() {
    if (found_) return;
    if (e_.form == Form::kBytes && e_.bytes != a_.bytes) differ("bytes", hex_text(e_.bytes), hex_text(a_.bytes));
    if (e_.tcp_options && a_.tcp_options && *e_.tcp_options != *a_.tcp_options)
      differ("TCP options", "<" + tcp_options_text(*e_.tcp_options) + ">",
             "<" + tcp_options_text(*a_.tcp_options) + ">");
    static const std::vector<uint8_t> kNone;
    const auto& expected_options = e_.ip_options ? *e_.ip_options : kNone;
    const auto& options = a_.ip_options ? *a_.ip_options : kNone;
    if (expected_options != options && (e_.ip_options || !quoted_))
      differ("IP options", hex_text(expected_options), hex_text(options));
    if (e_.payload && !e_[Field::kPart]) payload(*e_.payload);
  }

  void payload(const std::vector<uint8_t>& expected) {
    const std::vector<uint8_t> actual = a_.payload.value_or(std::vector<uint8_t>{});
    if (expected.size() != actual.size())
      differ("payload length", strf("%zu", expected.size()), strf("%zu", actual.size()));
    else if (expected != actual)
      differ(e_.form == Form::kSctp ? "chunks" : "payload", hex_text(expected), hex_text(actual));
  }

  void macs() {
    if (found_) return;
    if (e_.mac_source && a_.mac_source != e_.mac_source)
      differ("source link address", mac_text(*e_.mac_source), a_.mac_source ? mac_text(*a_.mac_source) : "none");
    if (e_.mac_destination && a_.mac_destination != e_.mac_destination)
      differ("destination link address", mac_text(*e_.mac_destination),
             a_.mac_destination ? mac_text(*a_.mac_destination) : "none");
    if (e_.arp_mac && a_.arp_mac != e_.arp_mac)
      differ("is-at", mac_text(*e_.arp_mac), mac_text(a_.arp_mac.value_or(MacAddress{})));
  }

  void sums() {
    if (found_) return;
    const bool expected_bad = e_.bad_ip_sum || e_[Field::kIpSum];
    if (expected_bad != a_[Field::kIpSum].has_value() && (expected_bad || !quoted_))
      differ("header sum", expected_bad ? "wrong" : "right", expected_bad ? "right" : "wrong");
    if (e_.no_sum != a_.no_sum && (e_.no_sum || !quoted_))
      differ("sum", e_.no_sum ? "none" : "right", e_.no_sum ? "there is one" : "none");
    // Of a piece the sum cannot be judged.
    if (a_.mf || a_[Field::kFragment] || a_[Field::kCut]) return;
    const bool bad = a_[Field::kSum].has_value(), should = e_.bad_sum || e_[Field::kSum];
    if (bad != should && (should || !quoted_))
      differ("sum", should ? "wrong" : "right", should ? "right" : strf("wrong (0x%04x)", a_[Field::kSum]->low));
  }

  void quote() {
    if (a_.quote == nullptr) {
      differ("quoted packet", print_packet(*e_.quote), "none");
      return;
    }
    PacketSpec actual = *a_.quote;
    if (e_.quote->form == Form::kBytes) {
      const Result<std::vector<uint8_t>> built = build_packet(actual, Layer::kIp);
      if (built) {
        actual = PacketSpec{};
        actual.bytes = *built;
      }
    }
    auto inner = Matcher(*e_.quote, actual, variables_, true).match();
    if (inner) differ(("quoted " + inner->field).c_str(), inner->expected, inner->actual);
  }

  const PacketSpec& e_;
  const PacketSpec& a_;
  Variables& variables_;
  bool quoted_;
  std::optional<FieldMismatch> found_;
};

// `tcp ... frag OFFSET part N`: the datagram described, but only a piece of it is there.
std::optional<FieldMismatch> match_piece(PacketSpec expected, std::span<const uint8_t> actual, Layer layer,
                                         Variables& variables) {
  const PacketSpec piece = describe_packet(actual, layer, Inside::kNothing);
  PacketSpec whole = expected;
  whole[Field::kPart].reset();
  whole[Field::kFragment].reset();
  whole[Field::kCut].reset();
  whole.mf = false;
  for (auto* v : {&whole.source, &whole.destination, &whole.source_port, &whole.destination_port})
    if (*v && !(*v)->plain()) *v = Value::of(0);
  const Result<std::vector<uint8_t>> built = build_packet(whole, Layer::kIp, variables);
  if (!built) return FieldMismatch{"datagram", built.error().text, ""};
  const size_t ip = 20 + (expected.ip_options ? expected.ip_options->size() : 0);
  const size_t header = expected.form == Form::kTcp     ? 20 + (expected.tcp_options ? expected.tcp_options->size() : 0)
                        : expected.form == Form::kOther ? 0
                        : expected.form == Form::kSctp  ? 12
                                                        : 8;
  const size_t offset = expected[Field::kFragment] ? expected[Field::kFragment]->low : 0;
  const size_t length = expected[Field::kPart]->low, datagram = built->size() - ip;
  const size_t there = piece.payload ? piece.payload->size() : 0;
  if (offset + length > datagram) return FieldMismatch{"part", strf("within %zu bytes", datagram), "beyond"};
  if (there != length) return FieldMismatch{"part", strf("%zu", length), strf("%zu", there)};
  const bool more = expected.mf || offset + length < datagram;
  if (more != piece.mf) return FieldMismatch{"mf", more ? "set" : "not set", piece.mf ? "set" : "not set"};
  for (size_t i = 0; i < length; ++i) {
    // The transport header's unwritten fields may be anything; ports() below looks at what can be.
    if (offset + i < header) continue;
    if ((*built)[ip + offset + i] != (*piece.payload)[i])
      return FieldMismatch{strf("payload byte %zu", offset + i - header), strf("%u", (*built)[ip + offset + i]),
                           strf("%u", (*piece.payload)[i])};
  }
  // The IP header, and of the first piece the transport's.
  PacketSpec seen = piece;
  if (offset == 0 && expected.form != Form::kOther) seen = describe_packet(actual, layer, Inside::kTransport);
  seen.mf = false;
  seen.payload.reset();
  expected.payload.reset();
  expected[Field::kPart].reset();
  expected.mf = false;
  if (seen.form != expected.form) {
    expected.form = Form::kOther;
    expected.source_port.reset();
    expected.destination_port.reset();
    expected.tcp_flags.reset();
    for (const Field f : {Field::kSequence, Field::kAcknowledgment, Field::kWindow, Field::kUrgent, Field::kVtag,
                          Field::kIcmpId, Field::kIcmpSequence, Field::kSum, Field::kUdpLength})
      expected[f].reset();
  }
  seen[Field::kSum].reset();
  return Matcher(expected, seen, variables, false).match();
}

}  // namespace

bool match_value(const Value& v, uint32_t n, Variables& variables) {
  if (n < v.low || n > v.high) return false;
  if (v.variable.empty()) return true;
  const auto [known, fresh] = variables.emplace(v.variable, n);
  return fresh || known->second == n;
}

std::optional<FieldMismatch> match_packet(const PacketSpec& expected, std::span<const uint8_t> actual, Layer layer,
                                          Variables& variables) {
  Variables trial = variables;  // a packet that does not match gives no variable a value
  std::optional<FieldMismatch> found;
  if (expected.form == Form::kBytes) {
    if (!std::equal(expected.bytes.begin(), expected.bytes.end(), actual.begin(), actual.end()))
      found = FieldMismatch{"bytes", hex_text(expected.bytes), hex_text(actual)};
  } else if (expected[Field::kPart]) {
    found = match_piece(expected, actual, layer, trial);
  } else {
    const PacketSpec described =
        describe_packet(actual, layer, expected.form == Form::kOther ? Inside::kNothing : Inside::kTransport);
    found = Matcher(expected, described, trial, false).match();
  }
  if (!found) variables = std::move(trial);
  return found;
}

}  // namespace nf::scenario
