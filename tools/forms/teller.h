// A trace sink that writes a form: a Recorder and the Form its stories go to.
#pragma once

#include <memory>
#include <utility>

#include "tools/forms/form.h"
#include "tools/trace/recorder.h"

namespace nf::forms {

// What a recorder keeps when its stories go to this form.
inline trace::RecorderOptions options_for(const Form& form, trace::RecorderOptions options) {
  options.keep_bytes = options.keep_bytes || form.wants_bytes();
  options.keep_rules = options.keep_rules || form.wants_rules();
  return options;
}

class Teller {
 public:
  Teller(std::unique_ptr<Form> form, trace::RecorderOptions options)
      : form_(std::move(form)),
        recorder_(options_for(*form_, std::move(options)), [this](const trace::Story& s) { form_->story(s); }) {}
  trace::Recorder& sink() { return recorder_; }
  Form& form() { return *form_; }
  // Writes what the form has not written yet; more may follow.
  void finish() { recorder_.finish(); }

 private:
  std::unique_ptr<Form> form_;
  trace::Recorder recorder_;
};

}  // namespace nf::forms
