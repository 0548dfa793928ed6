// Protocols without states of their own: GRE, and whatever nobody knows.
#include "conntrack/proto.h"

namespace nf::ct {

// twin: generic_packet
Track generic_packet(const TrackInput& in) {
  in.refresh(in.core.settings.generic_timeout);
  return Track::kAccept;
}

// twin: nf_conntrack_gre_packet
Track gre_packet(const TrackInput& in) {
  Connection& c = in.c;
  if (!c.confirmed()) {
    c.gre.stream_timeout = in.core.settings.gre_timeout_stream;
    c.gre.timeout = in.core.settings.gre_timeout;
  }
  if ((c.status & kSeenReply) == 0) {
    in.refresh(c.gre.timeout);
    return Track::kAccept;
  }
  in.refresh(c.gre.stream_timeout);
  if ((c.status & (kNatClash | kAssured)) == 0) {
    c.status |= kAssured;
    Conntrack::event_cache(c, kEventAssured);
  }
  return Track::kAccept;
}

bool allow_clash(uint8_t protocol) {
  switch (protocol) {
    case kProtoTcp:
    case kProtoIcmp:
    case kProtoSctp:
      return false;
    default:
      return true;
  }
}

std::string_view state_name(const Connection& c) {
  return c.tuple[0].protocol == kProtoTcp ? tcp_state_name(c.tcp.state) : "";
}

}  // namespace nf::ct
