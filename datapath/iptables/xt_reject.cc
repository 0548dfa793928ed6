// -j REJECT. twin: reject_tg, net/ipv4/netfilter/ipt_REJECT.c; nf_send_unreach, net/ipv4/netfilter/nf_reject_ipv4.c;
// libipt_REJECT.c
//
// What nf_send_reset asks before it answers is Stack::send_reset()'s business, what icmp_send asks is
// Stack::icmp_send()'s; here is what nf_send_unreach asks.
#include <algorithm>

#include "datapath/iptables/xt_base.h"
#include "datapath/iptables/xt_options.h"
#include "datapath/packet/rewrite.h"

namespace nf::ipt {
namespace {

constexpr uint8_t kProtoEsp = 50, kProtoAh = 51;

struct RejectType {
  std::string_view name, alias;
  bool reset;
  uint8_t code;  // of ICMP destination unreachable
};
// In the order of enum ipt_reject_with: a beginning of several names means the first of them.
constexpr RejectType kTypes[] = {
    {"icmp-net-unreachable", "net-unreach", false, 0},
    {"icmp-host-unreachable", "host-unreach", false, 1},
    {"icmp-proto-unreachable", "proto-unreach", false, 2},
    {"icmp-port-unreachable", "port-unreach", false, 3},
    {"icmp-net-prohibited", "net-prohib", false, 9},
    {"icmp-host-prohibited", "host-prohib", false, 10},
    {"tcp-reset", "tcp-rst", true, 0},
    {"icmp-admin-prohibited", "admin-prohib", false, 13},
};
constexpr const RejectType* kDefault = &kTypes[3];

constexpr OptionSpec kOptions[] = {{.name = "reject-with", .id = 0}};

// Whether the protocol's checksum is to be verified at all. twin: nf_reject_verify_csum,
// include/net/netfilter/nf_reject.h
bool verifies_checksum(const Packet& p) {
  switch (p.ip().protocol) {
    case kProtoUdp: {
      const UdpHeader* udp = view<UdpHeader>(p.transport());
      return udp == nullptr || udp->checksum.raw() != 0;
    }
    case kProtoGre:
    case kProtoAh:
    case kProtoEsp:
    case kProtoSctp:
    case kProtoUdplite:
      return false;
    default:
      return true;
  }
}

bool may_answer(const Packet& p) {
  if (p.ip().fragment_offset() != 0) return false;
  return !verifies_checksum(p) || netfilter_checksum_ok(p);
}

class RejectTarget final : public WithOptions<Target> {
 public:
  RejectTarget()
      : WithOptions(
            "REJECT", kOptions,
            {.table = TableId::kFilter,
             .hooks = hook_bit(HookPoint::kLocalIn) | hook_bit(HookPoint::kForward) | hook_bit(HookPoint::kLocalOut)}) {
  }

  Status parse_value(const OptionSpec&, OptionReader& option) override {
    const auto text = option.argument();
    if (!text) return text.error();
    const auto it = std::find_if(std::begin(kTypes), std::end(kTypes), [&](const RejectType& t) {
      return is_prefix_of(*text, t.name) || is_prefix_of(*text, t.alias);
    });
    if (it == std::end(kTypes)) return error("unknown reject type \"" + std::string(*text) + "\"");
    type_ = it;
    return {};
  }

  Status check_entry(const RuleContext& rule) override {
    if (type_->reset && (rule.protocol != kProtoTcp || rule.protocol_inverted))
      return error("ipt_REJECT: TCP_RESET invalid for non-tcp");
    return {};
  }

  void save(std::string& out) const override { print(out, " --reject-with "); }
  void list(std::string& out, bool) const override { print(out, " reject-with "); }

  TargetVerdict target(PacketPtr& p, const HookState& state) override {
    if (type_->reset)
      state.stack->send_reset(*p, state.hook);
    else if (may_answer(*p))
      state.stack->icmp_send(*p, kIcmpUnreachable, type_->code, 0);
    p->drop_reason = static_cast<uint8_t>(DropReason::kIptablesReject);
    return TargetVerdict::kDrop;
  }

 private:
  void print(std::string& out, std::string_view label) const {
    out += label;
    out += type_->name;
  }

  const RejectType* type_ = kDefault;
};

}  // namespace

void register_reject(ExtensionRegistry& registry) {
  registry.add(TargetSpec{"REJECT", [] { return std::make_unique<RejectTarget>(); }});
}

}  // namespace nf::ipt
