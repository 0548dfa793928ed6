#include "tools/lab/network.h"

#include "tools/lab/network_commands.h"

namespace nf::lab {
namespace {

enum Object : int { kUnmodelled, kAddress, kRoute, kRule, kNeighbour, kLink, kTuntap };

// In iproute2's order, so that "r" is route and "t" is tunnel. twin: cmds[], ip/ip.c
constexpr Keyword kObjects[] = {
    {"address", kAddress, true},     {"addrlabel", kUnmodelled, true},
    {"maddress", kUnmodelled, true}, {"route", kRoute, true},
    {"rule", kRule, true},           {"neighbor", kNeighbour, true},
    {"neighbour", kNeighbour, true}, {"ntable", kUnmodelled, true},
    {"ntbl", kUnmodelled, true},     {"link", kLink, true},
    {"l2tp", kUnmodelled, true},     {"fou", kUnmodelled, true},
    {"ila", kUnmodelled, true},      {"macsec", kUnmodelled, true},
    {"tunnel", kUnmodelled, true},   {"tunl", kUnmodelled, true},
    {"tuntap", kTuntap, true},       {"tap", kTuntap, true},
    {"token", kUnmodelled, true},    {"tcpmetrics", kUnmodelled, true},
    {"monitor", kUnmodelled, true},  {"xfrm", kUnmodelled, true},
    {"mroute", kUnmodelled, true},   {"mrule", kUnmodelled, true},
    {"netns", kUnmodelled, true},    {"netconf", kUnmodelled, true},
    {"vrf", kUnmodelled, true},      {"sr", kUnmodelled, true},
    {"nexthop", kUnmodelled, true},  {"mptcp", kUnmodelled, true},
    {"ioam", kUnmodelled, true},     {"help", kUnmodelled, true},
    {"stats", kUnmodelled, true},
};

Operation parse_command(BatchWords& w) {
  if (w.peek() == "ip") w.take();
  const std::string word = w.peek();
  switch (w.take_keyword(kObjects)) {
    case kAddress:
      return parse_address(w);
    case kRoute:
      return parse_route(w);
    case kRule:
      return parse_rule(w);
    case kNeighbour:
      return parse_neighbour(w);
    case kLink:
      return parse_link(w);
    case kTuntap:
      return parse_tuntap(w);
    case kUnmodelled:
      w.fail_word(word, "is an object of ip that is not modelled");
      return LinkDelete{};
    default:
      w.fail_word(word, "is no object of ip");
      return LinkDelete{};
  }
}

}  // namespace

Result<std::vector<NetworkLine>> parse_network(std::string_view text, const std::string& file) {
  std::vector<NetworkLine> lines;
  const std::vector<std::string_view> raw = split(text, '\n');
  for (size_t i = 0; i < raw.size(); ++i) {
    const int number = static_cast<int>(i) + 1;
    std::string line(raw[i].substr(0, raw[i].find('#')));
    while (line.ends_with('\\') && i + 1 < raw.size()) {
      line.pop_back();
      ++i;
      line += raw[i].substr(0, raw[i].find('#'));
    }
    auto words = split_batch_line(line);
    if (!words) return error_at(file, number, words.error().text);
    if (words->empty()) continue;
    BatchWords w(words.take());
    Operation operation = parse_command(w);
    if (!w.failed() && !w.at_end()) w.fail_word(w.peek(), "is not understood here");
    if (w.failed()) return error_at(file, number, w.error());
    lines.push_back({std::move(operation), number, std::string(trim(line))});
  }
  return lines;
}

}  // namespace nf::lab
