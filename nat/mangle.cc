#include "nat/mangle.h"

#include <algorithm>

#include "conntrack/seqadj.h"
#include "datapath/packet/rewrite.h"

namespace nf::nat {
namespace {

// `header` bytes stand between the IPv4 header and the payload. `as`: see replace_payload().
bool mangle(const ct::HelpInput& in, uint8_t as, uint32_t header, unsigned offset, unsigned length,
            std::string_view text) {
  if (!replace_payload(in.p, in.conntrack.stack().pool(), as, header + offset, length, text)) return false;
  if (in.state.trace != nullptr) {
    const ct::Helper* helper = in.help().helper;
    const auto longer = static_cast<int32_t>(text.size()) - static_cast<int32_t>(length);
    in.state.trace->event(in.p, trace::PayloadMangled{helper != nullptr ? helper->name() : "", longer});
  }
  return true;
}

}  // namespace

bool mangle_tcp_packet_in_place(const ct::HelpInput& in, unsigned offset, unsigned length, std::string_view text) {
  const TcpHeader* tcp = view<TcpHeader>(in.transport());
  return tcp != nullptr && mangle(in, kProtoTcp, tcp->header_length(), offset, length, text);
}

bool mangle_tcp_packet(const ct::HelpInput& in, unsigned offset, unsigned length, std::string_view text) {
  if (!mangle_tcp_packet_in_place(in, offset, length, text)) return false;
  ct::seqadj_set(in.c, in.ctinfo(), view<TcpHeader>(in.transport())->sequence.host(),
                 static_cast<int32_t>(text.size()) - static_cast<int32_t>(length));
  return true;
}

bool mangle_udp_packet(const ct::HelpInput& in, unsigned offset, unsigned length, std::string_view text) {
  return mangle(in, kProtoUdp, sizeof(UdpHeader), offset, length, text);
}

const ct::ExpectFunction& follow_master(Nat& nat) { return nat.follow_master(); }

uint16_t expect_find_port(const ct::HelpInput& in, ct::Expectation& e, uint16_t port) {
  constexpr int kMaxAttempts = 128;
  ct::Expectations& expectations = in.conntrack.expectations();
  const uint16_t min = port;
  const unsigned range = 0xffffu - port;
  for (int left = std::min<int>(static_cast<int>(range), kMaxAttempts);;) {
    e.tuple.destination_id = be16(port);
    const ct::ExpectError result = expectations.related(e, in.now());
    if (result == ct::ExpectError::kNone) return port;
    if (result != ct::ExpectError::kBusy || --left < 0) return 0;
    port = static_cast<uint16_t>(min + expectations.port_offset(e, min, range, in.conntrack.stack().random()));
  }
}

}  // namespace nf::nat
