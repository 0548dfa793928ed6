// A lab out of texts, and frames for it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "datapath/packet/checksum.h"
#include "datapath/packet/headers.h"
#include "tools/backend/kernel_backend.h"

namespace nf::kernel_check {

inline constexpr std::string_view kTwoPorts = R"(link set dev lan up
link set dev wan up
addr add 10.1.0.1/24 dev lan
addr add 10.2.0.1/24 dev wan
neigh add 10.1.0.2 lladdr 02:00:0a:01:00:02 nud permanent dev lan
neigh add 10.2.0.9 lladdr 02:00:0a:02:00:09 nud permanent dev wan
)";
inline constexpr int kLan = 0, kWan = 1;

inline lab::Lab lab_of(std::string_view network, std::string_view sysctl, std::string rules) {
  lab::Lab lab;
  lab.network_file = "network";
  lab.sysctl_file = "sysctl.conf";
  lab.rules_file = "rules.v4";
  auto lines = lab::parse_network(network, lab.network_file);
  EXPECT_TRUE(lines.ok());
  if (lines) lab.network = lines.take();
  auto settings = lab::parse_sysctl_conf(sysctl, lab.sysctl_file);
  EXPECT_TRUE(settings.ok());
  if (settings) lab.sysctl = settings.take();
  if (!rules.empty()) lab.rules = std::move(rules);
  return lab;
}

struct Segment {
  Be32 source, destination;
  uint8_t protocol = kProtoUdp;
  uint16_t source_port = 0, destination_port = 0;  // ICMP: id, type << 8
  uint8_t tcp_flags = kTcpSyn;
  uint16_t payload = 0;
};

// The IP packet, with right sums.
std::vector<uint8_t> packet(const Segment& s);
// In a frame from the neighbour with that address to the port.
std::vector<uint8_t> frame(const Backend& backend, int port, const Segment& s);

}  // namespace nf::kernel_check
