#include "tools/difftest/met_rules.h"

#include <algorithm>
#include <iterator>

namespace nf::difftest {
namespace {

std::string name_of(const std::string& device) { return device.empty() ? "-" : device; }

std::string text_of(const std::vector<MetRule>& met) {
  std::string text;
  for (const MetRule& m : met)
    (((((((text += hook_name(m.hook)) += ' ') += m.in) += ' ') += m.out) += ' ') += m.place) += '\n';
  return text;
}

}  // namespace

// A rule is told when its target has run, so it stands behind what that made: its place is where its packet's story
// was before.
void add_met(const trace::Story& story, std::vector<MetRule>& out) {
  struct Track {
    const trace::Step* hook = nullptr;
    size_t at = 0;  // where `out` ended when its latest step in a hook was told
  };
  std::vector<Track> tracks;  // by Step::made
  for (const trace::Step& step : story.steps) {
    if (step.made >= tracks.size()) tracks.resize(step.made + 1u, Track{nullptr, out.size()});
    Track& track = tracks[step.made];
    if (step.kind == trace::StepKind::kHook) track.hook = &step;
    if (step.kind == trace::StepKind::kRule || step.kind == trace::StepKind::kPolicy) {
      MetRule met{step.hook, "?", "?", step.place()};
      if (track.hook != nullptr) {
        met.in = track.hook->field("in");
        met.out = track.hook->field("out");
      }
      out.insert(out.begin() + static_cast<std::ptrdiff_t>(track.at), std::move(met));
    }
    // Copies that a bridge floods of what was made are told as the packet's own, outside the hooks.
    if (step.in_hook) track.at = out.size();
  }
}

std::vector<MetRule> met_rules(const std::vector<netns::TraceLine>& lines) {
  std::vector<MetRule> met;
  for (const netns::TraceLine& line : lines)
    if (!line.begins) met.push_back({line.hook, name_of(line.in), name_of(line.out), line.place});
  return met;
}

std::optional<Difference> compare_met(const std::vector<MetRule>& kernel, const std::vector<MetRule>& engine) {
  if (kernel == engine) return std::nullopt;
  return Difference{text_of(kernel), text_of(engine)};
}

}  // namespace nf::difftest
