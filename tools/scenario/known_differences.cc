#include "tools/scenario/known_differences.h"

#include <algorithm>
#include <filesystem>

#include "datapath/base/text.h"
#include "tools/lab/lab.h"

namespace nf::scenario {

namespace fs = std::filesystem;

Result<KnownDifferences> KnownDifferences::read(const std::string& file) {
  const Result<std::string> text = lab::read_file(file);
  if (!text) return text.error();
  KnownDifferences known;
  int line = 0;
  for (const std::string_view l : split(*text, '\n')) {
    ++line;
    std::string blank(l);
    std::replace_if(
        blank.begin(), blank.end(), [](char c) { return c == '`' || c == '|'; }, ' ');
    for (const std::string_view word : split_words(blank)) {
      if (!word.ends_with(".scn")) continue;
      std::error_code wrong;
      const fs::path path = fs::canonical(fs::path(file).parent_path() / word, wrong);
      if (wrong) return error_at(file, line, "there is no scenario \"" + std::string(word) + "\"");
      known.scenarios_.insert(path.string());
    }
  }
  return known;
}

bool KnownDifferences::has(const std::string& scenario_file) const {
  std::error_code ignored;
  return scenarios_.count(fs::weakly_canonical(scenario_file, ignored).string()) != 0;
}

}  // namespace nf::scenario
