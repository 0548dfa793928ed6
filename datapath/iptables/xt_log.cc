// -j LOG. twin: log_tg, net/netfilter/xt_LOG.c; libxt_LOG.c
//
// The level does not show in the line (the kernel keeps it beside the text).
#include <algorithm>

#include "datapath/base/text.h"
#include "datapath/iptables/xt_base.h"
#include "datapath/iptables/xt_log_line.h"
#include "datapath/iptables/xt_options.h"

namespace nf::ipt {
namespace {

constexpr size_t kMaxPrefix = 29;  // longer ones are cut silently
constexpr uint8_t kWarning = 4;

// Ids of the flags are their bit numbers in LogFlag.
enum : uint8_t { kSequence, kTcpOpts, kIpOpts, kUid, kMac = 5, kLevel, kPrefix };
constexpr OptionSpec kOptions[] = {
    {.name = "log-level", .id = kLevel},           {.name = "log-prefix", .id = kPrefix},
    {.name = "log-tcp-sequence", .id = kSequence}, {.name = "log-tcp-options", .id = kTcpOpts},
    {.name = "log-ip-options", .id = kIpOpts},     {.name = "log-uid", .id = kUid},
    {.name = "log-macdecode", .id = kMac},
};
static_assert(1 << kSequence == kLogTcpSequence && 1 << kTcpOpts == kLogTcpOptions && 1 << kIpOpts == kLogIpOptions &&
              1 << kUid == kLogUid && 1 << kMac == kLogMacDecode);

struct FlagText {
  uint8_t flag;
  std::string_view name;  // "--log-" and this is the option
};
constexpr FlagText kFlagTexts[] = {{kLogTcpSequence, "tcp-sequence"},
                                   {kLogTcpOptions, "tcp-options"},
                                   {kLogIpOptions, "ip-options"},
                                   {kLogUid, "uid"},
                                   {kLogMacDecode, "macdecode"}};

struct Level {
  std::string_view accepted;
  uint8_t level;
};
// Names that are accepted; those that are printed differ ("error" becomes "err").
constexpr Level kLevels[] = {{"alert", 1}, {"crit", 2},   {"debug", 7}, {"emerg", 0},  {"error", 3},
                             {"info", 6},  {"notice", 5}, {"panic", 0}, {"warning", 4}};
constexpr std::string_view kPrintedLevels[] = {"emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"};

class LogTarget final : public WithOptions<Target> {
 public:
  LogTarget() : WithOptions("LOG", kOptions) {}

  Status parse_value(const OptionSpec& spec, OptionReader& option) override {
    if (spec.id != kLevel && spec.id != kPrefix) {
      flags_ = static_cast<uint8_t>(flags_ | 1u << spec.id);
      return {};
    }
    const auto text = option.argument();
    if (!text) return text.error();
    if (spec.id == kPrefix) {
      if (text->empty()) return error("Argument must have a minimum length of 1 characters");
      if (text->find('\n') != std::string_view::npos) return error("Newlines not allowed in --log-prefix");
      prefix_ = text->substr(0, kMaxPrefix);
      return {};
    }
    if (const auto n = whole_number(*text, 0, 7)) {
      level_ = static_cast<uint8_t>(*n);
      return {};
    }
    const auto it =
        std::find_if(std::begin(kLevels), std::end(kLevels), [&](const Level& l) { return l.accepted == *text; });
    if (it == std::end(kLevels)) return error("log level \"" + std::string(*text) + "\" unknown");
    level_ = it->level;
    return {};
  }

  void save(std::string& out) const override {
    if (!prefix_.empty()) {
      out += " --log-prefix";
      save_string(out, prefix_);
    }
    if (level_ != kWarning) out += strf(" --log-level %u", level_);
    for (const FlagText& f : kFlagTexts) {
      if ((flags_ & f.flag) == 0) continue;
      out += " --log-";
      out += f.name;
    }
  }

  void list(std::string& out, bool numeric) const override {
    if (numeric) {
      out += strf(" LOG flags %u level %u", flags_, level_);
    } else {
      out += " LOG level ";
      out += kPrintedLevels[level_];
      for (const FlagText& f : kFlagTexts) {
        if ((flags_ & f.flag) == 0) continue;
        out += ' ';
        out += f.name;
      }
    }
    if (!prefix_.empty()) out += " prefix \"" + prefix_ + "\"";
  }

  TargetVerdict target(PacketPtr& p, const HookState& state) override {
    LogLine line;
    add_packet(line, prefix_, flags_, *p, state);
    state.stack->log(line.text());
    return TargetVerdict::kContinue;
  }

 private:
  std::string prefix_;
  uint8_t level_ = kWarning;
  uint8_t flags_ = 0;  // LogFlags
};

}  // namespace

void register_log(ExtensionRegistry& registry) {
  registry.add(TargetSpec{"LOG", [] { return std::make_unique<LogTarget>(); }});
}

}  // namespace nf::ipt
