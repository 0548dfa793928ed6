#include "tools/control/control_protocol.h"

#include <unistd.h>

#include <cstdlib>

namespace nf::control {

std::string encode_request(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& w : words) {
    out += w;
    out += '\0';
  }
  return out + '\0';
}

std::optional<std::vector<std::string>> decode_request(std::string_view bytes) {
  std::vector<std::string> words;
  while (!bytes.empty()) {
    const size_t end = bytes.find('\0');
    if (end == std::string_view::npos) return std::nullopt;
    if (end == 0) return words;
    words.emplace_back(bytes.substr(0, end));
    bytes.remove_prefix(end + 1);
  }
  return std::nullopt;
}

// What stands in front of the text keeps an empty file from being an empty word.
constexpr std::string_view kFileMark = "file\n";

std::string file_word(std::string_view text) { return std::string(kFileMark) += text; }

std::optional<std::string_view> file_text(std::string_view word) {
  if (!word.starts_with(kFileMark)) return std::nullopt;
  return word.substr(kFileMark.size());
}

std::string encode_frame(char channel, std::string_view bytes) {
  const auto n = static_cast<uint32_t>(bytes.size());
  std::string out{channel, static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8),
                  static_cast<char>(n)};
  out += bytes;
  return out;
}

std::optional<Frame> take_frame(std::string& buffer) {
  if (buffer.size() < 5) return std::nullopt;
  uint32_t n = 0;
  for (size_t i = 1; i < 5; ++i) n = n << 8 | static_cast<uint8_t>(buffer[i]);
  if (buffer.size() - 5 < n) return std::nullopt;
  Frame f{buffer[0], buffer.substr(5, n)};
  buffer.erase(0, 5 + size_t{n});
  return f;
}

std::string default_directory() {
  if (const char* dir = std::getenv("XDG_RUNTIME_DIR"); dir != nullptr && *dir != '\0' && access(dir, W_OK) == 0)
    return std::string(dir) + "/hookpoint";
  if (access("/run", W_OK) == 0) return "/run/hookpoint";
  return "/tmp/hookpoint-" + std::to_string(getuid());
}

}  // namespace nf::control
