// The keys of the differences certify lets pass: rows `| key | reason |` under the heading "Certify" of
// netns-tests/known_differences.md.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "datapath/base/result.h"

namespace nf::difftest {

using KnownKeys = std::map<std::string, std::string>;  // key, reason

// `file` is the name for errors: a row without a reason, a key twice, no such heading.
Result<KnownKeys> parse_known_keys(std::string_view text, const std::string& file);

}  // namespace nf::difftest
