// -j NETMAP: one network onto another, host part kept. twin: net/netfilter/xt_NETMAP.c
#include "conntrack/host_mask.h"
#include "datapath/base/text.h"
#include "datapath/iptables/xt_options.h"
#include "nat/xt_internal.h"

namespace nf::nat {
namespace {

using ipt::hook_bit;

constexpr ipt::OptionSpec kOptions[] = {{.name = "to", .id = 0, .required = true}};
constexpr ipt::EntryLimits kLimits = {.table = ipt::TableId::kNat,
                                      .hooks = hook_bit(HookPoint::kPreRouting) | hook_bit(HookPoint::kPostRouting) |
                                               hook_bit(HookPoint::kLocalOut) | hook_bit(HookPoint::kLocalIn)};

class NetmapTarget final : public ipt::WithOptions<ipt::Target> {
 public:
  explicit NetmapTarget(Nat& nat) : WithOptions("NETMAP", kOptions, kLimits), nat_(nat), conntrack_(nat.conntrack()) {}

  Status parse_value(const ipt::OptionSpec& option, ipt::OptionReader& reader) override {
    const Result<std::string_view> text = reader.argument();
    if (!text.ok()) return text.error();
    const Result<ct::HostMask> to = ct::parse_host_mask(name(), option, *text);
    if (!to.ok()) return to.error();
    mask_ = to->mask;
    network_ = to->address & mask_;
    return {};
  }

  void save(std::string& out) const override { out += " --to " + text(); }
  void list(std::string& out, bool) const override { out += " to:" + text(); }

  void attach(Stack&) override { conntrack_.netns_get(); }
  void detach(Stack&) override { conntrack_.netns_put(); }

  ipt::TargetVerdict target(PacketPtr& p, const HookState& state) override {
    const bool destination = state.hook == HookPoint::kPreRouting || state.hook == HookPoint::kLocalOut;
    const Be32 old = destination ? p->ip().destination : p->ip().source;
    Range range;
    range.flags = kRangeMapIps;
    range.min_address = range.max_address = (old & ~mask_) | network_;
    return target_verdict(nat_.setup_info(*p, *ct::connection_of(p->ct), range,
                                          destination ? ManipType::kDestination : ManipType::kSource, state));
  }

 private:
  std::string text() const { return format_ipv4(network_) + strf("/%d", ct::mask_length(mask_)); }

  Nat& nat_;
  ct::Conntrack& conntrack_;
  Be32 network_, mask_;
};

}  // namespace

std::unique_ptr<ipt::Target> make_netmap_target(Nat& nat) { return std::make_unique<NetmapTarget>(nat); }

}  // namespace nf::nat
