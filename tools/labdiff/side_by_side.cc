#include "tools/labdiff/side_by_side.h"

#include <algorithm>

namespace nf::labdiff {
namespace {

using trace::Step;
using trace::StepKind;

class Teller {
 public:
  Teller(const Example& example, Kind kind, const Report& report, words::Language language)
      : example_(example),
        kind_(kind),
        report_(report),
        language_(language),
        a_(decisions_of(example.a)),
        b_(decisions_of(example.b)),
        rows_(align(a_, b_)),
        parting_(find_parting(rows_, kind)) {}

  std::vector<Line> tell() {
    for (size_t i = 0; i < rows_.size();) {
      if (rows_[i].a != nullptr && rows_[i].b != nullptr) {
        both(*rows_[i++].a);
        continue;
      }
      size_t end = i;
      while (end < rows_.size() && (rows_[end].a == nullptr || rows_[end].b == nullptr)) ++end;
      apart(i, end);
      i = end;
    }
    return std::move(lines_);
  }

 private:
  std::string text(const Step& s, bool own) const {
    std::string indent(s.in_hook && s.kind != StepKind::kHook ? 2 : 0, ' ');
    if (!own) indent = "    ";
    return indent + words::render(s.said, language_);
  }
  std::string text(const Decision& d) const { return text(*d.step, d.own); }

  void both(const Decision& d) {
    if (d.step->kind == StepKind::kHook) {
      hook_ = &d;
      return;
    }
    if (d.step->level > trace::Level::kDecisions || !d.own) return;
    heading();
    lines_.push_back({Line::Of::kBoth, text(d), {}, false});
  }

  // A hook in which both decide nothing is not shown.
  void heading() {
    if (hook_ != nullptr) lines_.push_back({Line::Of::kBoth, text(*hook_), {}, false});
    hook_ = nullptr;
  }

  // Of what else happened only the ends are; where they part also what is said at length alone.
  bool shown(const Decision& d, bool here) const {
    if (!d.own) return is_end(d.step->kind);
    if (d.step->level <= trace::Level::kDecisions) return true;
    const bool ruling = d.step->kind == StepKind::kRule || d.step->kind == StepKind::kPolicy;
    return is_end(d.step->kind) ||
           (here && (&d == parting_->a || &d == parting_->b || (ruling && kind_ == Kind::kPath)));
  }
  static bool is_end(StepKind k) {
    return k == StepKind::kMade || k == StepKind::kSent || k == StepKind::kDelivered || k == StepKind::kDropped;
  }

  void apart(size_t from, size_t to) {
    const bool here = parting_ && parting_->from == from;
    std::vector<std::string> a, b;
    for (size_t i = from; i < to; ++i) {
      const Decision* d = rows_[i].a != nullptr ? rows_[i].a : rows_[i].b;
      if (shown(*d, here)) (rows_[i].a != nullptr ? a : b).push_back(text(*d));
    }
    if (here) {
      why_not(from, to, true, b);
      why_not(from, to, false, a);
    }
    if (a.empty() && b.empty()) return;
    heading();
    for (size_t i = 0; i < std::max(a.size(), b.size()); ++i)
      lines_.push_back(
          {Line::Of::kOne, i < a.size() ? a[i] : std::string(), i < b.size() ? b[i] : std::string(), here && i == 0});
  }

  // Why the rules that one side met there did not match on the other, in front of what that one did instead.
  void why_not(size_t from, size_t to, bool of_a, std::vector<std::string>& other) const {
    std::vector<std::string> why;
    for (size_t i = from; i < to; ++i) {
      const Decision* d = of_a ? rows_[i].a : rows_[i].b;
      if (d == nullptr || d->step->kind != StepKind::kRule) continue;
      const std::string name = rule_name(*d->step);
      if (!(of_a ? report_.rules_b : report_.rules_a).contains(name)) {
        why.push_back("  " + words::render({"diff.no_such_rule", {}, {}}, language_));
        continue;
      }
      for (const trace::Story& story : of_a ? example_.b : example_.a)
        for (const Step& s : story.steps)
          if (s.kind == StepKind::kMiss && rule_name(s) == name && s.made == d->step->made)
            why.push_back(text(s, d->own));
    }
    other.insert(other.begin(), why.begin(), why.end());
  }

  const Example& example_;
  Kind kind_;
  const Report& report_;
  words::Language language_;
  std::vector<Decision> a_, b_;
  std::vector<Row> rows_;
  std::optional<Parting> parting_;
  const Decision* hook_ = nullptr;  // entered by both and not shown yet
  std::vector<Line> lines_;
};

}  // namespace

std::vector<Line> lines_of(const Example& example, Kind kind, const Report& report, words::Language language) {
  return Teller(example, kind, report, language).tell();
}

}  // namespace nf::labdiff
