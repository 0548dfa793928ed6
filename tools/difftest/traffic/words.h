// Text that somebody says of himself: who he is and who hears it is known when it is sent.
//
// Marks: %a own address, %A the peer's, %c and %C the same with commas, %n and %N as a number, %p own port, %P the
// peer's, %w and %W the same in two bytes, %% a percent sign, %~ as many blanks as make the text as long as it is to
// be.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/packet/headers.h"

namespace nf::difftest {

struct Speaker {
  Be32 own, peer;
  uint16_t own_port, peer_port;
};

// Exactly `length` bytes: a text that is longer is cut, one that is shorter and has no %~ ends in blanks.
std::vector<uint8_t> fill_words(std::span<const uint8_t> text, size_t length, const Speaker& speaker);

// Bytes as they stand, whatever is in them.
std::string literal_words(std::string_view bytes);

// How long a text is without blanks for %~: said by this one, and at most.
size_t words_length(std::string_view text, const Speaker& speaker);
size_t longest_words(std::string_view text);

}  // namespace nf::difftest
