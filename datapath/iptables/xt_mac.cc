// -m mac. twin: mac_mt, net/netfilter/xt_mac.c; libxt_mac.c
#include "datapath/base/text.h"
#include "datapath/iptables/xt_base.h"
#include "datapath/iptables/xt_options.h"

namespace nf::ipt {
namespace {

constexpr OptionSpec kOptions[] = {{.name = "mac-source", .id = 0, .invertible = true, .required = true}};

// Six parts of at most two hexadecimal digits. twin: xtopt_parse_ethermac
std::optional<MacAddress> parse_mac(std::string_view text) {
  const auto parts = split(text, ':');
  if (parts.size() != 6) return std::nullopt;
  MacAddress mac{};
  for (size_t i = 0; i < 6; ++i) {
    if (parts[i].size() > 2) return std::nullopt;
    const auto n = parts[i].empty() ? std::optional<uint64_t>(0) : parse_number("0x" + std::string(parts[i]), 255);
    if (!n) return std::nullopt;
    mac[i] = static_cast<uint8_t>(*n);
  }
  return mac;
}

std::string mac_text(const MacAddress& m) {
  return strf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
}

class MacMatch final : public WithOptions<Match> {
 public:
  MacMatch()
      : WithOptions("mac", kOptions,
                    {.hooks = hook_bit(HookPoint::kPreRouting) | hook_bit(HookPoint::kLocalIn) |
                              hook_bit(HookPoint::kForward)}) {}

  Status parse_value(const OptionSpec&, OptionReader& option) override {
    const auto text = option.argument();
    if (!text) return text.error();
    const auto mac = parse_mac(*text);
    if (!mac) return error("Invalid MAC address specified.");
    source_ = *mac;
    inverted_ = option.inverted();
    return {};
  }
  void save(std::string& out) const override {
    out += inverted_ ? " ! --mac-source " : " --mac-source ";
    out += mac_text(source_);
  }
  void list(std::string& out, bool) const override {
    out += inverted_ ? " MAC ! " : " MAC ";
    out += mac_text(source_);
  }

  // Without an Ethernet header the match is false, inverted or not.
  bool match(const MatchInput& in) override {
    return has_ethernet(in.packet) && (in.packet.mac().source == source_) != inverted_;
  }

  Miss explain_miss(const MatchInput& in) const override {
    if (!has_ethernet(in.packet)) return {{"miss.no_mac", {whole_text()}, {}}};
    return {{"miss.mac", {whole_text(), mac_text(in.packet.mac().source)}, {}}};
  }

 private:
  static bool has_ethernet(const Packet& p) {
    return p.dev != nullptr && (p.dev->kind == DeviceKind::kEthernet || p.dev->kind == DeviceKind::kBridge) &&
           p.has_mac_header();
  }

  MacAddress source_{};
  bool inverted_ = false;
};

}  // namespace

void register_mac(ExtensionRegistry& registry) {
  registry.add(MatchSpec{"mac", [] { return std::make_unique<MacMatch>(); }});
}

}  // namespace nf::ipt
