// -m icmp. twin: icmp_match, net/netfilter/xt_tcpudp.c; libipt_icmp.c, libxt_icmp.h
#include "datapath/base/text.h"
#include "datapath/iptables/xt_base.h"
#include "datapath/iptables/xt_options.h"

namespace nf::ipt {
namespace {

constexpr uint8_t kAnyType = 0xff;

struct IcmpName {
  std::string_view name;
  uint8_t type, code_min, code_max;
};
// In iptables' order: the first of equal entries is the one printed, and the two first ones that a word could mean
// are named in the error.
constexpr IcmpName kNames[] = {
    {"any", kAnyType, 0, 0xff},
    {"echo-reply", 0, 0, 0xff},
    {"pong", 0, 0, 0xff},
    {"destination-unreachable", 3, 0, 0xff},
    {"network-unreachable", 3, 0, 0},
    {"host-unreachable", 3, 1, 1},
    {"protocol-unreachable", 3, 2, 2},
    {"port-unreachable", 3, 3, 3},
    {"fragmentation-needed", 3, 4, 4},
    {"source-route-failed", 3, 5, 5},
    {"network-unknown", 3, 6, 6},
    {"host-unknown", 3, 7, 7},
    {"network-prohibited", 3, 9, 9},
    {"host-prohibited", 3, 10, 10},
    {"TOS-network-unreachable", 3, 11, 11},
    {"TOS-host-unreachable", 3, 12, 12},
    {"communication-prohibited", 3, 13, 13},
    {"host-precedence-violation", 3, 14, 14},
    {"precedence-cutoff", 3, 15, 15},
    {"source-quench", 4, 0, 0xff},
    {"redirect", 5, 0, 0xff},
    {"network-redirect", 5, 0, 0},
    {"host-redirect", 5, 1, 1},
    {"TOS-network-redirect", 5, 2, 2},
    {"TOS-host-redirect", 5, 3, 3},
    {"echo-request", 8, 0, 0xff},
    {"ping", 8, 0, 0xff},
    {"router-advertisement", 9, 0, 0xff},
    {"router-solicitation", 10, 0, 0xff},
    {"time-exceeded", 11, 0, 0xff},
    {"ttl-exceeded", 11, 0, 0xff},
    {"ttl-zero-during-transit", 11, 0, 0},
    {"ttl-zero-during-reassembly", 11, 1, 1},
    {"parameter-problem", 12, 0, 0xff},
    {"ip-header-bad", 12, 0, 0},
    {"required-option-missing", 12, 1, 1},
    {"timestamp-request", 13, 0, 0xff},
    {"timestamp-reply", 14, 0, 0xff},
    {"address-mask-request", 17, 0, 0xff},
    {"address-mask-reply", 18, 0, 0xff},
};

constexpr OptionSpec kOptions[] = {{.name = "icmp-type", .id = 0, .invertible = true, .required = true}};

struct ByteRange {
  uint8_t min, max;
  std::string_view rest;  // what stands behind it
};

// "3" or "3:5" at the front of `s`. twin: parse_range
std::optional<ByteRange> parse_byte_range(std::string_view s) {
  const auto first = number_prefix(s);
  if (!first || first->value > 255) return std::nullopt;
  ByteRange r{static_cast<uint8_t>(first->value), static_cast<uint8_t>(first->value), s.substr(first->length)};
  if (r.rest.starts_with(':')) {
    r.rest.remove_prefix(1);
    const auto second = number_prefix(r.rest);
    if (!second || second->value > 255) return std::nullopt;
    r.max = static_cast<uint8_t>(second->value);
    r.rest.remove_prefix(second->length);
  }
  return r;
}

class IcmpMatch final : public WithOptions<Match> {
 public:
  IcmpMatch() : WithOptions("icmp", kOptions, {.protocol = kProtoIcmp}) {}

  Status parse_value(const OptionSpec&, OptionReader& option) override {
    const auto text = option.argument();
    if (!text) return text.error();
    inverted_ = option.inverted();
    return parse_type(*text);
  }

  void save(std::string& out) const override {
    if (inverted_) out += " !";
    if (type_ == kAnyType) {
      out += " --icmp-type any";
      return;
    }
    // A range of codes is saved as its first code only; 1.8.9 does so.
    out += strf(" --icmp-type %u", type_);
    if (code_min_ != 0 || code_max_ != 0xff) out += strf("/%u", code_min_);
  }

  void list(std::string& out, bool numeric) const override {
    out += " icmp";
    if (!numeric) {
      for (const IcmpName& n : kNames) {
        if (n.type != type_ || n.code_min != code_min_ || n.code_max != code_max_) continue;
        out += inverted_ ? " !" : " ";
        out += n.name;
        return;
      }
    }
    if (inverted_) out += " !";
    out += strf("type %u", type_);
    if (code_min_ == code_max_)
      out += strf(" code %u", code_min_);
    else if (code_min_ != 0 || code_max_ != 0xff)
      out += strf(" codes %u-%u", code_min_, code_max_);
  }

  bool match(const MatchInput& in) override {
    if (in.fragment_offset != 0) return false;
    const IcmpHeader* icmp = view<IcmpHeader>(in.transport);
    if (icmp == nullptr) {
      in.hotdrop = true;
      return false;
    }
    const bool hit = type_ == kAnyType || (icmp->type == type_ && icmp->code >= code_min_ && icmp->code <= code_max_);
    return hit != inverted_;
  }

  bool needs_protocol() const override { return true; }
  Miss explain_miss(const MatchInput& in) const override {
    if (in.fragment_offset != 0) return later_fragment(in);
    const IcmpHeader* icmp = view<IcmpHeader>(in.transport);
    return {{"miss.icmp_type", {whole_text(), strf("%u/%u", icmp->type, icmp->code)}, {}}};
  }

 private:
  // twin: __parse_icmp
  Status parse_type(std::string_view text) {
    const IcmpName* found = nullptr;
    for (const IcmpName& n : kNames) {
      if (!is_prefix_of(text, n.name)) continue;
      if (found != nullptr)
        return error("Ambiguous ICMP type `" + std::string(text) + "': `" + std::string(found->name) + "' or `" +
                     std::string(n.name) + "'?");
      found = &n;
    }
    if (found != nullptr) {
      type_ = found->type;
      code_min_ = found->code_min;
      code_max_ = found->code_max;
      return {};
    }
    const auto type = parse_byte_range(text);
    if (!type) return error("Unknown ICMP type `" + std::string(text) + "'");
    code_min_ = 0;
    code_max_ = 0xff;
    std::string_view rest = type->rest;
    if (rest.starts_with('/')) {
      const auto code = parse_byte_range(rest.substr(1));
      if (!code) return error("Unknown ICMP code `" + std::string(text) + "'");
      code_min_ = code->min;
      code_max_ = code->max;
      rest = code->rest;
    }
    if (!rest.empty()) return error(std::string("unknown character ") + rest.front());
    if (type->min != type->max) return error("ICMP type range not supported");
    type_ = type->min;
    return {};
  }

  uint8_t type_ = kAnyType, code_min_ = 0, code_max_ = 0xff;
  bool inverted_ = false;
};

}  // namespace

void register_icmp(ExtensionRegistry& registry) {
  registry.add(MatchSpec{"icmp", [] { return std::make_unique<IcmpMatch>(); }});
}

}  // namespace nf::ipt
