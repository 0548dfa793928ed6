#include "tools/forms/text_form.h"

#include <map>

#include "datapath/base/text.h"

namespace nf::forms {

using trace::Level;
using trace::Step;
using trace::StepKind;

namespace {

constexpr char kBold[] = "\033[1m", kRed[] = "\033[31m", kGreen[] = "\033[32m", kYellow[] = "\033[33m",
               kCyan[] = "\033[36m", kDim[] = "\033[2m", kPlain[] = "\033[0m";

const char* colour_of(const Step& s) {
  switch (s.kind) {
    case StepKind::kHook:
      return kBold;
    case StepKind::kMiss:
    case StepKind::kPolicy:
    case StepKind::kNeighbour:
      return s.verdict == trace::RuleVerdict::kDrop ? kRed : kDim;
    case StepKind::kRule:
      return s.verdict == trace::RuleVerdict::kDrop ? kRed : kGreen;
    case StepKind::kNatSkipped:
      return kYellow;
    case StepKind::kNatSetUp:
    case StepKind::kNatRewrote:
      return kCyan;
    case StepKind::kDropped:
      return kRed;
    default:
      return nullptr;
  }
}

const char* colour_of(trace::Fate fate) {
  if (fate == trace::Fate::kDropped) return kRed;
  return fate == trace::Fate::kSent || fate == trace::Fate::kDelivered ? kGreen : kYellow;
}

}  // namespace

void TextForm::line(int depth, const std::string& text, const char* colour) {
  std::string out(static_cast<size_t>(depth) * 2, ' ');
  if (!options_.colour) colour = nullptr;
  if (colour != nullptr) out += colour;
  out += text;
  if (colour != nullptr) out += kPlain;
  out += '\n';
  write_(out);
}

void TextForm::story(const trace::Story& story) {
  const auto said = [&](const Said& s) { return words::render(s, options_.language); };
  const std::string head =
      said({story.from_host ? "text.packet_from_host" : "text.packet",
            {strf("%llu", static_cast<unsigned long long>(story.number)), story.device, story.packet},
            {}});
  if (options_.level == Level::kVerdict) {
    line(0, head + ": " + said(story.verdict), colour_of(story.fate));
    return;
  }
  line(0, head, kBold);
  std::map<uint16_t, const Step*> hooks;  // by Step::made: entered, and not shown yet
  for (const Step& s : story.steps) {
    const int made = s.made != 0 ? 2 : 0;
    const bool heading = s.kind == StepKind::kHook;
    if (heading && options_.level == Level::kDecisions) {
      hooks[s.made] = &s;
      continue;
    }
    if (s.level > options_.level) continue;
    if (const auto hook = hooks.find(s.made); hook != hooks.end()) {
      if (s.in_hook) line(1 + made, said(hook->second->said), kBold);
      hooks.erase(hook);
    }
    line((s.in_hook && !heading ? 2 : 1) + made, said(s.said), colour_of(s));
  }
  line(1, "=> " + said(story.verdict), colour_of(story.fate));
}

std::string text_of(const trace::Story& story, const FormOptions& options) {
  std::string out;
  FormOptions plain = options;
  plain.colour = false;
  TextForm(plain, [&out](std::string_view text) { out += text; }).story(story);
  return out;
}

}  // namespace nf::forms
