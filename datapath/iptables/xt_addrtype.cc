// -m addrtype. twin: addrtype_mt_v1, net/netfilter/xt_addrtype.c; libxt_addrtype.c
#include "datapath/base/text.h"
#include "datapath/iptables/xt_base.h"
#include "datapath/iptables/xt_options.h"

namespace nf::ipt {
namespace {

// By RTN_* value. NAT and XRESOLVE have no route type any more: they parse and never match.
constexpr std::string_view kTypeNames[] = {"UNSPEC",    "UNICAST",     "LOCAL",    "BROADCAST", "ANYCAST", "MULTICAST",
                                           "BLACKHOLE", "UNREACHABLE", "PROHIBIT", "THROW",     "NAT",     "XRESOLVE"};

enum : uint8_t { kSourceType, kDestinationType, kLimitIn, kLimitOut };
constexpr OptionSpec kOptions[] = {
    {.name = "src-type", .id = kSourceType, .invertible = true},
    {.name = "dst-type", .id = kDestinationType, .invertible = true},
    {.name = "limit-iface-in", .id = kLimitIn, .excludes = 1u << kLimitOut},
    {.name = "limit-iface-out", .id = kLimitOut, .excludes = 1u << kLimitIn},
};

struct Types {
  uint16_t mask = 0;  // bit per RouteType; 0: not asked for
  bool inverted = false;
  bool matches(RouteType t) const { return ((mask >> static_cast<unsigned>(t) & 1) != 0) != inverted; }
};

// A word is taken for the first type that begins with it: "U" is UNSPEC.
bool add_type(std::string_view word, uint16_t& mask) {
  for (size_t i = 0; i < std::size(kTypeNames); ++i) {
    if (word.empty() || !is_prefix_of(word, kTypeNames[i])) continue;
    mask = static_cast<uint16_t>(mask | 1u << i);
    return true;
  }
  return false;
}

Result<uint16_t> parse_types(std::string_view text) {
  uint16_t mask = 0;
  for (size_t comma; (comma = text.find(',')) != std::string_view::npos; text.remove_prefix(comma + 1)) {
    if (!add_type(text.substr(0, comma), mask)) return error("addrtype: bad type `" + std::string(text) + "'");
  }
  if (!add_type(text, mask)) return error("addrtype: bad type \"" + std::string(text) + "\"");
  return mask;
}

void print_types(std::string& out, uint16_t mask) {
  std::string_view separator;
  for (size_t i = 0; i < std::size(kTypeNames); ++i) {
    if ((mask >> i & 1) == 0) continue;
    out += separator;
    out += kTypeNames[i];
    separator = ",";
  }
}

class AddrtypeMatch final : public WithOptions<Match> {
 public:
  AddrtypeMatch() : WithOptions("addrtype", kOptions) {}

  Status parse_value(const OptionSpec& spec, OptionReader& option) override {
    if (spec.id == kLimitIn || spec.id == kLimitOut) return {};
    const auto text = option.argument();
    if (!text) return text.error();
    const auto mask = parse_types(*text);
    if (!mask) return mask.error();
    (spec.id == kSourceType ? source_ : destination_) = {*mask, option.inverted()};
    return {};
  }

  Status check_usage(const RuleContext&) override {
    if (source_.mask == 0 && destination_.mask == 0)
      return error("addrtype: you must specify --src-type or --dst-type");
    return {};
  }

  Status check_entry(const RuleContext& rule) override {
    constexpr unsigned kNoOut = hook_bit(HookPoint::kPreRouting) | hook_bit(HookPoint::kLocalIn);
    constexpr unsigned kNoIn = hook_bit(HookPoint::kPostRouting) | hook_bit(HookPoint::kLocalOut);
    if (limit_out() && (rule.hooks & kNoOut) != 0)
      return error("xt_addrtype: output interface limitation not valid in PREROUTING and INPUT");
    if (limit_in() && (rule.hooks & kNoIn) != 0)
      return error("xt_addrtype: input interface limitation not valid in POSTROUTING and OUTPUT");
    return {};
  }

  void save(std::string& out) const override {
    save_types(out, "--src-type ", source_);
    save_types(out, "--dst-type ", destination_);
    if (limit_in()) out += " --limit-iface-in";
    if (limit_out()) out += " --limit-iface-out";
  }

  void list(std::string& out, bool) const override {
    out += " ADDRTYPE match";
    list_types(out, " src-type ", source_);
    list_types(out, " dst-type ", destination_);
    if (limit_in()) out += " limit-in";
    if (limit_out()) out += " limit-out";
  }

  bool match(const MatchInput& in) override {
    if (source_.mask != 0 && !source_.matches(type_of(in, in.ip.source))) return false;
    return destination_.mask == 0 || destination_.matches(type_of(in, in.ip.destination));
  }

  Miss explain_miss(const MatchInput& in) const override {
    const auto say = [&](std::string_view option, const Types& types, Be32 address) -> Said {
      std::string piece;
      save_types(piece, option, types);
      piece = source_.mask == 0 || destination_.mask == 0 ? whole_text() : piece.substr(1);
      const auto type = static_cast<size_t>(type_of(in, address));
      Said said{"miss.address_type", {piece, std::string(kTypeNames[type]), format_ipv4(address)}, {}};
      if (const Device* dev = device(in); dev != nullptr) {
        said.key = "miss.address_type_on";
        said.values.push_back(dev->name);
      }
      return said;
    };
    const bool destination = destination_.mask == 0 || destination_.matches(type_of(in, in.ip.destination));
    if (source_.mask != 0 && !source_.matches(type_of(in, in.ip.source)))
      return {say("--src-type ", source_, in.ip.source), destination};
    return {say("--dst-type ", destination_, in.ip.destination)};
  }

 private:
  bool limit_in() const { return (seen() & 1u << kLimitIn) != 0; }
  bool limit_out() const { return (seen() & 1u << kLimitOut) != 0; }

  // Only its addresses count; null: all devices'.
  const Device* device(const MatchInput& in) const {
    return limit_in() ? in.state.in : limit_out() ? in.state.out : nullptr;
  }
  RouteType type_of(const MatchInput& in, Be32 address) const {
    return in.state.stack->address_type(address, device(in));
  }

  static void save_types(std::string& out, std::string_view option, const Types& types) {
    if (types.mask == 0) return;
    out += types.inverted ? " ! " : " ";
    out += option;
    print_types(out, types.mask);
  }
  static void list_types(std::string& out, std::string_view label, const Types& types) {
    if (types.mask == 0) return;
    out += label;
    if (types.inverted) out += '!';
    print_types(out, types.mask);
  }

  Types source_, destination_;
};

}  // namespace

void register_addrtype(ExtensionRegistry& registry) {
  registry.add(MatchSpec{"addrtype", [] { return std::make_unique<AddrtypeMatch>(); }});
}

}  // namespace nf::ipt
