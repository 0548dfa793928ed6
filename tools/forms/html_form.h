// Stories as one HTML page that needs nothing else: no network, no other file. What is on it and its keys:
// docs/explain-page.md.
//
// The page's own source is in page/; it is put into the program when that is built. What the stories add are three
// blocks of JSON: the surroundings, the stories, and the words both languages need for what was said. The page
// renders the sentences itself, so that it can change its language.
//
// Invariants:
//  1. No text of a packet, rule or lab can end its block of JSON or begin a script: every '<', '>' and '&' in it is
//     written as an escape of JSON's.
//  2. The page runs only the script and the style it was built with: its Content-Security-Policy names their SHA-256.
//  3. A line of the block `stories` is one story. Its steps are numbers into the steps told so far, which the lines'
//     "new" add to: what is said of a rule is the same for most packets and is written once, or again after much else.
//  4. A form may go on for days (`hookpoint trace`): it keeps at most kMaxKnown bytes of steps.
#pragma once

#include <set>
#include <string>
#include <unordered_map>

#include "tools/forms/form.h"

namespace nf::forms {

class HtmlForm final : public Form {
 public:
  static constexpr size_t kMaxKnown = 4 << 20;

  HtmlForm(const FormOptions& options, Write write) : options_(options), write_(std::move(write)) {}
  void begin(const Surroundings& surroundings) override;
  void story(const trace::Story& story) override;
  void end() override;

 private:
  void learn(const Said& said);
  size_t step_number(const trace::Step& step, std::string& added);

  FormOptions options_;
  Write write_;
  bool begun_ = false;
  std::set<std::string> keys_;                     // of the words the page needs
  std::unordered_map<std::string, size_t> known_;  // steps that are likely to be told again, by their JSON
  size_t known_bytes_ = 0;                         // of that JSON
  size_t steps_ = 0;
};

}  // namespace nf::forms
