// Reads and writes the kernel's net.* tunables of the calling process's network namespace, through /proc/sys.
#pragma once

#include <string>

#include "datapath/base/result.h"

namespace nf {

// Parts of a name are separated by '/', because a link's name may hold dots: "net/ipv4/conf/eth0.5/forwarding".
Result<std::string> read_kernel_sysctl(const std::string& name);
Status write_kernel_sysctl(const std::string& name, const std::string& value);

// Whether this is the machine's initial network namespace. What is only there tells: net.core.netdev_max_backlog.
bool in_initial_network_namespace();

}  // namespace nf
