// Stories for programs: JSON Lines, an object a line. docs/trace.md has the members; a name once published stays.
//
//   {"line": "packet", "packet": 1, "time": 1795246547.971176000, "device": "ens33", "from_host": false, ...}
//   {"line": "step", "packet": 1, "step": 1, "kind": "rule", ..., "key": "step.rule", "values": [...], "text": "..."}
//   {"line": "end", "packet": 1, "fate": "sent", "key": "end.sent_as", ...}
#pragma once

#include "tools/forms/form.h"

namespace nf::forms {

class JsonForm final : public Form {
 public:
  // Of the options the language: only the member "text" depends on it.
  JsonForm(const FormOptions& options, Write write) : language_(options.language), write_(std::move(write)) {}
  void story(const trace::Story& story) override;

 private:
  words::Language language_;
  Write write_;
};

// The lines of one story, each with its newline.
std::string json_lines(const trace::Story& story, words::Language language);

}  // namespace nf::forms
