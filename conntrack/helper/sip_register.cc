#include "conntrack/helper/sip_internal.h"

namespace nf::ct::sip {
namespace {

// The expectation timers count in ticks of 4 ms, 32 bits of them. twin: expires * HZ
constexpr uint32_t kTicksPerSecond = 250;

uint32_t expires_header(std::string_view message) {
  TextRange match;
  if (get_header(message, 0, Header::kExpires, match) != Found::kYes) return 0;
  return parse_number(message, match.offset).value;
}

// What was expected is called for from now on, for so long. False: nothing was. twin: refresh_signalling_expectation
bool refresh_signalling(const HelpInput& in, Endpoint to, uint8_t protocol, uint32_t seconds) {
  for (Expectation* e = in.help().expectations; e != nullptr; e = e->next_of_master) {
    if (e->expect_class != kSipSignalling || e->tuple.destination != to.address || e->tuple.protocol != protocol ||
        e->tuple.destination_id != to.port)
      continue;
    e->flags = static_cast<uint8_t>(e->flags & ~kExpectInactive);
    in.conntrack.expectations().refresh(*e, seconds * kTicksPerSecond / kTicksPerSecond, in.now());
    return true;
  }
  return false;
}

}  // namespace

Verdict process_register_request(SipMessage& m, SipNat* nat, uint32_t cseq) {
  const HelpInput& in = m.in;
  // Expected connections cannot register again.
  if ((in.c.status & kExpected) != 0) return Verdict::kAccept;
  const auto here = static_cast<size_t>(in.direction());
  const Tuple &from_us = in.c.tuple[here], &from_peer = in.c.tuple[1 - here];

  uint32_t expires = expires_header(m.text());
  TextRange match, ignored;
  Endpoint contact;
  const Found found = parse_header_uri(m.text(), nullptr, Header::kContact, match, contact);
  if (found == Found::kBad) return drop(m, "cannot parse contact");
  if (found == Found::kNo) return Verdict::kAccept;
  // Who registers somebody else is let alone, and so is who will be called by another protocol.
  if (contact.address != from_us.source) return Verdict::kAccept;
  uint8_t protocol;
  if (!parse_transport(m.text(), match.end(), from_us.protocol, protocol)) return Verdict::kAccept;
  if (parse_number_parameter(m.text(), match.end(), "expires=", ignored, expires) == Found::kBad)
    return drop(m, "cannot parse expires");

  // Zero ends a binding, which the answer does.
  if (expires != 0) {
    Expectation e =
        Expectations::make(in.c, kSipSignalling, &from_peer.source, contact.address, protocol, nullptr, contact.port);
    e.helper = in.help().helper;
    e.flags = kExpectPermanent | kExpectInactive;
    if (SipNat* translated = nat_for(m, nat)) {
      if (!translated->expect(m, e, match)) return Verdict::kDrop;
    } else if (in.conntrack.expectations().related(e, in.now()) != ExpectError::kNone) {
      return drop(m, "cannot add expectation");
    }
  }
  sip_master(in).register_cseq = cseq;
  return Verdict::kAccept;
}

Verdict process_register_response(SipMessage& m, uint32_t cseq, uint32_t code) {
  const HelpInput& in = m.in;
  // Some registrars answer late, what was asked before.
  if (sip_master(in).register_cseq != cseq) return Verdict::kAccept;
  if (code >= 100 && code <= 199) return Verdict::kAccept;
  if (code >= 200 && code <= 299) {
    const Tuple& answer = in.c.tuple[static_cast<size_t>(in.direction())];
    const uint32_t usual = expires_header(m.text());
    HeaderWalk walk;
    for (;;) {
      uint32_t expires = usual;
      TextRange match, ignored;
      Endpoint contact;
      const Found found = parse_header_uri(m.text(), &walk, Header::kContact, match, contact);
      if (found == Found::kBad) return drop(m, "cannot parse contact");
      if (found == Found::kNo) break;
      if (contact.address != answer.destination) continue;
      uint8_t protocol;
      if (!parse_transport(m.text(), match.end(), answer.protocol, protocol)) continue;
      if (parse_number_parameter(m.text(), match.end(), "expires=", ignored, expires) == Found::kBad)
        return drop(m, "cannot parse expires");
      if (expires == 0) break;
      if (refresh_signalling(in, contact, protocol, expires)) return Verdict::kAccept;
    }
  }
  flush_expectations(in, false);
  return Verdict::kAccept;
}

}  // namespace nf::ct::sip
