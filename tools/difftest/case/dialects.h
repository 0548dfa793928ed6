// What connection helpers listen to: in rules (CT --helper) and in the talks of the traffic.
#pragma once

#include <cstdint>
#include <string_view>

#include "datapath/packet/headers.h"

namespace nf::difftest {

enum class Dialect : uint8_t { kNone, kFtp, kTftp, kIrc, kAmanda, kSane, kPptp, kSip, kSipTcp };

struct DialectFacts {
  Dialect dialect;
  std::string_view helper;  // CT --helper
  uint8_t protocol;
  uint16_t port;  // the usual one
};
inline constexpr DialectFacts kDialects[] = {
    {Dialect::kFtp, "ftp", kProtoTcp, 21},     {Dialect::kTftp, "tftp", kProtoUdp, 69},
    {Dialect::kIrc, "irc", kProtoTcp, 6667},   {Dialect::kAmanda, "amanda", kProtoUdp, 10080},
    {Dialect::kSane, "sane", kProtoTcp, 6566}, {Dialect::kPptp, "pptp", kProtoTcp, 1723},
    {Dialect::kSip, "sip", kProtoUdp, 5060},   {Dialect::kSipTcp, "sip", kProtoTcp, 5060},
};

}  // namespace nf::difftest
