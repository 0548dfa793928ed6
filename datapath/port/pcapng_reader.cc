#include "datapath/port/pcapng_reader.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "datapath/base/text.h"

namespace nf {
namespace {

enum BlockType : uint32_t {
  kInterfaceBlock = 1,
  kPacketBlock = 2,  // obsolete
  kSimplePacketBlock = 3,
  kEnhancedPacketBlock = 6,
  kSectionHeaderBlock = 0x0a0d0d0a,
};
enum OptionCode : uint16_t { kEndOfOptions = 0, kIfName = 2, kIfTsresol = 9, kIfTsoffset = 14 };

constexpr uint32_t kByteOrderMagic = 0x1a2b3c4d;
// What libpcap allows too; a length beyond it is a damaged one.
constexpr uint32_t kLongestBlock = 16 * 1024 * 1024;

uint32_t load_little(const uint8_t* p) {
  return uint32_t{p[0]} | uint32_t{p[1]} << 8 | uint32_t{p[2]} << 16 | uint32_t{p[3]} << 24;
}
uint32_t load_big(const uint8_t* p) {
  return uint32_t{p[3]} | uint32_t{p[2]} << 8 | uint32_t{p[1]} << 16 | uint32_t{p[0]} << 24;
}

}  // namespace

uint16_t PcapngReader::u16(const uint8_t* p) const {
  return static_cast<uint16_t>(big_endian_ ? p[0] << 8 | p[1] : p[1] << 8 | p[0]);
}

uint32_t PcapngReader::u32(const uint8_t* p) const { return big_endian_ ? load_big(p) : load_little(p); }

Result<std::unique_ptr<PcapReader>> PcapngReader::open(const std::string& path, FILE* file) {
  std::unique_ptr<PcapngReader> r(new PcapngReader(path, file));
  for (;;) {
    Result<Step> step = r->read_block();
    if (!step) {
      // A damaged place behind usable headers is told when reading gets there.
      if (r->interfaces_.empty()) return step.error();
      r->failed_ = step.error();
      break;
    }
    if (*step == Step::kOther) continue;
    r->peeked_ = *step == Step::kPacket;
    r->ended_ = *step == Step::kEnd;
    break;
  }
  return std::unique_ptr<PcapReader>(std::move(r));
}

Result<const CapturedPacket*> PcapngReader::next() {
  if (std::exchange(peeked_, false)) return &packet_;
  for (;;) {
    if (failed_) return *failed_;
    if (ended_) return nullptr;
    Result<Step> step = read_block();
    if (!step) {
      failed_ = step.error();
      return *failed_;
    }
    if (*step == Step::kPacket) return &packet_;
    ended_ = *step == Step::kEnd;
  }
}

Result<PcapngReader::Step> PcapngReader::read_block() {
  uint8_t start[8];
  const size_t got = std::fread(start, 1, sizeof start, file_);
  if (got < sizeof start) {
    if (std::ferror(file_) != 0) return broken(std::strerror(errno));
    if (got == 0) return Step::kEnd;
    return cut_off();
  }
  if (load_little(start) == kSectionHeaderBlock) return read_section_header(start);
  if (!in_section_) return broken("no section header at the start");
  const uint32_t type = u32(start);
  if (Status s = read_body(u32(start + 4), sizeof start); !s) return s.error();
  switch (type) {
    case kInterfaceBlock:
      if (Status s = read_interface(body_); !s) return s.error();
      return Step::kOther;
    case kPacketBlock:
    case kSimplePacketBlock:
    case kEnhancedPacketBlock:
      if (Status s = read_packet(type, body_); !s) return s.error();
      return Step::kPacket;
    default:
      return Step::kOther;
  }
}

// Reads the rest of a block of which `had` bytes were read. body_ becomes what stands before the second length.
Status PcapngReader::read_body(uint32_t total, uint32_t had) {
  if (total < had + 4 || total % 4 != 0 || total > kLongestBlock) return broken(strf("bad block length %u", total));
  body_.resize(total - had);
  if (std::fread(body_.data(), 1, body_.size(), file_) != body_.size()) {
    if (std::ferror(file_) != 0) return broken(std::strerror(errno));
    return cut_off();
  }
  if (u32(body_.data() + body_.size() - 4) != total) return broken("a block's two lengths differ");
  body_.resize(body_.size() - 4);
  return {};
}

Result<PcapngReader::Step> PcapngReader::read_section_header(const uint8_t* start) {
  uint8_t magic[4];
  if (std::fread(magic, 1, sizeof magic, file_) != sizeof magic) return cut_off();
  if (load_little(magic) == kByteOrderMagic) {
    big_endian_ = false;
  } else if (load_big(magic) == kByteOrderMagic) {
    big_endian_ = true;
  } else {
    return broken("bad byte-order magic in a section header");
  }
  const uint32_t total = u32(start + 4);
  // Version and section length must be there besides the magic.
  if (total < 28) return broken(strf("bad block length %u", total));
  if (Status s = read_body(total, sizeof magic + 8); !s) return s.error();
  if (const uint16_t major = u16(body_.data()); major != 1) return broken(strf("pcapng version %u", major));
  in_section_ = true;
  section_base_ = static_cast<uint32_t>(interfaces_.size());
  return Step::kOther;
}

Status PcapngReader::read_interface(std::span<const uint8_t> body) {
  if (body.size() < 8) return broken("an interface block is too short");
  const uint16_t link = u16(body.data());
  if (link_type_name(static_cast<LinkType>(link)).empty())
    return broken(strf("interface %zu: link type %u is not supported", interfaces_.size(), link));
  CaptureInterface interface { "", static_cast<LinkType>(link), u32(body.data() + 4) };
  Clock clock;
  size_t at = 8;
  while (at + 4 <= body.size()) {
    const uint16_t code = u16(body.data() + at);
    const uint16_t length = u16(body.data() + at + 2);
    at += 4;
    if (code == kEndOfOptions) break;
    if (length > body.size() - at) return broken("an option is longer than its interface block");
    const uint8_t* value = body.data() + at;
    if (code == kIfName) {
      interface.name.assign(reinterpret_cast<const char*>(value), length);
      // Some writers count a terminating zero.
      while (!interface.name.empty() && interface.name.back() == '\0') interface.name.pop_back();
    } else if (code == kIfTsresol && length >= 1) {
      clock.binary = (value[0] & 0x80) != 0;
      clock.exponent = value[0] & 0x7f;
      if (clock.exponent > (clock.binary ? 63 : 19))
        return broken(strf("interface %zu: time resolution %u", interfaces_.size(), value[0]));
    } else if (code == kIfTsoffset && length >= 8) {
      const uint32_t a = u32(value), b = u32(value + 4);
      clock.offset = static_cast<int64_t>(big_endian_ ? uint64_t{a} << 32 | b : uint64_t{b} << 32 | a);
    }
    at += (size_t{length} + 3) & ~size_t{3};
  }
  if (clock.exponent > (clock.binary ? 20 : 6)) nanoseconds_ = true;
  interfaces_.push_back(std::move(interface));
  clocks_.push_back(clock);
  return {};
}

Status PcapngReader::read_packet(uint32_t type, std::span<const uint8_t> body) {
  const uint8_t* b = body.data();
  const size_t header = type == kSimplePacketBlock ? 4 : 20;
  if (body.size() < header) return broken("a packet block is too short");
  const uint32_t in_section = type == kEnhancedPacketBlock ? u32(b) : type == kPacketBlock ? u16(b) : 0;
  if (in_section >= interfaces_.size() - section_base_)
    return broken(strf("interface %u was not described before", in_section));
  const uint32_t index = section_base_ + in_section;
  const CaptureInterface& interface = interfaces_[index];

  uint32_t captured;
  if (type == kSimplePacketBlock) {
    packet_.original_length = u32(b);
    captured = packet_.original_length;
    if (interface.snaplen != 0 && captured > interface.snaplen) captured = interface.snaplen;
  } else {
    captured = u32(b + 12);
    packet_.original_length = u32(b + 16);
    packet_.time = to_time(clocks_[index], uint64_t{u32(b + 4)} << 32 | u32(b + 8));
  }
  if (captured > body.size() - header)
    return broken(strf("%u captured bytes in a block with %zu", captured, body.size() - header));
  ++packet_.number;
  packet_.interface = index;
  packet_.link = interface.link;
  packet_.bytes = body.subspan(header, captured);
  return {};
}

Time PcapngReader::to_time(const Clock& clock, uint64_t ticks) const {
  using Wide = unsigned __int128;
  Wide ns;
  if (clock.binary) {
    ns = (Wide{ticks} * uint64_t{kSecond}) >> clock.exponent;
  } else {
    ns = ticks;
    for (unsigned e = clock.exponent; e < 9; ++e) ns *= 10;
    for (unsigned e = clock.exponent; e > 9; --e) ns /= 10;
  }
  const int64_t whole = ns > Wide{INT64_MAX} ? INT64_MAX : static_cast<int64_t>(ns);
  int64_t shifted;
  if (__builtin_mul_overflow(clock.offset, kSecond, &shifted) || __builtin_add_overflow(whole, shifted, &shifted))
    return clock.offset < 0 ? INT64_MIN : INT64_MAX;
  return shifted;
}

}  // namespace nf
