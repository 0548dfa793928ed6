#include "datapath/packet/gso.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "datapath/packet/checksum.h"
#include "datapath/packet/metadata.h"
#include "datapath/packet/rewrite.h"

namespace nf {
namespace {

// The headers of a segment whose payload starts `offset` bytes into the whole's; `segment` still has the whole's.
void fix_headers(Packet& segment, GsoType type, uint32_t number, uint32_t offset, bool last) {
  Ipv4Header& ip = segment.ip();
  ip.total_length = be16(static_cast<uint16_t>(segment.length()));
  ip.id = be16(static_cast<uint16_t>(ip.id.host() + number));  // wraps
  ip_send_check(ip);
  if (type == GsoType::kTcpv4) {
    TcpHeader& tcp = *view<TcpHeader>(segment.transport());
    tcp.sequence = be32(tcp.sequence.host() + offset);
    if (!last) tcp.flags &= static_cast<uint8_t>(~(kTcpFin | kTcpPsh));
    if (number != 0) tcp.flags &= static_cast<uint8_t>(~kTcpCwr);
  } else {
    view<UdpHeader>(segment.transport())->length = be16(static_cast<uint16_t>(segment.transport().size()));
  }
  fill_transport_checksum(segment);
}

}  // namespace

void segment(PacketPtr p, PacketPool& pool, const std::function<void(PacketPtr)>& emit) {
  if (p->gso == GsoType::kNone) {
    emit(std::move(p));
    return;
  }
  assert(p->gso_size != 0 && p->gso_header <= p->length());
  const uint32_t payload = p->length() - p->gso_header;
  uint32_t number = 0;
  uint32_t offset = 0;
  do {
    const uint32_t n = std::min<uint32_t>(p->gso_size, payload - offset);
    PacketPtr s = pool.allocate(p->gso_header + n);
    std::memcpy(s->put(p->gso_header), p->data(), p->gso_header);
    std::memcpy(s->put(n), p->data() + p->gso_header + offset, n);
    copy_metadata(*s, *p);
    fix_headers(*s, p->gso, number, offset, offset + n == payload);
    emit(std::move(s));
    offset += n;
    ++number;
  } while (offset < payload);
}

uint32_t segment_length(const Packet& p) {
  return p.gso == GsoType::kNone ? p.length() : uint32_t{p.gso_header} + p.gso_size;
}

}  // namespace nf
