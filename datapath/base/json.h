// JSON (RFC 8259), written: strings, and objects member by member.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nf {

// A string with its quotes. A byte that is not part of well-formed UTF-8 becomes U+FFFD.
std::string json_string(std::string_view text);
// "[a, b]" of items that are JSON already.
std::string json_list(const std::vector<std::string>& items);
std::string json_strings(const std::vector<std::string>& texts);  // "[\"a\", \"b\"]"

// {"name": value, ...}, in the order added. Names are not held against each other.
class JsonObject {
 public:
  void text(std::string_view name, std::string_view value) { raw(name, json_string(value)); }
  void number(std::string_view name, uint64_t value);
  void boolean(std::string_view name, bool value) { raw(name, value ? "true" : "false"); }
  // What is JSON already.
  void raw(std::string_view name, std::string_view value);
  std::string take() { return '{' + out_ + '}'; }

 private:
  std::string out_;
};

}  // namespace nf
