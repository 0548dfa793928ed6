// -m tos and -j TOS. twin: tos_mt, net/netfilter/xt_dscp.c; tos_tg, net/netfilter/xt_DSCP.c; libxt_tos.c,
// libxt_TOS.c, tos_values.c
#include "datapath/base/text.h"
#include "datapath/iptables/xt_base.h"
#include "datapath/iptables/xt_options.h"
#include "datapath/packet/rewrite.h"

namespace nf::ipt {
namespace {

struct ValueMask {
  uint8_t value, mask;
};
struct Symbol {
  std::string_view name;
  uint8_t value;
};
constexpr Symbol kSymbols[] = {{"Minimize-Delay", 0x10},
                               {"Maximize-Throughput", 0x08},
                               {"Maximize-Reliability", 0x04},
                               {"Minimize-Cost", 0x02},
                               {"Normal-Service", 0x00}};
constexpr uint8_t kSymbolMask = 0x3f;

// twin: xtopt_parse_tosmask
Result<ValueMask> tos_argument(OptionReader& option) {
  const auto text = option.argument();
  if (!text) return text.error();
  const auto illegal = [&] { return error("Illegal value: \"" + std::string(*text) + "\""); };
  if (const auto value = number_prefix(*text); value && value->value <= 255) {
    ValueMask v{static_cast<uint8_t>(value->value), 0xff};
    std::string_view rest = text->substr(value->length);
    if (rest.starts_with('/')) {
      rest.remove_prefix(1);
      const auto mask = number_prefix(rest);
      if (!mask || mask->value > 255) return illegal();
      v.mask = static_cast<uint8_t>(mask->value);
      rest.remove_prefix(mask->length);
    }
    if (!rest.empty()) return illegal();
    return v;
  }
  for (const Symbol& s : kSymbols) {
    if (equal_ignoring_case(*text, s.name)) return ValueMask{s.value, kSymbolMask};
  }
  return error("Symbolic name \"" + std::string(*text) + "\" is unknown");
}

// Empty: no name for it.
std::string_view symbol_of(ValueMask v) {
  if (v.mask != kSymbolMask) return {};
  for (const Symbol& s : kSymbols) {
    if (s.value == v.value) return s.name;
  }
  return {};
}

std::string hex(ValueMask v) { return strf("0x%02x/0x%02x", v.value, v.mask); }

constexpr OptionSpec kMatchOptions[] = {{.name = "tos", .id = 0, .invertible = true, .required = true}};

class TosMatch final : public WithOptions<Match> {
 public:
  TosMatch() : WithOptions("tos", kMatchOptions) {}

  Status parse_value(const OptionSpec&, OptionReader& option) override {
    const auto v = tos_argument(option);
    if (!v) return v.error();
    value_ = *v;
    inverted_ = option.inverted();
    return {};
  }
  void save(std::string& out) const override { out += (inverted_ ? " ! --tos " : " --tos ") + hex(value_); }
  void list(std::string& out, bool numeric) const override {
    out += inverted_ ? " tos match!" : " tos match";
    const std::string_view symbol = numeric ? std::string_view{} : symbol_of(value_);
    out += symbol.empty() ? hex(value_) : " " + std::string(symbol);
  }
  bool match(const MatchInput& in) override { return ((in.ip.tos & value_.mask) == value_.value) != inverted_; }

  Miss explain_miss(const MatchInput& in) const override {
    return {{"miss.tos", {whole_text(), strf("0x%02x", in.ip.tos)}, {}}};
  }

 private:
  ValueMask value_{0, 0};
  bool inverted_ = false;
};

enum : uint8_t { kSet, kAnd, kOr, kXor };
constexpr uint32_t kAny = 1u << kSet | 1u << kAnd | 1u << kOr | 1u << kXor;
constexpr OptionSpec kTargetOptions[] = {{.name = "set-tos", .id = kSet, .excludes = kAny},
                                         {.name = "and-tos", .id = kAnd, .excludes = kAny},
                                         {.name = "or-tos", .id = kOr, .excludes = kAny},
                                         {.name = "xor-tos", .id = kXor, .excludes = kAny}};

// All forms come down to: clear the bits of mask, then exclusive-or value.
class TosTarget final : public WithOptions<Target> {
 public:
  TosTarget() : WithOptions("TOS", kTargetOptions, {.table = TableId::kMangle}) {}

  Status parse_value(const OptionSpec& spec, OptionReader& option) override {
    if (spec.id == kSet) {
      const auto v = tos_argument(option);
      if (!v) return v.error();
      value_ = *v;
      return {};
    }
    const auto bits = integer_argument(name(), spec, option, 0, 255);
    if (!bits) return bits.error();
    const auto b = static_cast<uint8_t>(*bits);
    if (spec.id == kAnd)
      value_ = {0, static_cast<uint8_t>(~b)};
    else
      value_ = {b, spec.id == kOr ? b : uint8_t{0}};
    return {};
  }
  Status check_usage(const RuleContext&) override {
    if (seen() == 0) return error("TOS: An action is required");
    return {};
  }
  void save(std::string& out) const override { out += " --set-tos " + hex(value_); }

  void list(std::string& out, bool numeric) const override {
    if (numeric) {
      out += " TOS set " + hex(value_);
    } else if (const std::string_view symbol = symbol_of(value_); !symbol.empty()) {
      out += "  TOS set" + std::string(symbol);  // 1.8.9's blanks
    } else if (value_.value == 0) {
      out += strf(" TOS and 0x%02x", static_cast<uint8_t>(~value_.mask));
    } else if (value_.value == value_.mask) {
      out += strf(" TOS or 0x%02x", value_.value);
    } else if (value_.mask == 0) {
      out += strf(" TOS xor 0x%02x", value_.value);
    } else {
      out += " TOS set " + hex(value_);
    }
  }

  TargetVerdict target(PacketPtr& p, const HookState&) override {
    const uint8_t old = p->ip().tos;
    const auto tos = static_cast<uint8_t>((old & ~value_.mask) ^ value_.value);
    if (tos != old) set_tos(*p, tos);
    return TargetVerdict::kContinue;
  }

 private:
  ValueMask value_{0, 0};
};

}  // namespace

void register_tos(ExtensionRegistry& registry) {
  registry.add(MatchSpec{"tos", [] { return std::make_unique<TosMatch>(); }});
  registry.add(TargetSpec{"TOS", [] { return std::make_unique<TosTarget>(); }});
}

}  // namespace nf::ipt
