#include "tools/difftest/traffic/wire.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "datapath/packet/checksum.h"
#include "datapath/packet/sctp.h"
#include "tools/difftest/traffic/helper_talk.h"
#include "tools/difftest/traffic/words.h"

namespace nf::difftest {
namespace {

constexpr MacAddress kStrangerMac{0x02, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a};

template <class H>
H& append(std::vector<uint8_t>& out) {
  const size_t at = out.size();
  out.resize(at + sizeof(H));
  return *reinterpret_cast<H*>(out.data() + at);
}

template <class H>
H& view_at(std::vector<uint8_t>& out, size_t at) {
  return *reinterpret_cast<H*>(out.data() + at);
}

void append_pattern(std::vector<uint8_t>& out, size_t length) {
  static const std::array<uint8_t, 256> pattern = [] {
    std::array<uint8_t, 256> bytes{};
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i);
    return bytes;
  }();
  for (; length > pattern.size(); length -= pattern.size()) out.insert(out.end(), pattern.begin(), pattern.end());
  out.insert(out.end(), pattern.begin(), pattern.begin() + static_cast<std::ptrdiff_t>(length));
}

void append_payload(const Step& step, const Speaker& speaker, std::vector<uint8_t>& out) {
  if (step.words_length != 0) {
    const std::vector<uint8_t> words = fill_words(step.data, step.words_length, speaker);
    out.insert(out.end(), words.begin(), words.end());
  } else {
    out.insert(out.end(), step.data.begin(), step.data.end());
  }
  append_pattern(out, step.payload_length);
}

void append_options(std::vector<uint8_t>& out, const std::vector<uint8_t>& options) {
  const size_t length = std::min<size_t>(options.size(), 40);
  out.insert(out.end(), options.begin(), options.begin() + static_cast<std::ptrdiff_t>(length));
  out.resize(out.size() + (4 - length % 4) % 4);
}
uint8_t words(size_t fixed, const std::vector<uint8_t>& options) {
  return static_cast<uint8_t>((fixed + std::min<size_t>(options.size(), 40) + 3) / 4);
}

bool is_group(Be32 address) { return address.host() >> 28 == 14 || address.host() == 0xffffffff; }

MacAddress group_mac(Be32 address) {
  if (address.host() == 0xffffffff) return kBroadcastMac;
  const uint32_t a = address.host();
  return {
      0x01, 0x00, 0x5e, static_cast<uint8_t>(a >> 16 & 0x7f), static_cast<uint8_t>(a >> 8), static_cast<uint8_t>(a)};
}

// RFC 792, RFC 950: the type that answers a query; other types answer with themselves.
uint8_t answer_type(uint8_t query) {
  switch (query) {
    case kIcmpEcho:
      return kIcmpEchoReply;
    case kIcmpTimestamp:
    case kIcmpInfoRequest:
    case kIcmpAddress:
      return static_cast<uint8_t>(query + 1);
    default:
      return query;
  }
}

// A sum made wrong, and never 0, which UDP would take for none.
Be16 wrong(Be16 sum) {
  const uint16_t v = sum.host() ^ 0x5a5a;
  return be16(v == 0 ? 1 : v);
}

// The bridge a line puts a device into: "link set [dev] NAME ... master BRIDGE".
struct Master {
  std::string device, bridge;
};
std::optional<Master> master_of(const std::string& line) {
  std::vector<std::string> word;
  for (size_t at = 0; at < line.size();) {
    const size_t begin = line.find_first_not_of(" \t", at);
    if (begin == std::string::npos) break;
    at = std::min(line.find_first_of(" \t", begin), line.size());
    word.push_back(line.substr(begin, at - begin));
  }
  if (word.size() < 5 || word[0] != "link" || word[1] != "set") return std::nullopt;
  const auto master = std::find(word.begin(), word.end(), "master");
  if (master == word.end() || master + 1 == word.end()) return std::nullopt;
  return Master{word[2] == "dev" ? word[3] : word[2], master[1]};
}

}  // namespace

Wire::Wire(const Case& c, const std::vector<BackendPort>& ports)
    : case_(c), ports_(ports), bridge_of_(ports.size(), -1), client_(c.flows.size()), server_(c.flows.size()) {
  std::vector<std::string> bridges;
  for (const std::string& line : c.lab.network) {
    const std::optional<Master> master = master_of(line);
    const int port = master ? port_named(master->device) : -1;
    if (port < 0) continue;
    const auto bridge = std::find(bridges.begin(), bridges.end(), master->bridge);
    bridge_of_[static_cast<size_t>(port)] = static_cast<int>(bridge - bridges.begin());
    if (bridge == bridges.end()) bridges.push_back(master->bridge);
  }
  for (const Station& s : c.lab.stations) station_port_.push_back(port_named(s.port));

  for (size_t i = 0; i < c.flows.size(); ++i) {
    const Flow& flow = c.flows[i];
    View& view = client_[i];
    view.own = flow.client_address;
    view.peer = flow.server_address;
    view.own_port = flow.client_port;
    view.peer_port = flow.server_port;
    if (flow.announced) continue;
    if (flow.client == kMachine) {
      view.known = true;
      continue;
    }
    const Station& station = c.lab.stations[static_cast<size_t>(flow.client)];
    view.port = station_port_[static_cast<size_t>(flow.client)];
    if (view.port < 0) continue;
    view.known = true;
    view.own_mac = station_mac(station.on_link ? station.address : station.gateway);
    view.peer_mac = client_peer_mac(flow, view.port);
  }

  for (size_t i = 0; i < c.steps.size(); ++i) {
    const Step& step = c.steps[i];
    if (step.kind == StepKind::kRaw) continue;
    if (step.id >= step_of_id_.size()) step_of_id_.resize(size_t{step.id} + 256);
    if (step_of_id_[step.id] == 0) step_of_id_[step.id] = static_cast<uint32_t>(i + 1);
  }
}

int Wire::port_named(const std::string& name) const {
  for (size_t i = 0; i < ports_.size(); ++i)
    if (ports_[i].name == name) return static_cast<int>(i);
  return -1;
}

const Station* Wire::station_at(Be32 address) const {
  for (const Station& s : case_.lab.stations)
    if (s.address == address) return &s;
  return nullptr;
}

MacAddress Wire::client_peer_mac(const Flow& flow, int port) const {
  const int bridge = bridge_of_[static_cast<size_t>(port)];
  const Station* peer = station_at(flow.server_address);
  if (bridge >= 0 && peer != nullptr && peer->on_link) {
    const int other = port_named(peer->port);
    if (other >= 0 && other != port && bridge_of_[static_cast<size_t>(other)] == bridge)
      return station_mac(peer->address);
  }
  return ports_[static_cast<size_t>(port)].mac;
}

// --- frames

void Wire::append_transport(const Step& step, const View& view, std::vector<uint8_t>& out) const {
  const Flow& flow = case_.flows[step.flow];
  const size_t at = out.size();
  const auto segment = [&] { return std::span(out).subspan(at); };
  const auto sum_with_pseudo = [&](size_t covered) {
    const size_t length = out.size() - at;
    return checksum_finish(
        checksum_add(segment().first(std::min(covered, length)),
                     checksum_pseudo(view.own, view.peer, flow.protocol, static_cast<uint32_t>(length))));
  };
  const bool bad_sum = step.damage == Damage::kTransportSum;
  const Speaker speaker{view.own, view.peer, view.own_port, view.peer_port};
  switch (flow.protocol) {
    case kProtoTcp: {
      TcpHeader& tcp = append<TcpHeader>(out);
      tcp.source = be16(view.own_port);
      tcp.destination = be16(view.peer_port);
      tcp.sequence = be32(step.seq);
      tcp.acknowledgment = be32(view.as_received(step.ack));
      const unsigned offset =
          step.damage == Damage::kDataOffset ? step.damage_value & 15u : words(sizeof(TcpHeader), step.tcp_options);
      tcp.offset_reserved = static_cast<uint8_t>(offset << 4);
      tcp.flags = step.tcp_flags;
      tcp.window = be16(step.window);
      tcp.urgent = be16(step.urgent);
      append_options(out, step.tcp_options);
      append_payload(step, speaker, out);
      const Be16 sum = sum_with_pseudo(out.size() - at);
      view_at<TcpHeader>(out, at).checksum = bad_sum ? wrong(sum) : sum;
      return;
    }
    case kProtoUdp:
    case kProtoUdplite: {
      UdpHeader& udp = append<UdpHeader>(out);
      udp.source = be16(view.own_port);
      udp.destination = be16(view.peer_port);
      append_payload(step, speaker, out);
      const size_t length = out.size() - at;
      const size_t covered = flow.protocol == kProtoUdp || step.coverage == 0 ? length : step.coverage;
      size_t said = flow.protocol == kProtoUdp ? length : step.coverage;
      if (step.damage == Damage::kUdpLength) said = step.damage_value;
      view_at<UdpHeader>(out, at).length = be16(static_cast<uint16_t>(said));
      if (step.no_sum && flow.protocol == kProtoUdp) return;
      Be16 sum = sum_with_pseudo(covered);
      if (sum.host() == 0) sum = be16(0xffff);
      view_at<UdpHeader>(out, at).checksum = bad_sum ? wrong(sum) : sum;
      return;
    }
    case kProtoSctp: {
      SctpHeader& sctp = append<SctpHeader>(out);
      sctp.source = be16(view.own_port);
      sctp.destination = be16(view.peer_port);
      sctp.vtag = be32(step.vtag);
      append_payload(step, speaker, out);
      SctpHeader& whole = view_at<SctpHeader>(out, at);
      whole.checksum = sctp_checksum(segment());
      if (bad_sum) whole.checksum[0] ^= 1;
      return;
    }
    case kProtoIcmp: {
      IcmpHeader& icmp = append<IcmpHeader>(out);
      const bool query = step.from == End::kClient;
      const uint8_t type = static_cast<uint8_t>(flow.server_port >> 8);
      icmp.type = query ? type : answer_type(type);
      icmp.code = static_cast<uint8_t>(flow.server_port);
      icmp.id = be16(view.own_port);
      icmp.sequence = be16(step.icmp_sequence);
      append_payload(step, speaker, out);
      const Be16 sum = checksum_finish(checksum_add(segment()));
      view_at<IcmpHeader>(out, at).checksum = bad_sum ? wrong(sum) : sum;
      return;
    }
    default:
      append_payload(step, speaker, out);
  }
}

// False: there is nothing to complain about.
bool Wire::append_error(const Step& step, const View& view, std::vector<uint8_t>& out) const {
  const std::vector<uint8_t>& about = step.about_error ? view.last_error : view.last;
  if (about.empty()) return false;
  const size_t at = out.size();
  append<IcmpHeader>(out);
  size_t length = step.quote_length;
  if (step.damage == Damage::kQuoteCut) length = std::min<size_t>(length, step.damage_value);
  length = std::min(length, about.size());
  out.insert(out.end(), about.begin(), about.begin() + static_cast<std::ptrdiff_t>(length));
  const size_t quote = at + sizeof(IcmpHeader);
  if (step.quote_flip_at < length) out[quote + step.quote_flip_at] ^= step.quote_flip;
  if (step.damage == Damage::kQuoteSum && length >= sizeof(Ipv4Header)) {
    Be16& sum = view_at<Ipv4Header>(out, quote).checksum;
    sum = wrong(sum);
  }
  IcmpHeader& icmp = view_at<IcmpHeader>(out, at);
  icmp.type = step.icmp_type;
  icmp.code = step.icmp_code;
  icmp.set_info(be32(step.icmp_info));
  const Be16 sum = checksum_finish(checksum_add(std::span(out).subspan(at)));
  icmp.checksum = step.damage == Damage::kTransportSum ? wrong(sum) : sum;
  return true;
}

std::optional<Wire::Frame> Wire::frame(const Step& step) const {
  if (step.kind == StepKind::kRaw) {
    const int port = port_named(step.raw_port);
    if (port < 0) return std::nullopt;
    return Frame{port, step.bytes};
  }
  const View& view = (step.from == End::kClient ? client_ : server_)[step.flow];
  if (!view.known) return std::nullopt;
  const bool error = step.kind == StepKind::kIcmpError;
  const bool local = view.port == kLocalProcesses;

  Frame frame{view.port, {}};
  std::vector<uint8_t>& out = frame.bytes;
  out.reserve(192 + step.payload_length);
  const Be32 source = error ? step.error_source.value_or(view.own) : view.own;
  const Be32 destination = error ? step.error_destination.value_or(view.peer) : view.peer;
  if (!local) {
    EthernetHeader& eth = append<EthernetHeader>(out);
    eth.destination = step.link == LinkDestination::kStranger    ? kStrangerMac
                      : step.link == LinkDestination::kBroadcast ? kBroadcastMac
                      : is_group(destination)                    ? group_mac(destination)
                                                                 : view.peer_mac;
    eth.source = view.own_mac;
    eth.type = be16(kEtherIpv4);
  }
  const size_t ip_at = out.size();
  append<Ipv4Header>(out);
  append_options(out, step.ip_options);
  const size_t payload_at = out.size();
  if (!error)
    append_transport(step, view, out);
  else if (!append_error(step, view, out))
    return std::nullopt;

  // What of the payload goes: a piece of the datagram, or the beginning of it.
  if (step.fragment_length != 0) {
    const size_t begin = std::min<size_t>(step.fragment_offset, out.size() - payload_at);
    const size_t length = std::min<size_t>(step.fragment_length, out.size() - payload_at - begin);
    std::memmove(out.data() + payload_at, out.data() + payload_at + begin, length);
    out.resize(payload_at + length);
  }
  if (step.damage == Damage::kTransportCut)
    out.resize(payload_at + std::min<size_t>(step.damage_value, out.size() - payload_at));

  Ipv4Header& ip = view_at<Ipv4Header>(out, ip_at);
  ip.version_ihl = static_cast<uint8_t>(0x40 | words(sizeof(Ipv4Header), step.ip_options));
  ip.tos = step.tos;
  ip.total_length = be16(static_cast<uint16_t>(out.size() - ip_at));
  ip.id = be16(step.id);
  ip.fragment = be16(static_cast<uint16_t>((step.df ? kIpDontFragment : 0) |
                                           (step.more_fragments ? kIpMoreFragments : 0) | step.fragment_offset / 8));
  ip.ttl = step.ttl;
  ip.protocol = error ? uint8_t{kProtoIcmp} : case_.flows[step.flow].protocol;
  ip.source = source;
  ip.destination = destination;
  if (!local) {
    if (step.damage == Damage::kTotalLength) ip.total_length = be16(step.damage_value);
    if (step.damage == Damage::kHeaderLength) ip.version_ihl = static_cast<uint8_t>(0x40 | (step.damage_value & 15));
    if (step.damage == Damage::kVersion)
      ip.version_ihl = static_cast<uint8_t>((step.damage_value & 15) << 4 | (ip.version_ihl & 15));
  }
  const size_t summed = std::max<size_t>(ip.header_length(), sizeof(Ipv4Header));
  ip.checksum = checksum_finish(checksum_add(std::span(out).subspan(ip_at, std::min(summed, out.size() - ip_at))));
  if (local) return frame;
  if (step.damage == Damage::kHeaderSum) ip.checksum = wrong(ip.checksum);
  if (step.damage == Damage::kCut) out.resize(std::min<size_t>(out.size(), ip_at + step.damage_value));
  if (step.damage == Damage::kPadded) out.resize(out.size() + step.damage_value, 0xa5);
  return frame;
}

// --- what came out

const Step* Wire::sender_of(uint16_t id, const Step& current) const {
  if (current.kind != StepKind::kRaw && current.id == id) return &current;
  if (id >= step_of_id_.size() || step_of_id_[id] == 0) return nullptr;
  return &case_.steps[step_of_id_[id] - 1];
}

void Wire::received(const Step& step, std::span<const Emitted> emitted) {
  for (const Emitted& e : emitted) learn(step, e);
}

void Wire::learn(const Step& step, const Emitted& emitted) {
  const bool local = emitted.port == kLocalProcesses;
  std::span<const uint8_t> packet = emitted.bytes;
  const EthernetHeader* eth = nullptr;
  if (!local) {
    eth = view<EthernetHeader>(packet);
    if (eth == nullptr || eth->type.host() != kEtherIpv4) return;
    packet = packet.subspan(sizeof(EthernetHeader));
  }
  const Ipv4Header* ip = view<Ipv4Header>(packet);
  if (ip == nullptr || ip->header_length() < sizeof(Ipv4Header)) return;
  const Step* sent = sender_of(ip->id.host(), step);
  if (sent == nullptr || sent->flow >= case_.flows.size()) return;
  const uint8_t protocol = case_.flows[sent->flow].protocol;
  const bool error = sent->kind == StepKind::kIcmpError;
  if (ip->protocol != (error ? uint8_t{kProtoIcmp} : protocol)) return;
  const bool at_client = sent->from == End::kServer;
  View& end = (at_client ? client_ : server_)[sent->flow];

  // A flooded frame comes out of several ports: the one of the station it is for counts, else the first.
  const Station* station = station_at(ip->destination);
  if (!local && station != nullptr && end.known && flooded_to(emitted.port, port_named(station->port))) return;

  // A client is where it is; what went elsewhere did not reach it.
  if ((at_client || error) && emitted.port != end.port) return;
  if (error) {
    if (end.known) end.last_error.assign(packet.begin(), packet.end());
    return;
  }
  if (ip->fragment_offset() != 0 && end.known) return;
  end.last.assign(packet.begin(), packet.end());
  if (!local && end.port == emitted.port) end.peer_mac = eth->source;
  const std::span<const uint8_t> heard = packet.subspan(std::min<size_t>(ip->header_length(), packet.size()));
  if (at_client) {
    if (!ip->is_fragment()) hear(*sent, end, heard);
    return;
  }

  if (local && ip->source.is_zero()) return;  // nobody to answer to
  end.port = emitted.port;
  end.own = ip->destination;
  end.peer = ip->source;
  if (!local) {
    end.own_mac = eth->destination;
    end.peer_mac = eth->source;
    if (is_multicast(eth->destination)) answer_for_group(end);
  } else if (is_group(ip->destination) && !case_.lab.own_addresses.empty()) {
    end.own = case_.lab.own_addresses.front();
  }
  end.known = true;
  const uint8_t* transport = heard.data();
  const size_t length = heard.size();
  if (ip->fragment_offset() != 0 || length < 4) return;
  switch (protocol) {
    case kProtoTcp:
    case kProtoUdp:
    case kProtoUdplite:
    case kProtoSctp:
      end.peer_port = static_cast<uint16_t>(transport[0] << 8 | transport[1]);
      end.own_port = static_cast<uint16_t>(transport[2] << 8 | transport[3]);
      break;
    case kProtoIcmp:
      if (length >= sizeof(IcmpHeader)) end.own_port = static_cast<uint16_t>(transport[4] << 8 | transport[5]);
      break;
    default:
      break;
  }
  if (!ip->is_fragment()) hear(*sent, end, heard);
}

void Wire::hear(const Step& sent, View& end, std::span<const uint8_t> transport) {
  const Flow& flow = case_.flows[sent.flow];
  size_t header = sizeof(UdpHeader);
  if (flow.protocol == kProtoTcp) {
    const TcpHeader* tcp = nf::view<TcpHeader>(transport);
    if (tcp == nullptr || tcp->header_length() < sizeof(TcpHeader)) return;
    header = tcp->header_length();
    if (header > transport.size()) return;
    // Where it ends, as it was said and as it was heard.
    const size_t said = (sent.words_length != 0 ? sent.words_length : sent.data.size()) + sent.payload_length;
    const uint32_t end_said = sent.seq + static_cast<uint32_t>(said);
    const uint32_t end_heard = tcp->sequence.host() + static_cast<uint32_t>(transport.size() - header);
    const auto shift = static_cast<int32_t>(end_heard - end_said);
    if (sent.damage == Damage::kNone && shift != end.shift) {
      end.shift_before = end.shift;
      end.shift = shift;
      end.changed_at = sent.seq;
    }
  }
  if (flow.dialect == Dialect::kNone || header > transport.size()) return;
  const std::string_view payload(reinterpret_cast<const char*>(transport.data()) + header, transport.size() - header);
  const std::optional<Announcement> announced = helper_talk(flow.dialect).announced(payload);
  if (!announced) return;
  const End hearer = sent.from == End::kClient ? End::kServer : End::kClient;
  for (size_t i = 0; i < case_.flows.size(); ++i) {
    const std::optional<Flow::Announced>& by = case_.flows[i].announced;
    if (!by || by->flow != sent.flow || by->step_id != sent.id || by->dialler != hearer || client_[i].known) continue;
    View& dialler = client_[i];
    dialler.known = true;
    dialler.port = end.port;
    dialler.own = end.own;
    dialler.own_mac = end.own_mac;
    dialler.peer_mac = end.peer_mac;
    dialler.peer = announced->address.value_or(end.peer);
    dialler.peer_port = announced->port != 0 ? announced->port : end.peer_port;
  }
}

// Whether `port` is another port of the bridge that has `home`.
bool Wire::flooded_to(int port, int home) const {
  if (home < 0 || home == port) return false;
  const int bridge = bridge_of_[static_cast<size_t>(port)];
  return bridge >= 0 && bridge == bridge_of_[static_cast<size_t>(home)];
}

// Who was reached through a group's address answers from an address of its own.
void Wire::answer_for_group(View& end) const {
  for (size_t i = 0; i < case_.lab.stations.size(); ++i) {
    const Station& s = case_.lab.stations[i];
    if (station_port_[i] != end.port) continue;
    end.own = s.address;
    end.own_mac = station_mac(s.on_link ? s.address : s.gateway);
    return;
  }
}

std::optional<Wire::Frame> Wire::arp_reply(const Emitted& emitted) const {
  const ArpHeader* arp = emitted.port != kLocalProcesses ? arp_request(emitted.bytes) : nullptr;
  if (arp == nullptr) return std::nullopt;

  const size_t asked_on = static_cast<size_t>(emitted.port);
  int home = emitted.port;
  if (const Station* station = station_at(arp->target_ip); station != nullptr && station->on_link) {
    home = port_named(station->port);
  } else if (bridge_of_[asked_on] >= 0) {
    home = static_cast<int>(std::find(bridge_of_.begin(), bridge_of_.end(), bridge_of_[asked_on]) - bridge_of_.begin());
  }
  if (flooded_to(emitted.port, home)) return std::nullopt;

  std::optional<std::vector<uint8_t>> answer = arp_answer(*arp, station_mac(arp->target_ip));
  if (!answer) return std::nullopt;
  return Frame{emitted.port, std::move(*answer)};
}

}  // namespace nf::difftest
