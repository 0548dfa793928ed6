// Rule paths out of a trace's text (tools/forms/text_form.h).
#pragma once

#include <string_view>
#include <vector>

#include "tools/backend/backend.h"

namespace nf {

// `text`: whole blocks, one a packet. What this host sends because of a packet stands in that packet's block, further
// in, and is a packet of its own; what went over lo stands in two blocks and is one. Packets no rule or policy decided
// about have no path. In the order the packets began.
std::vector<RulePath> paths_of_trace(std::string_view text);

}  // namespace nf
