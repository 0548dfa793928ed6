#include "tools/difftest/shrink.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "tools/shrink/ddmin.h"

namespace nf::difftest {
namespace {

class Shrinker {
 public:
  Shrinker(const Case& c, const Mismatch& mismatch, const Play& play, size_t max_runs)
      : best_{c, mismatch, 0}, play_(play), budget_(max_runs) {}

  Shrunk run() {
    cut_behind();
    size_t before;
    do {
      before = size();
      without_some([](Case & c) -> auto& { return c.steps; });
      drop_tables();
      drop_chains();
      drop_rules();
      without_some([](Case & c) -> auto& { return c.lab.sysctl; });
      without_some([](Case & c) -> auto& { return c.lab.timeouts; });
      without_some([](Case & c) -> auto& { return c.lab.network; });
      without_some([](Case & c) -> auto& { return c.lab.process_ports; });
    } while (size() < before && !exhausted());
    simplify_steps();
    best_.runs = budget_.used();
    return std::move(best_);
  }

 private:
  bool exhausted() const { return budget_.spent(); }
  size_t size() const {
    const Case& c = best_.smallest;
    return c.steps.size() + c.lab.rules.size() + c.lab.sysctl.size() + c.lab.timeouts.size() + c.lab.network.size();
  }

  // Keeps the candidate when the two sides disagree about the same thing.
  bool keep(Case candidate) {
    if (!budget_.take()) return false;
    Result<RunResult> result = play_(candidate);
    if (!result || !result->mismatch || result->mismatch->field != best_.mismatch.field) return false;
    best_.smallest = std::move(candidate);
    best_.mismatch = std::move(*result->mismatch);
    cut_behind();
    return true;
  }

  // What comes after the mismatch has no part in it; tables are compared at the end too.
  void cut_behind() {
    auto& steps = best_.smallest.steps;
    if (best_.mismatch.step + 1 < steps.size()) {
      steps.resize(best_.mismatch.step + 1);
    }
  }

  // Takes away those elements of one of the case's lists that `of` names for which `may` is true.
  template <class Of, class May>
  void without_some(const Of& of, const May& may) {
    std::vector<size_t> candidates = those(of, may);
    const auto without = [&](size_t from, size_t to) {
      Case smaller = best_.smallest;
      auto& list = of(smaller);
      for (size_t i = to; i-- > from;) list.erase(list.begin() + static_cast<std::ptrdiff_t>(candidates[i]));
      if (!keep(std::move(smaller))) return false;
      candidates = those(of, may);
      return true;
    };
    shrink::ddmin([&] { return candidates.size(); }, without, budget_);
  }
  template <class Of>
  void without_some(const Of& of) {
    without_some(of, [](const auto&) { return true; });
  }
  template <class Of, class May>
  std::vector<size_t> those(const Of& of, const May& may) {
    std::vector<size_t> out;
    const auto& list = of(best_.smallest);
    for (size_t i = 0; i < list.size(); ++i)
      if (may(list[i])) out.push_back(i);
    return out;
  }

  void drop_rules() {
    without_some(
        [](Case & c) -> auto& { return c.lab.rules; }, [](const auto& line) { return line.starts_with("-A "); });
  }

  void drop_tables() {
    for (size_t i = best_.smallest.lab.rules.size(); i-- > 0;) {
      const auto& rules = best_.smallest.lab.rules;
      if (i >= rules.size() || !rules[i].starts_with("*")) continue;
      Case smaller = best_.smallest;
      auto& lines = smaller.lab.rules;
      const auto begin = lines.begin() + static_cast<std::ptrdiff_t>(i);
      const auto end = std::find(begin, lines.end(), "COMMIT");
      lines.erase(begin, end == lines.end() ? end : end + 1);
      keep(std::move(smaller));
    }
  }

  // A user chain with everything that is in it or goes to it.
  void drop_chains() {
    for (size_t i = best_.smallest.lab.rules.size(); i-- > 0;) {
      const auto& rules = best_.smallest.lab.rules;
      if (i >= rules.size() || !rules[i].starts_with(":")) continue;
      const std::string name = rules[i].substr(1, rules[i].find(' ') - 1);
      const bool built_in = rules[i].find(" -") == std::string::npos;
      Case smaller = best_.smallest;
      auto& lines = smaller.lab.rules;
      size_t end = i;
      while (end < lines.size() && lines[end] != "COMMIT") ++end;
      const auto concerns = [&](const std::string& line) {
        if (line.starts_with("-A " + name + " ")) return true;
        if (built_in) return false;
        return (line + " ").find(" -j " + name + " ") != std::string::npos ||
               (line + " ").find(" -g " + name + " ") != std::string::npos;
      };
      for (size_t at = end; at-- > i;)
        if (concerns(lines[at]) || (at == i && !built_in)) lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(at));
      if (lines.size() != best_.smallest.lab.rules.size()) keep(std::move(smaller));
    }
  }

  // One thing at a time, each step: what is special about a packet becomes usual.
  void simplify_steps() {
    using Change = void (*)(Step&);
    static constexpr Change kChanges[] = {
        [](Step& s) { s.tcp_options.clear(); },
        [](Step& s) { s.ip_options.clear(); },
        [](Step& s) { s.data.clear(); },
        [](Step& s) { s.payload_length = 0; },
        [](Step& s) { s.payload_length = static_cast<uint16_t>(s.payload_length / 2); },
        [](Step& s) { s.damage = Damage::kNone, s.damage_value = 0; },
        [](Step& s) { s.fragment_offset = s.fragment_length = 0, s.more_fragments = false; },
        [](Step& s) { s.link = LinkDestination::kUsual; },
        [](Step& s) { s.ttl = 64; },
        [](Step& s) { s.tos = 0; },
        [](Step& s) { s.df = false; },
        [](Step& s) { s.no_sum = false; },
        [](Step& s) { s.urgent = 0; },
        [](Step& s) { s.window = 64240; },
        [](Step& s) { s.coverage = 0; },
        [](Step& s) { s.quote_flip = s.quote_flip_at = 0; },
        [](Step& s) { s.error_source.reset(); },
        [](Step& s) { s.error_destination.reset(); },
        [](Step& s) { s.icmp_info = 0; },
    };
    for (const Change change : kChanges) {
      for (size_t i = 0; i < best_.smallest.steps.size() && !exhausted(); ++i) {
        if (best_.smallest.steps[i].kind == StepKind::kRaw) continue;
        Case simpler = best_.smallest;
        change(simpler.steps[i]);
        if (!same(simpler.steps[i], best_.smallest.steps[i])) keep(std::move(simpler));
      }
    }
  }

  static bool same(const Step& a, const Step& b) {
    const auto fields = [](const Step& s) {
      return std::tie(s.tcp_options, s.ip_options, s.data, s.payload_length, s.damage, s.fragment_offset,
                      s.fragment_length, s.more_fragments, s.link, s.ttl, s.tos, s.df, s.no_sum, s.urgent, s.window,
                      s.coverage, s.quote_flip, s.error_source, s.error_destination, s.icmp_info);
    };
    return fields(a) == fields(b);
  }

  Shrunk best_;
  const Play& play_;
  shrink::RunBudget budget_;
};

}  // namespace

Shrunk shrink(const Case& c, const Mismatch& mismatch, const Play& play, size_t max_runs) {
  return Shrinker(c, mismatch, play, max_runs).run();
}

}  // namespace nf::difftest
