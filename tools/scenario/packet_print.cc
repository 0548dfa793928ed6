#include "datapath/base/text.h"
#include "datapath/iptables/protocols.h"
#include "tools/scenario/packet_text.h"
#include "tools/scenario/sctp_chunks.h"

namespace nf::scenario {
namespace {

std::string value_text(const Value& v, uint32_t max, bool hex = false) {
  std::string out = v.variable.empty() ? "" : "$" + v.variable;
  if (v.low == v.high && v.variable.empty()) return strf(hex ? "0x%x" : "%u", v.low);
  if (v.low == 0 && v.high >= max) return out.empty() ? "*" : out;
  return out + strf("{%u-%u}", v.low, v.high);
}

std::string address_text(const std::optional<Value>& v) {
  if (!v) return "*";
  return v->plain() ? format_ipv4(be32(v->low)) : value_text(*v, UINT32_MAX);
}

std::string end_text(const std::optional<Value>& address, const std::optional<Value>& port) {
  return address_text(address) + (port ? ":" + value_text(*port, UINT16_MAX) : "");
}

bool counts(const std::vector<uint8_t>& payload) { return payload == counting_payload(payload.size()); }

bool printable(const std::vector<uint8_t>& payload) {
  for (const uint8_t b : payload)
    if ((b < 0x20 || b > 0x7e) && b != '\n' && b != '\r' && b != '\t') return false;
  return true;
}

std::string quoted(const std::vector<uint8_t>& payload) {
  std::string out = "\"";
  for (const uint8_t b : payload) {
    const size_t special = std::string_view("\n\r\t\\\"").find(static_cast<char>(b));
    if (special != std::string_view::npos)
      (out += '\\') += "nrt\\\""[special];
    else
      out += static_cast<char>(b);
  }
  return out + "\"";
}

std::string payload_text(const PacketSpec& s) {
  const std::vector<uint8_t>& payload = *s.payload;
  if (s.form == Form::kSctp)
    if (const auto chunks = sctp_chunks_text(payload)) return "<" + *chunks + ">";
  if (counts(payload)) return strf("len %zu", payload.size());
  return "data " + (printable(payload) ? quoted(payload) : hex_text(payload));
}

std::string head(const PacketSpec& s) {
  const std::string ends = end_text(s.source, s.source_port) + " > " + end_text(s.destination, s.destination_port);
  switch (s.form) {
    case Form::kTcp:
      return "tcp " + ends + (s.tcp_flags ? " " + flags_text(*s.tcp_flags) : "");
    case Form::kUdp:
      return (s.protocol == kProtoUdp ? "udp " : "udplite ") + ends;
    case Form::kSctp:
      return "sctp " + ends;
    case Form::kIcmp: {
      const IcmpName* name = icmp_by_type(s.icmp_type, s.icmp_code);
      return "icmp " + ends + " " + (name != nullptr ? name->name : strf("%u/%u", s.icmp_type, s.icmp_code));
    }
    case Form::kOther: {
      const std::string_view name = ipt::protocol_name(s.protocol);
      const bool own_form =
          s.protocol == kProtoTcp || s.protocol == kProtoUdp || s.protocol == kProtoIcmp || s.protocol == kProtoUdplite;
      return (name.empty() || own_form ? strf("proto %u ", s.protocol) : std::string(name) + " ") + ends;
    }
    case Form::kArpRequest:
      return "arp who-has " + address_text(s.destination) + " tell " + address_text(s.source);
    case Form::kArpReply:
      return "arp reply " + address_text(s.source) + " is-at " + mac_text(s.arp_mac.value_or(MacAddress{})) +
             (s.destination ? " to " + address_text(s.destination) : "");
    case Form::kBytes:
      break;
  }
  return "frame " + hex_text(s.bytes);
}

}  // namespace

std::string print_packet(const PacketSpec& s) {
  std::string out = head(s);
  const auto add = [&out](const std::string& text) { (out += ' ') += text; };
  const auto numbers = [&](Field from, Field to) {
    for (size_t i = static_cast<size_t>(from); i <= static_cast<size_t>(to); ++i) {
      const Field f = static_cast<Field>(i);
      if (!s[f]) continue;
      const char* word = word_of_field(f, s);
      if (f == Field::kGateway) {
        add(std::string(word) + " " + address_text(s[f]));
        continue;
      }
      const bool hex =
          f == Field::kSum || f == Field::kIpSum || f == Field::kEtherType || f == Field::kTos || f == Field::kInfo;
      const FieldWord* known = field_by_word(word, s);
      add(std::string(word) + " " + value_text(*s[f], known != nullptr ? known->max : UINT32_MAX, hex));
    }
  };
  const auto flag = [&](bool set, const char* word) {
    if (set) add(word);
  };
  numbers(Field::kSequence, Field::kInfo);
  if (s.tcp_options) add("<" + tcp_options_text(*s.tcp_options) + ">");
  if (s.payload) add(payload_text(s));
  numbers(Field::kTtl, Field::kIpId);
  flag(s.df, "df");
  flag(s.no_df, "no-df");
  flag(s.mf, "mf");
  numbers(Field::kFragment, Field::kUdpLength);
  if (s.ip_options) add("opt " + hex_text(*s.ip_options));
  flag(s.bad_sum, "bad-sum");
  flag(s.bad_ip_sum, "bad-ip-sum");
  flag(s.no_sum, "no-sum");
  if (s.mac_source && s.mac_destination) add("mac " + mac_text(*s.mac_source) + " > " + mac_text(*s.mac_destination));
  numbers(Field::kCut, Field::kEtherType);
  if (s.quote != nullptr) add("[ " + print_packet(*s.quote) + " ]");
  return out;
}

}  // namespace nf::scenario
