// -j SNAT and -j DNAT. twin: net/netfilter/xt_nat.c, extensions/libxt_NAT.c
#include "datapath/iptables/xt_options.h"
#include "nat/range_text.h"
#include "nat/xt_internal.h"

namespace nf::nat {
namespace {

using ipt::hook_bit;

enum Option : uint8_t { kTo, kRandom, kRandomFully, kPersistent };

// "--to" is what people write; iptables' getopt takes it as a beginning of the whole name.
constexpr ipt::OptionSpec kSnatOptions[] = {
    {.name = "to-source", .id = kTo, .required = true},
    {.name = "to", .id = kTo},
    {.name = "random", .id = kRandom},
    {.name = "random-fully", .id = kRandomFully},
    {.name = "persistent", .id = kPersistent},
};
constexpr ipt::OptionSpec kDnatOptions[] = {
    {.name = "to-destination", .id = kTo, .required = true},
    {.name = "to", .id = kTo},
    {.name = "to-dest", .id = kTo},
    {.name = "random", .id = kRandom},
    {.name = "persistent", .id = kPersistent},
};
constexpr ipt::EntryLimits kSnatLimits = {.table = ipt::TableId::kNat,
                                          .hooks = hook_bit(HookPoint::kPostRouting) | hook_bit(HookPoint::kLocalIn)};
constexpr ipt::EntryLimits kDnatLimits = {.table = ipt::TableId::kNat,
                                          .hooks = hook_bit(HookPoint::kPreRouting) | hook_bit(HookPoint::kLocalOut)};

class NatTarget final : public ipt::WithOptions<ipt::Target> {
 public:
  NatTarget(Nat& nat, ManipType manip)
      : WithOptions(manip == ManipType::kSource ? "SNAT" : "DNAT",
                    manip == ManipType::kSource ? std::span<const ipt::OptionSpec>(kSnatOptions) : kDnatOptions,
                    manip == ManipType::kSource ? kSnatLimits : kDnatLimits),
        nat_(nat),
        conntrack_(nat.conntrack()),
        manip_(manip) {}

  Status parse_value(const ipt::OptionSpec& option, ipt::OptionReader& reader) override {
    switch (option.id) {
      case kRandom:
        range_.flags |= kRangeProtoRandom;
        return {};
      case kRandomFully:
        range_.flags |= kRangeProtoRandomFully;
        return {};
      case kPersistent:
        range_.flags |= kRangePersistent;
        return {};
      default:
        break;
    }
    const Result<std::string_view> text = reader.argument();
    if (!text.ok()) return text.error();
    const Status s = parse_to(*text, range_);
    // iptables 1.8.9 hands SNAT to the kernel in a form without the base.
    if (manip_ == ManipType::kSource) range_.base_port = Be16{};
    return s;
  }

  Status check_usage(const ipt::RuleContext& rule) override { return check_port_protocol(rule, range_); }

  void save(std::string& out) const override {
    out += (manip_ == ManipType::kSource ? " --to-source " : " --to-destination ") + format_range(range_);
    append_flags(out, "--", range_);
  }
  void list(std::string& out, bool) const override {
    out += " to:" + format_range(range_);
    append_flags(out, "", range_);
  }

  void attach(Stack&) override { conntrack_.netns_get(); }
  void detach(Stack&) override { conntrack_.netns_put(); }

  ipt::TargetVerdict target(PacketPtr& p, const HookState& state) override {
    return target_verdict(nat_.setup_info(*p, *ct::connection_of(p->ct), range_, manip_, state));
  }

 private:
  Nat& nat_;
  ct::Conntrack& conntrack_;
  ManipType manip_;
  Range range_;
};

}  // namespace

std::unique_ptr<ipt::Target> make_snat_target(Nat& nat) { return std::make_unique<NatTarget>(nat, ManipType::kSource); }
std::unique_ptr<ipt::Target> make_dnat_target(Nat& nat) {
  return std::make_unique<NatTarget>(nat, ManipType::kDestination);
}

}  // namespace nf::nat
