#include "tools/daemon/conntrack_command.h"

#include <strings.h>
#include <array>

#include "datapath/base/text.h"
#include "tools/daemon/command_words.h"

namespace nf {
namespace {

enum Option : char {
  kList = 'L',
  kCount = 'C',
  kStats = 'S',
  kEvents = 'E',
  kFlush = 'F',
  kOutput = 'o',
  kMask = 'e',
  kFamily = 'f',
  kBuffer = 'b',
  kProtocol = 'p',
  kState = 'T',
  kStatus = 'u',
  kMark = 'm',
  kSourceNat = 'n',
  kDestinationNat = 'g',
  kAnyNat = 'j',
  kOriginalSource = 's',
  kOriginalDestination = 'd',
  kReplySource = 'r',
  kReplyDestination = 'q',
  kOriginalSourcePort = '1',
  kOriginalDestinationPort,
  kReplySourcePort,
  kReplyDestinationPort,
};

// twin: getopt_str and original_opts, conntrack.c of conntrack-tools 1.4.7
constexpr OptionName kNames[] = {
    {'L', "dump", TakesValue::kOptional, kList},
    {'C', "count", TakesValue::kOptional, kCount},
    {'S', "stats", TakesValue::kNo, kStats},
    {'E', "event", TakesValue::kOptional, kEvents},
    {'F', "flush", TakesValue::kOptional, kFlush},
    {'o', "output", TakesValue::kYes, kOutput},
    {'e', "event-mask", TakesValue::kYes, kMask},
    {'f', "family", TakesValue::kYes, kFamily},
    {'b', "buffer-size", TakesValue::kYes, kBuffer},
    {'p', "proto", TakesValue::kYes, kProtocol},
    {0, "protonum", TakesValue::kYes, kProtocol},
    {0, "state", TakesValue::kYes, kState},
    {'u', "status", TakesValue::kYes, kStatus},
    {'m', "mark", TakesValue::kYes, kMark},
    {'n', "src-nat", TakesValue::kOptional, kSourceNat},
    {'g', "dst-nat", TakesValue::kOptional, kDestinationNat},
    {'j', "any-nat", TakesValue::kOptional, kAnyNat},
    {'s', "src", TakesValue::kYes, kOriginalSource},
    {0, "orig-src", TakesValue::kYes, kOriginalSource},
    {'d', "dst", TakesValue::kYes, kOriginalDestination},
    {0, "orig-dst", TakesValue::kYes, kOriginalDestination},
    {'r', "reply-src", TakesValue::kYes, kReplySource},
    {'q', "reply-dst", TakesValue::kYes, kReplyDestination},
    {0, "sport", TakesValue::kYes, kOriginalSourcePort},
    {0, "orig-port-src", TakesValue::kYes, kOriginalSourcePort},
    {0, "dport", TakesValue::kYes, kOriginalDestinationPort},
    {0, "orig-port-dst", TakesValue::kYes, kOriginalDestinationPort},
    {0, "reply-port-src", TakesValue::kYes, kReplySourcePort},
    {0, "reply-port-dst", TakesValue::kYes, kReplyDestinationPort},
};

struct Selector {
  std::optional<uint8_t> protocol;
  std::optional<ct::TcpState> state;
  uint32_t status = 0, not_status = 0;                // StatusBit
  uint32_t any_status = 0;                            // one of them
  std::optional<std::pair<uint32_t, uint32_t>> mark;  // value, mask
  std::optional<Prefix4> addresses[4];                // original source, destination, reply source, destination
  std::optional<uint16_t> ports[4];

  bool operator()(const ct::Connection& c) const {
    const ct::Tuple &o = c.original(), &r = c.reply();
    if (protocol && o.protocol != *protocol) return false;
    if (state && (o.protocol != kProtoTcp || c.tcp.state != *state)) return false;
    if ((c.status & status) != status || (c.status & not_status) != 0) return false;
    if (any_status != 0 && (c.status & any_status) == 0) return false;
    if (mark && (c.mark & mark->second) != mark->first) return false;
    const Be32 own[] = {o.source, o.destination, r.source, r.destination};
    for (size_t i = 0; i < 4; ++i) {
      if (!addresses[i]) continue;
      const uint32_t mask = addresses[i]->length == 0 ? 0 : ~uint32_t{0} << (32 - addresses[i]->length);
      if (((own[i].host() ^ addresses[i]->address.host()) & mask) != 0) return false;
    }
    const Be16 own_ports[] = {o.source_id, o.destination_id, r.source_id, r.destination_id};
    const bool has_ports = o.protocol == kProtoTcp || o.protocol == kProtoUdp || o.protocol == kProtoUdplite ||
                           o.protocol == kProtoSctp || o.protocol == kProtoDccp;
    for (size_t i = 0; i < 4; ++i)
      if (ports[i] && (!has_ports || own_ports[i].host() != *ports[i])) return false;
    return true;
  }
};

bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

struct Request {
  char command = 0;
  ct::FormatOptions format;
  bool timestamps = false;
  bool kinds[3] = {true, true, true};  // [EventReport::Kind]
  bool mask_given = false;
  Selector selector;
};

Error bad_value(const GivenOption& o) { return error("\"" + o.value + "\" is not a value of " + o.written); }

Status read_protocol(const GivenOption& o, Selector& s) {
  static constexpr std::pair<std::string_view, uint8_t> kProtocols[] = {
      {"tcp", kProtoTcp},   {"udp", kProtoUdp}, {"icmp", kProtoIcmp}, {"udplite", kProtoUdplite},
      {"sctp", kProtoSctp}, {"gre", kProtoGre}, {"dccp", kProtoDccp},
  };
  for (const auto& [name, number] : kProtocols) {
    if (!same_word(name, o.value)) continue;
    s.protocol = number;
    return {};
  }
  const auto n = parse_number(o.value, 255);
  if (!n) return error("\"" + o.value + "\" unsupported protocol");
  s.protocol = static_cast<uint8_t>(*n);
  return {};
}

Status read_state(const GivenOption& o, Selector& s) {
  for (size_t i = 0; i < ct::kTcpStates; ++i) {
    const auto state = static_cast<ct::TcpState>(i);
    if (same_word(ct::tcp_state_name(state), o.value)) s.state = state;
  }
  return s.state ? Status() : error("unknown TCP state \"" + o.value + "\"");
}

Status read_status(const GivenOption& o, Selector& s) {
  for (const std::string_view word : split(o.value, ',')) {
    if (same_word(word, "ASSURED"))
      s.status |= ct::kAssured;
    else if (same_word(word, "SEEN_REPLY"))
      s.status |= ct::kSeenReply;
    else if (same_word(word, "CONFIRMED"))
      s.status |= ct::kConfirmed;
    else if (same_word(word, "EXPECTED"))
      s.status |= ct::kExpected;
    else if (same_word(word, "SRC_NAT"))
      s.status |= ct::kSrcNat;
    else if (same_word(word, "DST_NAT"))
      s.status |= ct::kDstNat;
    else if (same_word(word, "UNREPLIED") || same_word(word, "UNSET"))
      s.not_status |= ct::kSeenReply;
    else
      return error("unknown status \"" + std::string(word) + "\"");
  }
  return {};
}

Status read_mask(const GivenOption& o, Request& r) {
  if (!r.mask_given) r.kinds[0] = r.kinds[1] = r.kinds[2] = false;
  r.mask_given = true;
  for (const std::string_view word : split(o.value, ',')) {
    if (same_word(word, "ALL"))
      r.kinds[0] = r.kinds[1] = r.kinds[2] = true;
    else if (same_word(word, "NEW"))
      r.kinds[0] = true;
    else if (same_word(word, "UPDATES") || same_word(word, "UPDATE"))
      r.kinds[1] = true;
    else if (same_word(word, "DESTROY"))
      r.kinds[2] = true;
    else
      return error("unknown event \"" + std::string(word) + "\"; NEW, UPDATES, DESTROY and ALL are known");
  }
  return {};
}

Status read_output(const GivenOption& o, Request& r) {
  for (const std::string_view form : split(o.value, ',')) {
    if (form == "extended")
      r.format.extended = true;
    else if (form == "id")
      r.format.id = true;
    else if (form == "timestamp" || form == "ktimestamp")
      r.timestamps = true;
    else
      return error("output form \"" + std::string(form) + "\" is not supported; extended, id and timestamp are");
  }
  return {};
}

Status read_mark(const GivenOption& o, Selector& s) {
  const std::vector<std::string_view> parts = split(o.value, '/');
  const auto value = parse_number(parts[0], UINT32_MAX);
  const auto mask = parts.size() == 2 ? parse_number(parts[1], UINT32_MAX) : std::optional<uint64_t>(UINT32_MAX);
  if (!value || !mask || parts.size() > 2) return bad_value(o);
  s.mark = {static_cast<uint32_t>(*value), static_cast<uint32_t>(*mask)};
  return {};
}

Status read_nat(const GivenOption& o, Selector& s, uint32_t status) {
  if (o.has_value) return error(o.written + " with an address is not supported");
  s.any_status |= status;
  return {};
}

Status read_option(const GivenOption& o, Request& r) {
  Selector& s = r.selector;
  switch (o.is) {
    case kList:
    case kCount:
    case kStats:
    case kEvents:
    case kFlush:
      if (r.command != 0) return error("one command at a time");
      r.command = o.is;
      if (o.has_value && o.value != "conntrack")
        return error("table \"" + o.value + "\" is not supported; conntrack is");
      return {};
    case kOutput:
      return read_output(o, r);
    case kMask:
      return read_mask(o, r);
    case kFamily:
      return o.value == "ipv4" || o.value == "inet" ? Status() : error("family \"" + o.value + "\" is not supported");
    case kBuffer:
      return parse_number(o.value) ? Status() : bad_value(o);
    case kProtocol:
      return read_protocol(o, s);
    case kState:
      return read_state(o, s);
    case kStatus:
      return read_status(o, s);
    case kMark:
      return read_mark(o, s);
    case kSourceNat:
      return read_nat(o, s, ct::kSrcNat);
    case kDestinationNat:
      return read_nat(o, s, ct::kDstNat);
    case kAnyNat:
      return read_nat(o, s, ct::kSrcNat | ct::kDstNat);
    case kOriginalSource:
    case kOriginalDestination:
    case kReplySource:
    case kReplyDestination: {
      const size_t which = o.is == kOriginalSource        ? 0
                           : o.is == kOriginalDestination ? 1
                           : o.is == kReplySource         ? 2
                                                          : 3;
      s.addresses[which] = parse_prefix4(o.value);
      return s.addresses[which] ? Status() : error("\"" + o.value + "\" is not an IPv4 address");
    }
    case kOriginalSourcePort:
    case kOriginalDestinationPort:
    case kReplySourcePort:
    case kReplyDestinationPort: {
      const auto port = parse_number(o.value, 65535);
      if (!port) return bad_value(o);
      s.ports[o.is - kOriginalSourcePort] = static_cast<uint16_t>(*port);
      return {};
    }
    default:
      return error("unexpected \"" + o.written + "\"");
  }
}

Status read_request(const std::vector<std::string>& words, Request& request) {
  Result<std::vector<GivenOption>> options = read_options(std::span(words).subspan(1), kNames);
  if (!options) return options.error();
  for (const GivenOption& o : *options)
    if (Status s = read_option(o, request); !s) return s;
  if (request.command == 0) return error("one of -L, -C, -S, -E and -F is needed");
  if (request.mask_given && request.command != kEvents) return error("-e goes with -E only");
  return {};
}

}  // namespace

CommandReply conntrack_command(Gateway& gateway, const std::vector<std::string>& words, Time now) {
  CommandReply r;
  Request request;
  if (const Status s = read_request(words, request); !s) {
    r.err = "conntrack v1.4.7 (conntrack-tools): " + s.error().str() + '\n';
    r.exit_code = static_cast<int>(ExitCode::kBadInput);
    return r;
  }
  ct::Conntrack& ct = gateway.conntrack();
  switch (request.command) {
    case kList: {
      size_t shown = 0;
      ct.for_each([&](ct::Connection& c) {
        if (!request.selector(c)) return;
        r.out += ct::format_entry(c, now, request.format) + '\n';
        ++shown;
      });
      r.err = strf("conntrack v1.4.7 (conntrack-tools): %zu flow entries have been shown.\n", shown);
      return r;
    }
    case kCount:
      r.out = strf("%zu\n", ct.count());
      return r;
    case kStats:
      r.out = ct::format_stats(ct.stats());
      if (!r.out.ends_with('\n')) r.out += '\n';
      return r;
    case kFlush:
      ct.flush(now);
      r.err = "conntrack v1.4.7 (conntrack-tools): connection tracking table has been emptied.\n";
      return r;
    default:
      r.follow_events = true;
      r.event_text = [request](const ct::EventReport& e) {
        if (!request.kinds[static_cast<size_t>(e.kind)] || !request.selector(e.connection)) return std::string();
        return ct::format_event(e, request.timestamps, request.format) + '\n';
      };
      return r;
  }
}

}  // namespace nf
