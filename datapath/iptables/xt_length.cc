// -m length: the IP packet's length in bytes, header included. twin: length_mt, net/netfilter/xt_length.c;
// libxt_length.c
#include "datapath/base/text.h"
#include "datapath/iptables/xt_base.h"
#include "datapath/iptables/xt_options.h"

namespace nf::ipt {
namespace {

constexpr OptionSpec kOptions[] = {{.name = "length", .id = 0, .invertible = true, .required = true}};

class LengthMatch final : public WithOptions<Match> {
 public:
  LengthMatch() : WithOptions("length", kOptions) {}

  // twin: xtopt_parse_mint. min > max is accepted and matches nothing.
  Status parse_value(const OptionSpec&, OptionReader& option) override {
    const auto argument = option.argument();
    if (!argument) return argument.error();
    inverted_ = option.inverted();
    std::string_view text = *argument;
    uint16_t values[2] = {0, 0xffff};
    size_t count = 0;
    for (;;) {
      if (count == 2) return error("length: Too many components for option \"--length\" (max: 2)");
      size_t end = 0;
      if (!text.empty() && text[0] != ':') {
        const auto n = number_prefix(text);
        if (!n || n->value > 0xffff)
          return error("length: bad value for option \"--length\" near \"" + std::string(text) +
                       "\", or out of range (0-65535).");
        end = n->length;
        if (end < text.size() && text[end] != ':')
          return error("length: Argument to \"--length\" has unexpected characters near \"" +
                       std::string(text.substr(end)) + "\".");
        values[count] = static_cast<uint16_t>(n->value);
      }
      ++count;
      if (end >= text.size()) break;
      text.remove_prefix(end + 1);
    }
    min_ = values[0];
    max_ = count == 1 ? values[0] : values[1];
    return {};
  }

  void save(std::string& out) const override {
    out += inverted_ ? " ! --length " : " --length ";
    out += range_text();
  }
  void list(std::string& out, bool) const override {
    out += inverted_ ? " length !" : " length ";
    out += range_text();
  }

  bool match(const MatchInput& in) override {
    const uint16_t length = in.ip.total_length.host();
    return (length >= min_ && length <= max_) != inverted_;
  }

  Miss explain_miss(const MatchInput& in) const override {
    return {{"miss.length", {whole_text(), std::to_string(in.ip.total_length.host())}, {}}};
  }

 private:
  std::string range_text() const { return min_ == max_ ? strf("%u", min_) : strf("%u:%u", min_, max_); }

  uint16_t min_ = 0, max_ = 0xffff;
  bool inverted_ = false;
};

}  // namespace

void register_length(ExtensionRegistry& registry) {
  registry.add(MatchSpec{"length", [] { return std::make_unique<LengthMatch>(); }});
}

}  // namespace nf::ipt
