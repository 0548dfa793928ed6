// Protocols without states of their own: GRE, and whatever nobody knows.
#include "conntrack/proto.h"

namespace nf::ct {

// twin: generic_packet
Track generic_packet(const TrackInput& in) {
  in.refresh(*in.timeouts(&in.core.settings.generic_timeout));
  return Track::kAccept;
}

// twin: nf_conntrack_gre_packet
Track gre_packet(const TrackInput& in) {
  Connection& c = in.c;
  if (!c.confirmed()) {
    const int64_t usual[] = {in.core.settings.gre_timeout, in.core.settings.gre_timeout_stream};
    const int64_t* timeout = in.timeouts(usual);
    c.gre.timeout = timeout[0];
    c.gre.stream_timeout = timeout[1];
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
  switch (c.tuple[0].protocol) {
    case kProtoTcp:
      return tcp_state_name(c.tcp.state);
    case kProtoSctp:
      return sctp_state_name(c.sctp.state);
    default:
      return "";
  }
}

}  // namespace nf::ct
