#include "conntrack/helper/ftp_words.h"

#include <array>
#include <span>

namespace nf::ct {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_letters(std::string_view a, std::string_view b) {
  for (size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}

// Numbers with `separator` between them, as large as they are said; ends at `terminator` (0: at whatever else comes).
// Their length, 0: not so many, or something else. twin: try_number
unsigned try_number(std::string_view text, std::span<uint32_t> numbers, char separator, char terminator) {
  size_t i = 0;
  for (unsigned length = 0; length < text.size() && i < numbers.size(); ++length) {
    const char c = text[length];
    if (is_digit(c))
      numbers[i] = numbers[i] * 10 + static_cast<uint32_t>(c - '0');
    else if (c == separator)
      ++i;
    else
      return (c == terminator || terminator == 0) && i == numbers.size() - 1 ? length : 0;
  }
  return 0;
}

Be32 address_of(std::span<const uint32_t> n) { return be32(n[0] << 24 | n[1] << 16 | n[2] << 8 | n[3]); }

// A port up to and with `delimiter`: where it ends in `text`; 0: none. twin: get_port
unsigned get_port(std::string_view text, size_t start, char delimiter, uint16_t& port) {
  uint16_t n = 0;
  for (size_t i = start; i < text.size(); ++i) {
    if (text[i] == delimiter) {
      if (n == 0) return 0;
      port = n;
      return static_cast<unsigned>(i + 1);
    }
    if (!is_digit(text[i])) return 0;
    n = static_cast<uint16_t>(n * 10 + (text[i] - '0'));
  }
  return 0;
}

bool may_delimit(char c) { return !is_digit(c) && c >= 33 && c <= 126; }

// Each reads numbers at the beginning of `text` into `word`: their length, 0: they are not there. It may move
// word.offset forward to where they begin.
using Read = unsigned (*)(std::string_view text, char terminator, FtpWord& word);

// 192,168,1,1,5,6. twin: try_rfc959
unsigned read_port(std::string_view text, char terminator, FtpWord& word) {
  std::array<uint32_t, 6> n{};
  const unsigned length = try_number(text, n, ',', terminator);
  if (length == 0) return 0;
  word.address = address_of(n);
  word.port = static_cast<uint16_t>(n[4] << 8 | n[5]);
  return length;
}

// The same behind the first digit, in brackets or not (RFC 1123, 4.1.2.6). twin: try_rfc1123
unsigned read_pasv(std::string_view text, char, FtpWord& word) {
  size_t i = 0;
  while (i < text.size() && !is_digit(text[i])) ++i;
  if (i == text.size()) return 0;
  word.offset += static_cast<unsigned>(i);
  return read_port(text.substr(i), 0, word);
}

// |1|132.235.1.2|6275|. twin: try_eprt
unsigned read_eprt(std::string_view text, char, FtpWord& word) {
  constexpr size_t kPrefix = 3;
  if (text.size() <= kPrefix || !may_delimit(text[0]) || text[2] != text[0] || text[1] != '1') return 0;
  std::array<uint32_t, 4> n{};
  const unsigned length = try_number(text.substr(kPrefix), n, '.', text[0]);
  if (length == 0) return 0;
  word.address = address_of(n);
  return get_port(text, kPrefix + length + 1, text[0], word.port);
}

// |||6446|. twin: try_epsv_response
unsigned read_epsv(std::string_view text, char, FtpWord& word) {
  constexpr size_t kPrefix = 3;
  if (text.size() <= kPrefix || !may_delimit(text[0]) || text[1] != text[0] || text[2] != text[0]) return 0;
  return get_port(text, kPrefix, text[0], word.port);
}

// twin: struct ftp_search
struct Pattern {
  std::string_view text;
  char skip, terminator;  // 0: none
  FtpCommand command;
  Read read;
};
constexpr Pattern kPatterns[2][2] = {
    {{"PORT", ' ', '\r', FtpCommand::kPort, read_port}, {"EPRT", ' ', '\r', FtpCommand::kEprt, read_eprt}},
    {{"227 ", 0, 0, FtpCommand::kPasv, read_pasv}, {"229 ", '(', ')', FtpCommand::kEpsv, read_epsv}},
};

// twin: find_pattern
FtpWord::Kind find_pattern(std::string_view text, const Pattern& pattern, FtpWord& word) {
  using Kind = FtpWord::Kind;
  const size_t size = pattern.text.size();
  if (text.size() <= size) return same_letters(text, pattern.text) ? Kind::kPartial : Kind::kNone;
  if (!same_letters(pattern.text, text)) return Kind::kNone;
  size_t i = size;
  if (pattern.skip != 0) {
    i = text.find(pattern.skip, size);
    if (i == std::string_view::npos) return Kind::kPartial;
    ++i;
  }
  word.offset = static_cast<unsigned>(i);
  word.length = pattern.read(text.substr(i), pattern.terminator, word);
  return word.length == 0 ? Kind::kPartial : Kind::kFound;
}

}  // namespace

FtpWord find_ftp_word(std::string_view text, CtDirection direction, Be32 speaker) {
  FtpWord word;
  word.address = speaker;
  for (const Pattern& pattern : kPatterns[static_cast<size_t>(direction)]) {
    word.pattern = pattern.text;
    word.command = pattern.command;
    word.kind = find_pattern(text, pattern, word);
    if (word.kind != FtpWord::Kind::kNone) return word;
  }
  return word;
}

}  // namespace nf::ct
