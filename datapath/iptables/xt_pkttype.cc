// -m pkttype. twin: pkttype_mt, net/netfilter/xt_pkttype.c; libxt_pkttype.c
#include <algorithm>

#include "datapath/iptables/xt_base.h"
#include "datapath/iptables/xt_options.h"

namespace nf::ipt {
namespace {

struct TypeName {
  std::string_view name;
  PacketType type;
};
// The first name of a type is the one printed.
constexpr TypeName kTypes[] = {
    {"unicast", PacketType::kHost},        {"broadcast", PacketType::kBroadcast}, {"multicast", PacketType::kMulticast},
    {"otherhost", PacketType::kOtherHost}, {"bcast", PacketType::kBroadcast},     {"mcast", PacketType::kMulticast},
    {"host", PacketType::kHost},
};

constexpr OptionSpec kOptions[] = {{.name = "pkt-type", .id = 0, .invertible = true, .required = true}};

std::string_view type_name(PacketType type) {
  const auto it = std::find_if(std::begin(kTypes), std::end(kTypes), [&](const TypeName& t) { return t.type == type; });
  return it == std::end(kTypes) ? "outgoing" : it->name;
}

// One's own broadcast or multicast that came back is taken for what others sent. twin: pkttype_mt
PacketType seen_type(const MatchInput& in) {
  if (in.packet.type != PacketType::kLoopback) return in.packet.type;
  return in.ip.destination.host() >> 28 == 0xe ? PacketType::kMulticast : PacketType::kBroadcast;
}

class PkttypeMatch final : public WithOptions<Match> {
 public:
  PkttypeMatch() : WithOptions("pkttype", kOptions) {}

  Status parse_value(const OptionSpec&, OptionReader& option) override {
    const auto text = option.argument();
    if (!text) return text.error();
    const auto it = std::find_if(std::begin(kTypes), std::end(kTypes),
                                 [&](const TypeName& t) { return equal_ignoring_case(t.name, *text); });
    if (it == std::end(kTypes)) return error("Bad packet type '" + std::string(*text) + "'");
    type_ = it->type;
    inverted_ = option.inverted();
    return {};
  }
  void save(std::string& out) const override {
    out += inverted_ ? " ! --pkt-type " : " --pkt-type ";
    out += type_name(type_);
  }
  void list(std::string& out, bool) const override {
    out += inverted_ ? " PKTTYPE != " : " PKTTYPE = ";
    out += type_name(type_);
  }
  bool match(const MatchInput& in) override { return (seen_type(in) == type_) != inverted_; }

  Miss explain_miss(const MatchInput& in) const override {
    return {{"miss.packet_type", {whole_text(), std::string(type_name(seen_type(in)))}, {}}};
  }

 private:
  PacketType type_ = PacketType::kHost;
  bool inverted_ = false;
};

}  // namespace

void register_pkttype(ExtensionRegistry& registry) {
  registry.add(MatchSpec{"pkttype", [] { return std::make_unique<PkttypeMatch>(); }});
}

}  // namespace nf::ipt
