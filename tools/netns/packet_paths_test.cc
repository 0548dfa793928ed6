#include "tools/netns/packet_paths.h"

#include <gtest/gtest.h>

namespace nf::netns {
namespace {

constexpr HookPoint kPre = HookPoint::kPreRouting, kIn = HookPoint::kLocalIn, kForward = HookPoint::kForward,
                    kOut = HookPoint::kLocalOut, kPost = HookPoint::kPostRouting;

TraceLine begin(HookPoint hook, const char* in, const char* out, uint32_t mark) {
  return {hook, in, out, 0, 0, "", true, mark};
}
TraceLine line(HookPoint hook, const char* in, const char* out, uint32_t mark, const char* place,
               uint32_t port_out = 0) {
  return {hook, in, out, 0, port_out, place, false, mark};
}

using Paths = std::vector<std::vector<std::string>>;

// As 6.18 tells it of a datagram to itself that a rule of INPUT rejects.
TEST(PacketPaths, RejectedOverLo) {
  constexpr uint32_t kDatagram = 17, kError = 1;
  EXPECT_EQ(packet_paths({begin(kOut, "", "lo", kDatagram), line(kOut, "", "lo", kDatagram, "filter:OUTPUT:policy:1"),
                          begin(kPre, "lo", "", kDatagram), line(kIn, "lo", "", kDatagram, "filter:INPUT:rule:1"),
                          line(kIn, "lo", "", kDatagram, "filter:foo:rule:1"), begin(kOut, "", "lo", kError),
                          line(kOut, "", "lo", kError, "filter:OUTPUT:policy:1"), begin(kPre, "lo", "", kError),
                          line(kIn, "lo", "", kError, "filter:INPUT:rule:1"),
                          line(kIn, "lo", "", kError, "filter:foo:return:3"),
                          line(kIn, "lo", "", kError, "filter:INPUT:policy:2")}),
            (Paths{{"filter:OUTPUT:policy", "filter:INPUT:rule:1", "filter:foo:rule:1"},
                   {"filter:OUTPUT:policy", "filter:INPUT:rule:1", "filter:INPUT:policy"}}));
}

// ip_forward sends a redirect before FORWARD: the packet goes on behind the answer.
TEST(PacketPaths, GoesOnBehindARedirect) {
  EXPECT_EQ(packet_paths({begin(kPre, "lan", "", 17), line(kPre, "lan", "", 17, "mangle:PREROUTING:policy:1"),
                          begin(kOut, "", "lan", 1), line(kOut, "", "lan", 1, "mangle:OUTPUT:rule:1"),
                          line(kPost, "", "lan", 1, "mangle:POSTROUTING:policy:1"),
                          line(kForward, "lan", "lan", 17, "mangle:FORWARD:rule:2"),
                          line(kPost, "lan", "lan", 17, "mangle:POSTROUTING:policy:1")}),
            (Paths{{"mangle:PREROUTING:policy", "mangle:FORWARD:rule:2", "mangle:POSTROUTING:policy"},
                   {"mangle:OUTPUT:rule:1", "mangle:POSTROUTING:policy"}}));
}

// Flooded to two ports and handed up: the copies go first, each with a path from FORWARD on.
TEST(PacketPaths, Flooded) {
  EXPECT_EQ(packet_paths({begin(kPre, "br0", "", 17), line(kPre, "br0", "", 17, "nat:PREROUTING:policy:1"),
                          line(kForward, "br0", "br0", 17, "filter:FORWARD:rule:1", 2),
                          line(kPost, "br0", "br0", 17, "nat:POSTROUTING:policy:1", 2),
                          line(kForward, "br0", "br0", 17, "filter:FORWARD:rule:1", 3),
                          line(kPost, "br0", "br0", 17, "nat:POSTROUTING:policy:1", 3),
                          line(kIn, "br0", "", 17, "filter:INPUT:policy:1")}),
            (Paths{{"nat:PREROUTING:policy", "filter:INPUT:policy"},
                   {"filter:FORWARD:rule:1", "nat:POSTROUTING:policy"},
                   {"filter:FORWARD:rule:1", "nat:POSTROUTING:policy"}}));
}

// Packets one after the other in one reading; one of which nothing but its beginning is told has no path.
TEST(PacketPaths, OneAfterTheOther) {
  EXPECT_EQ(packet_paths({begin(kPre, "lan", "", 17), line(kPre, "lan", "", 17, "raw:PREROUTING:rule:1"),
                          begin(kPre, "lan", "", 17), begin(kPre, "lan", "", 17),
                          line(kForward, "lan", "wan", 17, "filter:FORWARD:rule:1")}),
            (Paths{{"raw:PREROUTING:rule:1"}, {"filter:FORWARD:rule:1"}}));
  EXPECT_TRUE(packet_paths({}).empty());
}

}  // namespace
}  // namespace nf::netns
