// -m state, the old name of -m conntrack --ctstate. twin: conntrack_mt_v3, with libxt_conntrack.c's "state"
#include "conntrack/xt/internal.h"
#include "conntrack/xt/state_words.h"
#include "datapath/iptables/xt_options.h"

namespace nf::ct {
namespace {

constexpr ipt::OptionSpec kOptions[] = {{.name = "state", .id = 0, .invertible = true, .required = true}};

class StateMatch final : public ipt::WithOptions<ipt::Match> {
 public:
  explicit StateMatch(Conntrack& conntrack) : WithOptions("state", kOptions), conntrack_(conntrack) {}

  Status parse_value(const ipt::OptionSpec&, ipt::OptionReader& option) override {
    const Result<std::string_view> text = option.argument();
    if (!text.ok()) return text.error();
    if (text->empty() || text->ends_with(','))
      return error("\"--state\" requires a list of states with no spaces, e.g. ESTABLISHED,RELATED");
    const Result<uint16_t> mask = parse_states(*text, false, "state");
    if (!mask.ok()) return mask.error();
    mask_ = *mask;
    inverted_ = option.inverted();
    return {};
  }

  void save(std::string& out) const override { print(out, "--"); }
  void list(std::string& out, bool) const override { print(out, ""); }

  void attach(Stack&) override { conntrack_.netns_get(); }
  void detach(Stack&) override { conntrack_.netns_put(); }

  bool match(const ipt::MatchInput& in) override { return ((state_bits(in.packet) & mask_) != 0) != inverted_; }

  ipt::Miss explain_miss(const ipt::MatchInput& in) const override {
    return {{"miss.state", {whole_text(), states_text(state_bits(in.packet))}, {}}};
  }

 private:
  void print(std::string& out, std::string_view prefix) const {
    if (inverted_) out += " !";
    out += ' ';
    out += prefix;
    out += "state";
    append_states(out, mask_);
  }

  Conntrack& conntrack_;
  uint16_t mask_ = 0;
  bool inverted_ = false;
};

}  // namespace

std::unique_ptr<ipt::Match> make_state_match(Conntrack& conntrack) { return std::make_unique<StateMatch>(conntrack); }

}  // namespace nf::ct
