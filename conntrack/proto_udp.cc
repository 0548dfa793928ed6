// UDP and UDP-Lite. twin: net/netfilter/nf_conntrack_proto_udp.c
#include "conntrack/proto.h"
#include "datapath/packet/checksum.h"
#include "datapath/packet/rewrite.h"

namespace nf::ct {
namespace {

constexpr Duration kStreamAfter = 2 * kSecond;

// twin: enum udp_conntrack
enum UdpState : uint8_t { kUnreplied, kReplied };
struct UdpTimeouts {
  int64_t seconds[2];
  explicit UdpTimeouts(const Settings& s) : seconds{s.udp_timeout, s.udp_timeout_stream} {}
};

// twin: udp_error
bool udp_error(const TrackInput& in) {
  const UdpHeader* udp = view<UdpHeader>(in.transport);
  if (udp == nullptr) {
    in.core.reason.log("short packet");
    in.core.reason.invalid("invalid.truncated", "UDP", in.transport.size(), sizeof(UdpHeader));
    return true;
  }
  const size_t length = udp->length.host();
  if (length > in.transport.size() || length < sizeof(UdpHeader)) {
    in.core.reason.log("truncated/malformed packet");
    in.core.reason.invalid("invalid.udp_length", length, in.transport.size());
    return true;
  }
  if (udp->checksum == Be16{}) return false;
  if (in.check_sums() && !verify_transport_checksum(in.p)) {
    in.core.reason.log("bad checksum");
    invalid_checksum(in.core.reason, in.p, "UDP", offsetof(UdpHeader, checksum), kProtoUdp);
    return true;
  }
  return false;
}

// twin: udplite_error
bool udplite_error(const TrackInput& in) {
  const UdpHeader* udp = view<UdpHeader>(in.transport);
  if (udp == nullptr) {
    in.core.reason.log("short packet");
    in.core.reason.invalid("invalid.truncated", "UDP-Lite", in.transport.size(), sizeof(UdpHeader));
    return true;
  }
  // The length field is the checksum's coverage; 0 is the whole packet (RFC 3828, 3.1).
  size_t coverage = udp->length.host();
  if (coverage == 0) coverage = in.transport.size();
  if (coverage < sizeof(UdpHeader) || coverage > in.transport.size()) {
    in.core.reason.log("invalid checksum coverage");
    in.core.reason.invalid("invalid.udplite_coverage", coverage, in.transport.size());
    return true;
  }
  if (udp->checksum == Be16{}) {
    in.core.reason.log("checksum missing");
    in.core.reason.invalid("invalid.udplite_no_checksum");
    return true;
  }
  if (in.check_sums() && in.p.checksum == ChecksumState::kNone) {
    const Sum pseudo =
        checksum_pseudo(in.p.ip().source, in.p.ip().destination, kProtoUdp, static_cast<uint32_t>(in.transport.size()));
    if (checksum_fold(checksum_add(in.transport.first(coverage), pseudo)) != 0xffff) {
      in.core.reason.log("bad checksum");
      invalid_checksum(in.core.reason, in.p, "UDP-Lite", offsetof(UdpHeader, checksum), kProtoUdp, coverage);
      return true;
    }
  }
  return false;
}

void set_assured(Connection& c) {
  // A connection that lost a clash never is: it has to go soon.
  if ((c.status & (kNatClash | kAssured)) != 0) return;
  c.status |= kAssured;
  Conntrack::event_cache(c, kEventAssured);
}

}  // namespace

Track udp_packet(const TrackInput& in) {
  if (udp_error(in)) return Track::kInvalid;
  Connection& c = in.c;
  const UdpTimeouts usual(in.core.settings);
  const int64_t* timeout = in.timeouts(usual.seconds);
  if (!c.confirmed()) c.udp.stream_since = in.state.now + kStreamAfter;
  if ((c.status & kSeenReply) == 0) {
    in.refresh(timeout[kUnreplied]);
    return Track::kAccept;
  }
  // Both ways and still alive after two seconds: a stream, and no single question with its answer.
  const bool stream = in.state.now > c.udp.stream_since;
  in.refresh(timeout[stream ? kReplied : kUnreplied]);
  if (stream) set_assured(c);
  return Track::kAccept;
}

Track udplite_packet(const TrackInput& in) {
  if (udplite_error(in)) return Track::kInvalid;
  const UdpTimeouts usual(in.core.settings);
  const int64_t* timeout = in.timeouts(usual.seconds);
  if ((in.c.status & kSeenReply) == 0) {
    in.refresh(timeout[kUnreplied]);
    return Track::kAccept;
  }
  in.refresh(timeout[kReplied]);
  set_assured(in.c);
  return Track::kAccept;
}

}  // namespace nf::ct
