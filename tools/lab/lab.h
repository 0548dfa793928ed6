// A lab: a folder with the files that would configure a Linux box. Here it becomes plain data.
//
// | file        | format                                   |          |
// | network     | `ip -batch` lines (network.h)            | required |
// | sysctl.conf | "name = value" lines (sysctl_conf.h)     | optional |
// | timeouts    | `nfct add timeout` lines (timeouts.h)    | optional |
// | rules.v4    | iptables-save text, parsed by who needs it | optional |
// rules.v6 is refused as long as IPv6 is not modelled; other files are none of our business.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "datapath/base/result.h"
#include "tools/lab/network.h"
#include "tools/lab/sysctl_conf.h"
#include "tools/lab/timeouts.h"

namespace nf::lab {

struct Lab {
  std::string folder;
  std::string network_file, sysctl_file, timeouts_file, rules_file;  // paths, for errors
  std::vector<NetworkLine> network;
  std::vector<SysctlSetting> sysctl;
  std::vector<TimeoutLine> timeouts;
  std::optional<std::string> rules;  // text of rules.v4
};

Result<Lab> read_lab(const std::string& folder);

// A whole file. The error has the file and the system's words.
Result<std::string> read_file(const std::string& path);

}  // namespace nf::lab
