#include "tools/forms/form.h"
#include "tools/forms/html_form.h"
#include "tools/forms/json_form.h"
#include "tools/forms/kernel_trace_form.h"
#include "tools/forms/pcapng_form.h"
#include "tools/forms/text_form.h"
#include "tools/forms/xtables_monitor_form.h"

namespace nf::forms {

Result<std::unique_ptr<Form>> make_form(std::string_view name, const FormOptions& options, Write write) {
  std::unique_ptr<Form> form;
  if (name == "text") form = std::make_unique<TextForm>(options, std::move(write));
  if (name == "json") form = std::make_unique<JsonForm>(options, std::move(write));
  if (name == "pcapng") form = std::make_unique<PcapngForm>(options, std::move(write));
  if (name == "trace") form = std::make_unique<KernelTraceForm>(options, std::move(write));
  if (name == "xtables-monitor") form = std::make_unique<XtablesMonitorForm>(options, std::move(write));
  if (name == "html") form = std::make_unique<HtmlForm>(options, std::move(write));
  if (form == nullptr)
    return error("\"" + std::string(name) + "\" is no form: text, json, pcapng, trace, xtables-monitor or html");
  return form;
}

}  // namespace nf::forms
