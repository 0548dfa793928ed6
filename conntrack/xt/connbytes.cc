// -m connbytes: what a connection has carried. twin: net/netfilter/xt_connbytes.c, libxt_connbytes.c
#include "conntrack/xt/internal.h"
#include "conntrack/xt/state_words.h"
#include "datapath/base/text.h"
#include "datapath/iptables/xt_options.h"

namespace nf::ct {
namespace {

enum Option : uint8_t { kConnbytes, kDirection, kMode };
constexpr ipt::OptionSpec kOptions[] = {
    {.name = "connbytes", .id = kConnbytes, .invertible = true, .required = true},
    {.name = "connbytes-dir", .id = kDirection, .required = true},
    {.name = "connbytes-mode", .id = kMode, .required = true},
};
// By what they stand for: XT_CONNBYTES_PKTS, _BYTES, _AVGPKT; XT_CONNBYTES_DIR_ORIGINAL, _REPLY, _BOTH.
constexpr std::string_view kModes[] = {"packets", "bytes", "avgpkt"};
constexpr std::string_view kDirections[] = {"original", "reply", "both"};

class ConnbytesMatch final : public ipt::WithOptions<ipt::Match> {
 public:
  explicit ConnbytesMatch(Conntrack& conntrack) : WithOptions("connbytes", kOptions), conntrack_(conntrack) {}

  Status parse_value(const ipt::OptionSpec& spec, ipt::OptionReader& option) override {
    const Result<std::string_view> text = option.argument();
    if (!text.ok()) return text.error();
    switch (spec.id) {
      case kConnbytes:
        return parse_range(*text, option.inverted());
      case kDirection:
        return parse_word(spec, *text, kDirections, direction_);
      default:
        return parse_word(spec, *text, kModes, mode_);
    }
  }

  void save(std::string& out) const override {
    print_range(out, "--");
    out += cat(" --connbytes-mode ", kModes[mode_]) + cat(" --connbytes-dir ", kDirections[direction_]);
  }
  void list(std::string& out, bool) const override {
    print_range(out, "");
    out += cat(" connbytes mode ", kModes[mode_]) + cat(" connbytes direction ", kDirections[direction_]);
  }

  // Without counters it never matches, so connections begun from now on have them. twin: connbytes_mt_check
  void attach(Stack& stack) override {
    conntrack_.netns_get();
    static_cast<void>(stack.sysctl().set("net.netfilter.nf_conntrack_acct", "1"));
  }
  void detach(Stack&) override { conntrack_.netns_put(); }

  bool match(const ipt::MatchInput& in) override {
    if (in.packet.ct == 0) return false;
    const Connection& c = *connection_of(in.packet.ct);
    if ((c.extensions & kExtAcct) == 0) return false;
    const uint64_t n = count(c);
    return from_ <= to_ ? from_ <= n && n <= to_ : n < to_ || n > from_;
  }
  ipt::Miss explain_miss(const ipt::MatchInput& in) const override {
    if (in.packet.ct == 0) return {no_connection(whole_text(), in.packet)};
    const Connection& c = *connection_of(in.packet.ct);
    if ((c.extensions & kExtAcct) == 0) return {{"miss.no_counters", {whole_text()}, {}}};
    return {{"miss.connbytes", {whole_text(), std::to_string(count(c))}, {}}};
  }

 private:
  static std::string cat(const char* before, std::string_view word) { return before + std::string(word); }

  static Status parse_word(const ipt::OptionSpec& spec, std::string_view text, std::span<const std::string_view> words,
                           uint8_t& value) {
    for (size_t i = 0; i < words.size(); ++i) {
      if (words[i] != text) continue;
      value = static_cast<uint8_t>(i);
      return {};
    }
    return error("Unknown --" + std::string(spec.name) + " `" + std::string(text) + "'");
  }

  // twin: XTTYPE_UINT64RC. Inverted, the ends stand in the wrong order; one number inverted is therefore the number.
  Status parse_range(std::string_view text, bool inverted) {
    const std::vector<std::string_view> parts = split(text, ':');
    if (parts.size() > 2) return error("connbytes: Too many components for option \"--connbytes\" (max: 2)");
    uint64_t ends[2] = {0, UINT64_MAX};
    for (size_t i = 0; i < parts.size(); ++i) {
      if (parts[i].empty()) continue;
      const auto number = ipt::number_prefix(parts[i]);
      if (!number)
        return error("connbytes: bad value for option \"--connbytes\" near \"" + std::string(parts[i]) +
                     "\", or out of range (0-18446744073709551615).");
      if (number->length != parts[i].size())
        return error("connbytes: Argument to \"--connbytes\" has unexpected characters near \"" +
                     std::string(parts[i].substr(number->length)) + "\".");
      ends[i] = number->value;
    }
    if (ends[1] < ends[0])
      return error(strf("%llu should be less than %llu", static_cast<unsigned long long>(ends[0]),
                        static_cast<unsigned long long>(ends[1])));
    from_ = ends[inverted ? 1 : 0];
    to_ = ends[inverted ? 0 : 1];
    return {};
  }

  void print_range(std::string& out, const char* prefix) const {
    const bool inverted = from_ > to_;
    const uint64_t low = inverted ? to_ : from_, high = inverted ? from_ : to_;
    out += strf("%s %sconnbytes %llu", inverted ? " !" : "", prefix, static_cast<unsigned long long>(low));
    if (high != 0 && high < UINT64_MAX) out += strf(":%llu", static_cast<unsigned long long>(high));
  }

  uint64_t count(const Connection& c) const {
    Counter sum;
    for (uint8_t d = 0; d < 2; ++d) {
      if (direction_ != kBoth && direction_ != d) continue;
      sum.packets += c.counters[d].packets;
      sum.bytes += c.counters[d].bytes;
    }
    if (mode_ == 0) return sum.packets;
    if (mode_ == 1) return sum.bytes;
    return sum.packets == 0 ? 0 : sum.bytes / sum.packets;
  }

  static constexpr uint8_t kBoth = 2;
  Conntrack& conntrack_;
  uint64_t from_ = 0, to_ = UINT64_MAX;  // inverted: from_ > to_
  uint8_t mode_ = 0, direction_ = 0;     // index of kModes, kDirections
};

}  // namespace

std::unique_ptr<ipt::Match> make_connbytes_match(Conntrack& conntrack) {
  return std::make_unique<ConnbytesMatch>(conntrack);
}

}  // namespace nf::ct
