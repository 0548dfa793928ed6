#include "tools/shrink/shrinker.h"

#include <algorithm>

#include "datapath/base/text.h"

namespace nf::shrink {

// What holds is kept, without the frames behind the last one it takes.
bool Shrinker::keep(Candidate candidate) {
  if (!budget_.take()) return false;
  if (progress_) progress_(budget_.used(), best_);
  const std::optional<size_t> needed = holds_(candidate);
  if (!needed) return false;
  best_ = std::move(candidate);
  if (*needed >= best_.frames.size() || !budget_.take()) return true;
  // Not for sure: what must not happen may be prevented by the frames behind.
  Candidate cut = best_;
  cut.frames.resize(*needed);
  if (holds_(cut)) best_ = std::move(cut);
  return true;
}

Candidate Shrinker::run(Candidate whole, const std::vector<std::function<Candidate(const Candidate&)>>& plainer) {
  best_ = std::move(whole);
  keep(best_);  // cuts what comes behind
  for (const auto& change : plainer) keep(change(best_));
  size_t before;
  do {
    before = best_.frames.size() + best_.setup.size();
    without_some([](Candidate & c) -> auto& { return c.frames; });
    drop_tables();
    drop_chains();
    drop_lines("-A ");
    drop_lines(":");
    without_some([](Candidate & c) -> auto& { return c.setup.sysctl; });
    without_some([](Candidate & c) -> auto& { return c.setup.timeouts; });
    without_some([](Candidate & c) -> auto& { return c.setup.network; });
  } while (best_.frames.size() + best_.setup.size() < before && !budget_.spent());
  drop_waits();
  change_contents();
  return std::move(best_);
}

// Takes away those elements of one of the candidate's lists that `of` names for which `may` is true. A frame taken away
// leaves its time to the one behind.
template <class Of, class May>
void Shrinker::without_some(const Of& of, const May& may) {
  const auto those = [&] {
    std::vector<size_t> out;
    const auto& list = of(best_);
    for (size_t i = 0; i < list.size(); ++i)
      if (may(list[i])) out.push_back(i);
    return out;
  };
  std::vector<size_t> candidates = those();
  const auto without = [&](size_t from, size_t to) {
    Candidate smaller = best_;
    auto& list = of(smaller);
    for (size_t i = to; i-- > from;) {
      const auto at = list.begin() + static_cast<std::ptrdiff_t>(candidates[i]);
      if constexpr (std::is_same_v<std::decay_t<decltype(*at)>, Frame>)
        if (at + 1 != list.end()) (at + 1)->gap += at->gap;
      list.erase(at);
    }
    if (!keep(std::move(smaller))) return false;
    candidates = those();
    return true;
  };
  ddmin([&] { return candidates.size(); }, without, budget_);
}

void Shrinker::drop_tables() {
  without_some([](Candidate & c) -> auto& { return c.setup.tables; });
}

// A user chain with everything that is in it or goes to it; of a built-in one its rules.
void Shrinker::drop_chains() {
  for (size_t t = 0; t < best_.setup.tables.size(); ++t) {
    for (size_t i = best_.setup.tables[t].lines.size(); i-- > 0;) {
      const std::vector<Line>& lines = best_.setup.tables[t].lines;
      if (i >= lines.size() || !lines[i].text.starts_with(":")) continue;
      const auto words = split_words(lines[i].text);
      const std::string name(words[0].substr(1));
      const bool built_in = words.size() > 1 && words[1] != "-";
      const std::string declared = lines[i].text;
      Candidate smaller = best_;
      const size_t gone = std::erase_if(smaller.setup.tables[t].lines, [&](const Line& line) {
        if (line.text.starts_with("-A " + name + " ") || line.text == "-A " + name) return true;
        if (built_in) return false;
        const std::string padded = line.text + " ";
        return line.text == declared || padded.find(" -j " + name + " ") != padded.npos ||
               padded.find(" -g " + name + " ") != padded.npos;
      });
      if (gone > 0) keep(std::move(smaller));
    }
  }
}

void Shrinker::drop_lines(std::string_view prefix) {
  for (size_t t = 0; t < best_.setup.tables.size(); ++t)
    without_some(
        [t](Candidate & c) -> auto& { return c.setup.tables[t].lines; },
        [prefix](const Line& line) { return line.text.starts_with(prefix); });
}

void Shrinker::drop_waits() {
  const auto waits = [this] {
    std::vector<size_t> out;
    for (size_t i = 0; i < best_.frames.size(); ++i)
      if (best_.frames[i].gap > 0) out.push_back(i);
    return out;
  };
  std::vector<size_t> candidates = waits();
  const auto without = [&](size_t from, size_t to) {
    Candidate smaller = best_;
    for (size_t i = from; i < to; ++i) smaller.frames[candidates[i]].gap = 0;
    if (!keep(std::move(smaller))) return false;
    candidates = waits();
    return true;
  };
  ddmin([&] { return candidates.size(); }, without, budget_);
  // Those that are needed become short: who plays it on a kernel waits.
  for (size_t i = 0; i < best_.frames.size(); ++i) {
    for (Duration gap; (gap = best_.frames[i].gap / 2 / kMillisecond * kMillisecond) > 0;) {
      Candidate shorter = best_;
      shorter.frames[i].gap = gap;
      // What the wait is for must not be due at its very end: a kernel's timers come late, never early.
      Candidate due_before = shorter;
      due_before.frames[i].gap = gap * 9 / 10;
      if (!budget_.take() || !holds_(due_before)) break;
      if (!keep(std::move(shorter)) || i >= best_.frames.size()) break;
    }
  }
}

void Shrinker::change_contents() {
  for (const Change change : changes()) {
    for (size_t i = 0; i < best_.frames.size() && !budget_.spent();) {
      Candidate plainer = best_;
      if (!change(plainer.frames[i]) || !keep(std::move(plainer))) ++i;
    }
  }
}

}  // namespace nf::shrink
