// -m helper. twin: helper_mt, net/netfilter/xt_helper.c; libxt_helper.c
#include <string>

#include "conntrack/helper.h"
#include "conntrack/xt/internal.h"
#include "datapath/iptables/xt_options.h"

namespace nf::ct {
namespace {

constexpr size_t kMaxName = 29;  // xt_helper_info.name less the final zero; longer ones are cut silently
constexpr ipt::OptionSpec kOptions[] = {{.name = "helper", .id = 0, .invertible = true, .required = true}};

class HelperMatch final : public ipt::WithOptions<ipt::Match> {
 public:
  explicit HelperMatch(Conntrack& conntrack) : WithOptions("helper", kOptions), conntrack_(conntrack) {}

  Status parse_value(const ipt::OptionSpec&, ipt::OptionReader& option) override {
    const Result<std::string_view> text = option.argument();
    if (!text.ok()) return text.error();
    name_ = text->substr(0, kMaxName);
    inverted_ = option.inverted();
    return {};
  }

  void save(std::string& out) const override {
    if (inverted_) out += " !";
    out += " --helper";
    ipt::save_string(out, name_);
  }
  void list(std::string& out, bool) const override {
    out += " helper match ";
    if (inverted_) out += "! ";
    out += '"' + name_ + '"';
  }

  void attach(Stack&) override { conntrack_.netns_get(); }
  void detach(Stack&) override { conntrack_.netns_put(); }

  // The helper is the master's: the packet belongs to a connection it expected. Its name is the beginning of the rule's
  // ("ftp-2121" is for ftp, too); "" is any helper.
  bool match(const ipt::MatchInput& in) override {
    const Helper* helper = expected_by(in.packet);
    return (helper != nullptr && (name_.empty() || name_.starts_with(helper->name()))) != inverted_;
  }

  ipt::Miss explain_miss(const ipt::MatchInput& in) const override {
    const Helper* helper = expected_by(in.packet);
    if (helper == nullptr) return {{"miss.no_helper", {whole_text()}, {}}};
    return {{"miss.helper", {whole_text(), std::string(helper->name())}, {}}};
  }

 private:
  static const Helper* expected_by(const Packet& p) {
    const Connection* c = connection_of(p.ct);
    if (c == nullptr || c->master == nullptr) return nullptr;
    const HelpPart* help = help_of(*c->master);
    return help == nullptr ? nullptr : help->helper;
  }

  Conntrack& conntrack_;
  std::string name_;
  bool inverted_ = false;
};

}  // namespace

std::unique_ptr<ipt::Match> make_helper_match(Conntrack& conntrack) { return std::make_unique<HelperMatch>(conntrack); }

}  // namespace nf::ct
