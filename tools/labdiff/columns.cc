#include "tools/labdiff/columns.h"

#include <algorithm>
#include <cstdint>

namespace nf::labdiff {
namespace {

struct Character {
  size_t bytes, columns;
};

// The character `s` begins with; bytes that are no UTF-8 are one column each. Precondition: not empty.
Character first_of(std::string_view s) {
  const auto lead = static_cast<uint8_t>(s[0]);
  const size_t bytes = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (bytes == 1 || s.size() < bytes) return {1, 1};
  uint32_t code = lead & (0xffu >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) code = code << 6 | (static_cast<uint8_t>(s[i]) & 0x3f);
  const bool wide = (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xa4cf) ||
                    (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xf900 && code <= 0xfaff) ||
                    (code >= 0xfe30 && code <= 0xfe6f) || (code >= 0xff00 && code <= 0xff60) ||
                    (code >= 0xffe0 && code <= 0xffe6) || (code >= 0x20000 && code <= 0x3fffd);
  return {bytes, wide ? 2u : 1u};
}

void pad(std::string& line, size_t width) {
  const size_t used = display_width(line);
  if (used < width) line.append(width - used, ' ');
}

}  // namespace

size_t display_width(std::string_view utf8) {
  size_t columns = 0;
  while (!utf8.empty()) {
    const Character c = first_of(utf8);
    columns += c.columns;
    utf8.remove_prefix(c.bytes);
  }
  return columns;
}

std::vector<std::string> wrap(std::string_view utf8, size_t width) {
  width = std::max<size_t>(width, 8);
  std::vector<std::string> lines;
  std::string indent;
  do {
    size_t bytes = 0, columns = indent.size(), blank = 0;
    while (bytes < utf8.size()) {
      const Character c = first_of(utf8.substr(bytes));
      if (columns + c.columns > width) break;
      if (utf8[bytes] == ' ') blank = bytes;
      columns += c.columns;
      bytes += c.bytes;
    }
    if (bytes < utf8.size() && utf8[bytes] == ' ') blank = bytes;
    const size_t end = bytes == utf8.size() || blank == 0 ? bytes : blank;
    lines.push_back(indent + std::string(utf8.substr(0, end)));
    utf8.remove_prefix(end);
    while (utf8.starts_with(' ')) utf8.remove_prefix(1);
    indent = "  ";
  } while (!utf8.empty());
  return lines;
}

std::string two_columns(std::string_view left, std::string_view right, size_t width, bool marked) {
  const size_t column = width > 23 ? (width - 5) / 2 : 9;
  const std::vector<std::string> a = wrap(left, column), b = wrap(right, column);
  std::string out;
  for (size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    std::string line = marked ? "> " : "  ";
    if (i < a.size()) line += a[i];
    pad(line, column + 2);
    line += " | ";
    if (i < b.size()) line += b[i];
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

}  // namespace nf::labdiff
