// TFTP (RFC 1350): requests, now and then of a kind nobody knows, and the answers, which come from another port.
#include <array>

#include "tools/difftest/traffic/helper_talk.h"

namespace nf::difftest {
namespace {

class TftpTalk final : public Talk {
 public:
  TftpTalk(TrafficContext& context, uint32_t flow) : flow_(flow), requests_(1 + static_cast<int>(context.below(3))) {}

  bool speak(TrafficContext& context) override {
    if (data_ != nullptr && context.chance(800)) {
      if (!data_->speak(context)) data_.reset();
      return true;
    }
    if (--requests_ < 0) return data_ != nullptr;
    const End from = context.chance(930) ? End::kClient : End::kServer;
    Step step = context.packet(flow_, from, "request");
    const auto opcode = context.odd(60) ? static_cast<uint8_t>(context.below(8)) : context.pick<uint8_t>({1, 1, 2});
    step.data = {0, opcode, 'f', 0, 'o', 'c', 't', 'e', 't', 0};
    if (context.odd(20)) step.data.resize(context.below(3));
    const uint16_t id = step.id;
    context.send(std::move(step));
    // The answer goes to the port the request came from.
    if (from == End::kClient)
      data_ = make_datagram_talk(context, context.new_announced_flow(flow_, End::kServer, kProtoUdp, id, 0));
    return true;
  }

 private:
  uint32_t flow_;
  int requests_;
  std::unique_ptr<Talk> data_;
};

}  // namespace

std::unique_ptr<Talk> make_tftp_talk(TrafficContext& context, uint32_t flow) {
  return std::make_unique<TftpTalk>(context, flow);
}

std::optional<Announcement> announced_by_tftp(std::string_view) { return Announcement{std::nullopt, 0}; }

}  // namespace nf::difftest
