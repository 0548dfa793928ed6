#include "tools/difftest/traffic/traffic_generator.h"

#include "tools/difftest/traffic/helper_talk.h"
#include "tools/difftest/traffic/traffic_context.h"

namespace nf::difftest {
namespace {

constexpr size_t kMostAtOnce = 12;

std::unique_ptr<Talk> new_talk(TrafficContext& context) {
  if (!context.lab().listening.empty() && context.chance(300)) {
    const GeneratedLab::Listening& at = context.pick(context.lab().listening);
    return helper_talk(at.dialect).make(context, context.new_dialect_flow(at));
  }
  const uint32_t kind = context.below(1000);
  if (kind < 300) return make_tcp_talk(context, context.new_flow(kProtoTcp));
  if (kind < 640) return make_datagram_talk(context, context.new_flow(kProtoUdp));
  if (kind < 870) return make_icmp_talk(context, context.new_flow(kProtoIcmp));
  if (kind < 880) return make_datagram_talk(context, context.new_flow(kProtoUdplite));
  if (kind < 935) return make_sctp_talk(context, context.new_flow(kProtoSctp));
  if (kind < 955) return make_datagram_talk(context, context.new_flow(kProtoGre));
  return make_datagram_talk(context, context.new_flow(context.pick<uint8_t>({50, 50, 33, 4, 89, 99, 103, 253, 255})));
}

}  // namespace

void generate_traffic(Random& random, size_t packets, Case& c) {
  TrafficContext context(random, packets, c);
  if (!context.anybody()) return;
  const size_t at_once = 1 + context.below(kMostAtOnce);
  std::vector<std::unique_ptr<Talk>> talks;
  while (!context.full()) {
    if ((context.crowded() || context.chance(600)) && context.send_waiting()) continue;
    if (!context.lab().stations.empty() && context.odd(2)) {
      context.send_as_is(raw_frame(context));
      continue;
    }
    if (talks.size() < at_once) {
      talks.push_back(new_talk(context));
      continue;
    }
    const size_t which = context.below(static_cast<uint32_t>(talks.size()));
    if (talks[which]->speak(context)) continue;
    std::swap(talks[which], talks.back());
    talks.pop_back();
  }
}

std::vector<std::string> traffic_left_out() {
  return {
      "of the protocols that connection helpers read NetBIOS name service",
      "IPv6, VLANs and link protocols beyond single frames that are passed or dropped",
      "frames shorter than an Ethernet header (a TAP refuses them)",
      "ARP but the answers of the stations",
      "broadcast and multicast sent by local processes, and what they answer to 0.0.0.0 or from a group's address",
      "IP headers that a raw socket refuses or repairs, sent by local processes",
      "ICMP errors about local processes' packets that would change the machine's routes (redirect, fragmentation "
      "needed)",
      "what the machine answers with the time of day: whole ICMP timestamp queries, IP timestamp options with room",
      "time between packets: nothing expires while a case runs",
  };
}

}  // namespace nf::difftest
