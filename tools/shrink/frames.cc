#include "tools/shrink/frames.h"

#include <algorithm>
#include <cstring>

#include "datapath/packet/checksum.h"
#include "datapath/packet/gso.h"
#include "datapath/packet/headers.h"
#include "tools/backend/station.h"
#include "tools/capture/captured_frame.h"

namespace nf::shrink {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr size_t kLink = sizeof(EthernetHeader);

// Of a frame whose IPv4 packet is whole, not a fragment, and has TCP, UDP or ICMP in it; else null.
Ipv4Header* whole_packet(Bytes& frame) {
  const std::span<uint8_t> bytes(frame);
  const auto* eth = view<EthernetHeader>(bytes);
  auto* ip = view<Ipv4Header>(bytes, kLink);
  if (eth == nullptr || ip == nullptr || eth->type.host() != kEtherIpv4 || ip->version() != 4) return nullptr;
  const size_t header = ip->header_length(), total = ip->total_length.host();
  if (header < sizeof *ip || total < header || kLink + total > frame.size()) return nullptr;
  if (ip->more_fragments() || ip->fragment_offset() != 0) return nullptr;
  const size_t least = ip->protocol == kProtoTcp    ? sizeof(TcpHeader)
                       : ip->protocol == kProtoUdp  ? sizeof(UdpHeader)
                       : ip->protocol == kProtoIcmp ? sizeof(IcmpHeader)
                                                    : SIZE_MAX;
  return total - header < least ? nullptr : ip;
}

std::span<uint8_t> transport_of(Bytes& frame, const Ipv4Header& ip) {
  return std::span<uint8_t>(frame).subspan(kLink + ip.header_length(), ip.total_length.host() - ip.header_length());
}

// Where the transport's checksum stands in it.
size_t sum_at(uint8_t protocol) { return protocol == kProtoTcp ? 16 : protocol == kProtoUdp ? 6 : 2; }

void sum_transport(Bytes& frame, const Ipv4Header& ip) {
  const std::span<uint8_t> l4 = transport_of(frame, ip);
  auto* sum = view<Be16>(l4, sum_at(ip.protocol));
  if (ip.protocol == kProtoUdp && *sum == Be16{}) return;
  *sum = {};
  Sum add = checksum_add(l4);
  if (ip.protocol != kProtoIcmp)
    add += checksum_pseudo(ip.source, ip.destination, ip.protocol, static_cast<uint32_t>(l4.size()));
  uint16_t value = static_cast<uint16_t>(~checksum_fold(add));
  if (ip.protocol == kProtoUdp && value == 0) value = 0xffff;
  *sum = Be16::from_raw(value);
}

// The payload of TCP, UDP or an ICMP query is cut to `keep` bytes; false: there is not more than that.
bool cut_payload(Bytes& frame, size_t keep_part_of) {
  Ipv4Header* ip = whole_packet(frame);
  if (ip == nullptr) return false;
  const std::span<uint8_t> l4 = transport_of(frame, *ip);
  size_t header = sizeof(UdpHeader);
  if (ip->protocol == kProtoTcp)
    header = view<TcpHeader>(l4)->header_length();
  else if (ip->protocol == kProtoIcmp && view<IcmpHeader>(l4)->is_error())
    return false;  // its payload is what it is about
  if (header > l4.size()) return false;
  const size_t payload = l4.size() - header, keep = keep_part_of == 0 ? 0 : payload / keep_part_of;
  if (payload == keep) return false;
  const size_t length = header + keep;
  if (ip->protocol == kProtoUdp) view<UdpHeader>(l4)->length = be16(static_cast<uint16_t>(length));
  ip->total_length = be16(static_cast<uint16_t>(ip->header_length() + length));
  ip_send_check(*ip);
  frame.resize(kLink + ip->total_length.host());
  sum_transport(frame, *view<Ipv4Header>(std::span<uint8_t>(frame), kLink));
  return true;
}

bool without_payload(Frame& f) { return cut_payload(f.bytes, 0); }
bool half_payload(Frame& f) { return cut_payload(f.bytes, 2); }

bool without_tcp_options(Frame& f) {
  Ipv4Header* ip = whole_packet(f.bytes);
  if (ip == nullptr || ip->protocol != kProtoTcp) return false;
  const std::span<uint8_t> l4 = transport_of(f.bytes, *ip);
  auto* tcp = view<TcpHeader>(l4);
  const size_t header = tcp->header_length();
  if (header <= sizeof *tcp || header > l4.size()) return false;
  tcp->offset_reserved = static_cast<uint8_t>((tcp->offset_reserved & 15) | (sizeof *tcp / 4) << 4);
  const size_t cut = header - sizeof *tcp, at = kLink + ip->header_length() + sizeof *tcp;
  ip->total_length = be16(static_cast<uint16_t>(ip->total_length.host() - cut));
  ip_send_check(*ip);
  f.bytes.erase(f.bytes.begin() + static_cast<std::ptrdiff_t>(at),
                f.bytes.begin() + static_cast<std::ptrdiff_t>(at + cut));
  sum_transport(f.bytes, *view<Ipv4Header>(std::span<uint8_t>(f.bytes), kLink));
  return true;
}

}  // namespace

Result<std::vector<Frame>> frames_of(const HeldCapture& capture, CapturePlayer& player, bool mend) {
  Router& router = player.gateway().router();
  std::vector<Frame> out;
  Time last = 0;
  for (const HeldPacket& held : capture.packets) {
    const Device& dev = *router.device(capture.links[held.link]);
    if (dev.kind != DeviceKind::kEthernet)
      return Error{dev.name + ": scenarios have no links without Ethernet", {}, 0, ExitCode::kNotModelled};
    CapturedFrame captured = captured_frame(held.view(), dev, router.pool());
    if (captured.packet == nullptr) continue;
    // Whole milliseconds behind the first, so that no rounding adds up.
    const Time at = std::max(last, (held.time - capture.packets.front().time) / kMillisecond * kMillisecond);
    Frame frame{held.number, out.empty() ? 0 : at - last, dev.name, {}};
    last = at;
    const auto bytes = captured.packet->bytes();
    if (captured.packet->gso == GsoType::kNone) {
      frame.bytes.assign(bytes.begin(), bytes.end());
      if (Ipv4Header* ip = whole_packet(frame.bytes); ip != nullptr && mend) sum_transport(frame.bytes, *ip);
      out.push_back(std::move(frame));
      continue;
    }
    const Bytes link(bytes.begin(), bytes.begin() + kLink);
    captured.packet->pull(kLink);
    segment(std::move(captured.packet), router.pool(), [&](PacketPtr p) {
      frame.bytes = link;
      frame.bytes.insert(frame.bytes.end(), p->bytes().begin(), p->bytes().end());
      out.push_back(frame);
      frame.gap = 0;
    });
  }
  return out;
}

void use_station_addresses(std::vector<Frame>& frames, const std::vector<BackendPort>& ports,
                           const scenario::Surroundings& surroundings) {
  for (Frame& f : frames) {
    auto* eth = view<EthernetHeader>(std::span<uint8_t>(f.bytes));
    const auto* ip = view<Ipv4Header>(std::span<const uint8_t>(f.bytes), kLink);
    if (eth == nullptr || ip == nullptr || eth->type.host() != kEtherIpv4) continue;
    for (size_t port = 0; port < ports.size(); ++port) {
      if (ports[port].name != f.link) continue;
      eth->destination = surroundings.destination_mac(static_cast<int>(port), ip->destination.host());
      eth->source = station_mac(ip->source);
    }
  }
}

const std::vector<Change>& changes() {
  static const std::vector<Change> kChanges{without_payload, half_payload, without_tcp_options};
  return kChanges;
}

}  // namespace nf::shrink
