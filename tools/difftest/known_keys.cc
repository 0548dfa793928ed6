#include "tools/difftest/known_keys.h"

#include "datapath/base/text.h"

namespace nf::difftest {

Result<KnownKeys> parse_known_keys(std::string_view text, const std::string& file) {
  KnownKeys out;
  bool here = false, found = false;
  int number = 0;
  for (const std::string_view raw : split(text, '\n')) {
    ++number;
    const std::string_view line = trim(raw);
    if (line.starts_with("#")) {
      here = trim(line.substr(line.find_first_not_of('#') == std::string_view::npos ? line.size()
                                                                                    : line.find_first_not_of('#'))) ==
             "Certify";
      found = found || here;
      continue;
    }
    if (!here || !line.starts_with("|")) continue;
    const std::vector<std::string_view> cells = split(line, '|');
    if (cells.size() < 4) return error_at(file, number, "a row is \"| key | reason |\"");
    const std::string key(trim(cells[1])), reason(trim(cells[2]));
    if (key == "key" || key.starts_with("-")) continue;  // the table's head
    if (key.empty() || reason.empty()) return error_at(file, number, "a key needs a reason");
    if (!out.emplace(key, reason).second) return error_at(file, number, "\"" + key + "\" stands here twice");
  }
  if (!found) return error_at(file, 0, "no heading \"Certify\"");
  return out;
}

}  // namespace nf::difftest
