#include "tools/trace/recorder.h"

#include <algorithm>

#include "datapath/hook/device.h"
#include "tools/trace/describe.h"

namespace nf::trace {
namespace {

std::vector<uint8_t> copy(const Packet& p) { return {p.bytes().begin(), p.bytes().end()}; }

}  // namespace

Recorder::Recorder(RecorderOptions options, Done done) : options_(std::move(options)), done_(std::move(done)) {}

void Recorder::known_from(uint32_t connection, std::string origin) {
  origins_[connection] = {0, std::move(origin), {}};
}

void Recorder::begin(const Packet& p, const Received& e) {
  finish();
  open_ = true;
  ++packets_;
  story_.number = options_.number ? options_.number() : packets_;
  story_.time = options_.clock ? options_.clock() : 0;
  story_.device = e.device->name;
  story_.from_host = e.from_host;
  story_.packet = describe(p);
  if (options_.keep_bytes) story_.bytes = copy(p);
  story_.at_link = !e.from_host && e.device->kind != DeviceKind::kRawIp;
  tracks_.assign(1, Track{.packet = &p});
  waiting_.erase(&p);  // its place in memory is used again
  if (const auto out = on_loopback_.find(&p); out != on_loopback_.end()) {
    if (!e.from_host) story_.continues = out->second;
    on_loopback_.erase(out);
  }
}

void Recorder::finish() {
  if (!open_) return;
  open_ = false;
  for (Track& t : tracks_) leave_hook(t);
  const bool waits_for_neighbour = judge();
  for (const Track& t : tracks_)
    if (t.over_lo) on_loopback_[t.packet] = story_.number;
  if (waits_for_neighbour) waiting_[tracks_.front().packet] = story_.number;
  done_(story_);
  story_ = {};
  tracks_.clear();
  made_ = 0;
}

Step& Recorder::add(const Track& t, StepKind kind, Level level, Said said) {
  Step step;
  step.kind = kind;
  step.level = level;
  step.made = t.made;
  step.pass = t.pass;
  step.in_hook = t.in_hook;
  step.hook = t.hook;
  step.said = std::move(said);
  return story_.steps.emplace_back(std::move(step));
}

// A packet not met before is one this host makes when it begins at OUTPUT; otherwise a copy, a part, or one that
// waited.
Recorder::Track& Recorder::track_of(const Packet& p, const Event& e) {
  const auto* hook = std::get_if<HookEntered>(&e);
  if (std::holds_alternative<Reassembled>(e)) {
    for (Track& t : tracks_) {
      if (!std::exchange(t.held, false)) continue;
      t.packet = &p;
      return t;
    }
  }
  // OUTPUT is the first hook of any packet that enters it; a reset was routed before.
  const bool begins = hook != nullptr && hook->hook == HookPoint::kLocalOut;
  for (auto t = tracks_.rbegin(); t != tracks_.rend(); ++t)
    if (t->packet == &p && !(t->ended && hook != nullptr) && !(begins && (t->hooked || t->stray))) return *t;
  if (!begins && !std::holds_alternative<Routed>(e)) {
    // A copy is of what was told of last: of a packet this host is making, it belongs to that one.
    const uint16_t of = story_.steps.empty() ? uint16_t{0} : story_.steps.back().made;
    return tracks_.emplace_back(Track{.packet = &p, .made = of, .stray = true});
  }
  waiting_.erase(&p);
  Track t{.packet = &p, .made = ++made_, .forwarded = true};
  Step& step = add(t, StepKind::kMade, Level::kDecisions, {"step.made", {describe(p)}, {}});
  step.fields = {{"description", describe(p)}};
  return tracks_.emplace_back(std::move(t));
}

// twin: dump_mac_header, of what it would dump
Seen Recorder::look(const Track& t, const Packet& p) {
  Seen seen;
  seen.bytes = copy(p);
  seen.mark = p.mark;
  const auto name = [](const Device* d) { return d == nullptr ? std::string() : d->name; };
  seen.in = name(t.in);
  seen.out = name(t.out);
  if (p.phys_in != t.in) seen.phys_in = name(p.phys_in);
  if (p.phys_out != t.out) seen.phys_out = name(p.phys_out);
  const Device* dev = p.dev != nullptr ? p.dev : t.in;
  if (t.in == nullptr || dev == nullptr) return seen;
  const auto* header = reinterpret_cast<const uint8_t*>(&p.mac());
  if (p.has_mac_header() && dev->kind != DeviceKind::kRawIp)
    seen.link.assign(header, header + sizeof(EthernetHeader));
  else if (dev->kind == DeviceKind::kLoopback)
    seen.link = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0};
  return seen;
}

// A rule is told when its target has run: what it saw is what the event before it left.
void Recorder::keep_seen(Track& t, const Packet& p, size_t steps_before) {
  if (!options_.keep_rules || !t.in_hook) return;
  Seen now = look(t, p);
  for (size_t i = steps_before; i < story_.steps.size(); ++i) {
    Step& step = story_.steps[i];
    if (step.kind != StepKind::kRule && step.kind != StepKind::kPolicy) continue;
    step.seen = t.seen ? *t.seen : now;
    if (step.seen->bytes != now.bytes || step.seen->mark != now.mark) step.left = now;
  }
  t.seen = std::move(now);
}

void Recorder::event(const Packet& p, const Event& event) {
  if (const auto* received = std::get_if<Received>(&event); received != nullptr) {
    // Over lo it comes back: the same packet's second pass.
    const auto back =
        std::find_if(tracks_.begin(), tracks_.end(), [&](const Track& t) { return t.packet == &p && t.over_lo; });
    if (!open_ || received->from_host || back == tracks_.end()) return begin(p, *received);
    *back = Track{.packet = &p, .made = back->made, .pass = static_cast<uint16_t>(back->pass + 1)};
    add(*back, StepKind::kLoopback, Level::kDecisions, {"step.loopback", {}, {}});
    return;
  }
  if (!open_) {  // something that waited goes on by itself: a timer's doing
    open_ = true;
    ++packets_;
    story_.number = options_.number ? options_.number() : packets_;
    story_.time = options_.clock ? options_.clock() : 0;
    story_.packet = describe(p);
    tracks_.assign(1, Track{.packet = &p});
  }
  Track& t = track_of(p, event);
  const size_t steps_before = story_.steps.size();
  add_step(t, p, event);
  keep_seen(t, p, steps_before);
  if (std::holds_alternative<FragmentHeld>(event)) {
    for (Track& other : tracks_) other.held = false;
    t.held = true;
  }
  t.ended |= (std::holds_alternative<Sent>(event) && !t.over_lo) || std::holds_alternative<Delivered>(event) ||
             std::holds_alternative<Dropped>(event);
}

}  // namespace nf::trace
