// What is spoken over the control socket of a running gateway.
//
// Request:  the command's words, each ended by a NUL byte, then one more NUL: "conntrack\0-L\0\0".
// Reply:    frames of {channel byte, length as 32-bit big endian, bytes}. Channel 'o' and 'e' are to be written to
//           stdout and stderr as they come; 'x' carries the exit code as one byte and is the last.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nf::control {

inline constexpr size_t kMaxRequest = 64 * 1024;

std::string encode_request(const std::vector<std::string>& words);
// nullopt: not whole yet. A request of more than kMaxRequest bytes never becomes whole; the server hangs up.
std::optional<std::vector<std::string>> decode_request(std::string_view bytes);

std::string encode_frame(char channel, std::string_view bytes);

struct Frame {
  char channel;
  std::string bytes;
};
// Takes the first whole frame off the front of `buffer`.
std::optional<Frame> take_frame(std::string& buffer);

// The folder sockets are put in: $XDG_RUNTIME_DIR/hookpoint, or /run/hookpoint for root, or /tmp/hookpoint-UID.
std::string default_directory();

}  // namespace nf::control
