// -j CT and its old name NOTRACK. twin: net/netfilter/xt_CT.c, extensions/libxt_CT.c
#include "conntrack/helper.h"
#include "conntrack/timeout_policy.h"
#include "conntrack/xt/internal.h"
#include "conntrack/xt/words.h"
#include "datapath/base/text.h"
#include "datapath/iptables/protocols.h"
#include "datapath/iptables/xt_options.h"

namespace nf::ct {
namespace {

enum Option : uint8_t {
  kNotrack,
  kHelperName,
  kTimeoutPolicy,
  kCtEvents,
  kExpEvents,
  kZone,
  kZoneOrig,
  kZoneReply,
};
constexpr ipt::OptionSpec kOptions[] = {
    {.name = "notrack", .id = kNotrack},       {.name = "helper", .id = kHelperName},
    {.name = "timeout", .id = kTimeoutPolicy}, {.name = "ctevents", .id = kCtEvents},
    {.name = "expevents", .id = kExpEvents},   {.name = "zone", .id = kZone},
    {.name = "zone-orig", .id = kZoneOrig},    {.name = "zone-reply", .id = kZoneReply},
};
constexpr ipt::EntryLimits kLimits = {.table = ipt::TableId::kRaw};

constexpr Word kEvents[] = {
    {"new", kEventNew},         {"related", kEventRelated}, {"destroy", kEventDestroy},
    {"reply", kEventReply},     {"assured", kEventAssured}, {"protoinfo", kEventProtoinfo},
    {"helper", kEventHelper},   {"mark", kEventMark},       {"natseqinfo", kEventSeqAdjust},
    {"secmark", kEventSecmark},
};
constexpr Word kExpectEvents[] = {{"new", 1}};

Result<uint32_t> parse_events(std::string_view text, std::span<const Word> words) {
  uint32_t mask = 0;
  for (const std::string_view name : split(text, ',')) {
    const Word* found = nullptr;
    for (const Word& w : words)
      if (w.text == name) found = &w;
    if (found == nullptr) return error("Unknown event type \"" + std::string(name) + "\"");
    mask |= found->bit;
  }
  return mask;
}

class CtTarget final : public ipt::WithOptions<ipt::Target> {
 public:
  explicit CtTarget(Conntrack& conntrack) : WithOptions("CT", kOptions, kLimits), conntrack_(conntrack) {}
  CtTarget(Conntrack& conntrack, std::string_view alias)
      : WithOptions(alias, {}, kLimits), conntrack_(conntrack), alias_(true), notrack_(true) {}

  Status parse_value(const ipt::OptionSpec& option, ipt::OptionReader& reader) override {
    if (option.id == kNotrack) {
      notrack_ = true;
      return {};
    }
    const Result<std::string_view> text = reader.argument();
    if (!text.ok()) return text.error();
    return parse_argument(option.id, *text);
  }

  std::string_view list_name() const override { return "CT"; }
  void save(std::string& out) const override {
    if (!alias_) print(out, "--");
  }
  void list(std::string& out, bool) const override {
    if (alias_) {
      out += " NOTRACK";
      return;
    }
    out += " CT";
    print(out, "");
  }

  // A rule that only exempts packets does not make conntrack active.
  void attach(Stack&) override {
    if (notrack_) return;
    conntrack_.netns_get();
    TemplateSpec spec;
    // Both directions named is a zone for both.
    const bool original = (seen() & 1u << kZoneOrig) != 0, reply = (seen() & 1u << kZoneReply) != 0;
    spec.zone_direction[0] = original || !reply;
    spec.zone_direction[1] = reply || !original;
    spec.zone_is_mark = zone_is_mark_;
    for (size_t d = 0; d < 2; ++d) spec.zone[d] = spec.zone_direction[d] ? zone_ : uint16_t{0};
    if (!helper_.empty()) spec.helper = conntrack_.helpers().find(helper_, protocol_);
    if (!timeout_.empty()) spec.timeout = conntrack_.timeout_policies().find(timeout_);
    spec.events = static_cast<uint16_t>(events_);
    spec.expect_events = static_cast<uint16_t>(expect_events_);
    template_ = conntrack_.template_alloc(spec);
  }
  void detach(Stack&) override {
    if (notrack_) return;
    conntrack_.put(*template_);
    template_ = nullptr;
    conntrack_.netns_put();
  }

  // twin: xt_ct_set_helper, xt_ct_set_timeout. With --notrack the kernel looks at nothing else.
  Status check_entry(const ipt::RuleContext& rule) override {
    if (notrack_) return {};
    protocol_ = rule.protocol_inverted ? uint8_t{0} : rule.protocol;
    if (!helper_.empty()) {
      if (protocol_ == 0) return error("You must specify a L4 protocol and not use inversions on it");
      if (conntrack_.helpers().find(helper_, protocol_) == nullptr) return error("No such helper \"" + helper_ + "\"");
    }
    if (timeout_.empty()) return {};
    if (protocol_ == 0) return error("You must specify a L4 protocol and not use inversions on it");
    const TimeoutPolicy* policy = conntrack_.timeout_policies().find(timeout_);
    if (policy == nullptr) return error("No such timeout policy \"" + timeout_ + "\"");
    if (policy->protocol != policy_protocol(protocol_))
      return error(
          strf("Timeout policy `%s' can only be used by L4 protocol number %u", timeout_.c_str(), policy->protocol));
    return {};
  }

  ipt::TargetVerdict target(PacketPtr& p, const HookState&) override {
    // Seen before, on its way over loopback or by an earlier CT rule: too late. Nor an error about an untracked packet.
    if (p->ct != 0 || p->ctinfo == CtInfo::kRelated) return ipt::TargetVerdict::kContinue;
    if (notrack_) {
      p->ctinfo = CtInfo::kUntracked;
    } else if (p->ctinfo != CtInfo::kUntracked) {
      Conntrack::get(*template_);
      p->ct = reinterpret_cast<uintptr_t>(template_);
      p->ctinfo = CtInfo::kNew;
    }
    return ipt::TargetVerdict::kContinue;
  }

 private:
  Status parse_argument(unsigned which, std::string_view text) {
    switch (which) {
      case kHelperName:
        helper_ = text;
        return {};
      case kTimeoutPolicy:
        timeout_ = text;
        return {};
      case kCtEvents:
      case kExpEvents: {
        const bool connection = which == kCtEvents;
        const Result<uint32_t> mask = connection ? parse_events(text, kEvents) : parse_events(text, kExpectEvents);
        if (!mask.ok()) return mask.error();
        (connection ? events_ : expect_events_) = *mask;
        return {};
      }
      default:
        if (ipt::equal_ignoring_case(text, "mark")) {
          zone_is_mark_ = true;
          return {};
        }
        const auto zone = ipt::parse_c_number(text, 0xffff);
        if (!zone) return error("Cannot parse " + std::string(text) + " as a zone ID");
        zone_ = static_cast<uint16_t>(*zone);
        return {};
    }
  }

  void print(std::string& out, std::string_view prefix) const {
    const auto option = [&](std::string_view name) {
      out += ' ';
      out += prefix;
      out += name;
    };
    if (notrack_) option("notrack");
    if (!helper_.empty()) {
      option("helper");
      out += ' ' + helper_;
    }
    if (!timeout_.empty()) {
      option("timeout");
      // The kernel gives away the first four bytes of the name: it takes the field's end from the option's older form.
      // twin: .usersize of xt_ct_tg_reg
      out += ' ' + timeout_.substr(0, 4);
    }
    if (events_ != 0) {
      option("ctevents");
      append_word_list(out, events_, kEvents);
    }
    if (expect_events_ != 0) {
      option("expevents");
      append_word_list(out, expect_events_, kExpectEvents);
    }
    if (zone_ != 0 || zone_is_mark_) {
      // Both directions named is a zone for both.
      const bool original = (seen() & 1u << kZoneOrig) != 0, reply = (seen() & 1u << kZoneReply) != 0;
      option(original == reply ? "zone" : original ? "zone-orig" : "zone-reply");
      out += zone_is_mark_ ? std::string(" mark") : strf(" %u", zone_);
    }
  }

  Conntrack& conntrack_;
  bool alias_ = false, notrack_ = false;
  std::string helper_, timeout_;
  uint32_t events_ = 0, expect_events_ = 0;
  uint16_t zone_ = 0;
  uint8_t protocol_ = 0;  // of the rule; 0: any
  bool zone_is_mark_ = false;
  Connection* template_ = nullptr;  // while attached, without --notrack; owned reference
};

}  // namespace

std::unique_ptr<ipt::Target> make_ct_target(Conntrack& conntrack, bool alias) {
  if (alias) return std::make_unique<CtTarget>(conntrack, "NOTRACK");
  return std::make_unique<CtTarget>(conntrack);
}

}  // namespace nf::ct
