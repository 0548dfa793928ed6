// What the files of the SIP helper share.
//
// sip.cc           packets to messages, messages to their handlers
// sip_register.cc  REGISTER: where calls come in
// sip_media.cc     session descriptions: where media come in
#pragma once

#include "conntrack/helper/sip.h"

namespace nf::ct::sip {

inline Verdict drop(const SipMessage& m, std::string_view text) { return m.in.help().helper->drop(m.in, text); }

// Null: the connection is not translated.
inline SipNat* nat_for(const SipMessage& m, SipNat* nat) { return (m.in.c.status & kNatMask) != 0 ? nat : nullptr; }

inline bool success_or_provisional(uint32_t code) { return code >= 100 && code <= 299; }

// Removes the media expectations of the connection, or one signalling expectation. twin: flush_expectations
void flush_expectations(const HelpInput& in, bool media);

// Expectations for the media a message describes. twin: process_sdp
Verdict process_sdp(SipMessage& m, SipNat* nat);

// twin: process_register_request, process_register_response
Verdict process_register_request(SipMessage& m, SipNat* nat, uint32_t cseq);
Verdict process_register_response(SipMessage& m, uint32_t cseq, uint32_t code);

}  // namespace nf::ct::sip
