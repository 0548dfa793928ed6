// Changing one SIP message in its packet. Offsets are the message's.
#pragma once

#include <string_view>

#include "conntrack/helper/sip.h"
#include "nat/mangle.h"

namespace nf::nat::sip {

// Sequence numbers are left alone: a packet's messages are adjusted together. False: the packet would be too long.
// twin: mangle_packet
bool mangle(ct::SipMessage& m, ct::sip::TextRange match, std::string_view text);
// What the kernel does to the first eight bytes of what is no UDP but was changed as if it were: length and, unless it
// is zero, checksum of UDP are written. So end ICMP errors in the original direction, whose quote is read as a message:
// their own sum is wrong. twin: nf_nat_mangle_udp_packet
void as_udp_header(Packet& p);
// An address and port of this connection are replaced by what stands for them on the other side; others stay.
// twin: map_addr
bool map_address(ct::SipMessage& m, ct::sip::TextRange match, ct::sip::Endpoint endpoint);
// Content-Length, after the session description was changed. False also when there is none of either.
// twin: mangle_content_len
bool mangle_content_length(ct::SipMessage& m);

// The address of the line of a session description. twin: mangle_sdp_packet
ct::sip::Found mangle_sdp(ct::SipMessage& m, size_t from, ct::sip::SdpHeader type, ct::sip::SdpHeader term,
                          std::string_view text);

}  // namespace nf::nat::sip
