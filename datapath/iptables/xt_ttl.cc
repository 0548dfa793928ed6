// -m ttl and -j TTL. twin: ttl_mt, net/netfilter/xt_hl.c; ttl_tg, net/netfilter/xt_HL.c; libipt_ttl.c, libipt_TTL.c
#include <algorithm>

#include "datapath/base/text.h"
#include "datapath/iptables/xt_base.h"
#include "datapath/iptables/xt_options.h"
#include "datapath/packet/rewrite.h"

namespace nf::ipt {
namespace {

enum : uint8_t { kEqual, kLess, kGreater };
constexpr uint32_t kAnyMatch = 1u << kEqual | 1u << kLess | 1u << kGreater;
constexpr OptionSpec kMatchOptions[] = {
    {.name = "ttl-lt", .id = kLess, .excludes = kAnyMatch},
    {.name = "ttl-gt", .id = kGreater, .excludes = kAnyMatch},
    {.name = "ttl-eq", .id = kEqual, .invertible = true, .excludes = kAnyMatch},
    {.name = "ttl", .id = kEqual, .invertible = true, .excludes = kAnyMatch},
};

class TtlMatch final : public WithOptions<Match> {
 public:
  TtlMatch() : WithOptions("ttl", kMatchOptions) {}

  Status parse_value(const OptionSpec& spec, OptionReader& option) override {
    const auto value = integer_argument(name(), spec, option, 0, 255);
    if (!value) return value.error();
    ttl_ = static_cast<uint8_t>(*value);
    mode_ = spec.id;
    inverted_ = option.inverted();
    return {};
  }
  Status check_usage(const RuleContext&) override {
    if (seen() == 0) return error("TTL match: You must specify one of `--ttl-eq', `--ttl-lt', `--ttl-gt");
    return {};
  }
  void save(std::string& out) const override {
    constexpr const char* kNames[] = {"--ttl-eq", "--ttl-lt", "--ttl-gt"};
    out += strf("%s %s %u", inverted_ ? " !" : "", kNames[mode_], ttl_);
  }
  void list(std::string& out, bool) const override {
    constexpr const char* kSigns[] = {"==", "<", ">"};
    out += strf(" TTL match TTL %s %u", inverted_ ? "!=" : kSigns[mode_], ttl_);
  }
  bool match(const MatchInput& in) override {
    switch (mode_) {
      case kLess:
        return in.ip.ttl < ttl_;
      case kGreater:
        return in.ip.ttl > ttl_;
      default:
        return (in.ip.ttl == ttl_) != inverted_;
    }
  }
  Miss explain_miss(const MatchInput& in) const override {
    return {{"miss.ttl", {whole_text(), std::to_string(in.ip.ttl)}, {}}};
  }

 private:
  uint8_t ttl_ = 0;
  uint8_t mode_ = kEqual;
  bool inverted_ = false;
};

enum : uint8_t { kSet, kIncrement, kDecrement };
constexpr uint32_t kAnyTarget = 1u << kSet | 1u << kIncrement | 1u << kDecrement;
constexpr OptionSpec kTargetOptions[] = {
    {.name = "ttl-set", .id = kSet, .excludes = kAnyTarget},
    {.name = "ttl-dec", .id = kDecrement, .excludes = kAnyTarget},
    {.name = "ttl-inc", .id = kIncrement, .excludes = kAnyTarget},
};

class TtlTarget final : public WithOptions<Target> {
 public:
  TtlTarget() : WithOptions("TTL", kTargetOptions, {.table = TableId::kMangle}) {}

  Status parse_value(const OptionSpec& spec, OptionReader& option) override {
    const auto value = integer_argument(name(), spec, option, spec.id == kSet ? 0 : 1, 255);
    if (!value) return value.error();
    amount_ = static_cast<uint8_t>(*value);
    mode_ = spec.id;
    return {};
  }
  Status check_usage(const RuleContext&) override {
    if (seen() == 0) return error("TTL: You must specify an action");
    return {};
  }
  void save(std::string& out) const override {
    constexpr const char* kNames[] = {"--ttl-set", "--ttl-inc", "--ttl-dec"};
    out += strf(" %s %u", kNames[mode_], amount_);
  }
  void list(std::string& out, bool) const override {
    constexpr const char* kNames[] = {"set to", "increment by", "decrement by"};
    out += strf(" TTL %s %u", kNames[mode_], amount_);
  }
  TargetVerdict target(PacketPtr& p, const HookState&) override {
    int ttl = amount_;
    if (mode_ != kSet) ttl = std::clamp(p->ip().ttl + (mode_ == kIncrement ? amount_ : -amount_), 0, 255);
    if (ttl != p->ip().ttl) set_ttl(*p, static_cast<uint8_t>(ttl));
    return TargetVerdict::kContinue;
  }

 private:
  uint8_t amount_ = 0;
  uint8_t mode_ = kSet;
};

}  // namespace

void register_ttl(ExtensionRegistry& registry) {
  registry.add(MatchSpec{"ttl", [] { return std::make_unique<TtlMatch>(); }});
  registry.add(TargetSpec{"TTL", [] { return std::make_unique<TtlTarget>(); }});
}

}  // namespace nf::ipt
