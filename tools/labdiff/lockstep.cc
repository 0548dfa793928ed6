#include "tools/labdiff/lockstep.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "datapath/base/text.h"

namespace nf::labdiff {
namespace {

constexpr Duration kMinute = 60 * kSecond, kDay = 24 * 60 * kMinute;
// Longer than a next hop is asked for and a sweep of conntrack takes to come by.
constexpr Duration kOtherTimers = 10 * kMinute;

// Those of an ipfrag_time of days are not waited for.
Duration fragment_time(const lab::Lab& lab) {
  Duration time = 30 * kSecond;
  for (const lab::SysctlSetting& s : lab.sysctl)
    if (s.name == "net.ipv4.ipfrag_time")
      if (const auto seconds = parse_number(s.value, UINT32_MAX); seconds)
        time = std::min(static_cast<Duration>(*seconds) * kSecond, kDay);
  return time;
}

}  // namespace

Lockstep::Lockstep(const CapturePlayerOptions& options) : side_{Side(options), Side(options)} {}

Status Lockstep::configure(const lab::Lab& a, const lab::Lab& b, const std::vector<CaptureLink>& links) {
  const lab::Lab* labs[] = {&a, &b};
  for (size_t i = 0; i < 2; ++i) {
    Side& side = side_[i];
    if (Status s = side.player.configure(*labs[i], links); !s) {
      if (s.error().file.empty()) s.error().text = labs[i]->folder + ": " + s.error().text;
      return s;
    }
    side.fragments = fragment_time(*labs[i]);
    side.player.keep_sent();
    side.player.set_trace(&side.sink);
    side.rules = rules_of(side.player.gateway().iptables().save({}));
  }
  return {};
}

void Lockstep::Switch::event(const Packet& p, const trace::Event& e) {
  if (std::holds_alternative<trace::Received>(e)) {
    numbers_[&p] = about = played;
  } else if (waits) {
    const auto known = numbers_.find(&p);
    const bool other = known == numbers_.end() ? gone_ : about != 0 && known->second != about;
    // One story may not tell of two packets. What this host makes comes before the packet it is made of goes.
    if (other) {
      recorder_.finish();
      about = 0;
    }
    if (known != numbers_.end()) about = known->second;
  }
  recorder_.event(p, e);
  // Its place in memory may be another's next.
  if (std::holds_alternative<trace::Delivered>(e) || std::holds_alternative<trace::Dropped>(e))
    gone_ = numbers_.erase(&p) > 0;
  else
    gone_ = false;
}

void Lockstep::Side::pass(Time to) {
  happened.clear();
  sink.waits = true;
  sink.about = 0;
  player.advance(to);
  recorder.finish();
  sink.waits = false;
  meanwhile = std::exchange(happened, {});
}

void Lockstep::play(size_t link, const CapturedPacket& packet, bool detailed) {
  for (Side& side : side_) {
    side.sink.on = detailed;
    side.pass(packet.time);
    side.sink.about = ++side.sink.played;
    side.player.play(link, packet);
    side.recorder.finish();
    side.player.take_sent();
  }
}

void Lockstep::finish() {
  for (Side& side : side_) {
    side.pass(side.player.now() + std::max(kOtherTimers, side.fragments + kMinute));
    side.player.take_sent();
  }
}

}  // namespace nf::labdiff
