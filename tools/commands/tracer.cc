#include "tools/commands/tracer.h"

#include <algorithm>

#include "datapath/base/text.h"
#include "datapath/hook/device.h"

namespace nf {
namespace {

// A Recorder remembers each connection it met: it is begun anew after so many packets, and says of older connections
// that it was not told of their first packet.
constexpr uint64_t kRecorderPackets = 100000;
constexpr size_t kMaxWaiting = 4096;

// What costs more than a few copies, left out for a sink that does not want it: whether anything is left of the event.
// Of a note nothing says whether it is told to every sink. Those that are not are those of Router::tell_refused, and
// no other key begins as theirs do.
bool leave_out_details(trace::Event& e) {
  if (std::holds_alternative<trace::RuleMissed>(e)) return false;
  if (const auto* noted = std::get_if<trace::Noted>(&e)) return !noted->said->key.starts_with("route.");
  if (auto* routed = std::get_if<trace::Routed>(&e)) {
    routed->rule = routed->route = {};
    routed->source = {};
  }
  return true;
}

std::string number(uint64_t n) { return strf("%llu", static_cast<unsigned long long>(n)); }

}  // namespace

void Tracer::set_beside(trace::Sink* sink) {
  beside_ = sink;
  watch();
}

Result<Tracer::AskerId> Tracer::add(const TraceRequest& request, Outlet outlet) {
  Asker a;
  a.id = last_id_ + 1;
  a.request = request;
  a.outlet = std::move(outlet);
  if (!request.frames.empty()) {
    Result<CaptureFilter> frames = CaptureFilter::from_bytecode(request.frames);
    if (!frames) return error("--filter: " + frames.error().text);
    a.frames = frames.take();
  }
  if (!request.packets.empty()) {
    Result<CaptureFilter> packets = CaptureFilter::from_bytecode(request.packets);
    if (!packets) return error("--filter: " + packets.error().text);
    a.packets = packets.take();
  }
  Asker& added = askers_.emplace_back(std::move(a));
  Result<std::unique_ptr<forms::Form>> form =
      forms::make_form(request.form, request.options, [&added](std::string_view text) { added.text += text; });
  if (!form) {
    askers_.pop_back();
    return form.error();
  }
  added.form = form.take();
  added.form->begin(surroundings_ ? surroundings_() : forms::Surroundings{});
  ++last_id_;
  watch();
  return added.id;
}

void Tracer::remove(AskerId id) {
  finish();
  const auto at = std::find_if(askers_.begin(), askers_.end(), [id](const Asker& a) { return a.id == id; });
  if (at == askers_.end()) return;
  at->form->end();
  if (!at->text.empty()) at->outlet.out(std::move(at->text));
  say_counts(*at, true);
  askers_.erase(at);
  watch();
}

Tracer::Asker* Tracer::find(AskerId id) {
  for (Asker& a : askers_)
    if (a.id == id) return &a;
  return nullptr;
}

void Tracer::watch() {
  if (askers_.empty()) {
    recorder_.reset();
    waiting_.clear();
    chosen_.clear();
    router_.set_trace(beside_);
    return;
  }
  if (!recorder_) start_recorder();
  router_.set_trace(this, [this](const Packet& p, const Device* in) { return selects(p, in); });
}

void Tracer::start_recorder() {
  trace::RecorderOptions options;
  options.keep_bytes = options.keep_rules = true;
  options.clock = [this] { return router_.now(); };
  options.number = [this] {
    auto by = chosen_.extract(told_packet_);
    story_ = by ? std::move(by.mapped()) : Chosen();
    return ++numbers_;
  };
  recorder_.emplace(std::move(options), [this](const trace::Story& story) { done(story); });
}

// --- which packets

bool Tracer::matches(const Asker& a, const Packet& p, const Device* in) {
  if (!a.frames) return true;
  const bool at_link = in != nullptr && in->kind != DeviceKind::kRawIp;
  const std::optional<CaptureFilter>& filter = at_link ? a.frames : a.packets;
  return filter && filter->matches(p.bytes());
}

bool Tracer::selects(const Packet& p, const Device* in) {
  Chosen by;
  const Time now = router_.now();
  for (Asker& a : askers_) {
    if (a.over || (a.request.count != 0 && a.chosen >= a.request.count) || !matches(a, p, in)) continue;
    if (now - a.window >= kSecond || now < a.window) {
      a.window = now;
      a.in_window = 0;
    }
    if (a.in_window >= a.request.rate) {
      ++a.held_back;
      continue;
    }
    ++a.in_window;
    ++a.chosen;
    by.push_back(a.id);
  }
  const bool selected = !by.empty();
  if (selected)
    chosen_[&p] = std::move(by);
  else
    chosen_.erase(&p);
  return selected || beside_ != nullptr;
}

// --- what is told of them

void Tracer::event(const Packet& p, const trace::Event& e) {
  if (beside_ != nullptr) {
    if (beside_->detailed()) {
      beside_->event(p, e);
    } else if (trace::Event plain = e; leave_out_details(plain)) {
      beside_->event(p, plain);
    }
  }
  told_packet_ = &p;
  recorder_->event(p, e);
}

void Tracer::finish() {
  if (!recorder_) return;
  recorder_->finish();
  if (recorder_->packets() > kRecorderPackets) start_recorder();
  for (Asker& a : askers_) say_counts(a, false);
}

void Tracer::done(const trace::Story& story) {
  Chosen chosen = story_;
  const auto owners_of = [&](uint64_t earlier) {
    const auto at = waiting_.find(earlier);
    if (at == waiting_.end()) return;
    for (const AskerId id : at->second)
      if (std::ranges::find(chosen, id) == chosen.end()) chosen.push_back(id);
    waiting_.erase(at);
  };
  owners_of(story.continues);
  for (const trace::Step& s : story.steps)
    if (const auto n = parse_number(s.field("waited")); n) owners_of(*n);
  if (chosen.empty()) return;
  if (story.fate == trace::Fate::kWaiting || story.fate == trace::Fate::kNothing) {
    waiting_[story.number] = chosen;
    if (waiting_.size() > kMaxWaiting) waiting_.erase(waiting_.begin());
  }
  for (const AskerId id : chosen)
    if (Asker* a = find(id); a != nullptr) tell(*a, story);
}

void Tracer::tell(Asker& a, const trace::Story& story) {
  if (a.over) return;
  if (!a.outlet.has_room()) {
    ++a.lost;
  } else {
    a.form->story(story);
    if (!a.text.empty()) a.outlet.out(std::exchange(a.text, {}));
    ++a.told;
  }
  if (a.request.count == 0 || a.told + a.lost < a.request.count) return;
  a.over = true;
  a.outlet.enough();
}

void Tracer::say_counts(Asker& a, bool last) {
  const bool grew = a.held_back != a.held_back_said || a.lost != a.lost_said;
  const Time now = router_.now();
  if (!last && (!grew || now - a.said < kSecond)) return;
  const auto say = [&](Said said) {
    a.outlet.note("hookpoint: trace: " + words::render(said, a.request.options.language) + '\n');
  };
  if (a.held_back != (last ? 0 : a.held_back_said))
    say({"trace.held_back", {number(a.held_back), number(a.request.rate)}, {}});
  if (a.lost != (last ? 0 : a.lost_said)) say({"trace.lost", {number(a.lost)}, {}});
  if (last) say({"trace.told", {number(a.told)}, {}});
  a.held_back_said = a.held_back;
  a.lost_said = a.lost;
  a.said = now;
}

}  // namespace nf
