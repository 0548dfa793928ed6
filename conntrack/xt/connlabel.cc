// -m connlabel: labels of connections, tested and set. twin: net/netfilter/xt_connlabel.c, nf_conntrack_labels.c;
// libxt_connlabel.c
//
// While there is such a rule, connections are made with a place for labels; older ones have none and never match.
#include "conntrack/rare_parts.h"
#include "conntrack/xt/internal.h"
#include "conntrack/xt/state_words.h"
#include "datapath/base/text.h"
#include "datapath/iptables/xt_options.h"

namespace nf::ct {
namespace {

enum Option : uint8_t { kLabel, kSet };
constexpr ipt::OptionSpec kOptions[] = {
    {.name = "label", .id = kLabel, .invertible = true, .required = true},
    {.name = "set", .id = kSet},
};

class ConnlabelMatch final : public ipt::WithOptions<ipt::Match> {
 public:
  explicit ConnlabelMatch(Conntrack& conntrack) : WithOptions("connlabel", kOptions), conntrack_(conntrack) {}

  Status parse_value(const ipt::OptionSpec& spec, ipt::OptionReader& option) override {
    if (spec.id == kSet) {
      set_ = true;
      return {};
    }
    const Result<std::string_view> text = option.argument();
    if (!text.ok()) return text.error();
    if (text->empty()) return error("Argument must have a minimum length of 1 characters");
    inverted_ = option.inverted();
    const auto number = ipt::number_prefix(*text);
    // The real one keeps the number in an int, where a negative one is none, and gives the kernel 16 bits of it.
    if (!number || number->length != text->size() || static_cast<int32_t>(number->value) < 0)
      return error("label '" + std::string(*text) +
                   "' not found or invalid value; names, of /etc/xtables/connlabel.conf, are not known here");
    bit_ = static_cast<uint16_t>(number->value);
    return {};
  }
  Status check_entry(const ipt::RuleContext&) override {
    if (bit_ >= kLabels) return error(strf("connlabel: label %u: Numerical result out of range", bit_));
    return {};
  }

  void save(std::string& out) const override {
    out += strf("%s --label \"%u\"%s", inverted_ ? " !" : "", bit_, set_ ? " --set" : "");
  }
  void list(std::string& out, bool) const override {
    out += strf(" connlabel%s %u%s", inverted_ ? " !" : "", bit_, set_ ? " set" : "");
  }

  void attach(Stack&) override {
    conntrack_.netns_get();
    conntrack_.labels_get();
  }
  void detach(Stack&) override {
    conntrack_.labels_put();
    conntrack_.netns_put();
  }

  // twin: connlabel_mt
  bool match(const ipt::MatchInput& in) override {
    if (in.packet.ct == 0) return inverted_;
    Connection& c = *connection_of(in.packet.ct);
    Labels* labels = labels_of(c);
    if (labels == nullptr) return inverted_;
    uint64_t& word = labels->words[bit_ / 64];
    const uint64_t mask = uint64_t{1} << bit_ % 64;
    if ((word & mask) != 0) return !inverted_;
    if (!set_) return inverted_;
    word |= mask;
    Conntrack::event_cache(c, kEventLabel);
    return !inverted_;
  }
  bool pure() const override { return !set_; }
  ipt::Miss explain_miss(const ipt::MatchInput& in) const override {
    if (in.packet.ct == 0) return {no_connection(whole_text(), in.packet)};
    const Labels* labels = labels_of(*connection_of(in.packet.ct));
    if (labels == nullptr) return {{"miss.no_place_for_labels", {whole_text()}, {}}};
    std::string has;
    for (unsigned i = 0; i < kLabels; ++i)
      if ((labels->words[i / 64] >> i % 64 & 1) != 0) has += (has.empty() ? "" : ",") + std::to_string(i);
    if (has.empty()) return {{"miss.no_labels", {whole_text()}, {}}};
    return {{"miss.labels", {whole_text(), std::move(has)}, {}}};
  }

 private:
  Conntrack& conntrack_;
  uint16_t bit_ = 0;
  bool set_ = false, inverted_ = false;
};

}  // namespace

std::unique_ptr<ipt::Match> make_connlabel_match(Conntrack& conntrack) {
  return std::make_unique<ConnlabelMatch>(conntrack);
}

}  // namespace nf::ct
