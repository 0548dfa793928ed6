// A line of JSON read: one object, as tools/forms/json_form.h writes it. Values are kept as they are needed: strings
// and numbers as text, lists of strings, lists of objects.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nf {

struct JsonLine {
  std::map<std::string, std::string, std::less<>> words;  // strings, unescaped; numbers and truths as written
  std::map<std::string, std::vector<std::string>, std::less<>> texts;  // lists of those
  std::map<std::string, std::vector<JsonLine>, std::less<>> objects;   // lists of objects

  std::string_view word(std::string_view name) const;  // empty: no such member
  const std::vector<std::string>& list(std::string_view name) const;
};

// nullopt: it is no object, or has what JsonLine has no place for (objects as members, lists of lists).
std::optional<JsonLine> read_json_line(std::string_view text);

}  // namespace nf
