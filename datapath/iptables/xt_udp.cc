// -m udp. twin: udp_mt, net/netfilter/xt_tcpudp.c; libxt_udp.c
#include "datapath/base/text.h"
#include "datapath/iptables/xt_base.h"
#include "datapath/iptables/xt_options.h"
#include "datapath/iptables/xt_ports.h"

namespace nf::ipt {
namespace {

enum : uint8_t { kSource, kDestination };
constexpr OptionSpec kOptions[] = {
    {.name = "source-port", .id = kSource, .invertible = true},
    {.name = "sport", .id = kSource, .invertible = true},
    {.name = "destination-port", .id = kDestination, .invertible = true},
    {.name = "dport", .id = kDestination, .invertible = true},
};

// twin: xtopt_parse_mport. Unlike -m tcp it does not refuse min > max, which then matches nothing.
Result<PortRange> parse_ports(const OptionSpec& spec, std::string_view text, bool inverted) {
  PortRange range;
  range.inverted = inverted;
  const auto parts = split(text, ':');
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i == 2) return error("udp: Too many components for option \"--" + std::string(spec.name) + "\" (max: 2)");
    if (parts[i].empty()) continue;
    const auto port = parse_port_any_protocol(parts[i]);
    if (!port) return port.error();
    (i == 0 ? range.min : range.max) = *port;
  }
  if (parts.size() == 1) range.max = range.min;
  return range;
}

class UdpMatch final : public WithOptions<Match> {
 public:
  UdpMatch() : WithOptions("udp", kOptions, {.protocol = kProtoUdp}) {}

  Status parse_value(const OptionSpec& spec, OptionReader& option) override {
    const auto text = option.argument();
    if (!text) return text.error();
    const auto range = parse_ports(spec, *text, option.inverted());
    if (!range) return range.error();
    (spec.id == kSource ? source_ : destination_) = *range;
    return {};
  }

  void save(std::string& out) const override {
    save_ports(out, "--sport", source_);
    save_ports(out, "--dport", destination_);
  }
  void list(std::string& out, bool numeric) const override {
    out += " udp";
    list_ports(out, "spt", source_, "udp", numeric);
    list_ports(out, "dpt", destination_, "udp", numeric);
  }

  bool match(const MatchInput& in) override {
    if (in.fragment_offset != 0) return false;
    const UdpHeader* udp = view<UdpHeader>(in.transport);
    if (udp == nullptr) {
      in.hotdrop = true;
      return false;
    }
    return source_.matches(udp->source.host()) && destination_.matches(udp->destination.host());
  }

  bool fold(PortRanges& ranges) const override {
    if (source_.inverted || destination_.inverted) return false;
    ranges = {source_.min, source_.max, destination_.min, destination_.max};
    return true;
  }

  bool needs_protocol() const override { return true; }
  Miss explain_miss(const MatchInput& in) const override {
    if (in.fragment_offset != 0) return later_fragment(in);
    const UdpHeader* udp = view<UdpHeader>(in.transport);
    const bool destination = destination_.matches(udp->destination.host());
    if (!source_.matches(udp->source.host())) return {source_port_missed(source_, udp->source.host()), destination};
    return {destination_port_missed(destination_, udp->destination.host())};
  }

 private:
  PortRange source_, destination_;
};

}  // namespace

void register_udp(ExtensionRegistry& registry) {
  registry.add(MatchSpec{"udp", [] { return std::make_unique<UdpMatch>(); }});
}

}  // namespace nf::ipt
