#include "tools/difftest/traffic/words.h"

#include "datapath/base/text.h"

namespace nf::difftest {
namespace {

std::string with_commas(Be32 address) {
  std::string text = format_ipv4(address);
  for (char& c : text)
    if (c == '.') c = ',';
  return text;
}

std::string two_bytes(uint16_t v) { return {static_cast<char>(v >> 8), static_cast<char>(v)}; }

// What stands for a mark; a mark nobody knows stands for itself.
std::string filled(char mark, const Speaker& s) {
  switch (mark) {
    case 'a':
      return format_ipv4(s.own);
    case 'A':
      return format_ipv4(s.peer);
    case 'c':
      return with_commas(s.own);
    case 'C':
      return with_commas(s.peer);
    case 'n':
      return std::to_string(s.own.host());
    case 'N':
      return std::to_string(s.peer.host());
    case 'p':
      return std::to_string(s.own_port);
    case 'P':
      return std::to_string(s.peer_port);
    case 'w':
      return two_bytes(s.own_port);
    case 'W':
      return two_bytes(s.peer_port);
    default:
      return {mark};
  }
}

}  // namespace

std::vector<uint8_t> fill_words(std::span<const uint8_t> text, size_t length, const Speaker& speaker) {
  std::string out;
  size_t filler = std::string::npos;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = static_cast<char>(text[i]);
    if (c != '%' || i + 1 == text.size()) {
      out += c;
    } else if (const char mark = static_cast<char>(text[++i]); mark == '~') {
      filler = out.size();
    } else {
      out += filled(mark, speaker);
    }
  }
  if (out.size() < length) out.insert(filler == std::string::npos ? out.size() : filler, length - out.size(), ' ');
  out.resize(length);
  return {out.begin(), out.end()};
}

std::string literal_words(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    if (c == '%') out += '%';
    out += c;
  }
  return out;
}

size_t words_length(std::string_view text, const Speaker& speaker) {
  size_t length = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%' || i + 1 == text.size())
      ++length;
    else if (text[++i] != '~')
      length += filled(text[i], speaker).size();
  }
  return length;
}

size_t longest_words(std::string_view text) {
  return words_length(text, {ip4(255, 255, 255, 255), ip4(255, 255, 255, 255), 65535, 65535});
}

}  // namespace nf::difftest
