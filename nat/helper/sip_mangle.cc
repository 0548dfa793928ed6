#include "nat/helper/sip_mangle.h"

#include <string>

#include "datapath/base/text.h"
#include "datapath/packet/checksum.h"
#include "datapath/packet/headers.h"

namespace nf::nat::sip {

using namespace ct::sip;

void as_udp_header(Packet& p) {
  UdpHeader& udp = *view<UdpHeader>(p.transport());
  udp.length = be16(static_cast<uint16_t>(p.transport().size()));
  if (p.checksum == ChecksumState::kPartial) return;
  p.checksum = ChecksumState::kNone;
  if (udp.checksum == Be16{}) return;
  udp.checksum = Be16{};
  const Sum pseudo =
      checksum_pseudo(p.ip().source, p.ip().destination, kProtoUdp, static_cast<uint32_t>(p.transport().size()));
  const Be16 sum = checksum_finish(checksum_add(p.transport(), pseudo));
  udp.checksum = sum == Be16{} ? be16(0xffff) : sum;
}

bool mangle(ct::SipMessage& m, TextRange match, std::string_view text) {
  const auto offset = static_cast<unsigned>(m.offset + match.offset);
  const auto length = static_cast<unsigned>(match.length);
  if (m.in.c.tuple[0].protocol == kProtoTcp) {
    if (!mangle_tcp_packet_in_place(m.in, offset, length, text)) return false;
  } else {
    if (!mangle_udp_packet(m.in, offset, length, text)) return false;
    if (m.in.p.ip().protocol != kProtoUdp) as_udp_header(m.in.p);
  }
  m.size = m.size + text.size() - match.length;
  return true;
}

bool map_address(ct::SipMessage& m, TextRange match, Endpoint endpoint) {
  const auto here = static_cast<size_t>(m.in.direction());
  const ct::Tuple &seen = m.in.c.tuple[here], &other = m.in.c.tuple[1 - here];
  Endpoint to;
  if (endpoint == Endpoint{seen.source, seen.source_id}) {
    to = {other.destination, other.destination_id};
  } else if (endpoint == Endpoint{seen.destination, seen.destination_id}) {
    const Be16 forced = sip_master(m.in).forced_dport;
    to = {other.source, forced != Be16{} ? forced : other.source_id};
  } else {
    return true;
  }
  return to == endpoint || mangle(m, match, strf("%s:%u", format_ipv4(to.address).c_str(), to.port.host()));
}

bool mangle_content_length(ct::SipMessage& m) {
  TextRange match;
  if (get_sdp_header(m.text(), 0, SdpHeader::kVersion, SdpHeader::kNone, match) != Found::kYes) return false;
  const size_t length = m.size - match.offset + std::string_view("v=").size();
  if (get_header(m.text(), 0, Header::kContentLength, match) != Found::kYes) return false;
  return mangle(m, match, std::to_string(length));
}

Found mangle_sdp(ct::SipMessage& m, size_t from, SdpHeader type, SdpHeader term, std::string_view text) {
  TextRange match;
  if (get_sdp_header(m.text(), from, type, term, match) != Found::kYes) return Found::kNo;
  return mangle(m, match, text) ? Found::kYes : Found::kBad;
}

}  // namespace nf::nat::sip
