#include "tools/netns/trace_reader.h"

#include <linux/netfilter/nfnetlink_log.h>
#include <net/if.h>

#include <optional>

#include "datapath/base/text.h"
#include "datapath/packet/headers.h"
#include "tools/netns/log_group.h"
#include "tools/netns/network_namespace.h"
#include "tools/netns/rule_counters.h"

namespace nf::netns {
namespace {

constexpr int kTraceGroup = 0;  // where nf_log_trace() sends to
constexpr uint32_t kHeaderSize = sizeof(Ipv4Header);

uint32_t mark_of(std::span<const uint8_t> packet) {
  const auto* ip = view<Ipv4Header>(packet);
  if (ip == nullptr) return 0;
  return uint32_t{ip->id.host()} << 8 | ip->protocol;
}

// "TRACE: filter:FORWARD:rule:2 "; a chain's name may have colons.
struct Told {
  std::string_view chain;  // "filter:FORWARD"
  std::string_view what;   // "rule", "return", "policy"
  uint32_t number;         // counts a chain's end
};

std::optional<Told> parse(std::string_view prefix) {
  constexpr std::string_view kTrace = "TRACE: ";
  if (!prefix.starts_with(kTrace)) return std::nullopt;
  const std::string_view place = trim(prefix.substr(kTrace.size()));
  const size_t last = place.rfind(':');
  if (last == place.npos || last == 0) return std::nullopt;
  const size_t what = place.rfind(':', last - 1);
  const auto number = parse_number(place.substr(last + 1), UINT32_MAX);
  if (what == place.npos || !number) return std::nullopt;
  return Told{place.substr(0, what), place.substr(what + 1, last - what - 1), static_cast<uint32_t>(*number)};
}

}  // namespace

Result<TraceReader> TraceReader::open() {
  if (Status s = write_sysctl("net/netfilter/nf_log/2", "nfnetlink_log"); !s) return s.error();
  Result<NetlinkSocket> socket = NetlinkSocket::open();
  if (!socket) return socket.error();
  if (Status s = bind_log_group(*socket, kTraceGroup, kHeaderSize); !s) return s.error();
  return TraceReader(socket.take());
}

Status TraceReader::learn(const RuleLoader& rules) {
  own_rules_ = rules.own_rules();
  rules_of_.clear();
  Result<std::vector<RuleCount>> counts = rules.counters();
  if (!counts) return counts.error();
  for (const RuleCount& c : *counts)
    if (c.number != 0) rules_of_[c.table + ':' + c.chain] = c.number;
  struct if_nameindex* const links = if_nameindex();
  if (links == nullptr) return system_error("names of links");
  devices_.clear();
  for (const struct if_nameindex* link = links; link->if_index != 0; ++link) devices_[link->if_index] = link->if_name;
  if_freenameindex(links);
  return {};
}

Status TraceReader::receive() {
  return socket_.receive_small([this](const nlmsghdr& m) {
    if (is_log_message(m)) add(m);
  });
}

// twin: trace_packet, get_chainname_rulenum
void TraceReader::add(const nlmsghdr& message) {
  const Attributes a = Attributes::of(message);
  const std::optional<Told> told = parse(a[NFULA_PREFIX].text());
  if (!told) return;
  TraceLine line;
  uint32_t number = told->number;
  const bool raw = told->chain.starts_with("raw:");
  if (raw && (told->chain == "raw:PREROUTING" || told->chain == "raw:OUTPUT")) {
    if (number < kOwnRules) return;  // of a packet that was traced before, over lo
    line.begins = number == kOwnRules;
    number -= kOwnRules;
  }
  if (raw && own_rules_ < 0 && !line.begins) return;
  line.hook = static_cast<HookPoint>(a[NFULA_PACKET_HDR].number<nfulnl_msg_packet_hdr>().hook);
  for (const auto& [attribute, name] : {std::pair(NFULA_IFINDEX_INDEV, &line.in), {NFULA_IFINDEX_OUTDEV, &line.out}}) {
    const auto device = devices_.find(a[attribute].u32());
    if (device != devices_.end()) *name = device->second;
  }
  line.port_in = a[NFULA_IFINDEX_PHYSINDEV].u32();
  line.port_out = a[NFULA_IFINDEX_PHYSOUTDEV].u32();
  line.mark = mark_of(a[NFULA_PAYLOAD].bytes());
  if (!line.begins) {
    const auto size = rules_of_.find(told->chain);
    const bool rule = size != rules_of_.end() && number <= size->second;
    line.place = std::string(told->chain) + ':' + std::string(rule ? "rule" : told->what) + strf(":%u", number);
  }
  lines_.push_back(std::move(line));
}

}  // namespace nf::netns
