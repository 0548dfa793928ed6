// A trace sink that writes a form: a Recorder and the Form its stories go to.
#pragma once

#include <memory>
#include <utility>

#include "tools/forms/form.h"
#include "tools/trace/recorder.h"

namespace nf::forms {

class Teller {
 public:
  Teller(std::unique_ptr<Form> form, trace::RecorderOptions options)
      : form_(std::move(form)),
        recorder_(with_bytes(std::move(options)), [this](const trace::Story& s) { form_->story(s); }) {}
  trace::Recorder& sink() { return recorder_; }
  Form& form() { return *form_; }
  // Writes what the form has not written yet; more may follow.
  void finish() { recorder_.finish(); }

 private:
  trace::RecorderOptions with_bytes(trace::RecorderOptions options) const {
    options.keep_bytes = options.keep_bytes || form_->wants_bytes();
    options.keep_rules = options.keep_rules || form_->wants_rules();
    return options;
  }

  std::unique_ptr<Form> form_;
  trace::Recorder recorder_;
};

}  // namespace nf::forms
