#include "tools/commands/conntrack_request.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <strings.h>

#include <cstdlib>

#include "datapath/base/text.h"
#include "datapath/packet/headers.h"
#include "tools/commands/getopt_words.h"

namespace nf {
namespace {

constexpr std::pair<char, std::pair<CtCommand, CtCommand>> kCommands[] = {
    {'L', {CtCommand::kList, CtCommand::kExpectList}},     {'I', {CtCommand::kCreate, CtCommand::kExpectCreate}},
    {'D', {CtCommand::kDelete, CtCommand::kExpectDelete}}, {'G', {CtCommand::kGet, CtCommand::kExpectGet}},
    {'F', {CtCommand::kFlush, CtCommand::kExpectFlush}},   {'E', {CtCommand::kEvent, CtCommand::kExpectEvent}},
    {'V', {CtCommand::kVersion, CtCommand::kVersion}},     {'h', {CtCommand::kHelp, CtCommand::kHelp}},
    {'C', {CtCommand::kCount, CtCommand::kExpectCount}},   {'S', {CtCommand::kStats, CtCommand::kExpectStats}},
    {'U', {CtCommand::kUpdate, CtCommand::kNone}},         {'A', {CtCommand::kAdd, CtCommand::kNone}},
};

// A word and what it stands for; it may be cut short. twin: parse_array
struct Word {
  std::string_view name;
  uint32_t value;
};
constexpr Word kStatusWords[] = {{"ASSURED", ct::kAssured},
                                 {"SEEN_REPLY", ct::kSeenReply},
                                 {"UNSET", 0},
                                 {"FIXED_TIMEOUT", ct::kFixedTimeout},
                                 {"EXPECTED", ct::kExpected},
                                 {"OFFLOAD", ct::kOffload},
                                 {"HW_OFFLOAD", 1u << 15}};
constexpr Word kEventWords[] = {{"ALL", 7}, {"NEW", 1}, {"UPDATES", 2}, {"DESTROY", 4}};
constexpr Word kOutputWords[] = {{"xml", kOutXml},
                                 {"extended", kOutExtended},
                                 {"timestamp", kOutTimestamp},
                                 {"id", kOutId},
                                 {"ktimestamp", kOutKernelTimes},
                                 {"labels", kOutLabels},
                                 {"userspace", 0},
                                 {"save", kOutSave},
                                 {"json", kOutJson},
                                 {"procfs", kOutProcfs},
                                 {"plain", 0}};

class Reader {
 public:
  Reader(std::span<const std::string> words, std::string labels_file)
      : words_(words), labels_file_(std::move(labels_file)) {}
  Result<CtRequest> read();

 private:
  using Given = GetoptWords::Given;
  Status common(const Given& g);
  Status own(const Given& g);
  Status command(const Given& g);
  Status protocol(const std::string& name);
  Status address(char letter, const std::string& text);
  Status nat(const Given& g);
  Status labels(const Given& g);
  Status status(const std::string& text);
  Status output(const std::string& text);
  Status words(const std::string& text, std::span<const Word> known, uint32_t& value);
  bool word(std::string_view text, std::span<const Word> known, uint32_t& value);
  Status family(int family);
  Status check();

  GetoptWords words_;
  const std::string labels_file_;
  CtRequest r_;
  uint32_t own_given_ = 0;
};

Be16 port_of(const std::string& text) { return be16(static_cast<uint16_t>(std::atoi(text.c_str()))); }
Be16 key_of(const std::string& text) { return be16(static_cast<uint16_t>(std::strtoul(text.c_str(), nullptr, 0))); }
uint32_t number_of(const std::string& text) { return static_cast<uint32_t>(std::strtoul(text.c_str(), nullptr, 0)); }

bool cut_short(std::string_view text, std::string_view name) {
  return text.size() <= name.size() && strncasecmp(text.data(), name.data(), text.size()) == 0;
}

Status Reader::family(int family) {
  if (r_.family != 0 && r_.family != family) return conntrack_error("mismatched address family");
  r_.family = family;
  return {};
}

Status Reader::command(const Given& g) {
  std::string_view table = "conntrack";
  const std::optional<std::string> named =
      g.letter == 'S' || g.letter == 'V' || g.letter == 'h' || !g.has_value ? words_.take_optional(g) : std::nullopt;
  if (named) table = *named;
  bool expect = false, empty = false;
  if (std::string_view("expect").starts_with(table))
    expect = true;
  else if (std::string_view("conntrack").starts_with(table))
    expect = false;
  else if (std::string_view("dying").starts_with(table) || std::string_view("unconfirmed").starts_with(table))
    empty = true;
  else
    return conntrack_error("unknown type `" + std::string(table) + "'");
  if (empty && g.letter != 'L') return conntrack_error("Can't do that command with tables `dying' and `unconfirmed'");
  for (const auto& [letter, commands] : kCommands) {
    if (letter != g.letter) continue;
    const CtCommand command = expect ? commands.second : commands.first;
    if (command == CtCommand::kNone) {
      std::string_view name;
      for (const CtOption& o : conntrack_options())
        if (o.letter == letter) name = o.name;
      return conntrack_error("Can't do --" + std::string(name) + " on expectations");
    }
    if (r_.command != CtCommand::kNone) return conntrack_error("Invalid commands combination");
    r_.command = command;
    r_.empty_table = empty;
  }
  return {};
}

// twin: nfct_parse_addr_from_opt
Status Reader::address(char letter, const std::string& text) {
  const size_t slash = text.find('/');
  const std::string bare = text.substr(0, slash);
  in_addr v4{};
  in6_addr v6{};
  int version = 0;
  if (inet_aton(bare.c_str(), &v4) != 0)
    version = 4;
  else if (inet_pton(AF_INET6, bare.c_str(), &v6) > 0)
    version = 6;
  int length = -1;  // none
  if (slash != std::string::npos) {
    const std::string digits = text.substr(slash + 1);
    char* end = nullptr;
    const long n = std::strtol(digits.c_str(), &end, 10);
    length = n < 0 || n > (version == 4 ? 32 : 128) || *end != '\0' ? -2 : static_cast<int>(n);
  }
  if (version == 0) return conntrack_error("Invalid IP address `" + text + "'");
  if (Status s = family(version); !s) return s;
  const bool has_mask = letter == 's' || letter == 'd' || letter == '[' || letter == ']';
  if (length != -1 && !has_mask) {
    std::string_view name;
    for (const CtOption& o : conntrack_options())
      if (name.empty() && o.letter == letter) name = o.name;
    return conntrack_error("CIDR notation unavailable for `--" + std::string(name) + "'");
  }
  if (length == -2) return conntrack_error("Invalid netmask");

  r_.given |= 1u << *place_of(letter);
  const Be32 own = Be32::from_raw(v4.s_addr);
  const size_t second = letter == 'd' || letter == ']' || letter == '}' ? 1 : 0;
  switch (letter) {
    case 's':
    case 'd':
      r_.tmpl.address[second] = own;
      break;
    case 'r':
      r_.tmpl.address[2] = own;
      break;
    case 'q':
      r_.tmpl.address[3] = own;
      break;
    case '[':
    case ']':
      r_.tuple[second] = own;
      break;
    case '{':
    case '}':
      r_.mask[second] = own;
      break;
    case 'n':
      r_.tmpl.nat_address[0] = own;
      break;
    case 'g':
      r_.tmpl.nat_address[1] = own;
      break;
    default:
      r_.tmpl.nat_address[0] = r_.tmpl.nat_address[1] = own;
      break;
  }
  if (has_mask && length >= 0 && length < (version == 4 ? 32 : 128)) {
    r_.mask[second] = be32(length == 0 ? 0 : ~uint32_t{0} << (32 - length));
    r_.given |= 1u << *place_of(second == 0 ? '{' : '}');
  }
  return {};
}

// twin: split_address_and_port
Status Reader::nat(const Given& g) {
  r_.given |= 1u << *place_of(g.letter);
  const std::optional<std::string> text = words_.take_optional(g);
  if (!text) return {};
  std::string bare = *text;
  std::optional<Be16> port;
  const size_t bracket = text->find('[');
  size_t colon = text->find(':');
  if (bracket != std::string::npos) {
    const size_t end = text->find(']', bracket);
    if (end == bracket + 1) return conntrack_error("No IPv6 address specified");
    if (end == std::string::npos) return conntrack_error("No closing ']' around IPv6 address");
    colon = text->find(':', end);
    if (colon != std::string::npos) bare = text->substr(bracket + 1, end - bracket - 1);
  } else if (colon != std::string::npos && text->find(':', colon + 1) != std::string::npos) {
    colon = std::string::npos;  // IPv6
  } else if (colon != std::string::npos) {
    bare = text->substr(0, colon);
  }
  if (colon != std::string::npos) {
    const std::string digits = text->substr(colon + 1);
    if (digits.empty()) return conntrack_error("No port specified after `:'");
    const auto number = parse_number(digits, 65535);
    if (digits.find_first_not_of("0123456789") != std::string::npos || !number)
      return conntrack_error("Invalid port `" + digits + "'");
    port = be16(static_cast<uint16_t>(*number));
  }
  if (Status s = address(g.letter, bare); !s) return s;
  if (port && g.letter != 'g') r_.tmpl.nat_port[0] = port;
  if (port && g.letter != 'n') r_.tmpl.nat_port[1] = port;
  return {};
}

bool Reader::word(std::string_view text, std::span<const Word> known, uint32_t& value) {
  for (const auto& [name, instead] : {std::pair{"SRC_NAT", "--src-nat"}, {"DST_NAT", "--dst-nat"}}) {
    if (!cut_short(text, name)) continue;
    r_.warnings += strf("WARNING: ignoring %s, use %s instead\n", name, instead);
    return true;
  }
  for (const Word& w : known) {
    if (!cut_short(text, w.name)) continue;
    value |= w.value;
    return true;
  }
  return false;
}

Status Reader::words(const std::string& text, std::span<const Word> known, uint32_t& value) {
  std::string_view rest = text;
  for (;;) {
    const size_t comma = rest.find(',');
    const std::string_view one = rest.substr(0, comma);
    if (one.empty() || !word(one, known, value)) return conntrack_error("Bad parameter `" + std::string(rest) + "'");
    if (comma == std::string_view::npos) return {};
    rest.remove_prefix(comma + 1);
  }
}

// twin: parse_parameter_mask
Status Reader::status(const std::string& text) {
  std::string_view rest = text;
  uint32_t value = r_.tmpl.status.value_or(0);
  for (;;) {
    const size_t comma = rest.find(',');
    std::string_view one = rest.substr(0, comma);
    const bool negated = one.starts_with('!');
    if (negated) one.remove_prefix(1);
    if (!negated && one.starts_with("UNREPLIED"))
      r_.status_mask |= ct::kSeenReply;
    else if (one.empty() || !word(one, kStatusWords, negated ? r_.status_mask : value))
      return conntrack_error("Bad parameter `" + std::string(rest.substr(negated ? 1 : 0)) + "'");
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  r_.tmpl.status = value;
  if (r_.status_mask == 0) r_.status_mask = value;
  r_.status = value;
  r_.given |= 1u << *place_of('u');
  return {};
}

Status Reader::output(const std::string& text) {
  r_.given |= 1u << *place_of('o');
  uint32_t value = 0;
  if (Status s = words(text, kOutputWords, value); !s) return s;
  r_.output = static_cast<uint16_t>(r_.output | value);
  const auto alone = [&](uint16_t form) { return (r_.output & form) == 0 || (r_.output & ~form) == 0; };
  if (!alone(kOutSave))
    return conntrack_error("cannot combine save output with any other output type, use -o save only", false);
  if (!alone(kOutJson) || !alone(kOutProcfs))
    return conntrack_error("json and procfs go with no other output type", false);
  if ((r_.output & kOutLabels) != 0) {
    if (Status s = r_.label_map.read(labels_file_); !s) r_.warnings += s.error().text + '\n';
  }
  return {};
}

Status Reader::labels(const Given& g) {
  r_.given |= 1u << *place_of(g.letter);
  if (Status s = r_.label_map.read(labels_file_); !s) r_.warnings += s.error().text + '\n';
  if (r_.has('<') && r_.has('>'))
    return conntrack_error("cannot use --label-add and --label-del at the same time", false);
  std::string list = g.value;
  if (g.letter == '>') {
    const std::optional<std::string> named = words_.take_optional(g);
    if (!named) return {};  // all of them
    list = *named;
  }
  std::optional<ct::Labels>& into = g.letter == 'l' ? r_.labels : r_.label_change;
  if (!into) into.emplace();
  for (const std::string_view name : split(list, ',')) {
    const std::optional<unsigned> bit = r_.label_map.number(name);
    if (!bit) {
      Error e = conntrack_error("unknown label '" + std::string(name) + "'");
      e.text = r_.warnings + e.text;
      return e;
    }
    into->words[*bit / 64] |= uint64_t{1} << (*bit % 64);
  }
  return {};
}

Status Reader::protocol(const std::string& name) {
  r_.given |= 1u << *place_of('p');
  for (const CtProtocol& p : conntrack_protocols()) {
    if (strcasecmp(std::string(p.name).c_str(), name.c_str()) == 0) r_.known = &p;
  }
  if (r_.known == nullptr) {
    const protoent* entry = getprotobyname(name.c_str());
    std::optional<uint64_t> number;
    if (entry != nullptr)
      number = static_cast<uint64_t>(entry->p_proto);
    else if (number = parse_number(name, 255); number)
      for (const CtProtocol& p : conntrack_protocols())
        if (p.number == *number) r_.known = &p;
    if (!number) return conntrack_error("`" + name + "' unsupported protocol");
    r_.tmpl.protocol = static_cast<uint8_t>(*number);
  }
  if (r_.known != nullptr) {
    r_.tmpl.protocol = r_.known->number;
    words_.add(r_.known->options);
  }
  return {};
}

Status Reader::common(const Given& g) {
  const auto give = [&](char letter) { r_.given |= 1u << *place_of(letter); };
  switch (g.letter) {
    case 's':
    case 'd':
    case 'r':
    case 'q':
    case '[':
    case ']':
    case '{':
    case '}':
      return address(g.letter, g.value);
    case 'p':
      return protocol(g.value);
    case 't':
      give('t');
      r_.tmpl.timeout = static_cast<uint32_t>(std::atol(g.value.c_str()));
      return {};
    case 'u':
      return status(g.value);
    case 'e': {
      give('e');
      uint32_t events = r_.events;
      if (Status s = words(g.value, kEventWords, events); !s) return s;
      r_.events = static_cast<uint8_t>(events);
      return {};
    }
    case 'o':
      return output(g.value);
    case 'n':
    case 'g':
    case 'j':
      return nat(g);
    case 'w':
      give('w');
      r_.tmpl.zone = static_cast<uint16_t>(number_of(g.value));
      return {};
    case '(':
    case ')':
      give(g.letter);
      r_.tmpl.direction_zone[g.letter == '(' ? 0 : 1] = static_cast<uint16_t>(number_of(g.value));
      return {};
    case 'i':
      give('i');
      r_.tmpl.id = number_of(g.value);
      return {};
    case 'm': {
      give('m');
      char* end = nullptr;
      r_.mark = static_cast<uint32_t>(std::strtoul(g.value.c_str(), &end, 0));
      r_.mark_mask = *end == '/' ? static_cast<uint32_t>(std::strtoul(end + 1, nullptr, 0)) : 0xffffffff;
      return {};
    }
    case 'l':
    case '<':
    case '>':
      return labels(g);
    case 'a':
      r_.warnings += "WARNING: ignoring -a, deprecated option.\n";
      return {};
    case 'f':
      give('f');
      if (g.value.starts_with("ipv4")) return family(4);
      if (g.value.starts_with("ipv6")) return family(6);
      return conntrack_error("`" + g.value + "' unsupported protocol");
    case 'z':
    case 'c':
    case 'b':
      give(g.letter);
      return {};
    default:
      return command(g);
  }
}

Status Reader::own(const Given& g) {
  const auto place = static_cast<size_t>(g.letter - kProtocolPlace);
  own_given_ |= 1u << place;
  const uint8_t number = r_.known->number;
  if (number == kProtoIcmp) {
    const auto byte = static_cast<uint8_t>(std::atoi(g.value.c_str()));
    if (place == 0) r_.tmpl.icmp_type = byte;
    if (place == 1) r_.tmpl.icmp_code = byte;
    if (place == 2) r_.tmpl.icmp_id = port_of(g.value);
    return {};
  }
  const Be16 port = number == kProtoGre ? key_of(g.value) : port_of(g.value);
  if (place < 4) {
    r_.tmpl.port[place] = port;
    return {};
  }
  if (place < 6) {
    r_.mask_port[place - 4] = port;
    return {};
  }
  const std::string_view name = r_.known->messages[place];
  if (name.starts_with("tuple-")) {
    r_.tuple_port[name.ends_with("src") ? 0 : 1] = port;
  } else if (name.ends_with("vtag")) {
    r_.tmpl.vtag[name.starts_with("orig") ? 0 : 1] = be32(static_cast<uint32_t>(std::atoi(g.value.c_str())));
  } else if (name == "state" && number == kProtoTcp) {
    for (size_t i = 0; i < ct::kTcpStates; ++i)
      if (g.value == ct::tcp_state_name(static_cast<ct::TcpState>(i))) r_.tmpl.state = static_cast<uint8_t>(i);
    if (g.value == "LISTEN") r_.tmpl.state = static_cast<uint8_t>(ct::TcpState::kSynSent2);
    if (!r_.tmpl.state) return conntrack_error("unknown TCP state `" + g.value + "'");
  } else if (name == "state" && number == kProtoSctp) {
    for (size_t i = 0; i < ct::kSctpStates; ++i)
      if (g.value == ct::sctp_state_name(static_cast<ct::SctpState>(i))) r_.tmpl.state = static_cast<uint8_t>(i);
    if (!r_.tmpl.state) return conntrack_error("unknown SCTP state `" + g.value + "'");
  }
  return {};
}

// Which options the command takes. twin: generic_opt_check
Status Reader::check() {
  if (r_.has('j') && (r_.has('n') || r_.has('g')))
    return conntrack_error("cannot specify `--src-nat' or `--dst-nat' with `--any-nat'");
  const auto each = [&](size_t places, uint32_t given, auto allows, auto name) -> Status {
    for (size_t i = 0; i < places; ++i) {
      const bool there = (given >> i & 1) != 0;
      if (!there && allows(i) == '1')
        return conntrack_error("You need to supply the `--" + std::string(name(i)) + "' option for this command");
      if (there && allows(i) == '0')
        return conntrack_error("Illegal option `--" + std::string(name(i)) + "' with this command");
    }
    return {};
  };
  // Of two couples one must be whole; the first that was begun is asked for.
  const auto couples = [](uint32_t given, const char* first, const char* second) -> Status {
    const bool whole = (given & 3) == 3 || (given & 12) == 12;
    if (whole) return {};
    const bool begun_second = (given & 3) == 0 && (given & 12) != 0;
    return conntrack_error(std::string("you have to specify ") + (begun_second ? second : first));
  };
  if (Status s = each(
          kCommonPlaces, r_.given, [&](size_t i) { return allowed(r_.command, i); }, common_message);
      !s)
    return s;
  if (allowed(r_.command, 0) == '3') {
    if (Status s = couples(r_.given, "`--src' and `--dst'", "`--reply-src' and `--reply-dst'"); !s) return s;
  }
  if (r_.known == nullptr || r_.command == CtCommand::kHelp) return {};
  const CtProtocol& p = *r_.known;
  if (Status s = each(
          p.messages.size(), own_given_, [&](size_t i) { return allowed(p, r_.command, i); },
          [&](size_t i) { return p.messages[i]; });
      !s)
    return s;
  if (allowed(p, r_.command, 0) != '3') return {};
  return p.number == kProtoGre
             ? couples(own_given_, "`--srckey' and `--dstkey'", "`--reply-src-key' and `--reply-dst-key'")
             : couples(own_given_, "`--sport' and `--dport'", "`--reply-src-port' and `--reply-dst-port'");
}

Result<CtRequest> Reader::read() {
  for (;;) {
    Result<std::optional<Given>> given = words_.next();
    if (!given) return conntrack_error(given.error().text);
    if (!*given) break;
    if (Status s = (*given)->of_protocol ? own(**given) : common(**given); !s) return s.error();
  }
  if (r_.command == CtCommand::kNone && r_.given == 0) r_.command = CtCommand::kHelp;
  if (Status s = check(); !s) return s.error();
  switch (r_.command) {
    case CtCommand::kList:
    case CtCommand::kUpdate:
    case CtCommand::kDelete:
    case CtCommand::kGet:
    case CtCommand::kFlush:
    case CtCommand::kEvent:
      break;
    default:
      if (r_.family == 0) r_.family = 4;
      break;
  }
  return std::move(r_);
}

}  // namespace

Error conntrack_error(const std::string& text, bool parameter_problem) {
  Error e = error(std::string(kConntrackVersion) + ": " + text + '\n');
  if (parameter_problem)
    e.text += "Try `conntrack -h' or 'conntrack --help' for more information.\n";
  else
    e.code = ExitCode::kExpectationFailed;
  return e;
}

Result<CtRequest> read_conntrack_request(std::span<const std::string> words, const std::string& labels_file) {
  return Reader(words, labels_file).read();
}

}  // namespace nf
