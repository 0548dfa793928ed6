#include "tools/scenario/sctp_chunks.h"

#include "datapath/base/byteorder.h"
#include "datapath/base/text.h"
#include "datapath/packet/headers.h"
#include "tools/scenario/packet_spec.h"

namespace nf::scenario {
namespace {

constexpr size_t kHeader = 4, kInitValue = 16;

struct ChunkName {
  std::string_view name;
  uint8_t type;
  uint16_t value;  // bytes it needs
};
// RFC 9260, 3.2
constexpr ChunkName kNames[] = {
    {"data", 0, 16}, {"init", 1, kInitValue}, {"init-ack", 2, kInitValue},
    {"sack", 3, 12}, {"heartbeat", 4, 8},     {"heartbeat-ack", 5, 8},
    {"abort", 6, 0}, {"shutdown", 7, 4},      {"shutdown-ack", 8, 0},
    {"error", 9, 4}, {"cookie-echo", 10, 8},  {"cookie-ack", 11, 0},
    {"ecne", 12, 4}, {"cwr", 13, 4},          {"shutdown-complete", 14, 0},
};
constexpr uint8_t kFlagT = 1;

bool is_init(uint8_t type) { return type == 1 || type == 2; }

void append_chunk(std::vector<uint8_t>& out, uint8_t type, uint8_t flags, const std::vector<uint8_t>& value) {
  const size_t length = kHeader + value.size();
  out.insert(out.end(), {type, flags, static_cast<uint8_t>(length >> 8), static_cast<uint8_t>(length)});
  out.insert(out.end(), value.begin(), value.end());
  out.resize((out.size() + 3) / 4 * 4);
}

// An initiate tag; a window of 65536 bytes, ten streams each way, first number 1.
std::vector<uint8_t> init_value(uint32_t tag) {
  return {static_cast<uint8_t>(tag >> 24),
          static_cast<uint8_t>(tag >> 16),
          static_cast<uint8_t>(tag >> 8),
          static_cast<uint8_t>(tag),
          0,
          1,
          0,
          0,
          0,
          10,
          0,
          10,
          0,
          0,
          0,
          1};
}

}  // namespace

Result<std::vector<uint8_t>> parse_sctp_chunks(std::string_view text) {
  std::vector<uint8_t> out;
  for (std::string_view part : split(text, ',')) {
    const auto words = split_words(part);
    if (words.empty() || words.size() > 2) return error("<" + std::string(text) + ">: CHUNK [N], and commas");
    std::string_view name = words[0];
    uint8_t flags = 0;
    if (name.ends_with("/T")) {
      flags = kFlagT;
      name.remove_suffix(2);
    }
    const ChunkName* found = nullptr;
    for (const ChunkName& n : kNames)
      if (n.name == name) found = &n;
    if (found == nullptr) return error("\"" + std::string(name) + "\" is not an SCTP chunk");
    const bool init = is_init(found->type);
    const auto number = words.size() == 2 ? parse_number(words[1], init ? UINT32_MAX : 65000)
                                          : std::optional<uint64_t>(init ? 1 : found->value);
    if (!number) return error("\"" + std::string(words[1]) + "\" is not a number");
    append_chunk(out, found->type, flags,
                 init ? init_value(static_cast<uint32_t>(*number)) : counting_payload(static_cast<size_t>(*number)));
  }
  return out;
}

std::optional<std::string> sctp_chunks_text(std::span<const uint8_t> chunks) {
  std::string text;
  for (size_t at = 0; at < chunks.size();) {
    if (at + kHeader > chunks.size()) return std::nullopt;
    const ChunkName* found = nullptr;
    for (const ChunkName& n : kNames)
      if (n.type == chunks[at]) found = &n;
    const size_t length = view<Be16>(chunks, at + 2)->host();
    if (found == nullptr || length < kHeader || at + length > chunks.size()) return std::nullopt;
    if (!text.empty()) text += ", ";
    text += found->name;
    if (chunks[at + 1] == kFlagT) text += "/T";
    if (is_init(found->type)) {
      if (length != kHeader + kInitValue) return std::nullopt;
      text += strf(" %u", view<Be32>(chunks, at + kHeader)->host());
    } else if (length - kHeader != found->value) {
      text += strf(" %zu", length - kHeader);
    }
    at += (length + 3) / 4 * 4;
  }
  const Result<std::vector<uint8_t>> again = parse_sctp_chunks(text);
  if (text.empty() || !again || !std::equal(again->begin(), again->end(), chunks.begin(), chunks.end()))
    return std::nullopt;
  return text;
}

}  // namespace nf::scenario
