// ICMP: queries and their answers, messages nobody asked for, and errors about what was received.
#include "tools/difftest/traffic/traffic_context.h"

namespace nf::difftest {
namespace {

class QueryTalk final : public Talk {
 public:
  QueryTalk(TrafficContext& context, uint32_t flow) : flow_(flow), left_(1 + static_cast<int>(context.below(8))) {
    Flow& f = context.flow(flow);
    const uint32_t kind = context.below(100);
    uint16_t type = kIcmpEcho, code = 0;
    if (kind >= 80 && kind < 90)
      type = context.pick<uint16_t>({kIcmpTimestamp, kIcmpInfoRequest, kIcmpAddress});
    else if (kind >= 90 && kind < 95)  // answers to nothing
      type = context.pick<uint16_t>({kIcmpEchoReply, kIcmpTimestampReply, kIcmpInfoReply, kIcmpAddressReply});
    else if (kind >= 95)
      type = context.pick<uint16_t>({1, 2, 6, 7, 9, 10, 19, 30, 40, 42, 128, 255});
    if (context.odd(10)) code = context.pick<uint16_t>({1, 3, 255});
    f.server_port = static_cast<uint16_t>(type << 8 | code);
    f.client_port =
        context.chance(200) ? static_cast<uint16_t>(context.below(3)) : static_cast<uint16_t>(context.u32());
    // The machine's own answer to a whole timestamp query is the time: the same on no two machines.
    time_ = type == kIcmpTimestamp;
    answers_ = context.chance(850);
    sequence_ = context.chance(100) ? uint16_t{0xfffe} : uint16_t{0};
  }

  bool speak(TrafficContext& context) override {
    if (--left_ < 0) return false;
    const bool answer = answers_ && asked_ && context.chance(900);
    Step step = context.packet(flow_, answer ? End::kServer : End::kClient, answer ? "answer" : "query");
    if (!answer) ++sequence_;
    asked_ = !answer;
    step.icmp_sequence = sequence_;
    step.payload_length =
        time_ ? static_cast<uint16_t>(context.below(4)) : context.pick<uint16_t>({0, 8, 56, 56, 56, 100, 1000, 1472});
    if (!time_ && (context.in_pieces() ? context.chance(400) : context.odd(8)))
      step.payload_length = context.pick<uint16_t>({1473, 2000, 4000});
    context.send(std::move(step));
    return true;
  }

 private:
  uint32_t flow_;
  int left_;
  bool time_ = false, answers_ = false, asked_ = false;
  uint16_t sequence_;
};

struct TypeCode {
  uint8_t type, code;
};
// What hosts and routers really say comes first and more often.
constexpr TypeCode kErrors[] = {{3, 3}, {3, 3},  {3, 1},  {3, 0},  {3, 4},  {3, 4},  {11, 0}, {11, 0}, {3, 13},
                                {3, 2}, {3, 9},  {3, 10}, {11, 1}, {12, 0}, {4, 0},  {5, 0},  {5, 1},  {3, 5},
                                {3, 6}, {3, 15}, {12, 1}, {5, 3},  {3, 16}, {11, 2}, {3, 255}};

}  // namespace

std::unique_ptr<Talk> make_icmp_talk(TrafficContext& context, uint32_t flow) {
  return std::make_unique<QueryTalk>(context, flow);
}

Step icmp_error(TrafficContext& context, uint32_t flow, End from) {
  Step step = context.packet(flow, from, "ICMP error");
  step.kind = StepKind::kIcmpError;
  step.df = false;
  TypeCode error = kErrors[context.below(context.chance(700) ? 10 : static_cast<uint32_t>(std::size(kErrors)))];
  // The machine's own routes would change by these (traffic_left_out).
  const bool changes_routes = (error.type == 3 && error.code == 4) || error.type == 5;
  if (changes_routes && context.touches_machine(context.flow(flow))) error = {3, 1};
  step.icmp_type = error.type;
  step.icmp_code = error.code;
  if (error.type == 3 && error.code == 4) step.icmp_info = context.pick<uint32_t>({1400, 1280, 576, 1500, 296, 0, 68});
  if (error.type == 5) {
    const std::vector<Station>& stations = context.lab().stations;
    step.icmp_info = stations.empty() ? 0x0a000001 : context.pick(stations).address.host();
  }
  if (error.type == 12 && error.code == 0) step.icmp_info = context.below(24) << 24;  // pointer
  step.quote_length = context.pick<uint16_t>({28, 28, 28, 28, 40, 48, 64, 100, 128, 548});
  if (context.chance(250)) {  // a router on the way
    const std::vector<Station>& stations = context.lab().stations;
    step.error_source = stations.empty() || context.chance(600)
                            ? ip4(192, 0, 2, static_cast<uint8_t>(1 + context.below(9)))
                            : context.pick(stations).address;
    step.note = "ICMP error from a hop";
  }
  if (context.odd(15) && !context.lab().stations.empty()) {
    step.error_destination = context.pick(context.lab().stations).address;
    step.note = "ICMP error to somebody else";
  }
  if (context.odd(40)) {
    // Version, length, protocol, the addresses, the ports: each makes the quote another packet.
    step.quote_flip_at = context.pick<uint8_t>({0, 2, 6, 9, 12, 15, 16, 19, 20, 21, 22, 23, 24, 27});
    step.quote_flip = context.pick<uint8_t>({1, 2, 0x10, 0x40});
    step.note = "ICMP error with a wrong quote";
  }
  if (context.odd(15)) {
    step.quote_length = context.pick<uint16_t>({0, 4, 8, 19, 20, 24, 27});
    step.note = "ICMP error with a short quote";
  }
  if (context.odd(25)) {
    step.about_error = true;
    step.note = "ICMP error about an ICMP error";
  }
  return step;
}

}  // namespace nf::difftest
