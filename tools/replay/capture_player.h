// Captures through a gateway, in capture time. What replay, explain, diff and shrink share; each of them brings where
// packets come from, what is done with what leaves, and who is told.
//
//   CapturePlayer player({.seed = 1});
//   player.configure(lab, links_of(inputs));       the lab, and what the captures tell of its links
//   player.attach_ports(...) or keep_sent()        where frames go
//   player.set_trace(&recorder);                   its clock: [&] { return player.now(); }
//   player.play(link, packet) ...                  or play_captures(), play_held()
//
// Time is the captures': a packet is handled at its time stamp, and timers between two packets run at their own times.
// As in the kernel an expired connection ends when a packet asks for its tuple, or when the garbage collector comes by:
// at its expiry if the last sweep saw the connection, 60 s after that sweep otherwise. After the last packet time
// stands still.
//
// Ownership: the player owns gateway, ports and the host without processes that answers for local delivery. Sinks and
// callbacks belong to the caller; a sink is let go by set_trace(nullptr) or outlives the player.
// Invariants:
//  1. The same packets give the same bytes, however they are handed over.
//  2. Time never steps back: a packet stamped earlier than the one before is handled at that one's time.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "datapath/port/responder.h"
#include "tools/capture/captured_frame.h"
#include "tools/gateway/gateway.h"
#include "tools/replay/capture_links.h"
#include "tools/replay/held_capture.h"

namespace nf {

struct CapturePlayerOptions {
  uint64_t seed = 1;
  bool checksum = false;  // verify transport checksums; captures often hold unfinished ones
};

class CapturePlayer {
 public:
  explicit CapturePlayer(const CapturePlayerOptions& options);
  ~CapturePlayer();
  CapturePlayer(const CapturePlayer&) = delete;
  CapturePlayer& operator=(const CapturePlayer&) = delete;

  // Once, first. Any link the lab names exists and is up; `links` are those packets come in by (errors name their
  // origin when the lab has no such link).
  Status configure(const lab::Lab& lab, std::vector<CaptureLink> links);

  // Where frames leave instead: asked for each device with a wire. Without either, frames sent are lost.
  using MakePort = std::function<Result<std::unique_ptr<Port>>(const Device&)>;
  Status attach_ports(const MakePort& make);
  // Frames sent are kept, in the order they left by whatever device, for take_sent().
  struct SentFrame {
    const Device* device;
    Time time;
    std::vector<uint8_t> bytes;  // at the link header
  };
  void keep_sent() { keep_ = true; }
  std::vector<SentFrame> take_sent() { return std::exchange(sent_, {}); }

  void set_trace(trace::Sink* sink) { gateway_.router().set_trace(sink); }
  // Called whenever time moved, before anything happens at that time.
  std::function<void(Time)> on_time;

  // --- packets
  // Plays one: the timers before it, the packet, and all that comes of it. `link`: index into configure()'s links.
  // Anything but kNo: it was left out, only its number was counted.
  LeftOut play(size_t link, const CapturedPacket& packet);
  // Lets time pass without a packet.
  void advance(Time to);

  Time now() const { return now_; }
  // The packet being played or played last, 1-based over all handed to play(), left out or not.
  uint64_t packets() const { return packets_; }
  uint64_t left_out(LeftOut why) const { return outcomes_[static_cast<size_t>(why)]; }
  uint64_t left_out() const { return packets_ - left_out(LeftOut::kNo); }
  uint64_t cut_short() const { return cut_; }  // played with zeros for what the snap length took

  Gateway& gateway() { return gateway_; }
  Responder& host() { return host_; }
  const std::vector<CaptureLink>& links() const { return links_; }

 private:
  class Wire;
  void learn_neighbours();
  void set_time(Time now);

  CapturePlayerOptions options_;
  std::vector<CaptureLink> links_;
  std::vector<Device*> devices_;  // by link
  std::vector<std::unique_ptr<Port>> ports_;
  std::vector<SentFrame> sent_;
  Gateway gateway_;
  Responder host_{gateway_.router().pool(), 1};
  bool begun_ = false, keep_ = false;
  Time now_ = 0, next_timer_ = 0;
  uint64_t packets_ = 0, cut_ = 0;
  std::array<uint64_t, 5> outcomes_{};  // [LeftOut]
};

// Who is asked in while packets are played; any may be empty. `number` is the packet's in the order of time of all
// captures, from 1.
struct CaptureVisitor {
  std::function<void(uint64_t number, const CapturedPacket& packet)> before;
  std::function<void(uint64_t number, LeftOut left_out)> after;
  bool progress = false;  // on a terminal's stderr
};
// Hands over every packet of capture files in order of time.
Status play_captures(CapturePlayer& player, CaptureMerge& captures, const CaptureVisitor& visitor);
// The same of packets in memory; `which`: indices into its packets, in order; null: all.
void play_held(CapturePlayer& player, const HeldCapture& capture, const CaptureVisitor& visitor,
               const std::vector<size_t>* which = nullptr);

// "were sent by the interface they were captured on, and are left out" and the like, a line for each kind there was.
std::vector<std::string> left_out_lines(const CapturePlayer& player);

}  // namespace nf
