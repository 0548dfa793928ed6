// SANE: scans are started, and the image is fetched where the server says.
#include "tools/difftest/traffic/helper_talk.h"
#include "tools/difftest/traffic/line_talk.h"
#include "tools/difftest/traffic/words.h"

namespace nf::difftest {
namespace {

class SaneTalk final : public Talk {
 public:
  SaneTalk(TrafficContext& context, uint32_t flow)
      : control_(context, flow), scans_(1 + static_cast<int>(context.below(4))) {}

  bool speak(TrafficContext& context) override {
    if (data_ != nullptr && context.chance(600)) {
      if (!data_->speak(context)) data_.reset();
      return true;
    }
    if (control_.speak(context)) return true;
    if (!open_) {
      open_ = true;
      control_.open(context);
      return true;
    }
    if (scans_-- > 0) {
      scan(context);
      return true;
    }
    if (closing_) return data_ != nullptr;
    closing_ = true;
    control_.close(context);
    return true;
  }

 private:
  static std::string word(uint32_t v) {
    std::string s;
    for (int shift = 24; shift >= 0; shift -= 8) s += static_cast<char>(v >> shift);
    return s;
  }

  void scan(TrafficContext& context) {
    const uint32_t command = context.odd(80) ? context.below(9) : 7;
    std::string request = word(command) + word(1);
    if (context.odd(40)) request += context.chance(500) ? "x" : word(7) + word(1);
    control_.say(context, End::kClient, literal_words(request));
    const uint32_t port = context.chance(400) ? 50000 + context.below(3) : 1 + context.below(65535);
    std::string reply = word(context.odd(60) ? 3 : 0) + word(context.odd(40) ? port | 0x10000 : port) + word(0x1234);
    if (context.odd(40)) reply.resize(1 + context.below(8));
    const uint16_t id = control_.say(context, End::kServer, literal_words(reply));
    if (context.chance(900))
      data_ = make_tcp_talk(context, context.new_announced_flow(control_.flow(), End::kClient, kProtoTcp, id, 0));
  }

  LineTalk control_;
  std::unique_ptr<Talk> data_;
  int scans_;
  bool open_ = false, closing_ = false;
};

}  // namespace

std::unique_ptr<Talk> make_sane_talk(TrafficContext& context, uint32_t flow) {
  return std::make_unique<SaneTalk>(context, flow);
}

std::optional<Announcement> announced_by_sane(std::string_view payload) {
  if (payload.size() < 8) return std::nullopt;
  const auto byte = [&](size_t i) { return static_cast<unsigned>(static_cast<uint8_t>(payload[i])); };
  const unsigned port = byte(6) << 8 | byte(7);
  if (port == 0) return std::nullopt;
  return Announcement{std::nullopt, static_cast<uint16_t>(port)};
}

}  // namespace nf::difftest
