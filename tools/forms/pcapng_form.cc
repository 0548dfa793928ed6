#include "tools/forms/pcapng_form.h"

#include "datapath/base/text.h"

namespace nf::forms {

using trace::Step;
using trace::StepKind;
using Direction = PcapngWriter::Direction;

namespace {

std::vector<uint8_t> framed(const std::vector<uint8_t>& bytes, bool at_link) {
  if (at_link) return bytes;
  std::vector<uint8_t> out{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0};
  out.insert(out.end(), bytes.begin(), bytes.end());
  return out;
}

std::string number(uint64_t n) { return strf("%llu", static_cast<unsigned long long>(n)); }

std::string hook_interface(const Step& s) {
  const std::string in(s.field("in")), out(s.field("out"));
  std::string devices = in == "-" ? out : out == "-" ? in : in + " > " + out;
  return std::string(hook_name(s.hook)) + ' ' + devices;
}

}  // namespace

void PcapngForm::received(const trace::Story& story) {
  if (story.bytes.empty()) return;  // something that waited went on by itself
  const std::string port = story.from_host ? "host" : (options_.hooks ? "received " : "") + story.device;
  const Said said{"pcapng.packet", {number(story.number)}, {story.verdict}};
  writer_.packet(port, story.time, framed(story.bytes, story.at_link), Direction::kInbound,
                 words::render(said, options_.language));
}

void PcapngForm::hook(const trace::Story& story, size_t at) {
  const Step& entered = story.steps[at];
  const auto of_it = [&](const Step& s) { return s.made == entered.made && s.pass == entered.pass; };
  Said head{entered.made == 0 ? "pcapng.packet" : "pcapng.made", {number(story.number)}, {entered.said}};
  std::string comment = words::render(head, options_.language);
  for (size_t i = at + 1; i < story.steps.size(); ++i) {
    const Step& s = story.steps[i];
    if (of_it(s) && (s.kind == StepKind::kHook || !s.in_hook)) break;
    if (of_it(s) && s.level <= options_.level) comment += '\n' + words::render(s.said, options_.language);
  }
  writer_.packet(hook_interface(entered), story.time, framed(entered.bytes, false), Direction::kUnknown, comment);
}

void PcapngForm::step(const trace::Story& story, const Step& s) {
  const Said said{s.made == 0 ? "pcapng.packet" : "pcapng.made", {number(story.number)}, {s.said}};
  const std::string comment = words::render(said, options_.language);
  if (s.kind == StepKind::kSent)
    writer_.packet((options_.hooks ? "sent " : "") + std::string(s.field("device")), story.time,
                   framed(s.bytes, s.at_link), Direction::kOutbound, comment);
  else if (s.kind == StepKind::kDelivered && options_.hooks)
    writer_.packet("delivered", story.time, framed(s.bytes, s.at_link), Direction::kUnknown, comment);
}

void PcapngForm::story(const trace::Story& story) {
  received(story);
  for (size_t i = 0; i < story.steps.size(); ++i) {
    if (story.steps[i].bytes.empty()) continue;
    if (story.steps[i].kind != StepKind::kHook)
      step(story, story.steps[i]);
    else if (options_.hooks)
      hook(story, i);
  }
}

}  // namespace nf::forms
