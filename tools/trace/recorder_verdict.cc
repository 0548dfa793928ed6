// Where a packet ended, out of its steps.
#include "tools/trace/recorder.h"

namespace nf::trace {
namespace {

std::string str(std::string_view s) { return std::string(s); }

}  // namespace

// The packet's own end: drops and copies sent are told apart, what this host answers is added.
bool Recorder::judge() {
  std::vector<std::string> devices;
  std::string as;
  const Step* dropped = nullptr;
  const Step* delivered = nullptr;
  const Step* waits = nullptr;
  Said made;
  for (const Step& s : story_.steps) {
    if (s.kind == StepKind::kMade && !made) made = {"end.answers", {str(s.field("description"))}, {}};
    if (s.made != 0) continue;
    if (s.kind == StepKind::kSent && s.field("waited").empty()) {
      const bool loops = s.field("device") == "lo";
      if (!loops) devices.push_back(str(s.field("device")));
      as = s.field("description");
    }
    // One that waited and is given up has a story of its own, or stands in another's that it is not about.
    if (s.kind == StepKind::kDropped && (s.field("waited").empty() || story_.device.empty())) dropped = &s;
    if (s.kind == StepKind::kDelivered) delivered = &s;
    if (s.kind == StepKind::kNeighbour && s.field("answer") != "known") waits = &s;
    if (s.kind == StepKind::kFragment && s.field("what") == "held") waits = &s;
  }
  Said& verdict = story_.verdict;
  if (dropped != nullptr) {
    story_.fate = Fate::kDropped;
    verdict = dropped->said;
  } else if (delivered != nullptr) {
    story_.fate = Fate::kDelivered;
    as = delivered->field("description");
    verdict = as == story_.packet ? Said{"end.delivered", {}, {}} : Said{"end.delivered_as", {as}, {}};
  } else if (!devices.empty()) {
    story_.fate = Fate::kSent;
    std::string all;
    for (const std::string& d : devices) (all += all.empty() ? "" : ", ") += d;
    verdict = as == story_.packet ? Said{"end.sent", {all}, {}} : Said{"end.sent_as", {all, as}, {}};
  } else if (waits != nullptr) {
    story_.fate = Fate::kWaiting;
    verdict = {"end.waits", {}, {waits->said}};
  } else {
    story_.fate = Fate::kNothing;
    verdict = {"end.nothing", {}, {}};
  }
  if (made) verdict = {"end.and", {}, {verdict, made}};
  return story_.fate == Fate::kWaiting && waits->kind == StepKind::kNeighbour;
}

}  // namespace nf::trace
