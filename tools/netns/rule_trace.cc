#include "tools/netns/rule_trace.h"

#include <linux/netfilter/nf_tables.h>

#include <algorithm>

#include "datapath/base/text.h"

namespace nf::netns {
namespace {

constexpr int kNfTables = NFNL_SUBSYS_NFTABLES << 8;
constexpr uint32_t kLoopbackIfindex = 1;

std::string rule_key(const Attribute& table, const Attribute& chain, const Attribute& handle) {
  return (std::string(table.text()) += '\0') + (std::string(chain.text()) += '\0') +
         strf("%llu", static_cast<unsigned long long>(handle.u64()));
}

}  // namespace

Result<RuleTrace> RuleTrace::open() {
  Result<NetlinkSocket> ask = NetlinkSocket::open();
  if (!ask) return ask.error();
  const int groups[] = {NFNLGRP_NFTRACE};
  Result<NetlinkSocket> events = NetlinkSocket::open(groups);
  if (!events) return events.error();
  return RuleTrace(ask.take(), events.take());
}

Status RuleTrace::learn(const RuleLoader& loader) {
  rules_.clear();
  skip_raw_ = loader.own_rules("raw", "PREROUTING") < 0;
  std::map<std::string, int> numbers;
  Request request(kNfTables | NFT_MSG_GETRULE, NLM_F_DUMP);
  const Result<int> code = ask_.transact(request, [&](const nlmsghdr& m) {
    const Attributes a = Attributes::of(m);
    const std::string table(a[NFTA_RULE_TABLE].text()), chain(a[NFTA_RULE_CHAIN].text());
    const int number = ++numbers[table + ':' + chain];
    const int own = loader.own_rules(table, chain);
    Rule rule;
    // Of a table of our own every rule is ours.
    rule.begins = own < 0 || number <= own;
    if (!rule.begins) rule.step = strf("%s:%s:rule:%d", table.c_str(), chain.c_str(), number - own);
    rules_[rule_key(a[NFTA_RULE_TABLE], a[NFTA_RULE_CHAIN], a[NFTA_RULE_HANDLE])] = std::move(rule);
  });
  if (!code) return code.error();
  if (*code < 0) {
    errno = -*code;
    return system_error("rules of nf_tables");
  }
  return {};
}

Status RuleTrace::receive() {
  return events_.receive([this](const nlmsghdr& m) {
    if (m.nlmsg_type == (kNfTables | NFT_MSG_TRACE)) add(m);
  });
}

// An id is made of the packet's place in memory and its flow, so the next packet may have the same: where a packet
// begins tells them apart. One that comes in by lo is one that went out there, the first that has not come in yet.
// A bridge's port is another incoming device than the bridge, and so another id: a packet that goes up to the router
// goes on under an id that has not begun. So does a copy the bridge floods; where it goes tells them apart, when it is
// told: an end at a policy has no devices.
size_t RuleTrace::path_of(uint32_t id, bool begins, const Attribute& in, const Attribute& out) {
  const auto known = std::find_if(paths_.begin(), paths_.end(), [&](const Path& p) { return p.open && p.id == id; });
  if (known != paths_.end()) {
    if (!begins) return static_cast<size_t>(known - paths_.begin());
    if (known->out_ifindex != kLoopbackIfindex) known->open = false;
  }
  if (begins && in.u32() == kLoopbackIfindex) {
    const auto sent = std::find_if(paths_.begin(), paths_.end(),
                                   [](const Path& p) { return p.open && p.out_ifindex == kLoopbackIfindex; });
    if (sent != paths_.end()) {
      sent->id = id;
      sent->out_ifindex = 0;
      return static_cast<size_t>(sent - paths_.begin());
    }
  }
  if (!begins && !paths_.empty()) {
    Path& last = paths_.back();
    const bool another_came = in && in.u32() != last.in_ifindex;
    const bool copied_by_the_bridge = out && out.u32() == last.in_ifindex;
    if (last.open && last.out_ifindex == 0 && !another_came && !copied_by_the_bridge) {
      last.id = id;
      return paths_.size() - 1;
    }
  }
  paths_.push_back({{}, id, true, in ? in.u32() : 0, 0});
  return paths_.size() - 1;
}

void RuleTrace::add(const nlmsghdr& message) {
  const Attributes a = Attributes::of(message);
  const uint32_t type = a[NFTA_TRACE_TYPE].u32();
  std::string step;
  bool begins = false;
  if (type == NFT_TRACETYPE_RULE) {
    const auto rule = rules_.find(rule_key(a[NFTA_TRACE_TABLE], a[NFTA_TRACE_CHAIN], a[NFTA_TRACE_RULE_HANDLE]));
    if (rule == rules_.end()) return;
    step = rule->second.step;
    begins = rule->second.begins;
  } else if (type == NFT_TRACETYPE_POLICY) {
    if (!skip_raw_ || a[NFTA_TRACE_TABLE].text() != "raw")
      step = std::string(a[NFTA_TRACE_TABLE].text()) + ':' + std::string(a[NFTA_TRACE_CHAIN].text()) + ":policy";
  } else {
    return;
  }
  Path& path = paths_[path_of(a[NFTA_TRACE_ID].u32(), begins, a[NFTA_TRACE_IIF], a[NFTA_TRACE_OIF])];
  if (a[NFTA_TRACE_OIF]) path.out_ifindex = a[NFTA_TRACE_OIF].u32();
  if (!step.empty()) path.steps.push_back(std::move(step));
}

std::vector<std::vector<std::string>> RuleTrace::take() {
  std::vector<std::vector<std::string>> out;
  for (Path& p : paths_) {
    if (!p.steps.empty()) out.push_back(std::move(p.steps));
  }
  paths_.clear();
  return out;
}

}  // namespace nf::netns
