// -m ecn and -j ECN. twin: ecn_mt4, net/netfilter/xt_ecn.c; ecn_tg, net/ipv4/netfilter/ipt_ECN.c; libxt_ecn.c,
// libipt_ECN.c
//
// Neither looks at the fragment offset: in a later fragment of a TCP segment the payload is taken for a header, as the
// kernel does.
#include <optional>

#include "datapath/base/text.h"
#include "datapath/iptables/xt_base.h"
#include "datapath/iptables/xt_options.h"
#include "datapath/packet/checksum.h"
#include "datapath/packet/rewrite.h"

namespace nf::ipt {
namespace {

constexpr uint8_t kEctMask = 3;

enum : uint8_t { kCwr, kEce, kEct };
constexpr OptionSpec kMatchOptions[] = {{.name = "ecn-tcp-cwr", .id = kCwr, .invertible = true},
                                        {.name = "ecn-tcp-ece", .id = kEce, .invertible = true},
                                        {.name = "ecn-ip-ect", .id = kEct, .invertible = true}};

struct Bit {
  bool asked = false, inverted = false;
  bool matches(bool set) const { return !asked || set != inverted; }
  const char* sign() const { return inverted ? "!" : ""; }
};

class EcnMatch final : public WithOptions<Match> {
 public:
  EcnMatch() : WithOptions("ecn", kMatchOptions) {}

  Status parse_value(const OptionSpec& spec, OptionReader& option) override {
    (spec.id == kCwr ? cwr_ : spec.id == kEce ? ece_ : ip_) = {true, option.inverted()};
    if (spec.id != kEct) return {};
    const auto ect = integer_argument(name(), spec, option, 0, 3);
    if (!ect) return ect.error();
    ect_ = static_cast<uint8_t>(*ect);
    return {};
  }
  Status check_usage(const RuleContext&) override {
    if (seen() == 0) return error("ECN match: some option required");
    return {};
  }
  Status check_entry(const RuleContext& rule) override {
    if ((cwr_.asked || ece_.asked) && (rule.protocol != kProtoTcp || rule.protocol_inverted))
      return error("xt_ecn: cannot match TCP bits for non-tcp packets");
    return {};
  }

  void save(std::string& out) const override {
    if (ece_.asked) out += ' ' + ece_text();
    if (cwr_.asked) out += ' ' + cwr_text();
    if (ip_.asked) out += ' ' + ect_text();
  }
  void list(std::string& out, bool) const override {
    out += " ECN match";
    if (ece_.asked) out += strf(" %sECE", ece_.sign());
    if (cwr_.asked) out += strf(" %sCWR", cwr_.sign());
    if (ip_.asked) out += strf(" %sECT=%u", ip_.sign(), ect_);
  }

  bool match(const MatchInput& in) override {
    if (!ip_.matches((in.ip.tos & kEctMask) == ect_)) return false;
    if (!ece_.asked && !cwr_.asked) return true;
    const TcpHeader* tcp = view<TcpHeader>(in.transport);
    return tcp != nullptr && ece_.matches((tcp->flags & kTcpEce) != 0) && cwr_.matches((tcp->flags & kTcpCwr) != 0);
  }

  Miss explain_miss(const MatchInput& in) const override {
    const TcpHeader* tcp = view<TcpHeader>(in.transport);
    const bool ece = !ece_.asked || (tcp != nullptr && ece_.matches((tcp->flags & kTcpEce) != 0));
    const bool cwr = !cwr_.asked || (tcp != nullptr && cwr_.matches((tcp->flags & kTcpCwr) != 0));
    if (!ip_.matches((in.ip.tos & kEctMask) == ect_))
      return {{"miss.ect", {piece_text(ect_text()), strf("%u", in.ip.tos & kEctMask)}, {}}, ece && cwr};
    const bool by_ece = ece_.asked && !ece;
    const std::string piece = piece_text(by_ece ? ece_text() : cwr_text());
    const bool rest = !by_ece || cwr;
    if (tcp == nullptr) return {{"miss.short_header", {piece, std::to_string(in.transport.size())}, {}}, rest};
    const bool has = (tcp->flags & (by_ece ? kTcpEce : kTcpCwr)) != 0;
    return {{has ? "miss.tcp_flag_set" : "miss.tcp_flag_clear", {piece, by_ece ? "ECE" : "CWR"}, {}}, rest};
  }

  bool needs_protocol() const override { return cwr_.asked || ece_.asked; }

 private:
  std::string ece_text() const { return ece_.inverted ? "! --ecn-tcp-ece" : "--ecn-tcp-ece"; }
  std::string cwr_text() const { return cwr_.inverted ? "! --ecn-tcp-cwr" : "--ecn-tcp-cwr"; }
  std::string ect_text() const { return strf("%s--ecn-ip-ect %u", ip_.inverted ? "! " : "", ect_); }

  Bit cwr_, ece_, ip_;
  uint8_t ect_ = 0;
};

enum : uint8_t { kRemove, kSetCwr, kSetEce, kSetEct };
constexpr OptionSpec kTargetOptions[] = {
    {.name = "ecn-tcp-remove", .id = kRemove, .excludes = 1u << kSetCwr | 1u << kSetEce},
    {.name = "ecn-tcp-cwr", .id = kSetCwr, .excludes = 1u << kRemove},
    {.name = "ecn-tcp-ece", .id = kSetEce, .excludes = 1u << kRemove},
    {.name = "ecn-ip-ect", .id = kSetEct}};

class EcnTarget final : public WithOptions<Target> {
 public:
  EcnTarget() : WithOptions("ECN", kTargetOptions, {.table = TableId::kMangle}) {}

  Status parse_value(const OptionSpec& spec, OptionReader& option) override {
    if (spec.id == kRemove) {
      ece_ = cwr_ = 0;
      ect_.reset();  // the operation is assigned, not added: an earlier --ecn-ip-ect is lost
      return {};
    }
    const auto value = integer_argument(name(), spec, option, 0, spec.id == kSetEct ? 3 : 1);
    if (!value) return value.error();
    (spec.id == kSetCwr ? cwr_ : spec.id == kSetEce ? ece_ : ect_) = static_cast<uint8_t>(*value);
    return {};
  }
  Status check_usage(const RuleContext&) override {
    if (seen() == 0) return error("ECN target: An operation is required");
    return {};
  }
  Status check_entry(const RuleContext& rule) override {
    if ((ece_ || cwr_) && (rule.protocol != kProtoTcp || rule.protocol_inverted))
      return error("ipt_ECN: cannot use operation on non-tcp rule");
    return {};
  }

  void save(std::string& out) const override {
    if (is_remove()) {
      out += " --ecn-tcp-remove";
      return;
    }
    if (ece_) out += strf(" --ecn-tcp-ece %u", *ece_);
    if (cwr_) out += strf(" --ecn-tcp-cwr %u", *cwr_);
    if (ect_) out += strf(" --ecn-ip-ect %u", *ect_);
  }
  void list(std::string& out, bool) const override {
    out += " ECN";
    if (is_remove()) {
      out += " TCP remove";
      return;
    }
    if (ece_) out += strf(" ECE=%u", *ece_);
    if (cwr_) out += strf(" CWR=%u", *cwr_);
    if (ect_) out += strf(" ECT codepoint=%u", *ect_);
  }

  TargetVerdict target(PacketPtr& p, const HookState&) override {
    const uint8_t tos = p->ip().tos;
    if (ect_ && (tos & kEctMask) != *ect_) set_tos(*p, static_cast<uint8_t>((tos & ~kEctMask) | *ect_));
    if ((!ece_ && !cwr_) || p->ip().protocol != kProtoTcp) return TargetVerdict::kContinue;
    return set_tcp_bits(*p) ? TargetVerdict::kContinue : TargetVerdict::kDrop;
  }

 private:
  bool is_remove() const { return ece_ == 0 && cwr_ == 0 && !ect_; }

  // False: there is no whole TCP header. twin: set_ect_tcp
  bool set_tcp_bits(Packet& p) const {
    TcpHeader* tcp = view<TcpHeader>(p.transport());
    if (tcp == nullptr) return false;
    uint8_t flags = tcp->flags;
    if (ece_) flags = static_cast<uint8_t>(*ece_ != 0 ? flags | kTcpEce : flags & ~kTcpEce);
    if (cwr_) flags = static_cast<uint8_t>(*cwr_ != 0 ? flags | kTcpCwr : flags & ~kTcpCwr);
    if (flags == tcp->flags) return true;
    p.need_contiguous(sizeof(TcpHeader));
    const Be16 from = be16(static_cast<uint16_t>(tcp->offset_reserved << 8 | tcp->flags));
    const Be16 to = be16(static_cast<uint16_t>(tcp->offset_reserved << 8 | flags));
    tcp->flags = flags;
    // A partial checksum covers the pseudo-header only.
    if (p.checksum != ChecksumState::kPartial) tcp->checksum = checksum_replace(tcp->checksum, from, to);
    return true;
  }

  std::optional<uint8_t> ece_, cwr_, ect_;
};

}  // namespace

void register_ecn(ExtensionRegistry& registry) {
  registry.add(MatchSpec{"ecn", [] { return std::make_unique<EcnMatch>(); }});
  registry.add(TargetSpec{"ECN", [] { return std::make_unique<EcnTarget>(); }});
}

}  // namespace nf::ipt
