// The words of FTP that announce a connection, found in the payload of one segment. No state, no packets.
// twin: find_pattern and the functions it is given, net/netfilter/nf_conntrack_ftp.c
#pragma once

#include <cstdint>
#include <string_view>

#include "conntrack/helper/ftp.h"

namespace nf::ct {

struct FtpWord {
  enum class Kind : uint8_t {
    kNone,
    kFound,
    kPartial,  // begins as one, and is not whole or not right
  } kind = Kind::kNone;
  std::string_view pattern;  // "PORT"
  FtpCommand command{};
  unsigned offset = 0, length = 0;  // of address and port in the text
  Be32 address;                     // what the text does not name is the speaker's
  uint16_t port = 0;                // host order
};

// `text` is not empty and begins a line of this direction; `speaker`: who said it.
FtpWord find_ftp_word(std::string_view text, CtDirection direction, Be32 speaker);

}  // namespace nf::ct
