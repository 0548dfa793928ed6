// What is spoken over the control socket of a running gateway.
//
// Request:  the command's words, each ended by a NUL byte, then one more NUL: "conntrack\0-L\0\0".
//           Commands that read a file are given its text as the last word (file_word).
// Reply:    frames of {channel byte, length as 32-bit big endian, bytes}. Channel 'o' and 'e' are to be written to
//           stdout and stderr as they come; 'x' carries the exit code as one byte and is the last.
// `conntrack -E` has no exit code as long as the client stays: after an empty 'o' frame, which says that events are
// listened to from here on, a frame per event. Meanwhile the client may ask `sync`: another empty 'o' frame follows,
// when everything is done and behind every event of it. An 'e' frame says why it could not be done.
// `trace` is the same with stories in a form, in any number of frames; the client ends it with `stop`, whereupon the
// rest of the form, what there is to say ('e') and the exit code follow.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nf::control {

// Rules of a large cluster are some megabytes.
inline constexpr size_t kMaxRequest = 64 * 1024 * 1024;

// No word may be empty, and none may have a NUL.
std::string encode_request(const std::vector<std::string>& words);
// nullopt: not whole yet. A request of more than kMaxRequest bytes never becomes whole; the server hangs up.
std::optional<std::vector<std::string>> decode_request(std::string_view bytes);

std::string encode_frame(char channel, std::string_view bytes);

// A file's text as a word, and back; nullopt: the word is none.
std::string file_word(std::string_view text);
std::optional<std::string_view> file_text(std::string_view word);

struct Frame {
  char channel;
  std::string bytes;
};
// Takes the first whole frame off the front of `buffer`.
std::optional<Frame> take_frame(std::string& buffer);

// The folder sockets are put in: $XDG_RUNTIME_DIR/hookpoint, or /run/hookpoint for root, or /tmp/hookpoint-UID.
std::string default_directory();

}  // namespace nf::control
