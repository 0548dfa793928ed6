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

// "2,4,8,1,3", as find_tcp_option comes by them; empty: none.
std::string tcp_option_kinds(std::span<const uint8_t> transport, unsigned header_length) {
  std::string out;
  for (size_t i = sizeof(TcpHeader); i < header_length && i < transport.size();) {
    if (!out.empty()) out += ',';
    out += std::to_string(transport[i]);
    const bool alone = transport[i] < 2 || i + 1 >= header_length || i + 1 >= transport.size();
    i += alone ? 1 : std::max<size_t>(transport[i + 1], 1);
  }
  return out;
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
    if (option_ != 0) out += ' ' + option_saved();
    if (flag_mask_ != 0 || flags_inverted_) out += ' ' + flags_text();
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

  bool needs_protocol() const override { return true; }
  Miss explain_miss(const MatchInput& in) const override {
    if (in.fragment_offset != 0) return later_fragment(in);
    const TcpHeader* tcp = view<TcpHeader>(in.transport);
    const bool destination = destination_.matches(tcp->destination.host());
    const bool flags = ((tcp->flags & flag_mask_) == flag_value_) != flags_inverted_;
    const bool option = option_ == 0 || option_holds(in, *tcp);
    if (!source_.matches(tcp->source.host()))
      return {source_port_missed(source_, tcp->source.host()), destination && flags && option};
    if (!destination) return {destination_port_missed(destination_, tcp->destination.host()), flags && option};
    if (!flags) {
      std::string has;
      print_flags(has, tcp->flags);
      return {{"miss.tcp_flags", {flags_text(), has}, {}}, option};
    }
    std::string kinds = tcp_option_kinds(in.transport, tcp->header_length());
    if (kinds.empty()) return {{"miss.no_tcp_options", {option_saved()}, {}}};
    return {{"miss.tcp_options", {option_saved(), std::move(kinds)}, {}}};
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

  std::string option_saved() const { return strf("%s--tcp-option %u", option_inverted_ ? "! " : "", option_); }
  std::string flags_text() const {
    std::string out = flags_inverted_ ? "! --tcp-flags " : "--tcp-flags ";
    print_flags(out, flag_mask_);
    out += ' ';
    print_flags(out, flag_value_);
    return out;
  }
  bool option_holds(const MatchInput& in, const TcpHeader& tcp) const {
    if (tcp.header_length() < sizeof(TcpHeader)) return false;
    const OptionSearch found = find_tcp_option(in.transport, tcp.header_length(), option_);
    return found != OptionSearch::kTruncated && (found == OptionSearch::kFound) != option_inverted_;
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
