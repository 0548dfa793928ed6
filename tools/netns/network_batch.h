// Applies lines of a lab's `network` file to the namespace entered last. stands for: ip -batch
#pragma once

#include <string>
#include <vector>

#include "datapath/base/result.h"
#include "tools/lab/network.h"

namespace nf::netns {

// When it returns, links that came up carry packets. Lines that make a link which is there already (a port's) set what
// they say of it; bridges do not snoop multicast. An error has the line that `ip` refuses; the lines before it are
// applied.
Status apply_network_lines(const std::vector<lab::NetworkLine>& lines, const std::string& file);

}  // namespace nf::netns
