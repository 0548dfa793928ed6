#include "tools/backend/trace_paths.h"

#include <gtest/gtest.h>

namespace nf {
namespace {

TEST(TracePaths, PacketByPacket) {
  // The form of tools/forms/text_form.h; the second packet is refused and what refuses it is a packet of its own.
  const std::vector<RulePath> paths = paths_of_trace(
      "packet 1 ens33 tcp 192.168.66.1:39002 > 192.168.66.100:80 SYN length 60\n"
      "  PREROUTING in=ens33 out=-: tcp 192.168.66.1:39002 > 192.168.66.100:80 SYN length 60\n"
      "    conntrack: NEW, new entry 192.168.66.1:39002 > 192.168.66.100:80, SYN_SENT\n"
      "    nat:PREROUTING:rule:1 -> chain DOCKER\n"
      "    nat:DOCKER:rule:2 DNAT (ACCEPT)\n"
      "    nat PREROUTING: destination half set up, reply expected 172.17.0.2:80 > 192.168.66.1:39002\n"
      "  FORWARD in=ens33 out=docker0: tcp 192.168.66.1:39002 > 172.17.0.2:80 SYN length 60\n"
      "    filter:FORWARD:rule:1 -> chain DOCKER-USER\n"
      "    filter:DOCKER-USER:return:2 (end of the chain)\n"
      "    filter:FORWARD:policy ACCEPT\n"
      "  sent on docker0\n"
      "packet 2 ens33 udp 192.168.66.1:1 > 192.168.66.100:9 length 40\n"
      "  INPUT in=ens33 out=-: udp 192.168.66.1:1 > 192.168.66.100:9 length 40\n"
      "  this host sends icmp 192.168.66.100 > 192.168.66.1 type 3 code 3 length 68\n"
      "      OUTPUT in=- out=ens33: icmp 192.168.66.100 > 192.168.66.1 type 3 code 3 length 68\n"
      "        filter:OUTPUT:policy ACCEPT\n"
      "      sent on ens33\n"
      "    filter:INPUT:rule:3 REJECT (DROP)\n"
      "  dropped at INPUT: rejected by a rule\n"
      "packet 3 ens33 arp who has 192.168.66.100 tell 192.168.66.1\n"
      "  dropped: ARP not for this host\n");
  const std::vector<RulePath> expected{
      {"nat:PREROUTING:rule:1", "nat:DOCKER:rule:2", "filter:FORWARD:rule:1", "filter:FORWARD:policy"},
      {"filter:INPUT:rule:3"},
      {"filter:OUTPUT:policy"},
  };
  EXPECT_EQ(paths, expected);
}

// What goes over lo is one packet: out, and in again in a block of its own.
TEST(TracePaths, Loopback) {
  const std::vector<RulePath> paths = paths_of_trace(
      "packet 1 from this host udp 10.1.0.1:5 > 10.1.0.1:99 length 31\n"
      "    filter:OUTPUT:rule:1 ACCEPT\n"
      "  sent on lo\n"
      "packet 2 lo udp 10.1.0.1:5 > 10.1.0.1:99 length 31\n"
      "  INPUT in=lo out=-: udp 10.1.0.1:5 > 10.1.0.1:99 length 31\n"
      "  this host sends icmp 10.1.0.1 > 10.1.0.1 type 3 code 3 length 59\n"
      "      OUTPUT in=- out=lo: icmp 10.1.0.1 > 10.1.0.1 type 3 code 3 length 59\n"
      "        filter:OUTPUT:policy ACCEPT\n"
      "      sent on lo\n"
      "    filter:INPUT:rule:1 REJECT (DROP)\n"
      "packet 3 lo icmp 10.1.0.1 > 10.1.0.1 type 3 code 3 length 59\n"
      "    filter:INPUT:policy ACCEPT\n");
  const std::vector<RulePath> expected{{"filter:OUTPUT:rule:1", "filter:INPUT:rule:1"},
                                       {"filter:OUTPUT:policy", "filter:INPUT:policy"}};
  EXPECT_EQ(paths, expected);
}

TEST(TracePaths, NothingDecided) { EXPECT_TRUE(paths_of_trace("").empty()); }

}  // namespace
}  // namespace nf
