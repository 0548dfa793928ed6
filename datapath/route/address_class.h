// Classes of IPv4 addresses. twin: include/linux/in.h
//
// As in the kernel since 5.3, only 0.0.0.0 is special of 0/8, and class E is ordinary unicast.
#pragma once

#include "datapath/base/byteorder.h"

namespace nf {

inline bool is_multicast(Be32 a) { return (a.host() & 0xf0000000) == 0xe0000000; }
inline bool is_local_multicast(Be32 a) { return (a.host() & 0xffffff00) == 0xe0000000; }
inline bool is_limited_broadcast(Be32 a) { return a.raw() == UINT32_MAX; }
inline bool is_loopback(Be32 a) { return (a.host() & 0xff000000) == 0x7f000000; }

}  // namespace nf
