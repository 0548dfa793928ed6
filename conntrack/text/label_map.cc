#include "conntrack/text/label_map.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "datapath/base/text.h"

namespace nf::ct {

Status LabelMap::read(const std::string& file) {
  FILE* const f = std::fopen(file.c_str(), "r");
  if (f == nullptr) return error(std::string("nfct_labelmap_new: ") + std::strerror(errno));
  std::vector<std::string> found(kLabels);
  char line[1024];
  while (std::fgets(line, sizeof line, f) != nullptr) {
    std::string_view text = line;
    text = trim(text.substr(0, text.find_first_of("#\n")));
    const std::vector<std::string_view> words = split_words(text);
    if (words.size() < 2) continue;
    const auto n = parse_number(words[0], kLabels - 1);
    if (n && found[*n].empty()) found[*n] = words[1];
  }
  std::fclose(f);
  names_ = std::move(found);
  return {};
}

std::optional<unsigned> LabelMap::number(std::string_view name) const {
  for (size_t i = 0; i < names_.size(); ++i)
    if (!name.empty() && names_[i] == name) return static_cast<unsigned>(i);
  return std::nullopt;
}

std::vector<std::string> LabelMap::names(const Labels& labels) const {
  std::vector<std::string> out;
  for (size_t i = 0; i < names_.size(); ++i)
    if ((labels.words[i / 64] >> (i % 64) & 1) != 0 && !names_[i].empty()) out.push_back(names_[i]);
  return out;
}

}  // namespace nf::ct
