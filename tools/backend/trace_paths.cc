#include "tools/backend/trace_paths.h"

#include <algorithm>
#include <deque>
#include <string>

#include "datapath/base/text.h"

namespace nf {
namespace {

// The step a line tells, "nat:DOCKER:rule:2 DNAT (ACCEPT)" without its comment; empty: it tells none.
std::string step_of(std::string_view line) {
  static constexpr std::string_view kTables[] = {"raw:", "mangle:", "nat:", "filter:", "security:"};
  const std::string_view step = line.substr(0, line.find(' '));
  if (std::none_of(std::begin(kTables), std::end(kTables), [&](std::string_view t) { return step.starts_with(t); }))
    return {};
  // The end of a user chain is no rule.
  if (step.find(":return:") != std::string_view::npos) return {};
  return std::string(step);
}

}  // namespace

std::vector<RulePath> paths_of_trace(std::string_view text) {
  constexpr size_t kMadeIndent = 6;  // of anything about a packet this host made meanwhile; its first line is at 2
  std::vector<RulePath> paths;       // of every packet, in the order they began; some stay empty
  size_t outer = 0, made = 0;        // of the block's packet and of the latest it made
  std::deque<size_t> on_loopback;    // sent on lo, not back yet
  const auto begin = [&paths] {
    paths.emplace_back();
    return paths.size() - 1;
  };
  for (const std::string_view line : split(text, '\n')) {
    const size_t indent = line.find_first_not_of(' ');
    if (indent == std::string_view::npos) continue;
    const std::string_view words = line.substr(indent);
    if (indent == 0) {
      const std::vector<std::string_view> parts = split_words(words);
      const bool back = parts.size() > 2 && parts[2] == "lo" && !on_loopback.empty();
      outer = back ? on_loopback.front() : begin();
      if (back) on_loopback.pop_front();
      continue;
    }
    if (paths.empty()) continue;  // the end of a block whose beginning was taken before
    if (words.starts_with("this host sends ")) made = begin();
    const size_t path = indent >= kMadeIndent ? made : outer;
    if (words == "sent on lo") on_loopback.push_back(path);
    if (std::string step = step_of(words); !step.empty()) paths[path].push_back(std::move(step));
  }
  std::erase_if(paths, [](const RulePath& p) { return p.empty(); });
  return paths;
}

}  // namespace nf
