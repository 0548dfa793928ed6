// Two texts beside each other on a terminal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nf::labdiff {

// Columns a text takes: two for a wide (East Asian) character. twin: wcwidth(3), as far as our words need it
size_t display_width(std::string_view utf8);

// Cut at blanks, or where it must, into lines of at most `width` columns (at least 8); lines behind the first begin
// with two blanks.
std::vector<std::string> wrap(std::string_view utf8, size_t width);

// A row of two columns in `width` columns, "> " in front of each line when marked; ends with a line end.
std::string two_columns(std::string_view left, std::string_view right, size_t width, bool marked);

}  // namespace nf::labdiff
