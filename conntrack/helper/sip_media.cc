#include <string>

#include "conntrack/helper/sip_internal.h"
#include "datapath/packet/headers.h"

namespace nf::ct::sip {
namespace {

// twin: sdp_media_types
struct MediaType {
  std::string_view name;
  SipExpectClass expect_class;
};
constexpr MediaType kMediaTypes[] = {{"audio ", kSipAudio}, {"video ", kSipVideo}, {"image ", kSipImage}};

const MediaType* media_type(std::string_view media) {
  for (const MediaType& t : kMediaTypes)
    if (media.starts_with(t.name)) return &t;
  return nullptr;
}

// Where both are expected; what is expected already of another call is as good as entered.
// twin: in set_expected_rtp_rtcp
bool enter(const HelpInput& in, const Expectation& rtp, const Expectation& rtcp) {
  Expectations& all = in.conntrack.expectations();
  const auto fine = [](ExpectError e) { return e == ExpectError::kNone || e == ExpectError::kAlready; };
  const ExpectError first = all.related(rtp, in.now(), true);
  if (!fine(first)) return false;
  if (fine(all.related(rtcp, in.now(), true))) return true;
  if (first == ExpectError::kNone)
    if (Expectation* entered = all.find_same(rtp)) all.unexpect(*entered, in.now());
  return false;
}

// A medium wanted at `address` and `port`, which is written at `media`. NAT puts its own in `address`.
// twin: set_expected_rtp_rtcp
bool expect_media(SipMessage& m, SipNat* nat, Be32& address, uint16_t port, SipExpectClass expect_class,
                  TextRange media) {
  const HelpInput& in = m.in;
  const auto here = static_cast<size_t>(in.direction());
  if (address != in.c.tuple[here].source) return true;
  const Be32 from = in.c.tuple[1 - here].source;

  // The same medium may have been announced on another connection, when a call rings at several places. If that one
  // and this are both translated, they are taken to reach each other directly.
  Tuple wanted;
  wanted.source = from;
  wanted.destination = address;
  wanted.destination_id = be16(port);
  wanted.protocol = kProtoUdp;
  bool direct = false, known = false;
  while (!known) {
    const Expectation* other = in.conntrack.expectations().find(wanted, zone_of(in.c), in.now());
    if (other == nullptr || other->master == &in.c || help_of(*other->master)->helper != in.help().helper ||
        other->expect_class != expect_class)
      break;
    const bool moved =
        other->saved_address != other->tuple.destination || other->saved_id != other->tuple.destination_id;
    if (!direct && moved && (in.c.status & kNatMask) != 0) {
      address = wanted.destination = other->saved_address;
      wanted.destination_id = other->saved_id;
      direct = true;
    } else {
      known = true;
    }
  }

  const auto rtp_port = static_cast<uint16_t>(wanted.destination_id.host() & ~1u);
  if (direct && nat != nullptr && !nat->sdp_port(m, media, rtp_port)) return false;
  if (known) return true;

  const auto make = [&](unsigned p) {
    return Expectations::make(in.c, expect_class, &from, address, kProtoUdp, nullptr, be16(static_cast<uint16_t>(p)));
  };
  Expectation rtp = make(rtp_port), rtcp = make(rtp_port + 1u);
  SipNat* translated = nat_for(m, nat);
  if (translated != nullptr && !direct) return translated->sdp_media(m, rtp, rtcp, media, address);
  return enter(in, rtp, rtcp);
}

}  // namespace

Verdict process_sdp(SipMessage& m, SipNat* nat) {
  TextRange match;
  if (get_sdp_header(m.text(), 0, SdpHeader::kVersion, SdpHeader::kNone, match) != Found::kYes) return Verdict::kAccept;
  const size_t description = match.offset;

  // The address of the whole session, unless a medium has its own.
  Be32 session_address, address;
  const bool has_session_address = parse_sdp_address(m.text(), description, SdpHeader::kConnection, SdpHeader::kMedia,
                                                     match, session_address) == Found::kYes;
  bool has_address = has_session_address;
  if (has_address) address = session_address;

  TextRange media{description, 0};
  for (size_t n = 0; n < std::size(kMediaTypes);) {
    if (get_sdp_header(m.text(), media.offset, SdpHeader::kMedia, SdpHeader::kNone, media) != Found::kYes) break;
    const MediaType* type = media_type(m.text().substr(media.offset, media.length));
    if (type == nullptr) {
      media.offset += media.length;
      continue;
    }
    media.offset += type->name.size();
    media.length -= type->name.size();
    const uint32_t port = parse_number(m.text(), media.offset).value;
    if (port == 0) continue;  // inactive
    if (port < 1024 || port > 65535) return drop(m, "wrong port " + std::to_string(port));

    Be32 own_address;
    const bool has_own = parse_sdp_address(m.text(), media.offset, SdpHeader::kConnection, SdpHeader::kMedia, match,
                                           own_address) == Found::kYes;
    if (!has_own && !has_session_address) return drop(m, "cannot parse SDP message");
    address = has_own ? own_address : session_address;
    has_address = true;

    if (!expect_media(m, nat, address, static_cast<uint16_t>(port), type->expect_class, media))
      return drop(m, "cannot add expectation for voice");
    SipNat* translated = nat_for(m, nat);
    if (has_own && translated != nullptr &&
        !translated->sdp_address(m, media.offset, SdpHeader::kConnection, SdpHeader::kMedia, address))
      return drop(m, "cannot mangle SDP");
    ++n;
  }

  SipNat* translated = nat_for(m, nat);
  if (translated != nullptr && has_address && !translated->sdp_session(m, description, address)) return Verdict::kDrop;
  return Verdict::kAccept;
}

}  // namespace nf::ct::sip
