// -m connmark and -j CONNMARK: marks of connections. twin: connmark_mt and connmark_tg_v2, net/netfilter/xt_connmark.c;
// libxt_connmark.c, libxt_CONNMARK.c
#include "conntrack/xt/internal.h"
#include "conntrack/xt/state_words.h"
#include "datapath/base/text.h"
#include "datapath/iptables/xt_options.h"

namespace nf::ct {
namespace {

constexpr ipt::OptionSpec kMatchOptions[] = {{.name = "mark", .id = 0, .invertible = true, .required = true}};

class ConnmarkMatch final : public ipt::WithOptions<ipt::Match> {
 public:
  explicit ConnmarkMatch(Conntrack& conntrack) : WithOptions("connmark", kMatchOptions), conntrack_(conntrack) {}

  Status parse_value(const ipt::OptionSpec& spec, ipt::OptionReader& option) override {
    const Result<ipt::MarkMask> value = mark_argument(name(), spec, option);
    if (!value) return value.error();
    value_ = *value;
    inverted_ = option.inverted();
    return {};
  }
  void save(std::string& out) const override {
    out += inverted_ ? " ! --mark" : " --mark";
    print_mark_mask(out, value_);
  }
  // Two blanks without "!": the real one prints one of its own and one before the number.
  void list(std::string& out, bool) const override {
    out += inverted_ ? " connmark match !" : " connmark match ";
    print_mark_mask(out, value_);
  }
  void attach(Stack&) override { conntrack_.netns_get(); }
  void detach(Stack&) override { conntrack_.netns_put(); }

  bool match(const ipt::MatchInput& in) override {
    if (in.packet.ct == 0) return false;
    return ((connection_of(in.packet.ct)->mark & value_.mask) == value_.mark) != inverted_;
  }
  ipt::Miss explain_miss(const ipt::MatchInput& in) const override {
    if (in.packet.ct == 0) return {no_connection(whole_text(), in.packet)};
    return {{"miss.connmark", {whole_text(), strf("0x%x", connection_of(in.packet.ct)->mark)}, {}}};
  }

 private:
  Conntrack& conntrack_;
  ipt::MarkMask value_{0, UINT32_MAX};
  bool inverted_ = false;
};

enum Option : uint8_t {
  kSetMark,
  kSaveMark,
  kRestoreMark,
  kAndMark,
  kOrMark,
  kXorMark,
  kSetXmark,
  kLeftShift,
  kRightShift,
  kCtmask,
  kNfmask,
  kMask,
};
constexpr uint32_t bit(Option o) { return 1u << o; }
constexpr uint32_t kOperations =
    bit(kSetMark) | bit(kSaveMark) | bit(kRestoreMark) | bit(kAndMark) | bit(kOrMark) | bit(kXorMark) | bit(kSetXmark);
constexpr ipt::OptionSpec kTargetOptions[] = {
    {.name = "set-xmark", .id = kSetXmark, .excludes = kOperations},
    {.name = "set-mark", .id = kSetMark, .excludes = kOperations},
    {.name = "and-mark", .id = kAndMark, .excludes = kOperations},
    {.name = "or-mark", .id = kOrMark, .excludes = kOperations},
    {.name = "xor-mark", .id = kXorMark, .excludes = kOperations},
    {.name = "save-mark", .id = kSaveMark, .excludes = kOperations},
    {.name = "restore-mark", .id = kRestoreMark, .excludes = kOperations},
    {.name = "left-shift-mark", .id = kLeftShift},
    {.name = "right-shift-mark", .id = kRightShift},
    {.name = "ctmask", .id = kCtmask, .excludes = bit(kMask)},
    {.name = "nfmask", .id = kNfmask, .excludes = bit(kMask)},
    {.name = "mask", .id = kMask, .excludes = bit(kCtmask) | bit(kNfmask)},
};
constexpr uint32_t kMaxShift = 32;  // of the command line; the kernel takes one less

// All forms of setting come down to: clear the bits of ctmask, then exclusive-or ctmark.
class ConnmarkTarget final : public ipt::WithOptions<ipt::Target> {
 public:
  explicit ConnmarkTarget(Conntrack& conntrack) : WithOptions("CONNMARK", kTargetOptions), conntrack_(conntrack) {}

  // Each option writes over what an earlier one left in the same field, as in the real one.
  Status parse_value(const ipt::OptionSpec& spec, ipt::OptionReader& option) override {
    switch (spec.id) {
      case kSaveMark:
        mode_ = Mode::kSave;
        return {};
      case kRestoreMark:
        mode_ = Mode::kRestore;
        return {};
      case kSetMark:
      case kSetXmark: {
        const Result<ipt::MarkMask> value = mark_argument(name(), spec, option);
        if (!value) return value.error();
        mode_ = Mode::kSet;
        ctmark_ = value->mark;
        ctmask_ = spec.id == kSetMark ? value->mark | value->mask : value->mask;
        return {};
      }
      default:
        break;
    }
    const bool shift = spec.id == kLeftShift || spec.id == kRightShift;
    const Result<uint32_t> number = integer_argument(name(), spec, option, 0, shift ? kMaxShift : UINT32_MAX);
    if (!number) return number.error();
    switch (spec.id) {
      case kAndMark:
        ctmark_ = 0;
        ctmask_ = ~*number;
        break;
      case kOrMark:
        ctmark_ = ctmask_ = *number;
        break;
      case kXorMark:
        ctmark_ = *number;
        ctmask_ = 0;
        break;
      case kCtmask:
        ctmask_ = *number;
        break;
      case kNfmask:
        nfmask_ = *number;
        break;
      case kMask:
        nfmask_ = ctmask_ = *number;
        break;
      default:
        shift_ = *number;
        shift_right_ = spec.id == kRightShift;
    }
    return {};
  }

  Status check_usage(const ipt::RuleContext&) override {
    if ((seen() & kOperations) == 0) return error("CONNMARK target: No operation specified");
    return {};
  }
  Status check_entry(const ipt::RuleContext&) override {
    if (shift_ >= kMaxShift) return error("CONNMARK: a shift of 32 is more than the kernel takes (31)");
    return {};
  }

  void save(std::string& out) const override {
    if (mode_ == Mode::kSet)
      out += strf(" --set-xmark 0x%x/0x%x", ctmark_, ctmask_);
    else
      out += strf(" --%s-mark --nfmask 0x%x --ctmask 0x%x", mode_word(), nfmask_, ctmask_);
    if (shift_ != 0) out += strf(" --%s-shift-mark %u", shift_word(), shift_);
  }

  void list(std::string& out, bool) const override {
    out += " CONNMARK ";
    if (mode_ == Mode::kSet)
      list_set(out);
    else
      list_copy(out);
    if (shift_ != 0) out += strf(" %s-shift-mark %u", shift_word(), shift_);
  }

  void attach(Stack&) override { conntrack_.netns_get(); }
  void detach(Stack&) override { conntrack_.netns_put(); }

  // Behind a CT rule the packet carries that rule's template: its mark is meant then, as in the kernel.
  ipt::TargetVerdict target(PacketPtr& p, const HookState&) override {
    if (p->ct == 0) return ipt::TargetVerdict::kContinue;
    Connection& c = *connection_of(p->ct);
    switch (mode_) {
      case Mode::kSet:
        set(c, shifted((c.mark & ~ctmask_) ^ ctmark_));
        break;
      case Mode::kSave:
        set(c, (c.mark & ~ctmask_) ^ shifted(p->mark & nfmask_));
        break;
      case Mode::kRestore:
        p->mark = (p->mark & ~nfmask_) ^ shifted(c.mark & ctmask_);
        break;
    }
    return ipt::TargetVerdict::kContinue;
  }

 private:
  // twin: XT_CONNMARK_SET, _SAVE, _RESTORE
  enum class Mode : uint8_t { kSet, kSave, kRestore };

  const char* mode_word() const { return mode_ == Mode::kSave ? "save" : "restore"; }
  const char* shift_word() const { return shift_right_ ? "right" : "left"; }

  void list_set(std::string& out) const {
    if (ctmark_ == 0)
      out += strf("and 0x%x", ~ctmask_);
    else if (ctmark_ == ctmask_)
      out += strf("or 0x%x", ctmark_);
    else if (ctmask_ == 0)
      out += strf("xor 0x%x", ctmark_);
    else if (ctmask_ == UINT32_MAX)
      out += strf("set 0x%x", ctmark_);
    else
      out += strf("xset 0x%x/0x%x", ctmark_, ctmask_);
  }

  void list_copy(std::string& out) const {
    out += mode_word();
    if (nfmask_ == ctmask_) {
      if (nfmask_ != UINT32_MAX) out += strf(" mask 0x%x", nfmask_);
    } else if (mode_ == Mode::kSave) {
      out += strf(" nfmask 0x%x ctmask ~0x%x", nfmask_, ctmask_);
    } else {
      out += strf(" ctmask 0x%x nfmask ~0x%x", ctmask_, nfmask_);
    }
  }

  uint32_t shifted(uint32_t mark) const { return shift_right_ ? mark >> shift_ : mark << shift_; }

  static void set(Connection& c, uint32_t mark) {
    if (c.mark == mark) return;
    c.mark = mark;
    Conntrack::event_cache(c, kEventMark);
  }

  Conntrack& conntrack_;
  Mode mode_ = Mode::kSet;
  uint32_t ctmark_ = 0, ctmask_ = UINT32_MAX, nfmask_ = UINT32_MAX;
  uint32_t shift_ = 0;
  bool shift_right_ = false;
};

}  // namespace

std::unique_ptr<ipt::Match> make_connmark_match(Conntrack& conntrack) {
  return std::make_unique<ConnmarkMatch>(conntrack);
}

std::unique_ptr<ipt::Target> make_connmark_target(Conntrack& conntrack) {
  return std::make_unique<ConnmarkTarget>(conntrack);
}

}  // namespace nf::ct
