#include "datapath/port/pcapng_writer.h"

#include <algorithm>

namespace nf {
namespace {

enum BlockType : uint32_t { kInterfaceBlock = 1, kEnhancedPacketBlock = 6, kSectionHeaderBlock = 0x0a0d0d0a };
enum OptionCode : uint16_t {
  kEndOfOptions = 0,
  kComment = 1,
  kIfName = 2,
  kPacketFlags = 2,
  kApplication = 4,
  kIfTsresol = 9
};
constexpr uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr uint32_t kSnaplen = 262144;
constexpr char kNanoseconds = 9;
constexpr size_t kLongestOption = 65535;

class Block {
 public:
  explicit Block(BlockType type) { u32(type).u32(0); }
  Block& u16(uint32_t v) { return little(v, 2); }
  Block& u32(uint32_t v) { return little(v, 4); }
  Block& padded(std::string_view bytes) {
    out_ += bytes;
    out_.resize((out_.size() + 3) / 4 * 4, '\0');
    return *this;
  }
  Block& option(OptionCode code, std::string_view value) {
    return u16(code).u16(static_cast<uint32_t>(value.size())).padded(value);
  }
  // With its length at both ends.
  std::string take() {
    const auto length = static_cast<uint32_t>(out_.size() + 4);
    u32(length);
    for (size_t i = 0; i < 4; ++i) out_[4 + i] = static_cast<char>(length >> 8 * i);
    return std::move(out_);
  }

 private:
  Block& little(uint32_t v, size_t bytes) {
    for (size_t i = 0; i < bytes; ++i) out_ += static_cast<char>(v >> 8 * i);
    return *this;
  }
  std::string out_;
};

// Not inside a character.
std::string_view cut(std::string_view text) {
  if (text.size() <= kLongestOption) return text;
  size_t n = kLongestOption;
  while (n > 0 && (static_cast<unsigned char>(text[n]) & 0xc0) == 0x80) --n;
  return text.substr(0, n);
}

}  // namespace

void PcapngWriter::begin() {
  if (begun_) return;
  begun_ = true;
  constexpr uint32_t kUnknownLength = 0xffffffff;
  Block b(kSectionHeaderBlock);
  b.u32(kByteOrderMagic).u16(1).u16(0).u32(kUnknownLength).u32(kUnknownLength);
  write_(b.option(kApplication, "hookpoint").option(kEndOfOptions, {}).take());
}

uint32_t PcapngWriter::interface_id(std::string_view name) {
  const auto known = interfaces_.find(name);
  if (known != interfaces_.end()) return known->second;
  Block b(kInterfaceBlock);
  b.u16(static_cast<uint32_t>(link_)).u16(0).u32(kSnaplen);
  b.option(kIfName, cut(name)).option(kIfTsresol, {&kNanoseconds, 1}).option(kEndOfOptions, {});
  write_(b.take());
  const auto id = static_cast<uint32_t>(interfaces_.size());
  interfaces_.emplace(name, id);
  return id;
}

void PcapngWriter::packet(std::string_view interface, Time time, std::span<const uint8_t> bytes, Direction direction,
                          std::string_view comment) {
  begin();
  const uint32_t id = interface_id(interface);
  const auto ticks = static_cast<uint64_t>(std::max<Time>(time, 0));
  const size_t captured = std::min<size_t>(bytes.size(), kSnaplen);
  Block b(kEnhancedPacketBlock);
  b.u32(id).u32(static_cast<uint32_t>(ticks >> 32)).u32(static_cast<uint32_t>(ticks));
  b.u32(static_cast<uint32_t>(captured)).u32(static_cast<uint32_t>(bytes.size()));
  b.padded({reinterpret_cast<const char*>(bytes.data()), captured});
  if (!comment.empty()) b.option(kComment, cut(comment));
  if (direction != Direction::kUnknown) {
    const char flags[4] = {static_cast<char>(direction), 0, 0, 0};
    b.option(kPacketFlags, {flags, sizeof flags});
  }
  write_(b.option(kEndOfOptions, {}).take());
}

}  // namespace nf
