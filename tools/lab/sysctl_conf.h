// The file `sysctl.conf` of a lab, or the output of `sysctl -a`: "name = value" lines. twin: sysctl.conf(5)
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "datapath/base/result.h"

namespace nf::lab {

struct SysctlSetting {
  std::string name;  // as written, with dots or slashes
  std::string value;
  bool ignore_error = false;  // written with a leading '-'
  int line = 0;               // 1-based
};

// Comments start a line with # or ;. A name with a pattern (*, ?, [) is refused. `file` is the name for errors.
Result<std::vector<SysctlSetting>> parse_sysctl_conf(std::string_view text, const std::string& file);

}  // namespace nf::lab
