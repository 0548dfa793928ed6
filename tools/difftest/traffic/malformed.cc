// Packets that are wrong: damage of every kind, IP options, and frames that are hardly IP at all.
#include "tools/difftest/traffic/traffic_context.h"
#include "tools/difftest/traffic/wire.h"

namespace nf::difftest {

void damage(TrafficContext& context, uint8_t protocol, bool local, Step& step) {
  const bool tcp = protocol == kProtoTcp, udp = protocol == kProtoUdp || protocol == kProtoUdplite;
  const auto set = [&](Damage what, uint16_t value) {
    step.damage = what;
    step.damage_value = value;
  };
  if (step.kind == StepKind::kIcmpError && context.chance(500)) {
    if (context.chance(500))
      set(Damage::kQuoteSum, 0);
    else
      set(Damage::kQuoteCut, static_cast<uint16_t>(context.below(48)));
    return;
  }
  const uint32_t kind = context.below(local ? 50 : 100);
  if (kind < 25) return set(Damage::kTransportSum, 0);
  if (kind < 40) return set(Damage::kTransportCut, context.pick<uint16_t>({0, 1, 3, 4, 7, 8, 12, 19, 20}));
  if (kind < 50) {
    if (tcp) return set(Damage::kDataOffset, context.pick<uint16_t>({0, 1, 4, 6, 10, 15}));
    if (udp) return set(Damage::kUdpLength, context.pick<uint16_t>({0, 1, 7, 8, 9, 20, 1500, 65535}));
    return set(Damage::kTransportSum, 0);
  }
  if (kind < 60) return set(Damage::kHeaderSum, 0);
  if (kind < 69) return set(Damage::kTotalLength, context.pick<uint16_t>({0, 19, 20, 21, 24, 28, 39, 1500, 65535}));
  if (kind < 75) return set(Damage::kHeaderLength, context.pick<uint16_t>({0, 4, 6, 7, 15}));
  if (kind < 79) return set(Damage::kVersion, context.pick<uint16_t>({0, 5, 6, 15}));
  if (kind < 89) return set(Damage::kCut, static_cast<uint16_t>(context.below(60)));
  set(Damage::kPadded, context.pick<uint16_t>({1, 2, 6, 18, 46, 100}));
}

std::vector<uint8_t> some_ip_options(TrafficContext& context) {
  const uint8_t pointer = context.pick<uint8_t>({4, 4, 8, 12});
  switch (context.below(11)) {
    case 0:
      return {1, 1, 1, 0};
    case 1:
      return {7, 11, pointer, 0, 0, 0, 0, 0, 0, 0, 0, 0};  // record route, two places
    case 2:
      return {7, 7, 8, 10, 0, 0, 9, 0};  // full
    case 3:
      return {68, 12, 13, 0xf0, 0, 0, 0, 0, 0, 0, 0, 0};  // timestamp, no place left: overflow
    case 4:
      return {68, 12, 13, 0x30, 0, 0, 0, 0, 0, 0, 0, 0};  // the same, overflow 3
    case 5:
      return {131, 7, pointer, 10, 0, 0, 9, 0};  // loose source route
    case 6:
      return {137, 7, pointer, 10, 0, 0, 9, 0};  // strict
    case 7:
      return {148, 4, 0, 0};  // router alert
    case 8:
      return {130, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};  // security: unknown by now
    case 9:
      return {7, context.pick<uint8_t>({0, 1, 2, 3, 40}), 4, 0};  // bad lengths
    default:
      return {7, 7, context.pick<uint8_t>({0, 3, 5, 255}), 0, 0, 0, 0, 0};  // bad pointers
  }
}

Step raw_frame(TrafficContext& context) {
  Step step;
  step.kind = StepKind::kRaw;
  step.note = "odd frame";
  const Station& s = context.pick(context.lab().stations);
  step.raw_port = s.port;
  const MacAddress from = station_mac(s.on_link ? s.address : s.gateway);
  const MacAddress to = context.pick<MacAddress>(
      {kBroadcastMac, {0x01, 0x00, 0x5e, 0, 0, 1}, {0x02, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a}, {0x33, 0x33, 0, 0, 0, 1}});
  std::vector<uint8_t>& bytes = step.bytes;
  bytes.assign(to.begin(), to.end());
  bytes.insert(bytes.end(), from.begin(), from.end());
  const auto add = [&](std::initializer_list<uint8_t> more) { bytes.insert(bytes.end(), more); };
  const auto add_random = [&](uint32_t most) {
    for (uint32_t n = context.below(most + 1); n > 0; --n) bytes.push_back(static_cast<uint8_t>(context.below(256)));
  };
  switch (context.below(7)) {
    case 0:
      add({0x08, 0x00});
      break;  // nothing behind
    case 1:
      add({0x08, 0x00});
      add_random(40);
      break;
    case 2:  // a header and a lie about the rest
      add({0x08, 0x00, 0x45, 0, 0, 60, 0, 9, 0, 0, 64, 6});
      add_random(24);
      break;
    case 3:  // IPv6
      add({0x86, 0xdd, 0x60, 0, 0, 0, 0, 8, 17, 64});
      add_random(48);
      break;
    case 4:  // a tag of VLAN 5
      add({0x81, 0x00, 0x00, 0x05, 0x08, 0x00, 0x45});
      add_random(40);
      break;
    case 5:  // a length instead of a type: LLC
      add({0x00, 0x05, 0xaa, 0xaa, 0x03, 0x00, 0x00});
      break;
    default:
      add({context.pick<uint8_t>({0x88, 0x99, 0x12}), static_cast<uint8_t>(context.below(256))});
      add_random(60);
  }
  return step;
}

}  // namespace nf::difftest
