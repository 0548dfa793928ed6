#include "tools/replay/capture_player.h"

#include <algorithm>
#include <optional>

#include "datapath/base/text.h"
#include "datapath/port/port.h"
#include "tools/replay/progress.h"

namespace nf {

class CapturePlayer::Wire final : public Port {
 public:
  Wire(CapturePlayer& player, const Device& device) : player_(player), device_(device) {}
  size_t receive(PacketPool&, std::vector<PacketPtr>&, size_t) override { return 0; }
  bool send(PacketPtr p) override {
    if (player_.keep_) player_.sent_.push_back({&device_, player_.now_, {p->bytes().begin(), p->bytes().end()}});
    return true;
  }
  void flush() override {}

 private:
  CapturePlayer& player_;
  const Device& device_;
};

CapturePlayer::CapturePlayer(const CapturePlayerOptions& options)
    : options_(options), gateway_(GatewayOptions{.seed = options.seed, .assume_neighbours = true}) {}

CapturePlayer::~CapturePlayer() { gateway_.router().set_trace(nullptr); }

Status CapturePlayer::configure(const lab::Lab& lab, std::vector<CaptureLink> links) {
  links_ = std::move(links);
  // A link with a capture has the address its frames tell of.
  const FindLink find_link = [this](std::string_view name, bool) -> std::optional<LinkFacts> {
    LinkFacts facts;
    facts.up = true;
    for (const CaptureLink& link : links_)
      if (link.interface == name) facts.mac = link.mac;
    return facts;
  };
  if (Status s = gateway_.configure(lab, find_link); !s) return s;
  for (const CaptureLink& link : links_) {
    Device* dev = gateway_.router().device(link.interface);
    if (dev == nullptr || dev->kind == DeviceKind::kLoopback || dev->kind == DeviceKind::kBridge)
      return error(link.origin + ": the lab has no such link");
    devices_.push_back(dev);
  }
  learn_neighbours();
  gateway_.router().set_host(&host_);
  gateway_.router().connect(host_);
  return attach_ports([this](const Device& dev) -> Result<std::unique_ptr<Port>> {
    return std::unique_ptr<Port>(std::make_unique<Wire>(*this, dev));
  });
}

// Stations whose frames come later in the capture are known from the start, as they were when it was made.
void CapturePlayer::learn_neighbours() {
  NeighbourTable& neighbours = gateway_.router().neighbours();
  for (size_t i = 0; i < links_.size(); ++i) {
    const Device& port = *devices_[i];
    const Device& dev = port.master != nullptr ? *port.master : port;
    for (const Station& s : links_[i].stations) {
      const bool own = s.mac == port.mac || s.mac == dev.mac;
      if (!own && neighbours.state(dev, s.address) == NeighbourState::kNone)
        neighbours.add_static(dev, s.address, s.mac, NeighbourState::kPermanent);
    }
  }
}

Status CapturePlayer::attach_ports(const MakePort& make) {
  for (const auto& dev : gateway_.router().devices()) {
    if (dev->kind != DeviceKind::kEthernet && dev->kind != DeviceKind::kRawIp) continue;
    Result<std::unique_ptr<Port>> port = make(*dev);
    if (!port) return port.error();
    ports_.push_back(port.take());
    gateway_.router().attach_port(*dev, *ports_.back());
  }
  return {};
}

void CapturePlayer::set_time(Time now) {
  now_ = now;
  if (on_time) on_time(now);
}

// Timers that fall between two packets run at their own times, so the outcome does not depend on when we look.
void CapturePlayer::advance(Time to) {
  if (!begun_) next_timer_ = to;
  begun_ = true;
  to = std::max(to, now_);
  while (next_timer_ <= to) {
    const Time due = next_timer_;
    set_time(due);
    next_timer_ = std::max(gateway_.run_timers(due), due + kMillisecond);
  }
  set_time(to);
}

LeftOut CapturePlayer::play(size_t link, const CapturedPacket& packet) {
  Router& router = gateway_.router();
  Device& dev = *devices_[link];
  // Captures merged or written by several cores step back now and then; the engine's time does not.
  const Time at = begun_ ? std::max(packet.time, now_) : packet.time;
  advance(at);
  ++packets_;
  CapturedFrame frame = captured_frame(packet, dev, router.pool());
  ++outcomes_[static_cast<size_t>(frame.left_out)];
  if (frame.packet == nullptr) return frame.left_out;
  cut_ += packet.truncated();
  // Of a super-packet the sum is the sender's work still to be done.
  if (!options_.checksum && frame.packet->checksum == ChecksumState::kNone)
    frame.packet->checksum = ChecksumState::kUnnecessary;
  router.receive(dev, {&frame.packet, 1}, at);
  // It may have begun something that is due before anything else.
  next_timer_ = std::min(next_timer_, gateway_.run_timers(at));
  return LeftOut::kNo;
}

namespace {

void play_one(CapturePlayer& player, uint64_t number, size_t link, const CapturedPacket& packet,
              const CaptureVisitor& visitor) {
  if (visitor.before) visitor.before(number, packet);
  const LeftOut left_out = player.play(link, packet);
  if (visitor.after) visitor.after(number, left_out);
}

}  // namespace

Status play_captures(CapturePlayer& player, CaptureMerge& captures, const CaptureVisitor& visitor) {
  std::optional<Progress> progress;
  if (visitor.progress) progress.emplace(captures.total_bytes());
  for (uint64_t number = 1;; ++number) {
    const Result<CaptureMerge::Item> item = captures.next();
    if (!item) return item.error();
    if (item->packet == nullptr) return {};
    if (progress) progress->update(number, captures.bytes_read());
    play_one(player, number, item->input, *item->packet, visitor);
  }
}

void play_held(CapturePlayer& player, const HeldCapture& capture, const CaptureVisitor& visitor,
               const std::vector<size_t>* which) {
  const size_t count = which != nullptr ? which->size() : capture.packets.size();
  for (size_t i = 0; i < count; ++i) {
    const HeldPacket& packet = capture.packets[which != nullptr ? (*which)[i] : i];
    play_one(player, packet.number, packet.link, packet.view(), visitor);
  }
}

std::vector<std::string> left_out_lines(const CapturePlayer& player) {
  std::vector<std::string> lines;
  const auto say = [&](uint64_t n, const char* what) {
    if (n > 0) lines.push_back(strf("%llu packets %s", static_cast<unsigned long long>(n), what));
  };
  say(player.left_out(LeftOut::kOwn), "were sent by the interface they were captured on, and are left out");
  say(player.left_out(LeftOut::kNotIpv4), "are not IPv4 in a capture without link headers, and are left out");
  say(player.left_out(LeftOut::kBadFrame), "have no whole link header, and are left out");
  say(player.left_out(LeftOut::kTooLong), "are longer than any packet, and are left out");
  say(player.cut_short(), "are cut short in the capture; what is missing was taken to be zeros");
  return lines;
}

}  // namespace nf
