// What a TCP segment or UDP datagram carries, as text.
#pragma once

#include <span>
#include <string_view>

#include "datapath/packet/headers.h"

namespace nf::ct {

inline std::string_view as_text(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
// Behind the TCP header and its options; empty: nothing there.
inline std::string_view tcp_payload(std::span<const uint8_t> transport) {
  const TcpHeader* tcp = view<TcpHeader>(transport);
  if (tcp == nullptr || tcp->header_length() >= transport.size()) return {};
  return as_text(transport.subspan(tcp->header_length()));
}

}  // namespace nf::ct
