#include "tools/backend/told.h"

namespace nf {
namespace {

void flatten(const Said& said, ToldStep& step) {
  if (said) step.keys.push_back(said.key);
  step.values.insert(step.values.end(), said.values.begin(), said.values.end());
  for (const Said& inner : said.inner) flatten(inner, step);
}

}  // namespace

ToldPacket told_of(const trace::Story& story) {
  ToldPacket told{story.number, std::string(trace::fate_key(story.fate)), {}};
  for (const trace::Step& s : story.steps) {
    ToldStep& step = told.steps.emplace_back();
    if (s.in_hook) step.hook = hook_name(s.hook);
    flatten(s.said, step);
  }
  return told;
}

}  // namespace nf
