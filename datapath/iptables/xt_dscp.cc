// -m dscp and -j DSCP. twin: dscp_mt, net/netfilter/xt_dscp.c; dscp_tg, net/netfilter/xt_DSCP.c; libxt_dscp.c,
// libxt_DSCP.c, dscp_helper.c
#include "datapath/base/text.h"
#include "datapath/iptables/xt_base.h"
#include "datapath/iptables/xt_options.h"
#include "datapath/packet/rewrite.h"

namespace nf::ipt {
namespace {

constexpr uint8_t kMaxDscp = 0x3f;
constexpr unsigned kShift = 2;  // the low two bits of TOS are ECN's

struct Class {
  std::string_view name;
  uint8_t dscp;
};
constexpr Class kClasses[] = {
    {"CS0", 0x00},  {"CS1", 0x08},  {"CS2", 0x10},  {"CS3", 0x18},  {"CS4", 0x20},  {"CS5", 0x28},
    {"CS6", 0x30},  {"CS7", 0x38},  {"BE", 0x00},   {"AF11", 0x0a}, {"AF12", 0x0c}, {"AF13", 0x0e},
    {"AF21", 0x12}, {"AF22", 0x14}, {"AF23", 0x16}, {"AF31", 0x1a}, {"AF32", 0x1c}, {"AF33", 0x1e},
    {"AF41", 0x22}, {"AF42", 0x24}, {"AF43", 0x26}, {"EF", 0x2e},
};

enum : uint8_t { kNumber, kClass };

Result<uint8_t> dscp_argument(std::string_view extension, const OptionSpec& spec, OptionReader& option) {
  if (spec.id == kNumber) {
    const auto n = integer_argument(extension, spec, option, 0, kMaxDscp);
    if (!n) return n.error();
    return static_cast<uint8_t>(*n);
  }
  const auto text = option.argument();
  if (!text) return text.error();
  // What stands behind the class's name is not looked at.
  for (const Class& c : kClasses) {
    if (is_prefix_of(c.name, *text)) return c.dscp;
  }
  return error("Invalid DSCP value `" + std::string(*text) + "'");
}

constexpr OptionSpec kMatchOptions[] = {
    {.name = "dscp", .id = kNumber, .invertible = true, .excludes = 1u << kClass},
    {.name = "dscp-class", .id = kClass, .invertible = true, .excludes = 1u << kNumber}};

class DscpMatch final : public WithOptions<Match> {
 public:
  DscpMatch() : WithOptions("dscp", kMatchOptions) {}

  Status parse_value(const OptionSpec& spec, OptionReader& option) override {
    const auto dscp = dscp_argument(name(), spec, option);
    if (!dscp) return dscp.error();
    dscp_ = *dscp;
    inverted_ = option.inverted();
    return {};
  }
  Status check_usage(const RuleContext&) override {
    if (seen() == 0) return error("DSCP match: Parameter --dscp is required");
    return {};
  }
  void save(std::string& out) const override { out += strf("%s --dscp 0x%02x", inverted_ ? " !" : "", dscp_); }
  void list(std::string& out, bool) const override { out += strf(" DSCP match %s0x%02x", inverted_ ? "!" : "", dscp_); }
  bool match(const MatchInput& in) override { return (in.ip.tos >> kShift == dscp_) != inverted_; }

  Miss explain_miss(const MatchInput& in) const override {
    return {{"miss.dscp", {whole_text(), strf("0x%02x", in.ip.tos >> kShift)}, {}}};
  }

 private:
  uint8_t dscp_ = 0;
  bool inverted_ = false;
};

constexpr OptionSpec kTargetOptions[] = {{.name = "set-dscp", .id = kNumber, .excludes = 1u << kClass},
                                         {.name = "set-dscp-class", .id = kClass, .excludes = 1u << kNumber}};

class DscpTarget final : public WithOptions<Target> {
 public:
  DscpTarget() : WithOptions("DSCP", kTargetOptions, {.table = TableId::kMangle}) {}

  Status parse_value(const OptionSpec& spec, OptionReader& option) override {
    const auto dscp = dscp_argument(name(), spec, option);
    if (!dscp) return dscp.error();
    dscp_ = *dscp;
    return {};
  }
  Status check_usage(const RuleContext&) override {
    if (seen() == 0) return error("DSCP target: Parameter --set-dscp is required");
    return {};
  }
  void save(std::string& out) const override { out += strf(" --set-dscp 0x%02x", dscp_); }
  void list(std::string& out, bool) const override { out += strf(" DSCP set 0x%02x", dscp_); }
  TargetVerdict target(PacketPtr& p, const HookState&) override {
    const uint8_t old = p->ip().tos;
    if (old >> kShift != dscp_) set_tos(*p, static_cast<uint8_t>((old & 3) | dscp_ << kShift));
    return TargetVerdict::kContinue;
  }

 private:
  uint8_t dscp_ = 0;
};

}  // namespace

void register_dscp(ExtensionRegistry& registry) {
  registry.add(MatchSpec{"dscp", [] { return std::make_unique<DscpMatch>(); }});
  registry.add(TargetSpec{"DSCP", [] { return std::make_unique<DscpTarget>(); }});
}

}  // namespace nf::ipt
