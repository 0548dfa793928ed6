#include "tools/labdiff/common_lines.h"

#include <algorithm>
#include <cstdint>
#include <unordered_map>

namespace nf::labdiff {
namespace {

// Each level finds lines that the whole of the level above has more than once; more levels find next to nothing.
constexpr int kLevels = 8;

class Finder {
 public:
  Finder(const std::vector<std::string_view>& a, const std::vector<std::string_view>& b, size_t most_cells)
      : a_(a), b_(b), most_cells_(most_cells) {}

  CommonLines find() {
    between(0, a_.size(), 0, b_.size(), kLevels);
    return std::move(out_);
  }

 private:
  void between(size_t a, size_t a_end, size_t b, size_t b_end, int levels) {
    for (; a < a_end && b < b_end && a_[a] == b_[b]; ++a, ++b) out_.emplace_back(a, b);
    size_t tail = 0;
    while (a < a_end - tail && b < b_end - tail && a_[a_end - tail - 1] == b_[b_end - tail - 1]) ++tail;
    const size_t n = a_end - tail - a, m = b_end - tail - b;
    if (n > 0 && m > 0) {
      if (n + 1 <= most_cells_ / (m + 1))
        longest(a, n, b, m);
      else if (levels > 0)
        by_anchors(a, a + n, b, b + m, levels - 1);
    }
    for (; tail > 0; --tail) out_.emplace_back(a_end - tail, b_end - tail);
  }

  void longest(size_t a, size_t n, size_t b, size_t m) {
    // common[i][j]: of a from i and b from j.
    std::vector<uint32_t> cells((n + 1) * (m + 1));
    const auto common = [&](size_t i, size_t j) -> uint32_t& { return cells[i * (m + 1) + j]; };
    for (size_t i = n; i-- > 0;)
      for (size_t j = m; j-- > 0;)
        common(i, j) = a_[a + i] == b_[b + j] ? common(i + 1, j + 1) + 1 : std::max(common(i + 1, j), common(i, j + 1));
    for (size_t i = 0, j = 0; i < n && j < m;) {
      if (a_[a + i] == b_[b + j]) {
        out_.emplace_back(a + i++, b + j++);
      } else if (common(i + 1, j) >= common(i, j + 1)) {
        ++i;
      } else {
        ++j;
      }
    }
  }

  struct Places {
    size_t in_a = 0, in_b = 0, times_a = 0, times_b = 0;
  };

  // Lines that both have once; of those the longest ascending row.
  void by_anchors(size_t a, size_t a_end, size_t b, size_t b_end, int levels) {
    std::unordered_map<std::string_view, Places> places;
    for (size_t i = a; i < a_end; ++i) {
      Places& p = places[a_[i]];
      p.in_a = i;
      ++p.times_a;
    }
    for (size_t j = b; j < b_end; ++j) {
      const auto at = places.find(b_[j]);
      if (at == places.end()) continue;
      at->second.in_b = j;
      ++at->second.times_b;
    }
    CommonLines anchors;
    for (size_t i = a; i < a_end; ++i)
      if (const Places& p = places[a_[i]]; p.times_a == 1 && p.times_b == 1) anchors.emplace_back(i, p.in_b);
    anchors = ascending(anchors);
    if (anchors.empty()) return;
    for (const auto& [i, j] : anchors) {
      between(a, i, b, j, levels);
      out_.emplace_back(i, j);
      a = i + 1;
      b = j + 1;
    }
    between(a, a_end, b, b_end, levels);
  }

  // The longest row of pairs that ascends in b too; they ascend in a. twin: patience sorting
  static CommonLines ascending(const CommonLines& pairs) {
    std::vector<size_t> ends;  // [length - 1]: the pair that ends the lowest row of that length
    std::vector<size_t> before(pairs.size());
    for (size_t i = 0; i < pairs.size(); ++i) {
      const auto at = std::lower_bound(ends.begin(), ends.end(), i,
                                       [&](size_t x, size_t y) { return pairs[x].second < pairs[y].second; });
      before[i] = at == ends.begin() ? pairs.size() : *(at - 1);
      if (at == ends.end())
        ends.push_back(i);
      else
        *at = i;
    }
    CommonLines row;
    for (size_t i = ends.empty() ? pairs.size() : ends.back(); i < pairs.size(); i = before[i]) row.push_back(pairs[i]);
    std::reverse(row.begin(), row.end());
    return row;
  }

  const std::vector<std::string_view>&a_, &b_;
  size_t most_cells_;
  CommonLines out_;
};

}  // namespace

CommonLines common_lines(const std::vector<std::string_view>& a, const std::vector<std::string_view>& b,
                         size_t most_cells) {
  return Finder(a, b, most_cells).find();
}

}  // namespace nf::labdiff
