#include "tools/shrink/oracle.h"

#include <algorithm>

#include "datapath/base/text.h"
#include "tools/labdiff/compare.h"
#include "tools/scenario/line_match.h"

namespace nf::shrink {
namespace {

using trace::Step;
using trace::StepKind;

bool said_tells(const Said& said, std::string_view key) {
  const bool same = key.ends_with("*") ? said.key.starts_with(key.substr(0, key.size() - 1)) : said.key == key;
  return same || std::any_of(said.inner.begin(), said.inner.end(), [&](const Said& s) { return said_tells(s, key); });
}

bool tells_event(const std::vector<std::string>& events, const std::string& words) {
  std::vector<std::string> pattern;
  for (const std::string_view word : split_words(words)) pattern.emplace_back(word);
  return std::any_of(events.begin(), events.end(), [&](const std::string& event) {
    scenario::Variables none;
    return scenario::match_entry(pattern, event, none);
  });
}

template <class Is>
bool any_step(const labdiff::Happened& happened, const Is& is) {
  for (const trace::Story& story : happened)
    for (const Step& s : story.steps)
      if (is(story, s)) return true;
  return false;
}

labdiff::Rules rule_set(const LabText& text) { return labdiff::rules_of(text.rules); }

}  // namespace

bool tells(const labdiff::Happened& happened, std::string_view key) {
  return any_step(happened, [&](const trace::Story&, const Step& s) { return said_tells(s.said, key); });
}

Result<Oracle> Oracle::make(const Condition& condition, const Setup& setup) {
  Oracle out;
  const std::vector<RulePlace> rules = rules_of(setup, 0);
  for (const Term& term : condition.terms) {
    Wanted w{term, std::nullopt, {}, {}, {}};
    const auto wrong = [&](const std::string& what) { return error("at " + std::to_string(term.at) + ": " + what); };
    if (!term.filter.empty()) {
      Result<CaptureFilter> filter = CaptureFilter::compile(term.filter, LinkType::kEthernet);
      if (!filter) return wrong(filter.error().text);
      w.filter = filter.take();
    }
    if (term.what == What::kRule && term.by_text) {
      // The rule that is printed so; else those with these words in them.
      for (const bool exactly : {true, false}) {
        for (const RulePlace& r : rules) {
          const std::string_view text = r.text,
                                 tail = text.substr(3 + r.chain.size() + (text.size() > 3 + r.chain.size()));
          const bool same = text == trim(term.argument) || tail == trim(term.argument);
          if (exactly ? same : text.find(trim(term.argument)) != text.npos) w.rules.insert(r.id);
        }
        if (!w.rules.empty()) break;
      }
      if (w.rules.empty()) return wrong("the lab has no rule \"" + term.argument + '"');
    } else if (term.what == What::kRule) {
      const auto parts = split(term.argument, ':');
      if (parts[2] == "policy") {
        w.policy_of = parts[0];
        w.chain = parts[1];
      } else {
        for (const RulePlace& r : rules)
          if (r.table == parts[0] && r.chain == parts[1] && std::to_string(r.number) == parts[2]) w.rules.insert(r.id);
        if (w.rules.empty()) return wrong("the lab has no rule " + term.argument);
      }
    }
    out.differs_ = out.differs_ || term.what == What::kDiffers;
    out.why_ = out.why_ || term.what == What::kWhy;
    out.events_ = out.events_ || term.what == What::kEvent;
    out.wanted_.push_back(std::move(w));
  }
  return out;
}

bool Oracle::does(const Wanted& wanted, const Frame& frame, const Seen& seen, const Differs& differs,
                  const std::vector<RulePlace>& rules) {
  const Term& t = wanted.term;
  if (t.packet != 0 && frame.number != t.packet) return false;
  if (wanted.filter && !wanted.filter->matches(frame.bytes)) return false;
  const bool any = t.packet == 0 && !wanted.filter;
  const bool is = came_so(wanted, seen.own, differs.own, rules) ||
                  (any && came_so(wanted, seen.meanwhile, differs.meanwhile, rules));
  return is != t.does_not;
}

bool Oracle::came_so(const Wanted& wanted, const Came& came, bool differs, const std::vector<RulePlace>& rules) {
  const Term& t = wanted.term;
  switch (t.what) {
    case What::kDropped:
      return any_step(came.happened, [&](const trace::Story& story, const Step& s) {
        return labdiff::is_own(story, s) && s.kind == StepKind::kDropped &&
               (t.argument.empty() || s.field("reason") == t.argument);
      });
    case What::kSent:
      return any_step(came.happened, [&](const trace::Story& story, const Step& s) {
        return labdiff::is_own(story, s) && s.kind == StepKind::kSent && s.field("device") == t.argument &&
               !scenario::is_arp(s.bytes);
      });
    case What::kDelivered:
      return any_step(came.happened, [&](const trace::Story& story, const Step& s) {
        return labdiff::is_own(story, s) && s.kind == StepKind::kDelivered;
      });
    case What::kRule:
      return any_step(came.happened, [&](const trace::Story&, const Step& s) {
        if (s.kind == StepKind::kPolicy) return s.table == wanted.policy_of && s.chain == wanted.chain;
        return s.kind == StepKind::kRule && std::any_of(rules.begin(), rules.end(), [&](const RulePlace& r) {
                 return wanted.rules.contains(r.id) && r.table == s.table && r.chain == s.chain &&
                        r.number == s.number && !s.end_of_chain;
               });
      });
    case What::kWhy:
      return tells(came.happened, t.argument);
    case What::kEvent:
      return tells_event(came.events, t.argument);
    case What::kDiffers:
      return differs;
  }
  return false;
}

std::optional<size_t> Oracle::holds(const Candidate& candidate) const {
  const MachineOptions options{.told = true, .detailed = why_, .events = events_, .paths = false};
  Machine machine(options);
  std::optional<Machine> other;
  labdiff::Rules rule_sets[2];
  for (size_t side = 0; side < (differs_ ? 2u : 1u); ++side) {
    const LabText text = text_of(candidate.setup, side);
    const Result<lab::Lab> lab = parse(text);
    if (!lab) return std::nullopt;
    if (differs_) rule_sets[side] = rule_set(text);
    if (side == 1) other.emplace(options);
    if (Status s = (side == 0 ? machine : *other).configure(*lab); !s) return std::nullopt;
  }
  const std::vector<RulePlace> rules = rules_of(candidate.setup, 0);

  std::vector<bool> met(wanted_.size());
  size_t needed = 0;
  for (size_t i = 0; i < candidate.frames.size(); ++i) {
    const Frame& frame = candidate.frames[i];
    const Result<Seen> seen = machine.play(frame);
    if (!seen) return std::nullopt;
    Differs differs;
    if (other) {
      const Result<Seen> there = other->play(frame);
      if (!there) return std::nullopt;
      const auto differ = [&](const Came& a, const Came& b) {
        const auto difference = labdiff::compare(a.happened, b.happened, rule_sets[0], rule_sets[1]);
        return difference && difference->kind != labdiff::Kind::kPath;
      };
      differs = {differ(seen->meanwhile, there->meanwhile), differ(seen->own, there->own)};
    }
    for (size_t t = 0; t < wanted_.size(); ++t) {
      if (met[t] || !does(wanted_[t], frame, *seen, differs, rules)) continue;
      if (wanted_[t].term.no_packet) return std::nullopt;
      met[t] = true;
      needed = i + 1;
    }
  }
  for (size_t t = 0; t < wanted_.size(); ++t)
    if (met[t] == wanted_[t].term.no_packet) return std::nullopt;
  return needed;
}

}  // namespace nf::shrink
