// Would the kernel forward or answer on links that are to be our ports? Two routers on one link answer twice.
#pragma once

#include <string>
#include <vector>

#include "datapath/base/result.h"

namespace nf {

// What stands against using these links as ports, one reason each ("net.ipv4.ip_forward = 1", "eth0 has the address
// 10.0.0.1/24", "eth0 is a port of br0"); empty: nothing. An error: the kernel could not be asked, or no such link.
Result<std::vector<std::string>> forwarding_conflicts(const std::vector<std::string>& links);

}  // namespace nf
