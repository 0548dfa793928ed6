#include "tools/forms/html_form.h"

#include "datapath/base/json.h"
#include "datapath/base/text.h"
#include "tools/forms/html_json.h"
#include "tools/forms/html_page.h"

namespace nf::forms {
namespace {

constexpr std::string_view kPageWords[] = {
#define X(key, english, chinese) key,
#include "tools/words/words_html.inc"
#undef X
};

// What is told in the same words of many packets.
bool repeats(trace::StepKind kind) {
  using trace::StepKind;
  return kind == StepKind::kRule || kind == StepKind::kMiss || kind == StepKind::kPolicy ||
         kind == StepKind::kNatSkipped || kind == StepKind::kRoute || kind == StepKind::kTtl ||
         kind == StepKind::kBridge || kind == StepKind::kNeighbour;
}

// Text that stands in HTML itself.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<' || c == '>' || c == '&' || c == '"' || c == '\'' || c == '@')
      out += strf("&#%d;", c);
    else
      out += c;
  }
  return out;
}

// The page's frame up to a mark, and behind it: "@NAME@" on a line of its own.
std::string_view part(std::string_view begin_mark, std::string_view end_mark) {
  std::string_view page = html_page::kFrame;
  if (!begin_mark.empty()) page.remove_prefix(page.find(begin_mark) + begin_mark.size());
  return end_mark.empty() ? page : page.substr(0, page.find(end_mark));
}

void replace(std::string& text, std::string_view mark, std::string_view with) {
  if (const size_t at = text.find(mark); at != std::string::npos) text.replace(at, mark.size(), with);
}

}  // namespace

void HtmlForm::begin(const Surroundings& surroundings) {
  begun_ = true;
  std::string head(part({}, "@SURROUNDINGS@"));
  replace(head, "@LANGUAGE@", options_.language == words::Language::kChinese ? "zh-CN" : "en");
  replace(head, "@SCRIPT_HASH@", html_page::kScriptHash);
  replace(head, "@STYLE_HASH@", html_page::kStyleHash);
  std::string title(words::text_of("html.title", options_.language));
  if (!surroundings.lab.empty()) title = surroundings.lab + " · " + title;
  replace(head, "@TITLE@", escaped(title));
  replace(head, "@STYLE@", html_page::kStyle);
  write_(head);
  write_(inert(html_json(surroundings, options_.language)));
  write_(part("@SURROUNDINGS@", "@STORIES@"));
}

void HtmlForm::learn(const Said& said) {
  if (said) keys_.insert(said.key);
  for (const Said& inner : said.inner) learn(inner);
}

size_t HtmlForm::step_number(const trace::Step& step, std::string& added) {
  std::string json = html_json(step);
  if (const auto at = known_.find(json); at != known_.end()) return at->second;
  learn(step.said);
  (added += added.empty() ? "" : ",") += json;
  if (repeats(step.kind) && json.size() <= kMaxKnown) {
    // What is said of a miss often has the packet's own numbers and never comes again: which steps are worth keeping
    // shows only afterwards. To forget all costs each that is, once more on the page.
    if (known_bytes_ + json.size() > kMaxKnown) {
      known_.clear();
      known_bytes_ = 0;
    }
    known_bytes_ += json.size();
    known_.emplace(std::move(json), steps_);
  }
  return steps_++;
}

void HtmlForm::story(const trace::Story& story) {
  if (!begun_) begin({});
  learn(story.verdict);
  std::string added, numbers;
  for (const trace::Step& step : story.steps) {
    const size_t n = step_number(step, added);
    (numbers += numbers.empty() ? "" : ",") += strf("%zu", n);
  }
  write_(inert(html_json(story, added, numbers)) + '\n');
}

void HtmlForm::end() {
  if (!begun_) begin({});
  write_(part("@STORIES@", "@WORDS@"));
  for (const std::string_view key : kPageWords) keys_.emplace(key);
  JsonObject rows;
  for (const std::string& key : keys_)
    rows.raw(key, json_strings({std::string(words::text_of(key, words::Language::kEnglish)),
                                std::string(words::text_of(key, words::Language::kChinese))}));
  write_(inert(rows.take()));
  write_(part("@WORDS@", "@SCRIPT@"));
  write_(html_page::kScript);
  write_(part("@SCRIPT@", {}));
}

}  // namespace nf::forms
