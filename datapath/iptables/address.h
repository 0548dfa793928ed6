// The address arguments of -s and -d, and how masks are written. twin: xtables_ipparse_multiple and the printers
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "datapath/base/byteorder.h"
#include "datapath/base/result.h"

namespace nf::ipt {

struct AddressMask {
  Be32 address, mask;  // address is masked
};

// "a,b/8,c/255.0.255.0": one or more. Octets may be octal or hexadecimal and trailing ones may be missing ("10.1").
// Host names are not looked up.
Result<std::vector<AddressMask>> parse_addresses(std::string_view text);

// "24", or dotted when it is no prefix. twin: mask_to_str
std::string mask_for_save(Be32 mask);
// "/24", "" for a whole address, or "/255.0.255.0". twin: xtables_ipmask_to_numeric
std::string mask_for_list(Be32 mask);

}  // namespace nf::ipt
