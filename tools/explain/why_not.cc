#include "tools/explain/why_not.h"

#include <algorithm>
#include <tuple>

#include "datapath/base/json.h"
#include "datapath/base/text.h"

namespace nf::explain {
namespace {

using Kind = WhyNotGroup::Kind;

constexpr size_t kGroupsShown = 5, kValuesShown = 4;

constexpr const char* kKindNames[] = {"fits_unreached", "missed_only", "unreached", "missed", "does_not_fit"};
constexpr const char* kSentences[] = {"why_not.fits_unreached", "why_not.missed_only", "why_not.unreached",
                                      "why_not.missed", "why_not.does_not_fit"};

std::string number(uint64_t n) { return strf("%llu", static_cast<unsigned long long>(n)); }

Said first_of(const WhyNotGroup& g) {
  if (g.made) return {"why_not.first_made", {number(g.first), g.packet}, {}};
  return {"why_not.first", {number(g.first), g.device, g.packet}, {}};
}

// The values of a group, the most frequent first: "udp (3), icmp (1)".
std::string values_of(const WhyNotGroup& g) {
  std::vector<std::pair<uint64_t, std::string>> values;
  for (const auto& [value, n] : g.has) values.emplace_back(n, value);
  std::stable_sort(values.begin(), values.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string out;
  for (size_t i = 0; i < values.size() && i < kValuesShown; ++i)
    out += (i == 0 ? "" : ", ") + values[i].second + " (" + number(values[i].first) + ")";
  return values.size() > kValuesShown ? out + ", ..." : out;
}

}  // namespace

void WhyNot::add(WhyNotGroup& group, const Walk& walk, Said why) {
  if (group.packets++ != 0) return;
  group.why = std::move(why);
  group.first = walk.number;
  group.device = walk.from_host ? "lo" : walk.device;
  group.packet = walk.packet;
  group.made = walk.made != 0;
}

void WhyNot::story(const trace::Story& story, std::optional<bool> fits) {
  for (const Walk& walk : walks_of(story)) {
    ++packets_;
    Reach reach = reach_of(walk, rule_, rules_);
    if (reach.kind == Reach::Kind::kMatched) {
      add(matched_, walk, {});
      continue;
    }
    Kind kind = reach.only ? Kind::kMissedOnly : Kind::kMissed;
    if (reach.kind == Reach::Kind::kUnreached) {
      const std::optional<bool> known = walk.made == 0 ? fits : std::nullopt;
      kind = !known ? Kind::kUnreached : *known ? Kind::kFitsUnreached : Kind::kDoesNotFit;
    }
    // What does not concern the rule need not be told apart.
    const std::string name =
        kind == Kind::kDoesNotFit
            ? std::string()
            : strf("%d %d ", static_cast<int>(kind), kind == Kind::kUnreached && walk.made != 0) + reach.group;
    WhyNotGroup& group = groups_[name];
    group.kind = kind;
    group.follows = reach.follows;
    group.closeness = std::max(group.closeness, reach.closeness);
    if (!reach.has.empty()) ++group.has[reach.has];
    add(group, walk, std::move(reach.why));
  }
}

std::vector<WhyNotGroup> WhyNot::groups() const {
  std::vector<WhyNotGroup> out;
  for (const auto& [name, group] : groups_) out.push_back(group);
  // Within a kind causes before what follows from them, the nearest miss, the largest group.
  const auto weight = [](const WhyNotGroup& g) {
    const bool missed = g.kind == Kind::kMissed || g.kind == Kind::kMissedOnly;
    // Whether the rule is for what this host sends because of another packet nobody asked: behind the misses.
    const bool by_the_way = g.kind == Kind::kUnreached && g.made;
    return std::tuple(static_cast<int>(by_the_way ? Kind::kMissed : g.kind), by_the_way, g.follows,
                      missed ? -g.closeness : 0, ~g.packets, -g.closeness, g.first);
  };
  std::stable_sort(out.begin(), out.end(),
                   [&](const WhyNotGroup& a, const WhyNotGroup& b) { return weight(a) < weight(b); });
  return out;
}

std::string WhyNot::text(words::Language language) const {
  const auto said = [&](const Said& s) { return words::render(s, language); };
  std::string out = said({"why_not.head", {name_of(rule_), number(matched()), number(packets_)}, {}}) + '\n';
  out += "  " + text_of(rule_) + '\n';
  const auto show = [&](const Said& head, const WhyNotGroup& g) {
    out += said(head) + '\n';
    out += "  " + said(first_of(g)) + '\n';
  };
  if (matched() != 0) show({"why_not.matched", {number(matched())}, {}}, matched_);
  const std::vector<WhyNotGroup> all = groups();
  uint64_t left = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    const WhyNotGroup& g = all[i];
    if (i >= kGroupsShown) {
      left += g.packets;
      continue;
    }
    Said more;
    if (g.has.size() > 1) more = {"why_not.values", {values_of(g)}, {}};
    show({kSentences[static_cast<size_t>(g.kind)], {number(g.packets)}, {g.why, more}}, g);
  }
  if (left != 0) out += said({"why_not.more", {number(left), number(all.size() - kGroupsShown)}, {}}) + '\n';
  return out;
}

std::string WhyNot::json(words::Language language) const {
  std::vector<std::string> groups_json;
  for (const WhyNotGroup& g : groups()) {
    JsonObject o;
    o.text("kind", kKindNames[static_cast<size_t>(g.kind)]);
    o.number("packets", g.packets);
    o.text("key", g.why.key);
    o.raw("values", json_strings(g.why.values));
    std::vector<std::string> inner;
    for (const Said& s : g.why.inner) {
      if (!s) continue;
      JsonObject i;
      i.text("key", s.key);
      i.raw("values", json_strings(s.values));
      inner.push_back(i.take());
    }
    o.raw("inner", json_list(inner));
    o.boolean("follows", g.follows);
    o.text("text", words::render(g.why, language));
    if (!g.has.empty()) {
      JsonObject has;
      for (const auto& [value, n] : g.has) has.number(value, n);
      o.raw("has", has.take());
    }
    o.number("first", g.first);
    o.text("device", g.device);
    o.text("packet", g.packet);
    o.boolean("made", g.made);
    groups_json.push_back(o.take());
  }
  JsonObject o;
  o.text("line", "why_not");
  o.text("rule", name_of(rule_));
  o.text("text", text_of(rule_));
  o.number("packets", packets_);
  o.number("matched", matched());
  if (matched() != 0) o.number("first_matched", matched_.first);
  o.raw("groups", json_list(groups_json));
  return o.take() + '\n';
}

}  // namespace nf::explain
