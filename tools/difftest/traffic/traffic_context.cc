#include "tools/difftest/traffic/traffic_context.h"

#include <algorithm>

#include "datapath/packet/sctp.h"

namespace nf::difftest {
namespace {

constexpr uint16_t kCommonPorts[] = {80, 443, 22, 53, 8080, 5060, 1000, 21, 123, 4500};
constexpr size_t kLinkPayload = 1480;  // IP payload that fits a link's 1500 bytes

bool has(const std::vector<Be32>& list, Be32 address) {
  return std::find(list.begin(), list.end(), address) != list.end();
}

bool has_ports(uint8_t protocol) {
  return protocol == kProtoTcp || protocol == kProtoUdp || protocol == kProtoUdplite || protocol == kProtoSctp;
}

}  // namespace

TrafficContext::TrafficContext(Random& random, size_t packets, Case& c)
    : random_(random), case_(c), end_(c.steps.size() + packets) {
  case_.steps.reserve(end_ + 64);
  const uint32_t mood = below(10);
  mood_ = mood < 4 ? Mood::kSound : mood < 8 ? Mood::kMessy : Mood::kHostile;
  in_pieces_ = chance(120);
  id_ = static_cast<uint16_t>(case_.steps.size());
  next_port_ = static_cast<uint16_t>(32768 + below(20000));
}

bool TrafficContext::odd(uint32_t per_mille) {
  const uint32_t scaled = mood_ == Mood::kSound ? per_mille : mood_ == Mood::kMessy ? per_mille * 4 : per_mille * 16;
  return random_.below(4000) < scaled;
}

// --- who talks to whom

Be32 TrafficContext::some_destination(int client) {
  const GeneratedLab& l = case_.lab;
  const uint32_t kind = below(1000);
  const bool machine = client == kMachine;
  if (kind < 220 && !l.service_addresses.empty()) return pick(l.service_addresses);
  if (kind < 340 && !l.own_addresses.empty()) return pick(l.own_addresses);
  if (kind < 365 && !l.stations.empty())  // a neighbour nobody has heard of
    return be32((pick(l.stations).address.host() & ~0xffu) | (2 + below(250)));
  if (kind < 385) return pick({ip4(203, 0, 113, 9), ip4(198, 51, 100, 7), ip4(8, 8, 8, 8), ip4(172, 31, 255, 1)});
  if (kind < 405 && !machine && odd(600)) {
    const Be32 near = l.stations.empty() ? ip4(10, 0, 0, 1) : pick(l.stations).address;
    return pick({ip4(255, 255, 255, 255), be32(near.host() | 0xff), be32(near.host() & ~0xffu), ip4(224, 0, 0, 251),
                 ip4(239, 1, 2, 3), ip4(127, 0, 0, 1), ip4(127, 9, 9, 9), ip4(240, 0, 0, 1), ip4(0, 0, 0, 0)});
  }
  if (kind < 440 && machine) return ip4(127, 0, 0, 1);
  if (l.stations.empty()) return l.own_addresses.empty() ? ip4(203, 0, 113, 9) : pick(l.own_addresses);
  // Best somebody behind another port than the client's: that is what is routed.
  const Station* peer = &pick(l.stations);
  for (int again = 0; !machine && again < 4; ++again) {
    if (peer->port != l.stations[static_cast<size_t>(client)].port) break;
    peer = &pick(l.stations);
  }
  return peer->address;
}

uint16_t TrafficContext::some_server_port(Be32 address) {
  const GeneratedLab& l = case_.lab;
  if (!l.process_ports.empty() && (has(l.own_addresses, address) ? chance(700) : chance(50)))
    return pick(l.process_ports);
  if (!l.service_ports.empty() && chance(550)) return pick(l.service_ports);
  if (odd(8)) return 0;
  if (chance(100)) return static_cast<uint16_t>(1 + below(65535));
  return kCommonPorts[below(std::size(kCommonPorts))];
}

uint16_t TrafficContext::some_client_port() {
  const uint32_t kind = below(1000);
  if (kind < 200) return static_cast<uint16_t>(40000 + below(3));  // the same as others have
  if (kind < 240) return pick<uint16_t>({1, 68, 500, 511, 512, 700, 1000, 1023, 1024, 65535});  // edges of port classes
  if (kind < 280) return static_cast<uint16_t>(1 + below(1023));
  if (odd(3)) return 0;
  next_port_ = next_port_ >= 60999 ? uint16_t{32768} : static_cast<uint16_t>(next_port_ + 1);
  return next_port_;
}

uint32_t TrafficContext::new_flow(uint8_t protocol) {
  const GeneratedLab& l = case_.lab;
  // Now and then somebody seen before: its port towards somebody else, or another with the same port to the same peer.
  if (!case_.flows.empty() && chance(170)) {
    const Flow& like = case_.flows[below(static_cast<uint32_t>(case_.flows.size()))];
    if (like.protocol == protocol && has_ports(protocol)) return new_flow_like(like, chance(600));
  }
  Flow flow;
  flow.protocol = protocol;
  const bool machine = l.stations.empty() || (!l.own_addresses.empty() && chance(110));
  flow.client = machine ? kMachine : static_cast<int>(below(static_cast<uint32_t>(l.stations.size())));
  flow.client_address = machine ? pick(l.own_addresses) : l.stations[static_cast<size_t>(flow.client)].address;
  flow.server_address = some_destination(flow.client);
  if (machine && flow.server_address.host() >> 24 == 127) flow.client_address = ip4(127, 0, 0, 1);
  if (!machine && odd(6)) {  // an address that is not its own
    const Be32 stolen = l.own_addresses.empty() ? ip4(127, 0, 0, 2) : pick(l.own_addresses);
    flow.client_address = pick({ip4(127, 0, 0, 1), ip4(0, 0, 0, 0), ip4(224, 0, 0, 1), ip4(255, 255, 255, 255),
                                ip4(240, 0, 0, 1), ip4(203, 0, 113, 77), stolen, pick(l.stations).address});
  }
  if (has_ports(protocol)) {
    flow.client_port = some_client_port();
    flow.server_port = some_server_port(flow.server_address);
  }
  case_.flows.push_back(flow);
  return static_cast<uint32_t>(case_.flows.size() - 1);
}

uint32_t TrafficContext::new_flow_like(const Flow& like, bool keep_peer) {
  const GeneratedLab& l = case_.lab;
  Flow flow = like;
  flow.dialect = Dialect::kNone;
  flow.announced.reset();
  if (keep_peer && like.client != kMachine && l.stations.size() > 1) {
    flow.client = static_cast<int>(below(static_cast<uint32_t>(l.stations.size())));
    flow.client_address = l.stations[static_cast<size_t>(flow.client)].address;
  } else if (chance(500)) {
    flow.server_address = some_destination(like.client);
  } else {
    flow.server_port = some_server_port(flow.server_address);
  }
  case_.flows.push_back(flow);
  return static_cast<uint32_t>(case_.flows.size() - 1);
}

uint32_t TrafficContext::new_dialect_flow(const GeneratedLab::Listening& at) {
  uint8_t protocol = 0;
  for (const DialectFacts& facts : kDialects)
    if (facts.dialect == at.dialect) protocol = facts.protocol;
  const uint32_t index = new_flow(protocol);
  Flow& flow = case_.flows[index];
  flow.dialect = at.dialect;
  flow.server_port = at.port;
  // Who announces its address has one.
  if (flow.client != kMachine) flow.client_address = lab().stations[static_cast<size_t>(flow.client)].address;
  return index;
}

uint32_t TrafficContext::new_announced_flow(uint32_t flow, End dialler, uint8_t protocol, uint16_t step_id,
                                            uint16_t client_port) {
  const Flow& control = case_.flows[flow];
  Flow out;
  out.protocol = protocol;
  out.client = touches_machine(control) ? kMachine : control.client;
  out.client_address = control.client_address;
  out.server_address = control.server_address;
  out.client_port = client_port != 0 ? client_port : some_client_port();
  out.announced = Flow::Announced{flow, dialler, step_id};
  case_.flows.push_back(out);
  return static_cast<uint32_t>(case_.flows.size() - 1);
}

bool TrafficContext::touches_machine(const Flow& flow) const {
  return flow.client == kMachine || has(case_.lab.own_addresses, flow.server_address) ||
         flow.server_address.host() >> 24 == 127;
}

// --- speaking

uint16_t TrafficContext::next_id() {
  if (++id_ == 0) ++id_;
  return id_;
}

Step TrafficContext::packet(uint32_t flow, End from, std::string_view note) {
  Step step;
  step.flow = flow;
  step.from = from;
  step.id = next_id();
  step.note = note;
  step.df = chance(450);
  if (chance(120)) step.tos = pick<uint8_t>({0x10, 0x08, 0xb8, 0x01, 0x02, 0x03, 0xfc, 0x20});
  if (chance(60)) step.ttl = pick<uint8_t>({63, 128, 255, 2, 3});
  return step;
}

void TrafficContext::odd_header(Step& step) {
  if (odd(8)) step.ttl = pick<uint8_t>({0, 1, 1, 2});
  if (odd(5)) step.ip_options = some_ip_options(*this);
  if (odd(2)) step.link = chance(600) ? LinkDestination::kStranger : LinkDestination::kBroadcast;
}

void TrafficContext::send_as_is(Step step) { case_.steps.push_back(std::move(step)); }

void TrafficContext::send(Step step) {
  const Flow& f = case_.flows[step.flow];
  const uint8_t protocol = step.kind == StepKind::kIcmpError ? uint8_t{kProtoIcmp} : f.protocol;
  odd_header(step);
  if (odd(10)) damage(*this, protocol, f.client == kMachine && step.from == End::kClient, step);
  const size_t length = step.kind == StepKind::kPacket ? transport_length(step, protocol) : 0;
  if (length > kLinkPayload || (length > 16 && step.damage == Damage::kNone && chance(in_pieces_ ? 800 : 25))) {
    wait_in_turn(fragments_of(*this, step, length));
    send_waiting();
    return;
  }
  const bool complain = step.kind == StepKind::kPacket ? odd(14) : odd(60);
  const uint32_t flow = step.flow;
  const End other = step.from == End::kClient ? End::kServer : End::kClient;
  case_.steps.push_back(std::move(step));
  if (complain) send(icmp_error(*this, flow, other));
}

// Behind those that wait; where many do, between them.
void TrafficContext::wait_in_turn(std::vector<Step> pieces) {
  std::reverse(pieces.begin(), pieces.end());
  if (!in_pieces_) {
    waiting_.insert(waiting_.begin(), std::make_move_iterator(pieces.begin()), std::make_move_iterator(pieces.end()));
    return;
  }
  std::vector<Step> both;
  both.reserve(waiting_.size() + pieces.size());
  for (size_t old = 0, fresh = 0; old < waiting_.size() || fresh < pieces.size();) {
    const size_t left = waiting_.size() - old, right = pieces.size() - fresh;
    const bool take_fresh = below(static_cast<uint32_t>(left + right)) >= left;
    both.push_back(std::move(take_fresh ? pieces[fresh++] : waiting_[old++]));
  }
  waiting_ = std::move(both);
}

bool TrafficContext::send_waiting() {
  if (waiting_.empty()) return false;
  case_.steps.push_back(std::move(waiting_.back()));
  waiting_.pop_back();
  return true;
}

size_t transport_length(const Step& step, uint8_t protocol) {
  const size_t payload = (step.words_length != 0 ? step.words_length : step.data.size()) + step.payload_length;
  switch (protocol) {
    case kProtoTcp:
      return sizeof(TcpHeader) + (std::min<size_t>(step.tcp_options.size(), 40) + 3) / 4 * 4 + payload;
    case kProtoUdp:
    case kProtoUdplite:
      return sizeof(UdpHeader) + payload;
    case kProtoSctp:
      return sizeof(SctpHeader) + payload;
    case kProtoIcmp:
      return sizeof(IcmpHeader) + payload;
    default:
      return payload;
  }
}

}  // namespace nf::difftest
