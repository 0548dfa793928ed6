#include "tools/labdiff/decisions.h"

#include <algorithm>
#include <string_view>

#include "datapath/base/text.h"
#include "datapath/packet/headers.h"

namespace nf::labdiff {
namespace {

using trace::RuleVerdict;
using trace::Step;
using trace::StepKind;
using trace::Story;

bool is_arp(const Step& s) {
  const auto* eth = view<EthernetHeader>(std::span<const uint8_t>(s.bytes));
  return s.kind == StepKind::kSent && eth != nullptr && eth->type.host() == kEtherArp;
}

// Rules that do nothing to a packet but look at it.
bool only_looks(const Step& s) {
  if (s.end_of_chain || s.verdict == RuleVerdict::kJump || s.verdict == RuleVerdict::kGoto ||
      s.verdict == RuleVerdict::kReturn)
    return true;
  if (s.verdict != RuleVerdict::kContinue) return false;
  for (const std::string_view target : {"", "LOG", "NFLOG", "TRACE", "ULOG"})
    if (s.target == target) return true;
  return false;
}

bool weighs(const Step& s) {
  switch (s.kind) {
    case StepKind::kRule:
      return !only_looks(s);
    case StepKind::kNatSkipped:
      return s.level <= trace::Level::kDecisions;
    case StepKind::kNatSetUp:
      return s.field("null_binding") != "true";
    case StepKind::kHook:
    case StepKind::kConfirmed:
    case StepKind::kNeighbour:
    case StepKind::kNote:
      return false;
    default:
      return true;
  }
}

std::string verdict_key(const Step& s) { return std::to_string(static_cast<int>(s.verdict)); }

// What makes the decision this one, without what changes from run to run.
std::string content_of(const Step& s) {
  const auto fields = [&s](std::initializer_list<std::string_view> names) {
    std::string out;
    for (const std::string_view name : names) (out += s.field(name)) += '|';
    return out;
  };
  switch (s.kind) {
    case StepKind::kRule:
      return rule_name(s) + '|' + verdict_key(s);
    case StepKind::kPolicy:
      return s.table + ' ' + s.chain + '|' + verdict_key(s);
    case StepKind::kConntrack: {
      std::string key = s.said.key + '|' + fields({"ctinfo", "original", "reply", "before", "after", "zone"});
      for (const Said& inner : s.said.inner)
        if (inner.key.starts_with("invalid.")) key += inner.key;
      return key;
    }
    case StepKind::kHook:
      return fields({"in", "out"});
    case StepKind::kConfirmed:
      return fields({"original", "reply"});
    case StepKind::kNatSkipped:
      return fields({"reason"});
    case StepKind::kNatSetUp:
      return fields({"manip", "null_binding", "reply"});
    case StepKind::kDropped:
      return fields({"reason"});
    case StepKind::kRoute:
      return fields({"type", "out", "nexthop"});
    default: {
      std::string key = s.said.key;
      for (const std::string& value : s.said.values) (key += '|') += value;
      return key;
    }
  }
}

Said end_said(const Step& s) {
  if (s.kind == StepKind::kSent) return {"diff.sent", {std::string(s.field("device"))}, {}};
  if (s.kind == StepKind::kDelivered) return {"diff.delivered", {}, {}};
  return {"diff.dropped", {std::string(s.field("reason"))}, {{"drop." + std::string(s.field("reason")), {}, {}}}};
}

// The header's id and sum become zero; `at`: where the IPv4 header begins.
void forget_id(std::vector<uint8_t>& bytes, size_t at) {
  auto* ip = view<Ipv4Header>(std::span<uint8_t>(bytes), at);
  if (ip == nullptr || ip->version() != 4) return;
  ip->id = {};
  ip->checksum = {};
}

size_t network_offset(const std::vector<uint8_t>& frame) {
  const auto* eth = view<EthernetHeader>(std::span<const uint8_t>(frame));
  return eth != nullptr && eth->type.host() == kEtherIpv4 ? sizeof *eth : 0;
}

}  // namespace

std::string rule_name(const Step& step) { return step.table + ' ' + step.chain + ' ' + step.rule; }

Rules rules_of(const std::string& saved) {
  Rules rules;
  std::string_view table;
  for (const std::string_view line : split(saved, '\n')) {
    if (line.starts_with("*")) table = line.substr(1);
    if (!line.starts_with("-A ")) continue;
    (rules.emplace(std::string(table) + ' ' + std::string(trim(line.substr(3)))));
  }
  return rules;
}

bool is_own(const Story& story, const Step& s) {
  // What goes on when its next hop answers says "waited" if it came in.
  const bool host_waited = s.kind == StepKind::kSent && story.packet.starts_with("arp ") && s.field("waited").empty();
  return s.made == 0 && !story.from_host && !host_waited;
}

std::vector<Decision> decisions_of(const Happened& happened) {
  std::vector<Decision> out;
  for (size_t i = 0; i < happened.size(); ++i) {
    for (const Step& s : happened[i].steps) {
      if (s.kind == StepKind::kMiss || s.end_of_chain || is_arp(s)) continue;
      // What the host made is told apart from the packet; of which story it is goes with the packet's description.
      const bool own = s.made == 0 && i == 0;
      std::string key = strf("%s|%u|%u|", std::string(trace::step_key(s.kind)).c_str(), own ? 0u : 1u, s.pass);
      if (s.in_hook) key += std::string(hook_name(s.hook)) + '|';
      out.push_back({&s, key + content_of(s), weighs(s), own});
    }
  }
  return out;
}

Outcome outcome_of(const Happened& happened) {
  Outcome out;
  std::vector<Said> made;
  if (happened.empty()) out.ends.push_back({"diff.left_out", {}, {}});
  for (const Story& story : happened) {
    bool ended = false;
    for (const Step& s : story.steps) {
      const bool own = is_own(story, s);
      if (s.kind == StepKind::kRule && !s.end_of_chain) out.path.push_back(rule_name(s) + '|' + verdict_key(s));
      if (s.kind == StepKind::kPolicy) out.path.push_back(s.table + ' ' + s.chain + " policy|" + verdict_key(s));
      if (s.kind == StepKind::kNatSetUp && s.field("null_binding") != "true")
        out.nat.push_back(std::string(s.field("manip")) + ' ' + std::string(s.field("reply")));
      if (s.kind != StepKind::kSent && s.kind != StepKind::kDelivered && s.kind != StepKind::kDropped) continue;
      if (is_arp(s)) continue;
      ended = true;
      if (s.kind == StepKind::kSent && s.field("device") == "lo") continue;  // it comes back
      (own ? out.ends : made).push_back(end_said(s));
      if (s.kind == StepKind::kDropped) continue;
      std::vector<uint8_t> bytes = s.bytes;
      if (!own) forget_id(bytes, s.kind == StepKind::kSent ? network_offset(bytes) : 0);
      const bool delivered = s.kind == StepKind::kDelivered;
      out.frames.push_back({delivered ? std::string() : std::string(s.field("device")), std::move(bytes)});
    }
    if (!ended && !story.from_host && !story.packet.starts_with("arp "))
      out.ends.push_back({story.fate == trace::Fate::kWaiting ? "diff.waiting" : "diff.nothing", {}, {}});
  }
  // A packet that waited and went on before the next one came did not wait.
  for (const Story& story : happened)
    for (const Step& s : story.steps)
      if (!s.field("waited").empty())
        if (const auto at = std::find(out.ends.begin(), out.ends.end(), Said{"diff.waiting", {}, {}});
            at != out.ends.end())
          out.ends.erase(at);
  for (Said& said : made) out.ends.push_back({"diff.made", {}, {std::move(said)}});
  return out;
}

}  // namespace nf::labdiff
