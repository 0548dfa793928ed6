// What a packet is to its connection. twin: enum ip_conntrack_info, uapi/linux/netfilter/nf_conntrack_common.h
#pragma once

#include <cstdint>

namespace nf {

enum class CtInfo : uint8_t {
  kEstablished = 0,
  kRelated = 1,
  kNew = 2,
  kEstablishedReply = 3,  // kIsReply + kEstablished
  kRelatedReply = 4,
  kNone = 5,  // packet has no connection: never seen by conntrack, or INVALID
  kUntracked = 7,
};

enum class CtDirection : uint8_t { kOriginal = 0, kReply = 1 };

// twin: CTINFO2DIR
inline CtDirection direction_of(CtInfo c) {
  return c == CtInfo::kEstablishedReply || c == CtInfo::kRelatedReply ? CtDirection::kReply : CtDirection::kOriginal;
}

}  // namespace nf
