// An address with a mask, as the options of -m conntrack and NETMAP take it. twin: XTTYPE_HOSTMASK
#pragma once

#include <string>
#include <string_view>

#include "datapath/base/byteorder.h"
#include "datapath/base/result.h"
#include "datapath/iptables/xt_options.h"

namespace nf::ct {

struct HostMask {
  Be32 address;  // as written, host bits too
  Be32 mask;
};

// "1.2.3.4", "1.2.3.4/24", "1.2.3.4/255.255.255.0". Only masks of leading ones: of others iptables 1.8.9 silently
// makes /32, here they are an error.
Result<HostMask> parse_host_mask(std::string_view extension, const ipt::OptionSpec& option, std::string_view text);

// Length of a mask of leading ones, 0..32.
int mask_length(Be32 mask);

}  // namespace nf::ct
