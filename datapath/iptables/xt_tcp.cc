// -m tcp. twin: tcp_mt, net/netfilter/xt_tcpudp.c; libxt_tcp.c
#include <algorithm>
#include <array>

#include "datapath/base/text.h"
#include "datapath/iptables/xt_base.h"
#include "datapath/iptables/xt_options.h"
#include "datapath/iptables/xt_ports.h"

namespace nf::ipt {
namespace {

struct FlagName {
  std::string_view name;
  uint8_t bits;
};
// Printed in this order. ECE and CWR have no name here, in iptables either.
constexpr std::array<FlagName, 8> kFlagNames{{{"FIN", 0x01},
                                              {"SYN", 0x02},
                                              {"RST", 0x04},
                                              {"PSH", 0x08},
                                              {"ACK", 0x10},
                                              {"URG", 0x20},
                                              {"ALL", 0x3f},
                                              {"NONE", 0}}};
constexpr size_t kSingleFlags = 6;

Result<uint8_t> parse_flags(std::string_view text) {
  uint8_t bits = 0;
  for (const std::string_view word : split(text, ',')) {
    if (word.empty()) continue;  // strtok(3) skips empty parts
    const auto it = std::find_if(kFlagNames.begin(), kFlagNames.end(),
                                 [&](const FlagName& f) { return equal_ignoring_case(f.name, word); });
    if (it == kFlagNames.end()) return error("Unknown TCP flag `" + std::string(word) + "'");
    bits |= it->bits;
  }
  return bits;
}

void print_flags(std::string& out, uint8_t bits) {
  std::string_view separator;
  for (size_t i = 0; i < kSingleFlags; ++i) {
    if ((bits & kFlagNames[i].bits) == 0) continue;
    out += separator;
    out += kFlagNames[i].name;
    separator = ",";
  }
  if (separator.empty()) out += "NONE";
}

Result<PortRange> parse_ports(std::string_view text, bool inverted) {
  PortRange range;
  range.inverted = inverted;
  const size_t colon = text.find(':');
  const std::string_view low = text.substr(0, colon);
  if (colon == std::string_view::npos || !low.empty()) {
    const auto port = parse_port(low, "tcp");
    if (!port) return port.error();
    range.min = range.max = *port;
  }
  if (colon == std::string_view::npos) return range;
  range.max = 0xffff;
  if (const std::string_view high = text.substr(colon + 1); !high.empty()) {
    const auto port = parse_port(high, "tcp");
    if (!port) return port.error();
    range.max = *port;
  }
  if (range.min > range.max) return error("invalid portrange (min > max)");
  return range;
}

enum class OptionSearch { kFound, kMissing, kTruncated };

// twin: tcp_find_option
OptionSearch find_tcp_option(std::span<const uint8_t> transport, unsigned header_length, uint8_t wanted) {
  if (header_length == sizeof(TcpHeader)) return OptionSearch::kMissing;
  if (transport.size() < header_length) return OptionSearch::kTruncated;
  const auto options = transport.subspan(sizeof(TcpHeader), header_length - sizeof(TcpHeader));
  for (size_t i = 0; i < options.size();) {
    if (options[i] == wanted) return OptionSearch::kFound;
    if (options[i] < 2 || i + 1 >= options.size()) {
      ++i;
    } else {
      i += std::max<size_t>(options[i + 1], 1);
    }
  }
  return OptionSearch::kMissing;
}

class TcpMatch final : public Match {
 public:
  std::string_view name() const override { return "tcp"; }

  Result<bool> parse_option(OptionReader& option) override {
    const std::string_view o = option.name();
    if (o == "--source-port" || o == "--sport") return parse_port_option(option, kSourceSeen, "--source-port", source_);
    if (o == "--destination-port" || o == "--dport")
      return parse_port_option(option, kDestinationSeen, "--destination-port", destination_);
    if (o == "--syn" || o == "--tcp-flags") {
      if ((seen_ & kFlagsSeen) != 0) return error("Only one of `--syn' or `--tcp-flags'  allowed");
      seen_ |= kFlagsSeen;
      flags_inverted_ = option.inverted();
      if (o == "--syn") {
        flag_mask_ = kTcpSyn | kTcpRst | kTcpAck | kTcpFin;
        flag_value_ = kTcpSyn;
        return true;
      }
      return parse_flags_option(option);
    }
    if (o == "--tcp-option") {
      if ((seen_ & kOptionSeen) != 0) return error("Only one `--tcp-option' allowed");
      seen_ |= kOptionSeen;
      const auto text = option.argument();
      if (!text) return text.error();
      const auto n = whole_number(*text, 1, 255);
      if (!n) return error("Bad TCP option \"" + std::string(*text) + "\"");
      option_ = static_cast<uint8_t>(*n);
      option_inverted_ = option.inverted();
      return true;
    }
    return false;
  }

  Status finish(const RuleContext& rule) override {
    return check_limits("tcp", "match", {.protocol = kProtoTcp}, rule);
  }

  void save(std::string& out) const override {
    save_ports(out, "--sport", source_);
    save_ports(out, "--dport", destination_);
    if (option_ != 0) out += strf("%s --tcp-option %u", option_inverted_ ? " !" : "", option_);
    if (flag_mask_ != 0 || flags_inverted_) {
      out += flags_inverted_ ? " ! --tcp-flags " : " --tcp-flags ";
      print_flags(out, flag_mask_);
      out += ' ';
      print_flags(out, flag_value_);
    }
  }

  void list(std::string& out, bool numeric) const override {
    out += " tcp";
    list_ports(out, "spt", source_, "tcp", numeric);
    list_ports(out, "dpt", destination_, "tcp", numeric);
    if (option_ != 0) out += option_text();
    if (flag_mask_ != 0 || flags_inverted_) list_flags(out, numeric);
  }

  bool match(const MatchInput& in) override {
    if (in.fragment_offset != 0) {
      // A fragment at offset 1 would overwrite the flags of the first one.
      if (in.fragment_offset == 1) in.hotdrop = true;
      return false;
    }
    const TcpHeader* tcp = view<TcpHeader>(in.transport);
    if (tcp == nullptr) {
      in.hotdrop = true;
      return false;
    }
    if (!source_.matches(tcp->source.host()) || !destination_.matches(tcp->destination.host())) return false;
    if (((tcp->flags & flag_mask_) == flag_value_) == flags_inverted_) return false;
    if (option_ == 0) return true;
    if (tcp->header_length() < sizeof(TcpHeader)) {
      in.hotdrop = true;
      return false;
    }
    switch (find_tcp_option(in.transport, tcp->header_length(), option_)) {
      case OptionSearch::kFound:
        return !option_inverted_;
      case OptionSearch::kMissing:
        return option_inverted_;
      case OptionSearch::kTruncated:
        in.hotdrop = true;
    }
    return false;
  }

  bool fold(PortRanges& ranges) const override {
    if (source_.inverted || destination_.inverted || flag_mask_ != 0 || flag_value_ != 0 || flags_inverted_ ||
        option_ != 0)
      return false;
    ranges = {source_.min, source_.max, destination_.min, destination_.max};
    return true;
  }

  std::string old_miss(const MatchInput& in) const {
    if (in.fragment_offset != 0) return "tcp: this packet is a later fragment, it has no TCP header";
    const TcpHeader* tcp = view<TcpHeader>(in.transport);
    if (tcp == nullptr) return "tcp: this packet's TCP header is cut short";
    if (const uint16_t port = tcp->source.host(); !source_.matches(port))
      return explain_ports("tcp", "spt", source_, port);
    if (const uint16_t port = tcp->destination.host(); !destination_.matches(port))
      return explain_ports("tcp", "dpt", destination_, port);
    if (((tcp->flags & flag_mask_) == flag_value_) == flags_inverted_) {
      std::string text = "tcp";
      list_flags(text, false);
      text += ": this packet has ";
      print_flags(text, tcp->flags);
      return text;
    }
    if (option_ == 0) return {};
    if (tcp->header_length() < sizeof(TcpHeader) || tcp->header_length() > in.transport.size())
      return "tcp: this packet's TCP options are cut short";
    return "tcp" + option_text() + ": this packet has " + (option_inverted_ ? "it" : "no such option");
  }

 private:
  static constexpr uint8_t kSourceSeen = 1, kDestinationSeen = 2, kFlagsSeen = 4, kOptionSeen = 8;

  Result<bool> parse_port_option(OptionReader& option, uint8_t bit, const char* called, PortRange& range) {
    if ((seen_ & bit) != 0) return error(std::string("Only one `") + called + "' allowed");
    seen_ |= bit;
    const auto text = option.argument();
    if (!text) return text.error();
    const auto parsed = parse_ports(*text, option.inverted());
    if (!parsed) return parsed.error();
    range = *parsed;
    return true;
  }

  Result<bool> parse_flags_option(OptionReader& option) {
    const auto mask_text = option.argument();
    if (!mask_text) return mask_text.error();
    if (!option.has_argument()) return error("--tcp-flags requires two args.");
    const auto value_text = option.argument();
    if (!value_text) return value_text.error();
    const auto mask = parse_flags(*mask_text);
    if (!mask) return mask.error();
    const auto value = parse_flags(*value_text);
    if (!value) return value.error();
    flag_mask_ = *mask;
    flag_value_ = *value;
    return true;
  }

  std::string option_text() const { return strf(" option=%s%u", option_inverted_ ? "!" : "", option_); }

  void list_flags(std::string& out, bool numeric) const {
    out += flags_inverted_ ? " flags:!" : " flags:";
    if (numeric) {
      out += strf("0x%02X/0x%02X", flag_mask_, flag_value_);
      return;
    }
    print_flags(out, flag_mask_);
    out += '/';
    print_flags(out, flag_value_);
  }

  PortRange source_, destination_;
  uint8_t flag_mask_ = 0, flag_value_ = 0;
  uint8_t option_ = 0;  // 0: not asked for
  bool flags_inverted_ = false, option_inverted_ = false;
  uint8_t seen_ = 0;
};

}  // namespace

void register_tcp(ExtensionRegistry& registry) {
  registry.add(MatchSpec{"tcp", [] { return std::make_unique<TcpMatch>(); }});
}

}  // namespace nf::ipt
