// -m mark and -j MARK. twin: mark_mt and mark_tg, net/netfilter/xt_mark.c; libxt_mark.c, libxt_MARK.c
#include "datapath/base/text.h"
#include "datapath/iptables/xt_base.h"
#include "datapath/iptables/xt_options.h"

namespace nf::ipt {
namespace {

constexpr OptionSpec kMatchOptions[] = {{.name = "mark", .id = 0, .invertible = true, .required = true}};

class MarkMatch final : public WithOptions<Match> {
 public:
  MarkMatch() : WithOptions("mark", kMatchOptions) {}

  Status parse_value(const OptionSpec& spec, OptionReader& option) override {
    const auto value = mark_argument(name(), spec, option);
    if (!value) return value.error();
    value_ = *value;
    inverted_ = option.inverted();
    return {};
  }
  void save(std::string& out) const override {
    out += inverted_ ? " ! --mark" : " --mark";
    print_mark_mask(out, value_);
  }
  void list(std::string& out, bool) const override {
    out += inverted_ ? " mark match !" : " mark match";
    print_mark_mask(out, value_);
  }
  bool match(const MatchInput& in) override { return ((in.packet.mark & value_.mask) == value_.mark) != inverted_; }

  Miss explain_miss(const MatchInput& in) const override {
    return {{"miss.mark", {whole_text(), strf("0x%x", in.packet.mark)}, {}}};
  }

 private:
  MarkMask value_{0, UINT32_MAX};
  bool inverted_ = false;
};

enum : uint8_t { kSet, kAnd, kOr, kXor, kSetX };
constexpr uint32_t kAny = 1u << kSet | 1u << kAnd | 1u << kOr | 1u << kXor | 1u << kSetX;
constexpr OptionSpec kTargetOptions[] = {
    {.name = "set-xmark", .id = kSetX, .excludes = kAny}, {.name = "set-mark", .id = kSet, .excludes = kAny},
    {.name = "and-mark", .id = kAnd, .excludes = kAny},   {.name = "or-mark", .id = kOr, .excludes = kAny},
    {.name = "xor-mark", .id = kXor, .excludes = kAny},
};

// All forms come down to: clear the bits of mask, then exclusive-or mark. Valid in every table, whatever iptables(8)
// says: revision 2 has no .table.
class MarkTarget final : public WithOptions<Target> {
 public:
  MarkTarget() : WithOptions("MARK", kTargetOptions) {}

  Status parse_value(const OptionSpec& spec, OptionReader& option) override {
    if (spec.id == kSet || spec.id == kSetX) {
      const auto value = mark_argument(name(), spec, option);
      if (!value) return value.error();
      value_ = *value;
      if (spec.id == kSet) value_.mask |= value_.mark;
      return {};
    }
    const auto bits = integer_argument(name(), spec, option, 0, UINT32_MAX);
    if (!bits) return bits.error();
    switch (spec.id) {
      case kAnd:
        value_ = {0, ~*bits};
        break;
      case kOr:
        value_ = {*bits, *bits};
        break;
      default:
        value_ = {*bits, 0};
    }
    return {};
  }

  Status check_usage(const RuleContext&) override {
    if (seen() == 0) return error("MARK: One of the --set-xmark, --{and,or,xor,set}-mark options is required");
    return {};
  }

  void save(std::string& out) const override { out += strf(" --set-xmark 0x%x/0x%x", value_.mark, value_.mask); }

  void list(std::string& out, bool) const override {
    if (value_.mark == 0)
      out += strf(" MARK and 0x%x", ~value_.mask);
    else if (value_.mark == value_.mask)
      out += strf(" MARK or 0x%x", value_.mark);
    else if (value_.mask == 0)
      out += strf(" MARK xor 0x%x", value_.mark);
    else if (value_.mask == UINT32_MAX)
      out += strf(" MARK set 0x%x", value_.mark);
    else
      out += strf(" MARK xset 0x%x/0x%x", value_.mark, value_.mask);
  }

  TargetVerdict target(PacketPtr& p, const HookState&) override {
    p->mark = (p->mark & ~value_.mask) ^ value_.mark;
    return TargetVerdict::kContinue;
  }

 private:
  MarkMask value_{0, 0};
};

}  // namespace

void register_mark(ExtensionRegistry& registry) {
  registry.add(MatchSpec{"mark", [] { return std::make_unique<MarkMatch>(); }});
  registry.add(TargetSpec{"MARK", [] { return std::make_unique<MarkTarget>(); }});
}

}  // namespace nf::ipt
