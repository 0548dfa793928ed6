#include "tools/labdiff/lockstep.h"

#include <iterator>
#include <utility>

namespace nf::labdiff {

Lockstep::Lockstep(const CapturePlayerOptions& options) : side_{Side(options), Side(options)} {}

Status Lockstep::configure(const lab::Lab& a, const lab::Lab& b, const std::vector<CaptureLink>& links) {
  const lab::Lab* labs[] = {&a, &b};
  for (size_t i = 0; i < 2; ++i) {
    Side& side = side_[i];
    if (Status s = side.player.configure(*labs[i], links); !s) {
      if (s.error().file.empty()) s.error().text = labs[i]->folder + ": " + s.error().text;
      return s;
    }
    side.player.keep_sent();
    side.player.set_trace(&side.sink);
    side.rules = rules_of(side.player.gateway().iptables().save({}));
  }
  return {};
}

void Lockstep::play(size_t link, const CapturedPacket& packet, bool detailed) {
  for (Side& side : side_) {
    side.happened.clear();
    side.sink.on = detailed;
    side.player.advance(packet.time);
    side.recorder.finish();
    Happened meanwhile = std::exchange(side.happened, {});
    side.player.play(link, packet);
    side.recorder.finish();
    side.happened.insert(side.happened.end(), std::make_move_iterator(meanwhile.begin()),
                         std::make_move_iterator(meanwhile.end()));
    side.player.take_sent();
  }
}

}  // namespace nf::labdiff
