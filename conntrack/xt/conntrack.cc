// -m conntrack, revision 3. twin: net/netfilter/xt_conntrack.c, extensions/libxt_conntrack.c
#include <strings.h>

#include "conntrack/host_mask.h"
#include "conntrack/xt/internal.h"
#include "conntrack/xt/state_words.h"
#include "conntrack/xt/words.h"
#include "datapath/base/text.h"
#include "datapath/iptables/protocols.h"
#include "datapath/iptables/xt_options.h"
#include "datapath/iptables/xt_ports.h"

namespace nf::ct {
namespace {

// In the order the options are printed; also the index into kOptions. The kernel asks for the direction behind the
// state, and for the protocol before the ports (kAsked).
enum Field : uint8_t {
  kState,
  kProto,
  kOrigSrc,
  kOrigDst,
  kReplSrc,
  kReplDst,
  kOrigSrcPort,
  kOrigDstPort,
  kReplSrcPort,
  kReplDstPort,
  kStatus,
  kExpire,
  kDir,
  kFields,
};
constexpr ipt::OptionSpec kOptions[kFields] = {
    {.name = "ctstate", .id = kState, .invertible = true},
    {.name = "ctproto", .id = kProto, .invertible = true},
    {.name = "ctorigsrc", .id = kOrigSrc, .invertible = true},
    {.name = "ctorigdst", .id = kOrigDst, .invertible = true},
    {.name = "ctreplsrc", .id = kReplSrc, .invertible = true},
    {.name = "ctrepldst", .id = kReplDst, .invertible = true},
    {.name = "ctorigsrcport", .id = kOrigSrcPort, .invertible = true},
    {.name = "ctorigdstport", .id = kOrigDstPort, .invertible = true},
    {.name = "ctreplsrcport", .id = kReplSrcPort, .invertible = true},
    {.name = "ctrepldstport", .id = kReplDstPort, .invertible = true},
    {.name = "ctstatus", .id = kStatus, .invertible = true},
    {.name = "ctexpire", .id = kExpire, .invertible = true},
    {.name = "ctdir", .id = kDir},
};

constexpr Field kAsked[] = {kDir,         kOrigSrc,     kOrigDst,     kReplSrc,     kReplDst, kProto,
                            kOrigSrcPort, kOrigDstPort, kReplSrcPort, kReplDstPort, kStatus,  kExpire};

constexpr Word kStatuses[] = {
    {"EXPECTED", kExpected}, {"SEEN_REPLY", kSeenReply}, {"ASSURED", kAssured}, {"CONFIRMED", kConfirmed}, {"NONE", 0},
};

struct Bounds {
  uint32_t min = 0, max = 0;
};

class ConntrackMatch final : public ipt::WithOptions<ipt::Match> {
 public:
  explicit ConntrackMatch(Conntrack& conntrack) : WithOptions("conntrack", kOptions), conntrack_(conntrack) {}

  Status parse_value(const ipt::OptionSpec& option, ipt::OptionReader& reader) override;
  Status check_usage(const ipt::RuleContext&) override {
    if (seen() == 0) return error("conntrack: At least one option is required");
    return {};
  }
  void save(std::string& out) const override;
  void list(std::string& out, bool numeric) const override;
  void attach(Stack&) override { conntrack_.netns_get(); }
  void detach(Stack&) override { conntrack_.netns_put(); }
  bool match(const ipt::MatchInput& in) override { return first_miss(in, seen()) == kFields; }
  ipt::Miss explain_miss(const ipt::MatchInput& in) const override;

 private:
  bool has(unsigned field) const { return (seen() & 1u << field) != 0; }
  bool inverted(unsigned field) const { return (inverted_ & 1u << field) != 0; }
  Status parse_ports(const ipt::OptionSpec& option, std::string_view text);
  Status parse_expire(std::string_view text);
  // Which of the criteria (bit per Field) does not hold; kFields: all do. A packet without a connection is judged by
  // its state alone, and misses (as kState) when no state is asked for. twin: conntrack_mt
  unsigned first_miss(const ipt::MatchInput& in, uint32_t criteria) const;
  Said say(unsigned field, std::string condition, const ipt::MatchInput& in) const;
  bool holds(unsigned field, const Connection& c, const ipt::MatchInput& in) const;
  void print_value(std::string& out, unsigned field, bool numeric) const;
  void print_option(std::string& out, unsigned field, std::string_view prefix, bool numeric) const;
  void print(std::string& out, std::string_view prefix, bool numeric) const;

  Conntrack& conntrack_;
  uint32_t inverted_ = 0;  // bit per Field
  uint16_t states_ = 0;
  uint8_t protocol_ = 0;
  HostMask hosts_[4];
  Bounds ports_[4];
  uint32_t statuses_ = 0;
  Bounds expire_;
  CtDirection direction_ = CtDirection::kOriginal;
};

Status ConntrackMatch::parse_value(const ipt::OptionSpec& option, ipt::OptionReader& reader) {
  const Result<std::string_view> argument = reader.argument();
  if (!argument.ok()) return argument.error();
  const std::string_view text = *argument;
  if (reader.inverted()) inverted_ |= 1u << option.id;
  switch (option.id) {
    case kState: {
      const Result<uint16_t> mask = parse_states(text, true, "ctstate");
      if (!mask.ok()) return mask.error();
      states_ = *mask;
      return {};
    }
    case kProto: {
      std::string lower(text);
      for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      const auto protocol = ipt::parse_protocol(lower);
      if (!protocol) return error("unknown protocol \"" + std::string(text) + "\" specified");
      protocol_ = *protocol;
      return {};
    }
    case kOrigSrc:
    case kOrigDst:
    case kReplSrc:
    case kReplDst: {
      const Result<HostMask> h = parse_host_mask(name(), option, text);
      if (!h.ok()) return h.error();
      hosts_[option.id - kOrigSrc] = *h;
      return {};
    }
    case kStatus: {
      const Result<uint32_t> mask = parse_word_list(text, kStatuses, "ctstatus");
      if (!mask.ok()) return mask.error();
      statuses_ = *mask;
      return {};
    }
    case kExpire:
      return parse_expire(text);
    case kDir:
      if (text.size() == 8 && strncasecmp(text.data(), "ORIGINAL", 8) == 0)
        direction_ = CtDirection::kOriginal;
      else if (text.size() == 5 && strncasecmp(text.data(), "REPLY", 5) == 0)
        direction_ = CtDirection::kReply;
      else
        return error("conntrack: Bad value for \"--ctdir\" option: \"" + std::string(text) + "\"");
      return {};
    default:
      return parse_ports(option, text);
  }
}

// An empty end of a range is its extreme. twin: XTTYPE_PORTRC
Status ConntrackMatch::parse_ports(const ipt::OptionSpec& option, std::string_view text) {
  const std::vector<std::string_view> parts = split(text, ':');
  if (parts.size() > 2)
    return error("conntrack: Too many components for option \"--" + std::string(option.name) + "\" (max: 2)");
  uint32_t ends[2] = {0, 0xffff};
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].empty()) continue;
    const Result<uint16_t> port = ipt::parse_port_any_protocol(parts[i]);
    if (!port.ok()) return port.error();
    ends[i] = *port;
  }
  ports_[option.id - kOrigSrcPort] = {ends[0], parts.size() == 2 ? ends[1] : ends[0]};
  return {};
}

// twin: XTTYPE_UINT32RC
Status ConntrackMatch::parse_expire(std::string_view text) {
  const std::vector<std::string_view> parts = split(text, ':');
  if (parts.size() > 2) return error("conntrack: Too many components for option \"--ctexpire\" (max: 2)");
  uint32_t ends[2] = {0, UINT32_MAX};
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].empty()) continue;
    const auto number = ipt::number_prefix(parts[i]);
    if (!number || number->value > UINT32_MAX)
      return error("conntrack: bad value for option \"--ctexpire\" near \"" + std::string(parts[i]) +
                   "\", or out of range (0-4294967295).");
    if (number->length != parts[i].size())
      return error("conntrack: Argument to \"--ctexpire\" has unexpected characters near \"" +
                   std::string(parts[i].substr(number->length)) + "\".");
    ends[i] = static_cast<uint32_t>(number->value);
  }
  expire_ = {ends[0], parts.size() == 2 ? ends[1] : ends[0]};
  return {};
}

// --- at run time

// The CT target calls its templates confirmed, too.
uint32_t statuses_of(const Connection& c) { return c.status | ((c.status & kTemplate) != 0 ? kConfirmed : 0u); }

bool ConntrackMatch::holds(unsigned field, const Connection& c, const ipt::MatchInput& in) const {
  const Tuple& original = c.original();
  const Tuple& reply = c.reply();
  const auto host = [&](Be32 address) {
    const HostMask& h = hosts_[field - kOrigSrc];
    return (address & h.mask) == (h.address & h.mask);
  };
  const auto port = [&](Be16 value) {
    const Bounds& b = ports_[field - kOrigSrcPort];
    return b.min <= value.host() && value.host() <= b.max;
  };
  switch (field) {
    case kProto:
      return original.protocol == protocol_;
    case kOrigSrc:
      return host(original.source);
    case kOrigDst:
      return host(original.destination);
    case kReplSrc:
      return host(reply.source);
    case kReplDst:
      return host(reply.destination);
    case kOrigSrcPort:
      return port(original.source_id);
    case kOrigDstPort:
      return port(original.destination_id);
    case kReplSrcPort:
      return port(reply.source_id);
    case kReplDstPort:
      return port(reply.destination_id);
    case kStatus:
      return (statuses_of(c) & statuses_) != 0;
    case kExpire: {
      const int64_t seconds = conntrack_.expires_in(c, in.state.now) / kSecond;
      return expire_.min <= seconds && seconds <= expire_.max;
    }
    default:
      return direction_of(in.packet.ctinfo) == direction_;
  }
}

unsigned ConntrackMatch::first_miss(const ipt::MatchInput& in, uint32_t criteria) const {
  const bool by_state = (criteria & 1u << kState) != 0;
  if (by_state && ((state_bits(in.packet) & states_) != 0) == inverted(kState)) return kState;
  if (in.packet.ct == 0) return by_state ? unsigned{kFields} : unsigned{kState};
  if (criteria == 1u << kState) return kFields;
  const Connection& c = *connection_of(in.packet.ct);
  for (const Field f : kAsked)
    if ((criteria & 1u << f) != 0 && holds(f, c, in) == inverted(f)) return f;
  return kFields;
}

// --- why it missed

ipt::Miss ConntrackMatch::explain_miss(const ipt::MatchInput& in) const {
  const unsigned field = first_miss(in, seen());
  if (field == kState && !has(kState)) return {no_connection(whole_text(), in.packet)};
  std::string option;
  print_option(option, field, "--", true);
  const uint32_t others = seen() & ~(1u << field);
  return {say(field, piece_text(option.substr(1)), in), others == 0 || first_miss(in, others) == kFields};
}

Said ConntrackMatch::say(unsigned field, std::string condition, const ipt::MatchInput& in) const {
  if (field == kState) return {"miss.state", {std::move(condition), states_text(state_bits(in.packet))}, {}};
  const Connection& c = *connection_of(in.packet.ct);
  const auto address = [&](const Tuple& t, bool source) -> Said {
    return {"miss.ct_address", {condition, format_ipv4(source ? t.source : t.destination)}, {}};
  };
  const auto port = [&](const Tuple& t, bool source) -> Said {
    return {"miss.ct_port", {condition, std::to_string((source ? t.source_id : t.destination_id).host())}, {}};
  };
  switch (field) {
    case kProto:
      return {"miss.ct_protocol", {std::move(condition), std::to_string(c.original().protocol)}, {}};
    case kOrigSrc:
    case kOrigDst:
      return address(c.original(), field == kOrigSrc);
    case kReplSrc:
    case kReplDst:
      return address(c.reply(), field == kReplSrc);
    case kOrigSrcPort:
    case kOrigDstPort:
      return port(c.original(), field == kOrigSrcPort);
    case kReplSrcPort:
    case kReplDstPort:
      return port(c.reply(), field == kReplSrcPort);
    case kStatus: {
      std::string statuses;
      append_word_list(statuses, statuses_of(c), kStatuses);
      if (statuses.empty()) return {"miss.no_ct_status", {std::move(condition)}, {}};
      return {"miss.ct_status", {std::move(condition), statuses.substr(1)}, {}};
    }
    case kExpire:
      return {"miss.ct_expire",
              {std::move(condition), std::to_string(conntrack_.expires_in(c, in.state.now) / kSecond)},
              {}};
    default: {
      const bool reply = direction_of(in.packet.ctinfo) == CtDirection::kReply;
      return {"miss.ct_direction", {std::move(condition), reply ? "REPLY" : "ORIGINAL"}, {}};
    }
  }
}

// --- as text

void ConntrackMatch::print_value(std::string& out, unsigned field, bool numeric) const {
  switch (field) {
    case kState:
      append_states(out, states_);
      return;
    case kProto:
      out += strf(" %u", protocol_);
      return;
    case kOrigSrc:
    case kOrigDst:
    case kReplSrc:
    case kReplDst: {
      const HostMask& h = hosts_[field - kOrigSrc];
      if (!numeric && h.address.is_zero()) {
        out += " anywhere";
        return;
      }
      out += ' ' + format_ipv4(h.address);
      if (const int length = mask_length(h.mask); length != 32) out += strf("/%d", length);
      return;
    }
    case kStatus:
      append_word_list(out, statuses_, kStatuses);
      if (statuses_ == 0) out += " NONE";
      return;
    case kExpire:
      out += expire_.min == expire_.max ? strf(" %u", expire_.min) : strf(" %u:%u", expire_.min, expire_.max);
      return;
    case kDir:
      out += direction_ == CtDirection::kReply ? " REPLY" : " ORIGINAL";
      return;
    default: {
      const Bounds& b = ports_[field - kOrigSrcPort];
      out += b.max == 0 || b.min == b.max ? strf(" %u", b.min) : strf(" %u:%u", b.min, b.max);
      return;
    }
  }
}

void ConntrackMatch::print_option(std::string& out, unsigned field, std::string_view prefix, bool numeric) const {
  if (inverted(field)) out += " !";
  out += ' ';
  out += prefix;
  out += kOptions[field].name;
  print_value(out, field, numeric);
}

void ConntrackMatch::print(std::string& out, std::string_view prefix, bool numeric) const {
  for (unsigned f = 0; f < kFields; ++f)
    if (has(f)) print_option(out, f, prefix, numeric);
}

void ConntrackMatch::save(std::string& out) const { print(out, "--", true); }
void ConntrackMatch::list(std::string& out, bool numeric) const { print(out, "", numeric); }

}  // namespace

std::unique_ptr<ipt::Match> make_conntrack_match(Conntrack& conntrack) {
  return std::make_unique<ConntrackMatch>(conntrack);
}

}  // namespace nf::ct
