#include "tools/forms/kernel_trace_form.h"

#include <cstring>

#include "datapath/base/text.h"
#include "datapath/iptables/xt_log_line.h"

namespace nf::forms {

using trace::Step;
using trace::StepKind;

namespace {

// twin: trace_loginfo in ip_tables.c, NF_LOG_DEFAULT_MASK
constexpr uint8_t kFlags = ipt::kLogTcpSequence | ipt::kLogTcpOptions | ipt::kLogIpOptions | ipt::kLogUid;

bool is_built_in(std::string_view chain) {
  for (size_t i = 0; i < kHookPoints; ++i)
    if (chain == hook_name(static_cast<HookPoint>(i))) return true;
  return false;
}

// twin: get_chainname_rulenum
std::string_view what_it_is(const Step& step) {
  if (step.kind == StepKind::kPolicy) return "policy";
  if (step.end_of_chain) return "return";
  const bool tail = step.rule == "-j ACCEPT" || step.rule == "-j DROP" || step.rule == "-j RETURN";
  if (!tail) return "rule";
  return is_built_in(step.chain) ? "policy" : "return";
}

Device device(const std::string& name) {
  Device d;
  d.name = name;
  return d;
}

}  // namespace

std::string KernelTraceForm::line(const Step& step) {
  const std::string prefix =
      strf("TRACE: %s:%s:%s:%u ", step.table.c_str(), step.chain.c_str(), what_it_is(step).data(), step.number);
  if (!step.seen) return prefix + '\n';
  const trace::Seen& seen = *step.seen;
  Device in = device(seen.in), out = device(seen.out);
  const Device phys_in = device(seen.phys_in), phys_out = device(seen.phys_out);
  const size_t length = seen.link.size() + seen.bytes.size();
  PacketPtr p = pool_.allocate(static_cast<uint32_t>(length));
  uint8_t* bytes = p->put(static_cast<uint32_t>(length));
  std::copy(seen.bytes.begin(), seen.bytes.end(), std::copy(seen.link.begin(), seen.link.end(), bytes));
  if (seen.link.empty()) {
    in.kind = DeviceKind::kRawIp;
  } else {
    p->set_mac_header();
    p->pull(static_cast<uint32_t>(seen.link.size()));
  }
  p->dev = &in;
  p->mark = seen.mark;
  if (!seen.phys_in.empty()) p->phys_in = &phys_in;
  if (!seen.phys_out.empty()) p->phys_out = &phys_out;
  HookState state{.hook = step.hook};
  if (!seen.in.empty()) state.in = &in;
  if (!seen.out.empty()) state.out = &out;
  ipt::LogLine line;
  ipt::add_packet(line, prefix, kFlags, *p, state);
  return std::string(line.text()) + '\n';
}

// The kernel logs a rule before its target runs, a story has it behind what REJECT sent.
void KernelTraceForm::story(const trace::Story& story) {
  std::string made;  // since the packet's own last step
  for (const Step& step : story.steps) {
    const bool rule = step.kind == StepKind::kRule || step.kind == StepKind::kPolicy;
    if (step.made != 0) {
      if (rule) made += line(step);
      continue;
    }
    const bool sent_them = rule && step.target == "REJECT";
    if (!sent_them && !made.empty()) write_(std::exchange(made, {}));
    if (rule) write_(line(step));
    if (!made.empty()) write_(std::exchange(made, {}));
  }
  if (!made.empty()) write_(made);
}

}  // namespace nf::forms
