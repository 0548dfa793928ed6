// Protocols of single packets: UDP and UDP-Lite with questions and answers, GRE, and payloads of
// protocols nobody knows.
#include "tools/difftest/traffic/traffic_context.h"

namespace nf::difftest {
namespace {

class DatagramTalk final : public Talk {
 public:
  DatagramTalk(TrafficContext& context, uint32_t flow)
      : flow_(flow),
        protocol_(context.flow(flow).protocol),
        left_(1 + static_cast<int>(context.below(context.chance(150) ? 16 : 5))),
        answers_(context.chance(850)),
        no_sum_(context.chance(80)),
        flavour_(context.below(4)) {}

  bool speak(TrafficContext& context) override {
    if (--left_ < 0) return false;
    const End from = answers_ && (said_ % 2 == 1 || (said_ > 2 && context.chance(300))) ? End::kServer : End::kClient;
    ++said_;
    Step step = context.packet(flow_, from, from == End::kClient ? "question" : "answer");
    step.payload_length = context.pick<uint16_t>({0, 1, 5, 30, 100, 100, 512, 1000, 1400, 1472});
    // Large enough that it has to be cut, also where somebody would not look into it.
    if (context.in_pieces() && context.chance(500))
      step.payload_length = context.pick<uint16_t>({600, 1473, 2000, 2952, 3000, 5000, 9000, 20000});
    switch (protocol_) {
      case kProtoUdp:
        step.no_sum = no_sum_ || context.odd(5);
        if (context.odd(8)) step.payload_length = context.pick<uint16_t>({1473, 2000, 3000, 5000, 9000});
        break;
      case kProtoUdplite:
        if (context.chance(300)) step.coverage = context.chance(700) ? 8 : static_cast<uint16_t>(8 + context.below(20));
        break;
      case kProtoGre:
        step.data = gre_header();
        break;
      default:
        if (!context.in_pieces()) step.payload_length = context.pick<uint16_t>({0, 4, 8, 30, 500});
    }
    context.send(std::move(step));
    return true;
  }

 private:
  // RFC 2784, RFC 2890, RFC 2637 (PPTP, by call id): the first bytes of four kinds.
  std::vector<uint8_t> gre_header() const {
    switch (flavour_) {
      case 0:
        return {0x00, 0x00, 0x08, 0x00};
      case 1:
        return {0x20, 0x00, 0x08, 0x00, 0x00, 0x00, 0x00, 0x07};
      case 2:
        return {0xb0, 0x00, 0x65, 0x58, 0x12, 0x34, 0x00, 0x00, 0x00, 0x00, 0x00, 0x09, 0x00, 0x00, 0x00, 0x01};
      default:
        return {0x30, 0x81, 0x88, 0x0b, 0x00, 0x04, 0x00, 0x07, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00};
    }
  }
  uint32_t flow_;
  uint8_t protocol_;
  int left_, said_ = 0;
  bool answers_, no_sum_;
  uint32_t flavour_;
};

}  // namespace

std::unique_ptr<Talk> make_datagram_talk(TrafficContext& context, uint32_t flow) {
  return std::make_unique<DatagramTalk>(context, flow);
}

}  // namespace nf::difftest
