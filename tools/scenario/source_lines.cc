#include "tools/scenario/source_lines.h"

#include "datapath/base/text.h"

namespace nf::scenario {
namespace {

// Where a comment begins: a # at the start or behind a blank, outside "...".
size_t comment_start(std::string_view s) {
  bool quoted = false;
  for (size_t i = 0; i < s.size(); ++i) {
    if (quoted && s[i] == '\\') {
      ++i;
    } else if (s[i] == '"') {
      quoted = !quoted;
    } else if (s[i] == '#' && !quoted && (i == 0 || s[i - 1] == ' ' || s[i - 1] == '\t')) {
      return i;
    }
  }
  return s.size();
}

}  // namespace

bool SourceLines::physical(std::string_view& line) {
  if (rest_.empty()) return false;
  const size_t end = rest_.find('\n');
  line = rest_.substr(0, end);
  rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  ++number_;
  return true;
}

bool SourceLines::next(SourceLine& line) {
  std::string_view part;
  if (!physical(part)) return false;
  line = {number_, {}, {}};
  std::string joined;
  for (;;) {
    const size_t comment = comment_start(part);
    if (comment < part.size() && line.comment.empty()) line.comment = trim(part.substr(comment + 1));
    std::string_view code = trim(part.substr(0, comment));
    unfinished_ = comment == part.size() && code.ends_with('\\');
    if (unfinished_) code.remove_suffix(1);
    (joined += code) += ' ';
    if (!unfinished_ || !physical(part)) break;
  }
  line.text = trim(joined);
  return true;
}

bool SourceLines::block(std::string& text) {
  std::string_view line;
  while (physical(line)) {
    if (trim(line) == "}") return true;
    (text += line) += '\n';
  }
  return false;
}

std::optional<uint64_t> statistic(const ct::Stats& s, std::string_view name) {
  const struct {
    std::string_view name;
    uint64_t value;
  } all[] = {{"found", s.found},
             {"invalid", s.invalid},
             {"insert", s.insert},
             {"insert_failed", s.insert_failed},
             {"drop", s.drop},
             {"early_drop", s.early_drop},
             {"error", s.icmp_error},
             {"search_restart", s.search_restart},
             {"clash_resolve", s.clash_resolve},
             {"expect_new", s.expect_new},
             {"expect_create", s.expect_create},
             {"expect_delete", s.expect_delete},
             {"chaintoolong", s.chaintoolong}};
  for (const auto& entry : all)
    if (entry.name == name) return entry.value;
  return std::nullopt;
}

}  // namespace nf::scenario
