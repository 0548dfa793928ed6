// Amanda: the answer to a backup request names TCP ports, and the first of them is dialled.
#include "datapath/base/text.h"
#include "tools/difftest/traffic/helper_talk.h"

namespace nf::difftest {
namespace {

class AmandaTalk final : public Talk {
 public:
  AmandaTalk(TrafficContext& context, uint32_t flow) : flow_(flow), rounds_(1 + static_cast<int>(context.below(3))) {}

  bool speak(TrafficContext& context) override {
    if (data_ != nullptr && context.chance(700)) {
      if (!data_->speak(context)) data_.reset();
      return true;
    }
    if (asked_) {
      asked_ = false;
      const uint16_t id = say(context, End::kServer, answer(context));
      if (context.chance(900))
        data_ = make_tcp_talk(context, context.new_announced_flow(flow_, End::kClient, kProtoTcp, id, 0));
      return true;
    }
    if (--rounds_ < 0) return data_ != nullptr;
    say(context, End::kClient, context.odd(40) ? answer(context) : "SERVICE sendbackup\n");
    asked_ = true;
    return true;
  }

 private:
  static std::string answer(TrafficContext& context) {
    if (context.odd(80))
      return context.pick<std::string>({"ACK\n", "CONNECT DATA 50000", "CONNECT DATA 0 MESG 5\n", "CONNECT DATA x\n",
                                        "CONNECT DATA 123456 MESG 70000\n", "CONNECT MESG 50001 DATA 50000\n",
                                        "CONNECT DATA 50000\nCONNECT MESG 50001\n", "CONNECT \n", "CONNECT",
                                        "CONNECT DATA 99\nMESG 6\n"});
    std::string words = "CONNECT";
    for (const char* stream : {" DATA ", " MESG ", " INDEX ", " STATE "})
      if (context.chance(600))
        words += stream + std::to_string(context.chance(400) ? 50000 + context.below(4) : 1 + context.below(65535));
    return words + "\nOPTIONS ;\n";
  }

  uint16_t say(TrafficContext& context, End from, const std::string& words) {
    Step step = context.packet(flow_, from, from == End::kClient ? "request" : "answer");
    step.data.assign(words.begin(), words.end());
    const uint16_t id = step.id;
    context.send(std::move(step));
    return id;
  }

  uint32_t flow_;
  int rounds_;
  bool asked_ = false;
  std::unique_ptr<Talk> data_;
};

}  // namespace

std::unique_ptr<Talk> make_amanda_talk(TrafficContext& context, uint32_t flow) {
  return std::make_unique<AmandaTalk>(context, flow);
}

std::optional<Announcement> announced_by_amanda(std::string_view payload) {
  if (!payload.starts_with("CONNECT ")) return std::nullopt;
  const auto words = split(payload.substr(0, payload.find('\n')), ' ');
  if (words.size() < 3) return std::nullopt;
  const auto port = parse_number(words[2], 65535);
  if (!port || *port == 0) return std::nullopt;
  return Announcement{std::nullopt, static_cast<uint16_t>(*port)};
}

}  // namespace nf::difftest
