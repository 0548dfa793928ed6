// -m limit. twin: limit_mt, net/netfilter/xt_limit.c; libxt_limit.c
//
// A token bucket in 32-bit credits, kCreditsPerJiffy a jiffy at HZ=250. All arithmetic wraps as the kernel's u32
// does: that decides which rates and bursts are refused as an overflow.
#include <algorithm>

#include "datapath/base/text.h"
#include "datapath/iptables/xt_base.h"
#include "datapath/iptables/xt_options.h"

namespace nf::ipt {
namespace {

constexpr uint32_t kScale = 10000;  // XT_LIMIT_SCALE: a period of 1 is 1/10000 s
constexpr uint32_t kHz = 250;
constexpr Duration kJiffy = kSecond / kHz;
constexpr uint32_t kCreditsPerJiffy = 128;  // largest power of two not above 2^32 / (HZ * one day)
constexpr uint32_t kDefaultBurst = 5;

static_assert(kCreditsPerJiffy <= UINT32_MAX / (kHz * 86400) && 2 * kCreditsPerJiffy > UINT32_MAX / (kHz * 86400));

enum : uint8_t { kLimit, kBurst };
constexpr OptionSpec kOptions[] = {{.name = "limit", .id = kLimit}, {.name = "limit-burst", .id = kBurst}};

struct Unit {
  std::string_view name;  // any beginning of it is accepted
  std::string_view saved;
  uint32_t seconds;
};
constexpr Unit kUnits[] = {{"second", "sec", 1}, {"minute", "min", 60}, {"hour", "hour", 3600}, {"day", "day", 86400}};

// twin: parse_rate
Result<uint32_t> parse_rate(std::string_view text) {
  const auto bad = [&] { return error("bad rate \"" + std::string(text) + "\"'"); };
  const size_t slash = text.find('/');
  uint32_t seconds = 1;
  if (slash != std::string_view::npos) {
    const std::string_view unit = text.substr(slash + 1);
    const auto it = std::find_if(std::begin(kUnits), std::end(kUnits),
                                 [&](const Unit& u) { return !unit.empty() && is_prefix_of(unit, u.name); });
    if (it == std::end(kUnits)) return bad();
    seconds = it->seconds;
  }
  // atoi(3), read as unsigned: a negative number is a rate too fast.
  std::string_view digits = text.substr(0, slash);
  const bool negative = digits.starts_with('-');
  if (negative) digits.remove_prefix(1);
  const auto number = number_prefix(digits, 10);
  const uint32_t rate = static_cast<uint32_t>(number ? (negative ? 0 - number->value : number->value) : 0);
  if (rate == 0) return bad();
  const uint32_t period = kScale * seconds / rate;
  if (period == 0) return error("Rate too fast \"" + std::string(text) + "\"");
  return period;
}

// twin: user2credits
constexpr uint32_t to_credits(uint32_t period) {
  if (period > UINT32_MAX / (kHz * kCreditsPerJiffy)) return period / kScale * kHz * kCreditsPerJiffy;
  return period * kHz * kCreditsPerJiffy / kScale;
}

uint64_t to_jiffies(Time t) { return static_cast<uint64_t>(t / kJiffy); }

class LimitMatch final : public WithOptions<Match> {
 public:
  LimitMatch() : WithOptions("limit", kOptions) {}

  Status parse_value(const OptionSpec& spec, OptionReader& option) override {
    if (spec.id == kBurst) {
      const auto burst = integer_argument(name(), spec, option, 0, 10000);
      if (!burst) return burst.error();
      burst_ = *burst;
      return {};
    }
    const auto text = option.argument();
    if (!text) return text.error();
    const auto period = parse_rate(*text);
    if (!period) return period.error();
    period_ = *period;
    return {};
  }

  Status check_entry(const RuleContext&) override {
    if (burst_ == 0 || to_credits(period_ * burst_) < to_credits(period_))
      return error(strf("xt_limit: Overflow, try lower: %u/%u", period_, burst_));
    cost_ = to_credits(period_);
    cap_ = credit_ = to_credits(period_ * burst_);
    return {};
  }

  void attach(Stack& stack) override {
    credit_ = cap_;
    previous_ = to_jiffies(stack.now());
  }

  void save(std::string& out) const override {
    out += " --limit" + rate_text();
    if (burst_ != kDefaultBurst) out += strf(" --limit-burst %u", burst_);
  }
  void list(std::string& out, bool) const override { out += " limit: avg" + rate_text() + strf(" burst %u", burst_); }

  bool match(const MatchInput& in) override {
    const uint64_t now = to_jiffies(in.state.now);
    // Loaded before the clock stood (a replay's starts with the first packet): no time passed until now.
    if (previous_ == 0) previous_ = now;
    // Captured time may step back; jiffies do not.
    const uint64_t passed = now > previous_ ? now - previous_ : 0;
    previous_ = std::max(now, previous_);
    credit_ = std::min(credit_ + static_cast<uint32_t>(passed * kCreditsPerJiffy), cap_);
    if (credit_ < cost_) return false;
    credit_ -= cost_;
    return true;
  }

  bool pure() const override { return false; }
  Miss explain_miss(const MatchInput&) const override {
    return {{"miss.limit", {whole_text(), std::to_string(credit_), std::to_string(cost_)}, {}}};
  }

 private:
  // twin: print_rate. The largest unit that loses little.
  std::string rate_text() const {
    size_t i = std::size(kUnits) - 1;
    for (; i > 0; --i) {
      const uint32_t unit = kUnits[i - 1].seconds * kScale;
      if (period_ > unit || unit / period_ < unit % period_) break;
    }
    return strf(" %u/%s", kUnits[i].seconds * kScale / period_, kUnits[i].saved.data());
  }

  uint32_t period_ = kScale * 3600 / 3;  // of one packet, in 1/kScale s; "3/hour"
  uint32_t burst_ = kDefaultBurst;
  uint32_t credit_ = 0, cap_ = 0, cost_ = 0;
  uint64_t previous_ = 0;  // jiffies
};

}  // namespace

void register_limit(ExtensionRegistry& registry) {
  registry.add(MatchSpec{"limit", [] { return std::make_unique<LimitMatch>(); }});
}

}  // namespace nf::ipt
