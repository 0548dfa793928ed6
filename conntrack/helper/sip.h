// The SIP helper, over UDP and TCP: REGISTER announces where calls will come in, the session descriptions of a call
// where its sound and pictures will. twin: net/netfilter/nf_conntrack_sip.c
//
// As with the kernel's module parameters unset: calls come from the registrar alone (sip_direct_signalling=1), media
// between those who signal alone (sip_direct_media=1, sip_external_media=0), and a signalling connection lasts an hour
// (sip_timeout=3600).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "conntrack/helper.h"
#include "conntrack/helper/sip_sdp.h"
#include "conntrack/helper/sip_text.h"

namespace nf::ct {

// twin: enum sip_expectation_classes (order and values)
enum SipExpectClass : uint8_t { kSipSignalling, kSipAudio, kSipVideo, kSipImage };

// What the helper keeps of a signalling connection. twin: struct nf_ct_sip_master
struct SipMaster {
  uint32_t register_cseq, invite_cseq;
  Be16 forced_dport;  // where a phone wants its answers that asks from another port; 0: none
};
inline SipMaster& sip_master(const HelpInput& in) { return in.help().data<SipMaster>(); }

// One message of a packet; NAT makes it longer or shorter. twin: the arguments dataoff, dptr and datalen
struct SipMessage {
  const HelpInput& in;
  size_t payload;  // where payload begins in HelpInput::transport()
  size_t offset;   // of the message in the payload
  size_t size;

  // Dead after any change.
  std::string_view text() const {
    return {reinterpret_cast<const char*>(in.transport().data()) + payload + offset, size};
  }
};

// What NAT does to messages and expectations of a connection that is translated. A refusal has been logged and has set
// the drop reason, unless said otherwise. twin: struct nf_nat_sip_hooks
class SipNat {
 public:
  virtual ~SipNat() = default;
  // All addresses in the headers that are the connection's. twin: nf_nat_sip
  virtual bool message(SipMessage& m) = 0;
  // The packet is by now so much longer than it was. twin: nf_nat_sip_seq_adjust
  virtual void seq_adjust(const HelpInput& in, int16_t change) = 0;
  // Enters the expectation where it can be reached from outside, and writes that at `match`. twin: nf_nat_sip_expect
  virtual bool expect(SipMessage& m, Expectation& e, sip::TextRange match) = 0;
  // The first address of this kind of line, and Content-Length; not logged. twin: nf_nat_sdp_addr
  virtual bool sdp_address(SipMessage& m, size_t from, sip::SdpHeader type, sip::SdpHeader term, Be32 address) = 0;
  // Not logged. twin: nf_nat_sdp_port
  virtual bool sdp_port(SipMessage& m, sip::TextRange match, uint16_t port) = 0;
  // Owner and connection of the whole session; not logged. twin: nf_nat_sdp_session
  virtual bool sdp_session(SipMessage& m, size_t from, Be32 address) = 0;
  // Enters both where they can be reached from outside, writes the port at `media` and leaves the address in
  // `address`. twin: nf_nat_sdp_media
  virtual bool sdp_media(SipMessage& m, Expectation& rtp, Expectation& rtcp, sip::TextRange media, Be32& address) = 0;
};

// Adds "sip" for UDP and for TCP. `nat` may be null: nothing is changed in the messages.
void register_sip(HelperRegistry& helpers, SipNat* nat);

}  // namespace nf::ct
