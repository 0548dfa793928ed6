#include "conntrack/helper/helpers.h"

#include "conntrack/conntrack.h"

namespace nf::ct {

void register_helpers(Conntrack&, const HelperNat&) {}

}  // namespace nf::ct
