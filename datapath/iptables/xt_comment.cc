// -m comment. twin: comment_mt, net/netfilter/xt_comment.c; libxt_comment.c
#include "datapath/iptables/xt_base.h"
#include "datapath/iptables/xt_options.h"

namespace nf::ipt {
namespace {

constexpr size_t kMaxComment = 255;  // XT_MAX_COMMENT_LEN less the final zero; longer ones are cut silently
constexpr OptionSpec kOptions[] = {{.name = "comment", .id = 0, .required = true}};

class CommentMatch final : public WithOptions<Match> {
 public:
  CommentMatch() : WithOptions("comment", kOptions) {}

  Status parse_value(const OptionSpec&, OptionReader& option) override {
    const auto text = option.argument();
    if (!text) return text.error();
    comment_ = text->substr(0, kMaxComment);
    return {};
  }
  void save(std::string& out) const override {
    out += " --comment";
    save_string(out, comment_);
  }
  void list(std::string& out, bool) const override { out += " /* " + comment_ + " */"; }
  bool match(const MatchInput&) override { return true; }

 private:
  std::string comment_;
};

}  // namespace

void register_comment(ExtensionRegistry& registry) {
  registry.add(MatchSpec{"comment", [] { return std::make_unique<CommentMatch>(); }});
}

}  // namespace nf::ipt
