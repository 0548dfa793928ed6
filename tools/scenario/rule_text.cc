#include "tools/scenario/rule_text.h"

#include <vector>

#include "datapath/base/text.h"

namespace nf::scenario {
namespace {

struct Line {
  std::string_view text;
  int number;
};

std::string_view without_end_blanks(std::string_view s) {
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t' || s.back() == '\r')) s.remove_suffix(1);
  return s;
}

std::vector<Line> lines_of(std::string_view text) {
  std::vector<Line> out;
  int number = 0;
  for (const std::string_view part : split(text, '\n')) {
    ++number;
    const std::string_view line = without_end_blanks(part);
    if (!line.empty() && line[0] != '#') out.push_back({line, number});
  }
  return out;
}

// ":FORWARD ACCEPT [5:200]" with ":FORWARD ACCEPT".
bool same_chain(std::string_view expected, std::string_view actual) {
  return expected.starts_with(':') && expected.find('[') == std::string_view::npos && actual.starts_with(expected) &&
         actual.substr(expected.size()).starts_with(" [");
}

}  // namespace

std::optional<TextDifference> compare_rule_text(std::string_view expected, std::string_view actual) {
  const std::vector<Line> wanted = lines_of(expected), got = lines_of(actual);
  for (size_t i = 0; i < wanted.size() || i < got.size(); ++i) {
    if (i >= wanted.size()) return TextDifference{i > 0 ? wanted[i - 1].number : 1, {}, std::string(got[i].text)};
    if (i >= got.size()) return TextDifference{wanted[i].number, std::string(wanted[i].text), {}};
    if (wanted[i].text != got[i].text && !same_chain(wanted[i].text, got[i].text))
      return TextDifference{wanted[i].number, std::string(wanted[i].text), std::string(got[i].text)};
  }
  return std::nullopt;
}

}  // namespace nf::scenario
