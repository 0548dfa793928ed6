// A session description (RFC 4566) in a SIP message: its addresses and its media.
// twin: ct_sip_get_sdp_header and its like, net/netfilter/nf_conntrack_sip.c
//
// Any bytes are safe. Lines end in CR, LF or both; the first line of a message is none of the description's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "conntrack/helper/sip_text.h"

namespace nf::ct::sip {

// twin: enum sdp_header_types
enum class SdpHeader : uint8_t { kNone, kVersion, kOwner, kConnection, kMedia };

// Of "v=" the number, of "o=" and "c=" the IPv4 address, of "m=" the kind and the port; from the lines that begin
// behind `from`, up to the first that is `term`. With kBad, `match.offset` is behind the line's name. `match` is left
// alone with kNo. twin: ct_sip_get_sdp_header
Found get_sdp_header(std::string_view message, size_t from, SdpHeader type, SdpHeader term, TextRange& match);

// The same, and the address read. twin: ct_sip_parse_sdp_addr
Found parse_sdp_address(std::string_view message, size_t from, SdpHeader type, SdpHeader term, TextRange& match,
                        Be32& address);

}  // namespace nf::ct::sip
