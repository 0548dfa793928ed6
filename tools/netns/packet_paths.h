// Lines of the kernel's TRACE by packet: which rules and policies decided about each.
//
// The kernel tells of one packet until it has done with it, but for what it makes meanwhile: an answer of the host
// begins at OUTPUT, a copy that a bridge floods goes on at FORWARD, and the packet itself goes on behind them.
#pragma once

#include <string>
#include <vector>

#include "tools/netns/trace_reader.h"

namespace nf::netns {

// One path a packet, in the order of their first lines: "nat:DOCKER:rule:2", "filter:INPUT:policy"; the ends of user
// chains are left out, and packets of which nothing else is told. A packet that goes over lo has one path for both its
// passes. `lines`: all that was told of each packet. What was flooded shares its path up to there with the last copy.
std::vector<std::vector<std::string>> packet_paths(const std::vector<TraceLine>& lines);

}  // namespace nf::netns
