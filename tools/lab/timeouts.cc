#include "tools/lab/timeouts.h"

#include <strings.h>

#include <span>

#include "datapath/base/text.h"
#include "datapath/packet/headers.h"

namespace nf::lab {
namespace {

constexpr size_t kLongestName = 31;          // CTNL_TIMEOUT_NAME_MAX - 1
constexpr uint64_t kMostSeconds = 17179868;  // the kernel counts 1/250 s in 32 bits
constexpr uint8_t kGeneric = 255;

struct State {
  const char* name;
  uint8_t place;
};
// twin: timeout_array, libnetfilter_cttimeout. (It has no heartbeat states of SCTP.)
constexpr State kTcpStates[] = {
    {"syn_sent", 1},  {"syn_recv", 2}, {"established", 3}, {"fin_wait", 4}, {"close_wait", 5},      {"last_ack", 6},
    {"time_wait", 7}, {"close", 8},    {"syn_sent2", 9},   {"retrans", 12}, {"unacknowledged", 13},
};
constexpr State kSctpStates[] = {
    {"closed", 1},        {"cookie_wait", 2},   {"cookie_echoed", 3},     {"established", 4},
    {"shutdown_sent", 5}, {"shutdown_recd", 6}, {"shutdown_ack_sent", 7},
};
constexpr State kTwoStates[] = {{"unreplied", 0}, {"replied", 1}};
constexpr State kOneState[] = {{"timeout", 0}};

struct Protocol {
  std::string_view name;
  uint8_t number;
  std::span<const State> states;  // empty: none of ours
};
constexpr Protocol kProtocols[] = {
    {"tcp", kProtoTcp, kTcpStates},   {"udp", kProtoUdp, kTwoStates},    {"udplite", kProtoUdplite, kTwoStates},
    {"icmp", kProtoIcmp, kOneState},  {"sctp", kProtoSctp, kSctpStates}, {"gre", kProtoGre, kTwoStates},
    {"generic", kGeneric, kOneState}, {"dccp", kProtoDccp, {}},          {"icmpv6", 58, {}},
};

bool short_for(std::string_view word, std::string_view full) { return !word.empty() && full.starts_with(word); }

class Line {
 public:
  explicit Line(std::string_view text) : words_(split_words(text)) { line_.text = text; }

  Result<TimeoutLine> parse() {
    if (words_[0] != "nfct") return error("\"" + std::string(words_[0]) + "\": lines begin with \"nfct add timeout\"");
    const std::string_view first = word(1), second = word(2);
    const bool add = (short_for(first, "add") && short_for(second, "timeout")) ||
                     (short_for(first, "timeout") && short_for(second, "add"));
    if (!add) return error("only \"nfct add timeout\" is understood here");
    if (words_.size() < 6) return error("missing parameters: nfct add timeout NAME inet PROTOCOL STATE SECONDS ...");
    line_.name = words_[3];
    if (line_.name.size() > kLongestName)
      return error(strf("\"%s\" is longer than a policy's name may be (%zu)", line_.name.c_str(), kLongestName));
    if (words_[4] == "inet6") return not_modelled("IPv6 is not modelled");
    if (words_[4] != "inet") return error("unknown layer 3 protocol \"" + std::string(words_[4]) + "\"");
    const Protocol* protocol = nullptr;
    for (const Protocol& p : kProtocols)
      if (p.name == words_[5]) protocol = &p;
    if (protocol == nullptr) return error("unknown layer 4 protocol \"" + std::string(words_[5]) + "\"");
    if (protocol->number == kProtoDccp) return error("dccp: the kernel does not follow it");
    if (protocol->states.empty()) return not_modelled("IPv6 is not modelled");
    line_.protocol = protocol->number;
    if (words_.size() == 6) return error("no state is named: the kernel does not take such a policy");
    return parse_states(*protocol);
  }

 private:
  std::string_view word(size_t i) const { return i < words_.size() ? words_[i] : std::string_view(); }
  static Error not_modelled(const char* text) { return {text, {}, 0, ExitCode::kNotModelled}; }

  Result<TimeoutLine> parse_states(const Protocol& protocol) {
    for (size_t i = 6; i < words_.size(); i += 2) {
      const std::string name(words_[i]);
      const State* state = nullptr;
      for (const State& s : protocol.states)
        if (strcasecmp(s.name, name.c_str()) == 0) state = &s;
      if (state == nullptr)
        return error("wrong state name `" + name + "' for protocol `" + std::string(protocol.name) + "'");
      if (i + 1 == words_.size()) return error("missing value for timeout `" + name + "'");
      const std::string_view value = words_[i + 1];
      const auto seconds = value.starts_with("0x") ? std::nullopt : parse_number(value, kMostSeconds);
      if (!seconds)
        return error(strf("\"%s\" is not a number of seconds (0-%llu)", std::string(value).c_str(),
                          static_cast<unsigned long long>(kMostSeconds)));
      line_.states.push_back({state->place, static_cast<uint32_t>(*seconds)});
    }
    return std::move(line_);
  }

  std::vector<std::string_view> words_;
  TimeoutLine line_;
};

}  // namespace

Result<std::vector<TimeoutLine>> parse_timeouts(std::string_view text, const std::string& file) {
  std::vector<TimeoutLine> lines;
  int number = 0;
  for (const std::string_view raw : split(text, '\n')) {
    ++number;
    const std::string_view line = trim(raw);
    if (line.empty() || line[0] == '#') continue;
    Result<TimeoutLine> parsed = Line(line).parse();
    if (!parsed) {
      Error e = parsed.error();
      e.file = file;
      e.line = number;
      return e;
    }
    parsed->line = number;
    lines.push_back(parsed.take());
  }
  return lines;
}

}  // namespace nf::lab
