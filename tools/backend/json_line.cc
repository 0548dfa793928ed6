#include "tools/backend/json_line.h"

#include <cstdint>
#include <utility>

namespace nf {
namespace {

void put_utf8(uint32_t code, std::string& out) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | (code >> shift & 0x3f)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | code >> 12);
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xf0 | code >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool object(JsonLine& out) {
    if (!take('{')) return false;
    if (take('}')) return true;
    do {
      std::string name;
      if (!string(name) || !take(':') || !member(name, out)) return false;
    } while (take(','));
    return take('}');
  }
  bool done() {
    blanks();
    return rest_.empty();
  }

 private:
  bool member(const std::string& name, JsonLine& out) {
    if (!take('[')) return scalar(out.words[name]);
    if (take(']')) return true;
    do {
      blanks();
      if (rest_.starts_with('{')) {
        if (!object(out.objects[name].emplace_back())) return false;
      } else if (!scalar(out.texts[name].emplace_back())) {
        return false;
      }
    } while (take(','));
    return take(']');
  }

  bool scalar(std::string& out) {
    blanks();
    if (rest_.starts_with('"')) return string(out);
    const size_t end = std::min(rest_.find_first_of(",]} \t\n"), rest_.size());
    out = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return !out.empty() && out.find_first_of("{[\"") == out.npos;
  }

  bool string(std::string& out) {
    if (!take('"')) return false;
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return true;
      if (c != '\\')
        out += c;
      else if (!escape(out))
        return false;
    }
    return false;
  }

  bool escape(std::string& out) {
    static constexpr std::pair<char, char> kPlain[] = {{'"', '"'},  {'\\', '\\'}, {'/', '/'},  {'b', '\b'},
                                                       {'f', '\f'}, {'n', '\n'},  {'r', '\r'}, {'t', '\t'}};
    if (rest_.empty()) return false;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    for (const auto& [name, byte] : kPlain) {
      if (name != c) continue;
      out += byte;
      return true;
    }
    uint32_t code = 0;
    if (c != 'u' || !hex(code)) return false;
    // Beyond the first plane a character is written as two.
    uint32_t low = 0;
    if (code >= 0xd800 && code < 0xdc00 && rest_.starts_with("\\u")) {
      rest_.remove_prefix(2);
      if (!hex(low) || low < 0xdc00 || low > 0xdfff) return false;
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    put_utf8(code, out);
    return true;
  }

  bool hex(uint32_t& code) {
    if (rest_.size() < 4) return false;
    for (int i = 0; i < 4; ++i) {
      const char c = rest_[static_cast<size_t>(i)];
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return false;
      code = code << 4 | static_cast<uint32_t>(digit);
    }
    rest_.remove_prefix(4);
    return true;
  }

  void blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size())); }
  bool take(char c) {
    blanks();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string_view rest_;
};

}  // namespace

std::string_view JsonLine::word(std::string_view name) const {
  const auto found = words.find(name);
  return found == words.end() ? std::string_view() : std::string_view(found->second);
}

const std::vector<std::string>& JsonLine::list(std::string_view name) const {
  static const std::vector<std::string> kNone;
  const auto found = texts.find(name);
  return found == texts.end() ? kNone : found->second;
}

std::optional<JsonLine> read_json_line(std::string_view text) {
  Reader reader(text);
  JsonLine line;
  if (!reader.object(line) || !reader.done()) return std::nullopt;
  return line;
}

}  // namespace nf
