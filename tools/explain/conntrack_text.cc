#include "tools/explain/conntrack_text.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

#include "conntrack/text/label_map.h"
#include "datapath/base/text.h"
#include "datapath/packet/headers.h"
#include "tools/commands/conntrack_change.h"
#include "tools/commands/conntrack_load.h"
#include "tools/commands/conntrack_request.h"

namespace nf::explain {
namespace {

using Words = std::vector<std::string>;

// Of a printed line's key=value words, what a command line calls it; both tuples have the first eight. Empty: the word
// says nothing an entry is made of.
struct Key {
  std::string_view name, original, reply;
};
constexpr Key kKeys[] = {
    {"src", "-s", "-r"},
    {"dst", "-d", "-q"},
    {"sport", "--sport", "--reply-port-src"},
    {"dport", "--dport", "--reply-port-dst"},
    {"srckey", "--srckey", "--reply-key-src"},
    {"dstkey", "--dstkey", "--reply-key-dst"},
    {"type", "--icmp-type", ""},
    {"code", "--icmp-code", ""},
    {"mark", "-m", "-m"},
    {"zone", "-w", "-w"},
    {"zone-orig", "--orig-zone", "--orig-zone"},
    {"zone-reply", "--reply-zone", "--reply-zone"},
    {"packets", "", ""},
    {"bytes", "", ""},
    {"use", "", ""},
    {"secctx", "", ""},
    {"secmark", "", ""},
    {"delta-time", "", ""},
    {"timeout", "", ""},         // of GRE, in /proc
    {"stream_timeout", "", ""},  // likewise
    {"labels", "--label-add", "--label-add"},
};

const Key* key_named(std::string_view name) {
  for (const Key& k : kKeys)
    if (k.name == name) return &k;
  return nullptr;
}

// A printed line as the words of the command that makes its entry; what such a command cannot say stands beside.
struct Line {
  Words words{"-A"};
  std::optional<uint32_t> reply_icmp_id;
  std::optional<std::string> helper;
};

// The flow table has it: neither seconds nor a state are printed then.
bool is_offloaded(const std::vector<std::string_view>& words) {
  return std::any_of(words.begin(), words.end(), [](auto w) { return w == "[OFFLOAD]" || w == "[HW_OFFLOAD]"; });
}
// twin: the defaults of nf_conntrack_{tcp_timeout_established,udp_timeout_stream,gre_timeout_stream,generic_timeout}
std::string offloaded_timeout(uint64_t protocol) {
  switch (protocol) {
    case kProtoTcp:
      return "432000";
    case kProtoUdp:
      return "120";
    case kProtoGre:
      return "180";
    default:
      return "600";
  }
}

Result<Line> read_printed(const std::vector<std::string_view>& words) {
  Line line;
  size_t at = words[0] == "ipv4" ? 2 : 0;
  if (words.size() < at + 3 || !parse_number(words[at + 1], 255)) return error("no connection in any form known");
  const bool icmp = words[at + 1] == "1";
  line.words.insert(line.words.end(), {"-p", std::string(words[at + 1])});
  const uint64_t protocol = *parse_number(words[at + 1]);
  at += 2;
  const bool offloaded = is_offloaded(words) && words[at].starts_with("src=");
  if (offloaded) {
    line.words.insert(line.words.end(), {"-t", offloaded_timeout(protocol)});
    if (protocol == kProtoTcp) line.words.insert(line.words.end(), {"--state", "ESTABLISHED"});
  } else {
    if (!parse_number(words[at], UINT32_MAX))
      return error("\"" + std::string(words[at]) + "\" where the seconds left should stand");
    line.words.insert(line.words.end(), {"-t", std::string(words[at++])});
  }
  if (at < words.size() && words[at].find('=') == std::string_view::npos && !words[at].starts_with('['))
    line.words.insert(line.words.end(), {"--state", std::string(words[at++])});
  int tuples = 0, icmp_ids = 0;
  std::array<int, 2> ports{};
  // Only a connection that was answered is offloaded.
  bool unreplied = false, assured = offloaded;
  for (; at < words.size(); ++at) {
    const std::string_view word = words[at];
    if (word == "[UNREPLIED]") unreplied = true;
    if (word == "[ASSURED]") assured = true;
    if (word.starts_with('[')) continue;
    const size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    if (equals == std::string_view::npos) return error("unknown word \"" + std::string(word) + '"');
    const std::string value(word.substr(equals + 1));
    tuples += name == "src";
    if (name == "sport" || name == "dport") {
      if (!parse_number(value, UINT16_MAX)) return error("\"" + std::string(word) + "\" is no port");
      if (tuples == 1 || tuples == 2) ++ports[static_cast<size_t>(tuples - 1)];
    }
    if (name == "helper") {
      line.helper = value;
    } else if (name == "id") {
      // Of an ICMP tuple; one more is the entry's own number (-o id).
      const auto id = parse_number(value, UINT32_MAX);
      if (!id) return error("\"" + std::string(word) + "\" is no number");
      if (icmp && icmp_ids == 0) line.words.insert(line.words.end(), {"--icmp-id", value});
      if (icmp && icmp_ids == 1) line.reply_icmp_id = static_cast<uint32_t>(*id);
      ++icmp_ids;
    } else if (const Key* key = key_named(name); key == nullptr) {
      return error("unknown word \"" + std::string(word) + '"');
    } else if (const std::string_view option = tuples > 1 ? key->reply : key->original; !option.empty()) {
      if (name == "zone" && value == "0") continue;
      line.words.insert(line.words.end(), {std::string(option), value});
    }
  }
  if (tuples != 2) return error("an entry has an original and a reply tuple");
  if (ports[0] != ports[1]) return error("the original and the reply tuple do not have the same ports");
  std::string status = unreplied ? "" : "SEEN_REPLY";
  if (assured) status += status.empty() ? "ASSURED" : ",ASSURED";
  line.words.insert(line.words.end(), {"-u", status.empty() ? "UNSET" : status});
  return line;
}

// What the reply tuple says of NAT, in the bits a dump has for it.
void add_translation(ct::EntryState& s) {
  ct::Tuple plain;
  if (s.source_nat || s.destination_nat || !ct::Conntrack::invert(plain, s.tuple[0])) return;
  const ct::Tuple& reply = s.tuple[1];
  const bool icmp = reply.protocol == kProtoIcmp;
  uint32_t nat = 0;
  if (reply.destination != plain.destination || (!icmp && reply.destination_id != plain.destination_id) ||
      (icmp && reply.source_id != plain.source_id))
    nat |= ct::kSrcNat;
  if (reply.source != plain.source || (!icmp && reply.source_id != plain.source_id)) nat |= ct::kDstNat;
  s.status = s.status.value_or(0) | nat;
}

Result<ct::EntryState> read_line(std::string_view text) {
  Line line;
  const std::vector<std::string_view> plain = split_words(text);
  if (plain[0].starts_with('-') || plain[0] == "conntrack") {
    line.words = words_of_line(text);
    if (line.words[0] == "conntrack") line.words.erase(line.words.begin());
    if (line.words.empty() || (line.words[0] != "-A" && line.words[0] != "-I"))
      return error("only -A and -I make an entry");
  } else {
    Result<Line> read = read_printed(plain);
    if (!read) return read.error();
    line = read.take();
  }
  Result<CtRequest> request = read_conntrack_request(line.words, ct::kLabelFile);
  if (!request) {
    // The program's own words, without its name and where to find its help.
    std::string_view said = request.error().text;
    said = said.substr(0, said.find('\n'));
    if (const size_t colon = said.find("): "); colon != said.npos) said.remove_prefix(colon + 3);
    const bool labels = std::find(line.words.begin(), line.words.end(), "--label-add") != line.words.end();
    return error((labels ? "labels are known by " + std::string(ct::kLabelFile) + ": " : "") + std::string(said));
  }
  std::optional<ct::EntryState> state = request->family == 4 ? wanted_entry(*request) : std::nullopt;
  if (!state) return error("no entry of IPv4 that can be made");
  if (line.reply_icmp_id) state->tuple[1].source_id = be16(static_cast<uint16_t>(*line.reply_icmp_id));
  state->helper = line.helper;
  add_translation(*state);
  if (!ct::make_creatable(*state)) return error("an entry of this ICMP type is never made");
  return *state;
}

bool says_nothing(std::string_view line) {
  return line.empty() || line.starts_with('#') || line.starts_with("ipv6 ") ||
         (line.starts_with("conntrack v") && line.find("flow entries") != line.npos);
}

}  // namespace

Result<std::vector<TextEntry>> read_conntrack_text(std::string_view text, const std::string& file) {
  std::vector<TextEntry> entries;
  int number = 0;
  for (const std::string_view line : split(text, '\n')) {
    ++number;
    const std::string_view words = trim(line);
    if (says_nothing(words)) continue;
    Result<ct::EntryState> state = read_line(words);
    if (!state) return error_at(file, number, state.error().text);
    entries.push_back({number, state.take()});
  }
  return entries;
}

Status put_entries(Gateway& gateway, const std::vector<TextEntry>& entries, const std::string& file, Time now,
                   const std::function<void(uint32_t id, int line)>& made) {
  const bool nat = gateway.iptables().has_table(ipt::TableId::kNat);
  for (const TextEntry& entry : entries) {
    ct::EntryState state = entry.state;
    // Where NAT is at work it decided about every connection, if only that nothing changes.
    if (nat && !state.source_nat && !state.destination_nat)
      state.source_nat = ct::NatHalf{state.tuple[1].destination, std::nullopt};
    const int code = gateway.conntrack().create_entry(
        state, [&](ct::Connection& c, const ct::EntryState& s, Time t) { return gateway.nat().setup_entry(c, s, t); },
        now);
    if (code != 0) return error_at(file, entry.line, std::string("the entry cannot be made: ") + std::strerror(code));
    CtDirection direction;
    const ct::ZoneIds zone{{state.tuple[0].zone, state.tuple[1].zone}};
    const ct::Connection* c = gateway.conntrack().find(state.tuple[0], zone, direction, now);
    if (c != nullptr) made(ct::entry_state(*c, now).id, entry.line);
  }
  return {};
}

}  // namespace nf::explain
