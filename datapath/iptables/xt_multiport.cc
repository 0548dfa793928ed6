// -m multiport. twin: multiport_mt, net/netfilter/xt_multiport.c; libxt_multiport.c
#include <array>

#include "datapath/base/text.h"
#include "datapath/iptables/xt_base.h"
#include "datapath/iptables/xt_options.h"
#include "datapath/iptables/xt_ports.h"

namespace nf::ipt {
namespace {

constexpr size_t kMaxPorts = 15;  // XT_MULTI_PORTS; a range takes two

enum : uint8_t { kSource, kDestination, kEither };
constexpr uint32_t kAny = 1u << kSource | 1u << kDestination | 1u << kEither;
constexpr OptionSpec kOptions[] = {
    {.name = "source-ports", .id = kSource, .invertible = true, .excludes = kAny},
    {.name = "sports", .id = kSource, .invertible = true, .excludes = kAny},
    {.name = "destination-ports", .id = kDestination, .invertible = true, .excludes = kAny},
    {.name = "dports", .id = kDestination, .invertible = true, .excludes = kAny},
    {.name = "ports", .id = kEither, .invertible = true, .excludes = kAny},
};

// null: multiport does not work with it.
const char* protocol_name(uint8_t protocol) {
  switch (protocol) {
    case kProtoTcp:
      return "tcp";
    case kProtoUdp:
      return "udp";
    case kProtoUdplite:
      return "udplite";
    case kProtoSctp:
      return "sctp";
    case kProtoDccp:
      return "dccp";
    default:
      return nullptr;
  }
}

struct Ports {
  Be16 source, destination;
};

class MultiportMatch final : public WithOptions<Match> {
 public:
  MultiportMatch() : WithOptions("multiport", kOptions) {}

  // The names of services depend on -p, which is known only when the rule is whole.
  Status parse_value(const OptionSpec& spec, OptionReader& option) override {
    const auto text = option.argument();
    if (!text) return text.error();
    side_ = spec.id;
    text_ = *text;
    if (option.inverted()) inverted_ = true;
    return {};
  }

  Status check_usage(const RuleContext& rule) override {
    if (seen() == 0) return error("multiport expection an option");
    protocol_ = protocol_name(rule.protocol);
    if (rule.protocol == 0 && !rule.protocol_inverted)
      return error("multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp'");
    if (rule.protocol_inverted || protocol_ == nullptr)
      return error("multiport only works with TCP, UDP, UDPLITE, SCTP and DCCP");
    return parse_ports();
  }

  void save(std::string& out) const override {
    constexpr std::string_view kNames[] = {"--sports ", "--dports ", "--ports "};
    out += inverted_ ? " ! " : " ";
    out += kNames[side_];
    print_ports(out, true);
  }

  void list(std::string& out, bool numeric) const override {
    constexpr std::string_view kNames[] = {"sports ", "dports ", "ports "};
    out += " multiport ";
    out += kNames[side_];
    if (inverted_) out += " !";
    print_ports(out, numeric);
  }

  bool match(const MatchInput& in) override {
    if (in.fragment_offset != 0) return false;
    const Ports* ports = view<Ports>(in.transport);
    if (ports == nullptr) {
      in.hotdrop = true;
      return false;
    }
    return contains(ports->source.host(), ports->destination.host()) != inverted_;
  }

  bool needs_protocol() const override { return true; }
  Miss explain_miss(const MatchInput& in) const override {
    if (in.fragment_offset != 0) return later_fragment(in);
    const Ports* ports = view<Ports>(in.transport);
    const std::string source = std::to_string(ports->source.host());
    const std::string destination = std::to_string(ports->destination.host());
    if (side_ == kSource) return {{"miss.source_port", {whole_text(), source}, {}}};
    if (side_ == kDestination) return {{"miss.destination_port", {whole_text(), destination}, {}}};
    return {{"miss.ports", {whole_text(), source, destination}, {}}};
  }

 private:
  Status parse_ports() {
    size_t slots = 0;
    count_ = 0;
    for (const std::string_view part : split(text_, ',')) {
      const size_t colon = part.find(':');
      slots += colon == std::string_view::npos ? 1 : 2;
      if (slots > kMaxPorts) return error("too many ports specified");
      const auto first = parse_port(part.substr(0, colon), protocol_);
      if (!first) return first.error();
      ranges_[count_] = {*first, *first};
      if (colon != std::string_view::npos) {
        const auto last = parse_port(part.substr(colon + 1), protocol_);
        if (!last) return last.error();
        if (*first >= *last) return error("invalid portrange specified");
        ranges_[count_].max = *last;
      }
      ++count_;
    }
    return {};
  }

  bool contains(uint16_t source, uint16_t destination) const {
    for (size_t i = 0; i < count_; ++i) {
      if (side_ != kDestination && ranges_[i].matches(source)) return true;
      if (side_ != kSource && ranges_[i].matches(destination)) return true;
    }
    return false;
  }

  void print_ports(std::string& out, bool numeric) const {
    for (size_t i = 0; i < count_; ++i) {
      if (i > 0) out += ',';
      out += port_text(ranges_[i].min, protocol_, numeric);
      if (ranges_[i].min != ranges_[i].max) out += ':' + port_text(ranges_[i].max, protocol_, numeric);
    }
  }

  std::array<PortRange, kMaxPorts> ranges_;
  size_t count_ = 0;
  uint8_t side_ = kEither;
  bool inverted_ = false;
  const char* protocol_ = nullptr;
  std::string text_;
};

}  // namespace

void register_multiport(ExtensionRegistry& registry) {
  registry.add(MatchSpec{"multiport", [] { return std::make_unique<MultiportMatch>(); }});
}

}  // namespace nf::ipt
