// What two lists of lines have in common, in their order: what diff(1) calls unchanged.
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

namespace nf::labdiff {

// Pairs (index in a, index in b) of equal lines, ascending in both. What both begin and end with is common; between, a
// longest common subsequence where its table has at most kMostCells cells, otherwise what stands between lines that
// each list has once. Memory is bounded by kMostCells and the lists' length.
using CommonLines = std::vector<std::pair<size_t, size_t>>;
constexpr size_t kMostCells = 4'000'000;
CommonLines common_lines(const std::vector<std::string_view>& a, const std::vector<std::string_view>& b,
                         size_t most_cells = kMostCells);

}  // namespace nf::labdiff
