#include "datapath/base/json.h"

#include "datapath/base/text.h"

namespace nf {
namespace {

// Bytes of the well-formed UTF-8 sequence (Unicode, table 3-7) at the beginning; 0: none.
size_t utf8_length(std::string_view s) {
  const auto byte = [s](size_t i) { return i < s.size() ? static_cast<unsigned char>(s[i]) : 0u; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  // Neither overlong forms nor surrogates nor what lies behind U+10FFFF.
  const unsigned low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < low || byte(1) > high) return 0;
  for (size_t i = 2; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  return length;
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    const auto first = static_cast<unsigned char>(text[0]);
    if (length == 0) {
      out += "\\ufffd";
    } else if (first == '"' || first == '\\') {
      out += '\\';
      out += text[0];
    } else if (first < 0x20) {
      out += strf("\\u%04x", first);
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out + '"';
}

std::string json_list(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const std::string& i : items) {
    if (out.size() > 1) out += ", ";
    out += i;
  }
  return out + ']';
}

std::string json_strings(const std::vector<std::string>& texts) {
  std::vector<std::string> items;
  items.reserve(texts.size());
  for (const std::string& t : texts) items.push_back(json_string(t));
  return json_list(items);
}

void JsonObject::number(std::string_view name, uint64_t value) { raw(name, std::to_string(value)); }

void JsonObject::raw(std::string_view name, std::string_view value) {
  if (!out_.empty()) out_ += ", ";
  out_ += json_string(name);
  out_ += ": ";
  out_ += value;
}

}  // namespace nf
