// The chunks of an SCTP packet in the language: <init 99, cookie-echo, abort/T>. The number of INIT and INIT ACK is
// their initiate tag; of the others the bytes of their value (0, 1, 2, ...), unset as many as they need. /T sets the T
// bit.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/base/result.h"

namespace nf::scenario {

// Text without < >. Chunks are padded to four bytes.
Result<std::vector<uint8_t>> parse_sctp_chunks(std::string_view text);
// nullopt: these bytes cannot be said so.
std::optional<std::string> sctp_chunks_text(std::span<const uint8_t> chunks);

}  // namespace nf::scenario
