// Makes the timeout policies of a lab in the namespace entered last. stands for: nfct add timeout
#pragma once

#include <string>
#include <vector>

#include "datapath/base/result.h"
#include "tools/lab/timeouts.h"

namespace nf::netns {

Status add_timeout_policies(const std::vector<lab::TimeoutLine>& lines, const std::string& file);

}  // namespace nf::netns
