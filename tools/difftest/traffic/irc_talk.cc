// IRC: what a client offers by DCC, now and then wrongly, and who comes for it.
#include "datapath/base/text.h"
#include "tools/difftest/traffic/helper_talk.h"
#include "tools/difftest/traffic/line_talk.h"

namespace nf::difftest {
namespace {

class IrcTalk final : public Talk {
 public:
  IrcTalk(TrafficContext& context, uint32_t flow)
      : control_(context, flow), offers_(1 + static_cast<int>(context.below(context.chance(80) ? 12 : 4))) {}

  bool speak(TrafficContext& context) override {
    if (data_ != nullptr && context.chance(600)) {
      if (!data_->speak(context)) data_.reset();
      return true;
    }
    if (control_.speak(context)) return true;
    switch (next_++) {
      case 0:
        control_.open(context);
        return true;
      case 1:
        control_.say(context, End::kClient, "NICK ann\r\n");
        return true;
      case 2:
        control_.say(context, End::kServer, ":irc 001 ann :Welcome\r\n");
        return true;
      default:
        break;
    }
    if (offers_-- > 0) {
      offer(context);
      return true;
    }
    if (closing_) return data_ != nullptr;
    closing_ = true;
    control_.close(context);
    return true;
  }

 private:
  void offer(TrafficContext& context) {
    const uint16_t port = context.chance(400) ? static_cast<uint16_t>(50000 + context.below(3))
                          : context.odd(60)   ? context.pick<uint16_t>({0, 1, 65534, 65535})
                                              : static_cast<uint16_t>(1024 + context.below(64000));
    std::string words =
        "PRIVMSG bob :\1DCC " +
        context.pick<std::string>({"SEND file", "SEND file", "CHAT chat", "MOVE f", "TSEND f", "SCHAT chat"}) +
        (context.odd(80) ? " %N " : " %n ") + std::to_string(port) + " 1000\1\r\n";
    if (context.odd(60))
      words = context.pick<std::string>(
          {"privmsg x :\1DCC CHAT chat %n   50000\1\n", " \r\n" + words, "NOTICE bob :\1DCC CHAT chat %n 50000\1\r\n",
           "PRIVMSG bob :\1DCC XMIT f %n 5\1\r\n", "PRIVMSG bob :\1DCC SEND file %n 50000", "PRIVMSG bob :hello\r\n",
           "PRIVMSG bob :\1DCC SEND SEND CHAT %n 50000\1\r\n", "PRIVMSG :\1DCC SEND f 42949672960000 66000 1\1\r\n"});
    const End from = context.odd(40) ? End::kServer : End::kClient;
    const uint16_t id = control_.say(context, from, words);
    if (context.chance(400)) control_.say(context, End::kServer, ":bob PRIVMSG ann :thanks\r\n");
    if (context.odd(60)) return;  // and nobody comes
    const End dialler = from == End::kClient ? End::kServer : End::kClient;
    data_ = make_tcp_talk(context, context.new_announced_flow(control_.flow(), dialler, kProtoTcp, id, 0));
  }

  LineTalk control_;
  std::unique_ptr<Talk> data_;
  int next_ = 0, offers_;
  bool closing_ = false;
};

}  // namespace

std::unique_ptr<Talk> make_irc_talk(TrafficContext& context, uint32_t flow) {
  return std::make_unique<IrcTalk>(context, flow);
}

std::optional<Announcement> announced_by_irc(std::string_view payload) {
  constexpr std::string_view kDcc = "\1DCC ";
  const size_t at = payload.find(kDcc);
  if (at == std::string_view::npos) return std::nullopt;
  std::vector<std::string_view> words;
  for (const std::string_view word : split(payload.substr(at + kDcc.size()), ' '))
    if (!word.empty()) words.push_back(word.substr(0, word.find_first_of("\1\r\n")));
  if (words.size() < 4) return std::nullopt;
  const auto address = parse_number(words[2], UINT32_MAX);
  const auto port = parse_number(words[3], 65535);
  if (!address || !port || *port == 0) return std::nullopt;
  return Announcement{be32(static_cast<uint32_t>(*address)), static_cast<uint16_t>(*port)};
}

}  // namespace nf::difftest
