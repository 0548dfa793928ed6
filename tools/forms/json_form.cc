#include "tools/forms/json_form.h"

#include <algorithm>
#include <iterator>

#include "datapath/base/json.h"
#include "datapath/base/text.h"

namespace nf::forms {

using trace::Step;
using trace::StepKind;

namespace {

std::string_view verdict_name(trace::RuleVerdict v) {
  switch (v) {
    case trace::RuleVerdict::kAccept:
      return "accept";
    case trace::RuleVerdict::kDrop:
      return "drop";
    case trace::RuleVerdict::kReturn:
      return "return";
    case trace::RuleVerdict::kJump:
      return "jump";
    case trace::RuleVerdict::kGoto:
      return "goto";
    case trace::RuleVerdict::kContinue:
      return "continue";
    case trace::RuleVerdict::kOther:
      break;
  }
  return "other";
}

std::string_view level_name(trace::Level l) {
  switch (l) {
    case trace::Level::kVerdict:
      return "verdict";
    case trace::Level::kDecisions:
      return "decisions";
    case trace::Level::kEverything:
      break;
  }
  return "everything";
}

void add_text(JsonObject& j, std::string_view name, std::string_view value) {
  if (!value.empty()) j.text(name, value);
}

// A field's type is its name's, wherever it stands.
void add_field(JsonObject& j, std::string_view name, std::string_view value) {
  static constexpr std::string_view kNumbers[] = {"id",    "timeout", "zone", "offset", "length",   "fragments",
                                                  "mtu",   "from",    "to",   "longer", "sequence", "acknowledgement",
                                                  "waited"};
  static constexpr std::string_view kTruths[] = {"only", "created", "null_binding", "implicit", "flooded"};
  if (value.empty()) return;
  const bool bare =
      std::ranges::find(kNumbers, name) != std::end(kNumbers) || std::ranges::find(kTruths, name) != std::end(kTruths);
  if (bare)
    j.raw(name, value);
  else
    j.text(name, value);
}

void flatten(const Said& said, std::vector<std::string>& out) {
  for (const Said& s : said.inner) {
    if (s) {
      JsonObject j;
      j.text("key", s.key);
      if (!s.values.empty()) j.raw("values", json_strings(s.values));
      out.push_back(j.take());
    }
    flatten(s, out);
  }
}

void add_said(JsonObject& j, const Said& said, words::Language language) {
  if (!said) return;
  j.text("key", said.key);
  if (!said.values.empty()) j.raw("values", json_strings(said.values));
  std::vector<std::string> reasons;
  flatten(said, reasons);
  if (!reasons.empty()) j.raw("reasons", json_list(reasons));
  j.text("text", words::render(said, language));
}

std::string packet_line(const trace::Story& story) {
  JsonObject j;
  j.text("line", "packet");
  j.number("packet", story.number);
  j.raw("time", strf("%lld.%09lld", static_cast<long long>(story.time / kSecond),
                     static_cast<long long>(story.time % kSecond)));
  add_text(j, "device", story.device);
  j.boolean("from_host", story.from_host);
  j.text("description", story.packet);
  if (story.continues != 0) j.number("continues", story.continues);
  return j.take();
}

std::string step_line(uint64_t packet, size_t number, const Step& step, words::Language language) {
  JsonObject j;
  j.text("line", "step");
  j.number("packet", packet);
  j.number("step", number);
  j.text("kind", trace::step_key(step.kind));
  j.text("level", level_name(step.level));
  j.number("made", step.made);
  j.number("pass", step.pass);
  if (step.in_hook) j.text("hook", hook_name(step.hook));
  add_text(j, "place", step.place());
  add_text(j, "table", step.table);
  add_text(j, "chain", step.chain);
  if (step.number != 0) j.number("number", step.number);
  if (step.kind == StepKind::kRule || step.kind == StepKind::kPolicy) j.text("verdict", verdict_name(step.verdict));
  add_text(j, "target", step.target);
  add_text(j, "rule", step.rule);
  for (const auto& [name, value] : step.fields) add_field(j, name, value);
  add_said(j, step.said, language);
  return j.take();
}

std::string end_line(const trace::Story& story, words::Language language) {
  JsonObject j;
  j.text("line", "end");
  j.number("packet", story.number);
  j.text("fate", trace::fate_key(story.fate));
  add_said(j, story.verdict, language);
  return j.take();
}

}  // namespace

std::string json_lines(const trace::Story& story, words::Language language) {
  std::string out = packet_line(story) + '\n';
  for (size_t i = 0; i < story.steps.size(); ++i)
    out += step_line(story.number, i + 1, story.steps[i], language) + '\n';
  return out + end_line(story, language) + '\n';
}

void JsonForm::story(const trace::Story& story) { write_(json_lines(story, language_)); }

}  // namespace nf::forms
