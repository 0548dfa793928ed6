// -j MASQUERADE and -j REDIRECT: NAT to an address the host has, optionally with ports.
// twin: net/netfilter/xt_MASQUERADE.c, xt_REDIRECT.c, extensions/libxt_NAT.c
#include "datapath/iptables/xt_options.h"
#include "nat/range_text.h"
#include "nat/xt_internal.h"

namespace nf::nat {
namespace {

using ipt::hook_bit;

enum Option : uint8_t { kToPorts, kRandom, kRandomFully };

constexpr ipt::OptionSpec kMasqueradeOptions[] = {
    {.name = "to-ports", .id = kToPorts}, {.name = "to-port", .id = kToPorts},          {.name = "to", .id = kToPorts},
    {.name = "random", .id = kRandom},    {.name = "random-fully", .id = kRandomFully},
};
constexpr ipt::OptionSpec kRedirectOptions[] = {
    {.name = "to-ports", .id = kToPorts},
    {.name = "to-port", .id = kToPorts},
    {.name = "to", .id = kToPorts},
    {.name = "random", .id = kRandom},
};
constexpr ipt::EntryLimits kMasqueradeLimits = {.table = ipt::TableId::kNat,
                                                .hooks = hook_bit(HookPoint::kPostRouting)};
constexpr ipt::EntryLimits kRedirectLimits = {
    .table = ipt::TableId::kNat, .hooks = hook_bit(HookPoint::kPreRouting) | hook_bit(HookPoint::kLocalOut)};

class OwnAddressTarget final : public ipt::WithOptions<ipt::Target> {
 public:
  OwnAddressTarget(Nat& nat, bool masquerade)
      : WithOptions(masquerade ? "MASQUERADE" : "REDIRECT",
                    masquerade ? std::span<const ipt::OptionSpec>(kMasqueradeOptions) : kRedirectOptions,
                    masquerade ? kMasqueradeLimits : kRedirectLimits),
        nat_(nat),
        conntrack_(nat.conntrack()),
        masquerade_(masquerade) {}

  Status parse_value(const ipt::OptionSpec& option, ipt::OptionReader& reader) override {
    if (option.id != kToPorts) {
      range_.flags |= option.id == kRandom ? kRangeProtoRandom : kRangeProtoRandomFully;
      return {};
    }
    const Result<std::string_view> text = reader.argument();
    if (!text.ok()) return text.error();
    if (Status s = parse_ports(*text, range_); !s.ok()) return s;
    if ((range_.flags & kRangeProtoOffset) != 0) {
      if (!masquerade_) return error("Shifted portmap ranges not supported with this kernel");
      // iptables hands MASQUERADE to the kernel in a form without the base.
      range_.base_port = Be16{};
    }
    return {};
  }

  Status check_usage(const ipt::RuleContext& rule) override { return check_port_protocol(rule, range_); }

  void save(std::string& out) const override {
    if ((range_.flags & kRangeProtoSpecified) != 0) out += " --to-ports " + format_ports(range_);
    append_flags(out, "--", range_);
  }
  void list(std::string& out, bool) const override {
    if ((range_.flags & kRangeProtoSpecified) != 0)
      out += (masquerade_ ? " masq ports: " : " redir ports ") + format_ports(range_);
    append_flags(out, "", range_);
  }

  void attach(Stack&) override { conntrack_.netns_get(); }
  void detach(Stack&) override { conntrack_.netns_put(); }

  ipt::TargetVerdict target(PacketPtr& p, const HookState& state) override {
    return target_verdict(masquerade_ ? nat_.masquerade(*p, range_, state) : nat_.redirect(*p, range_, state));
  }

 private:
  Nat& nat_;
  ct::Conntrack& conntrack_;
  bool masquerade_;
  Range range_;
};

}  // namespace

std::unique_ptr<ipt::Target> make_masquerade_target(Nat& nat) { return std::make_unique<OwnAddressTarget>(nat, true); }
std::unique_ptr<ipt::Target> make_redirect_target(Nat& nat) { return std::make_unique<OwnAddressTarget>(nat, false); }

}  // namespace nf::nat
