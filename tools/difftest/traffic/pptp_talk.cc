// PPTP (RFC 2637): control connections with calls of both directions, and the GRE packets of both ends, each of which
// uses the call id the other told it.
#include "tools/difftest/traffic/helper_talk.h"
#include "tools/difftest/traffic/line_talk.h"
#include "tools/difftest/traffic/words.h"

namespace nf::difftest {
namespace {

// RFC 2637, 2.1 to 2.15: lengths, by the message's number.
constexpr size_t kLength[] = {0, 156, 156, 16, 16, 16, 20, 168, 32, 220, 24, 28, 16, 148, 40, 24};
enum Message : uint8_t {
  kStartRequest = 1,
  kStartReply,
  kStopRequest,
  kStopReply,
  kEchoRequest,
  kEchoReply,
  kOutRequest,
  kOutReply,
  kInRequest,
  kInReply,
  kInConnect,
  kClear,
  kDisconnect,
  kWanError,
  kLinkInfo,
};

std::string number(unsigned v) { return literal_words(std::string{static_cast<char>(v >> 8), static_cast<char>(v)}); }

// `begin` is the first `length` bytes of the body as words; the rest is zero.
std::string message(Message which, const std::string& begin, size_t length) {
  std::string zeros(kLength[which] - 12 - length, '\0');
  return number(static_cast<unsigned>(kLength[which])) + number(1) + number(0x1a2b) + number(0x3c4d) + number(which) +
         number(0) + begin + zeros;
}

// One end's GRE packets: to the call id it was told.
class GreTalk final : public Talk {
 public:
  GreTalk(TrafficContext& context, uint32_t flow) : flow_(flow), left_(1 + static_cast<int>(context.below(5))) {}
  bool speak(TrafficContext& context) override {
    if (--left_ < 0) return false;
    Step step = context.packet(flow_, End::kClient, "GRE of a call");
    const std::string words = number(context.odd(30) ? 0x3000u + context.below(8) : 0x3001) +
                              number(context.odd(20) ? 0x0800 : 0x880b) + number(4) +
                              (context.odd(30) ? number(context.below(65536)) : "%W") + number(0) + number(1) +
                              number(2) + number(3);
    step.data.assign(words.begin(), words.end());
    step.words_length = 16;
    if (context.odd(20)) step.words_length = static_cast<uint16_t>(1 + context.below(15));
    context.send(std::move(step));
    return true;
  }

 private:
  uint32_t flow_;
  int left_;
};

class PptpTalk final : public Talk {
 public:
  PptpTalk(TrafficContext& context, uint32_t flow)
      : control_(context, flow), calls_(1 + static_cast<int>(context.below(3))) {}

  bool speak(TrafficContext& context) override {
    for (std::unique_ptr<Talk>& gre : gre_) {
      if (gre == nullptr || !context.chance(400)) continue;
      if (!gre->speak(context)) gre.reset();
      return true;
    }
    if (control_.speak(context)) return true;
    switch (next_++) {
      case 0:
        control_.open(context);
        return true;
      case 1:
        say(context, End::kClient, message(kStartRequest, "", 0));
        return true;
      case 2:
        say(context, End::kServer, message(kStartReply, number(0x100) + result(context), 4));
        return true;
      default:
        break;
    }
    if (context.odd(60)) {
      say(context, context.chance(500) ? End::kClient : End::kServer, anything(context));
      return true;
    }
    if (calls_-- > 0) {
      call(context);
      return true;
    }
    if (closing_) return gre_[0] != nullptr || gre_[1] != nullptr;
    closing_ = true;
    if (context.chance(500)) {
      say(context, End::kClient, message(kStopRequest, number(0x0100), 2));
      say(context, End::kServer, message(kStopReply, result(context), 2));
    }
    control_.close(context);
    return true;
  }

 private:
  static std::string result(TrafficContext& context) { return number(context.odd(40) ? 0x0200 : 0x0100); }

  uint16_t say(TrafficContext& context, End from, std::string words) {
    if (context.odd(15)) words.resize(context.below(static_cast<uint32_t>(words.size())));
    if (context.odd(15)) words += literal_words("behind the message");
    return control_.say(context, from, words);
  }

  // The client's call id: its port, as which NAT lets it pass for; or of its own choice, which others may have, too.
  void call(TrafficContext& context) {
    const unsigned own = context.below(0x10000);
    const std::string pac = number(context.chance(600) ? 0x22 + context.below(3) : own);
    const bool is_port = context.chance(600);
    const std::string chosen = number(0x11 + context.below(2));
    const std::string pns = is_port ? "%w" : chosen;
    const std::string pns_heard = is_port || context.chance(400) ? "%W" : chosen;
    uint16_t of_pns = 0, of_pac = 0;
    if (context.chance(700)) {
      of_pns = say(context, End::kClient, message(kOutRequest, pns, 2));
      of_pac = say(context, End::kServer, message(kOutReply, pac + pns_heard + result(context), 6));
    } else {
      of_pac = say(context, End::kServer, message(kInRequest, pac, 2));
      of_pns = say(context, End::kClient, message(kInReply, pns + pac + result(context), 6));
      say(context, End::kServer, message(kInConnect, pns_heard, 2));
    }
    gre_[0] = std::make_unique<GreTalk>(
        context, context.new_announced_flow(control_.flow(), End::kClient, kProtoGre, of_pac, 0));
    gre_[1] = std::make_unique<GreTalk>(
        context, context.new_announced_flow(control_.flow(), End::kServer, kProtoGre, of_pns, 0));
    if (context.chance(300)) {
      say(context, End::kClient, message(kClear, pns, 2));
      say(context, End::kServer, message(kDisconnect, pac, 2));
    }
  }

  static std::string anything(TrafficContext& context) {
    const auto which = static_cast<Message>(1 + context.below(15));
    return message(which, number(0x11 + context.below(0x14)), 2);
  }

  LineTalk control_;
  std::unique_ptr<Talk> gre_[2];
  int next_ = 0, calls_;
  bool closing_ = false;
};

}  // namespace

std::unique_ptr<Talk> make_pptp_talk(TrafficContext& context, uint32_t flow) {
  return std::make_unique<PptpTalk>(context, flow);
}

// The call id of who says it.
std::optional<Announcement> announced_by_pptp(std::string_view payload) {
  if (payload.size() < 14) return std::nullopt;
  const auto byte = [&](size_t i) { return static_cast<unsigned>(static_cast<uint8_t>(payload[i])); };
  if (byte(9) < kOutRequest || byte(9) > kInReply) return std::nullopt;
  return Announcement{std::nullopt, static_cast<uint16_t>(byte(12) << 8 | byte(13))};
}

}  // namespace nf::difftest
