#include <algorithm>
#include <cstring>

#include "datapath/packet/checksum.h"
#include "tools/difftest/compare.h"

namespace nf::difftest {
namespace {

bool equal(std::span<const uint8_t> a, std::span<const uint8_t> b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

// A whole IPv4 header, with its options, is there.
const Ipv4Header* header_at(std::span<const uint8_t> packet) {
  const auto* ip = view<Ipv4Header>(packet);
  if (ip == nullptr || ip->header_length() < sizeof *ip || ip->header_length() > packet.size()) return nullptr;
  return ip;
}

// By how much the header's sum is wrong, whatever its id: not at all, or by what was filled into its options since.
uint16_t sum_error(const Ipv4Header& ip) {
  return checksum_fold(checksum_add({reinterpret_cast<const uint8_t*>(&ip), ip.header_length()}));
}

bool sum_right(std::span<const uint8_t> icmp) { return checksum_fold(checksum_add(icmp)) == 0xffff; }

// A packet whose one half is compared under a mask: where the IP header's id and sum are, at `at`.
void take_id(std::vector<uint8_t>& packet, size_t at, const Ipv4Header& from) {
  auto* ip = reinterpret_cast<Ipv4Header*>(packet.data() + at);
  ip->id = from.id;
  ip->checksum = from.checksum;
}

// Who answers with ICMP does so because of something else than the same ICMP: then the packet was passed on, and its
// id with it.
bool passed_on(const Ipv4Header& ip, std::span<const uint8_t> transport, std::span<const uint8_t> cause) {
  const Ipv4Header* in = header_at(cause);
  if (in == nullptr || in->protocol != kProtoIcmp || ip.fragment_offset() != 0 || transport.empty()) return false;
  if (in->fragment_offset() != 0) return false;  // has no type
  return in->header_length() < cause.size() && cause[in->header_length()] == transport[0];
}

}  // namespace

std::span<const uint8_t> ip_of_frame(std::span<const uint8_t> frame) {
  const auto* eth = view<EthernetHeader>(frame);
  if (eth == nullptr || eth->type.host() != kEtherIpv4) return {};
  return frame.subspan(sizeof *eth);
}

bool same_packet(std::span<const uint8_t> kernel, std::span<const uint8_t> engine, std::span<const uint8_t> cause,
                 Excuses& excuses) {
  if (equal(kernel, engine)) return true;
  const Ipv4Header *k = header_at(kernel), *e = header_at(engine);
  if (k == nullptr || e == nullptr || kernel.size() != engine.size() || k->protocol != kProtoIcmp) return false;
  const size_t header = k->header_length();
  if (e->header_length() != header) return false;
  std::vector<uint8_t> excused(engine.begin(), engine.end());
  if (k->id != e->id) {
    if (sum_error(*k) != sum_error(*e) || passed_on(*k, kernel.subspan(header), cause)) return false;
    take_id(excused, 0, *k);
  }
  const std::span<const uint8_t> quote = kernel.subspan(std::min(kernel.size(), header + sizeof(IcmpHeader)));
  const auto* icmp = view<IcmpHeader>(kernel, header);
  const Ipv4Header* quoted = header_at(quote);
  if (icmp != nullptr && icmp->is_error() && quoted != nullptr && k->fragment_offset() == 0) {
    const Ipv4Header* other = header_at(engine.subspan(header + sizeof(IcmpHeader)));
    if (other != nullptr && other->id != quoted->id && other->header_length() == quoted->header_length() &&
        quoted->protocol == kProtoIcmp && sum_error(*quoted) == sum_error(*other)) {
      take_id(excused, header + sizeof(IcmpHeader), *quoted);
      // A header sums up to the same whatever its id is, so the message's own sum may differ in how it writes zero
      // only.
      if (!k->more_fragments() && sum_right(kernel.subspan(header)) != sum_right(engine.subspan(header))) return false;
    }
  }
  if (!equal(kernel, excused)) return false;
  ++excuses["ip-id"];
  return true;
}

bool same_emitted(std::vector<Emitted>& kernel, std::vector<Emitted>& engine, std::span<const uint8_t> cause,
                  Excuses& excuses) {
  if (kernel.size() != engine.size()) return false;
  const auto by_port = [](std::vector<Emitted>& side) {
    // The kernel's local processes listen to each protocol with a socket of its own.
    const auto place = [](const Emitted& e) {
      const bool local = e.port == kLocalProcesses && e.bytes.size() >= sizeof(Ipv4Header);
      return std::pair(e.port, local ? view<Ipv4Header>(std::span<const uint8_t>(e.bytes))->protocol : 0);
    };
    const auto before = [&](const Emitted& a, const Emitted& b) { return place(a) < place(b); };
    if (!std::is_sorted(side.begin(), side.end(), before)) std::stable_sort(side.begin(), side.end(), before);
  };
  by_port(kernel);
  by_port(engine);
  for (size_t i = 0; i < kernel.size(); ++i) {
    const Emitted &k = kernel[i], &e = engine[i];
    if (k.port != e.port) return false;
    if (equal(k.bytes, e.bytes)) continue;
    if (k.port == kLocalProcesses) {
      if (!same_packet(k.bytes, e.bytes, cause, excuses)) return false;
      continue;
    }
    const std::span<const uint8_t> packet = ip_of_frame(k.bytes), other = ip_of_frame(e.bytes);
    if (packet.empty() || other.empty()) return false;
    if (std::memcmp(k.bytes.data(), e.bytes.data(), sizeof(EthernetHeader)) != 0) return false;
    if (!same_packet(packet, other, cause, excuses)) return false;
  }
  return true;
}

}  // namespace nf::difftest
