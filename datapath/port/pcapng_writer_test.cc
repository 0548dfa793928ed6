#include "datapath/port/pcapng_writer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "datapath/packet/testing.h"
#include "datapath/port/pcapng_reader.h"

namespace nf {
namespace {

// Written out by the draft: section header, interface, enhanced packet, each with its options.
TEST(PcapngWriter, Bytes) {
  std::string out;
  PcapngWriter w(LinkType::kEthernet, [&](std::string_view s) { out += s; });
  const uint8_t bytes[] = {1, 2, 3, 4, 5};
  w.packet("v0", 0x0123456789abcdef, bytes, PcapngWriter::Direction::kOutbound, "why");
  const auto hex = testing_packets::to_hex({reinterpret_cast<const uint8_t*>(out.data()), out.size()});
  EXPECT_EQ(hex,
            "0a0d0d0a"
            "30000000"
            "4d3c2b1a"
            "01000000"
            "ffffffffffffffff"
            "04000900"
            "686f6f6b706f696e74000000"
            "00000000"
            "30000000"
            "01000000"
            "28000000"
            "01000000"
            "00000400"
            "02000200"
            "76300000"
            "09000100"
            "09000000"
            "00000000"
            "28000000"
            "06000000"
            "3c000000"
            "00000000"
            "67452301"
            "efcdab89"
            "05000000"
            "05000000"
            "0102030405000000"
            "01000300"
            "77687900"
            "02000400"
            "02000000"
            "00000000"
            "3c000000");
}

TEST(PcapngWriter, ReadBack) {
  char path[] = "/tmp/pcapng-writer-XXXXXX";
  const int fd = ::mkstemp(path);
  ASSERT_GE(fd, 0);
  FILE* file = ::fdopen(fd, "w");
  PcapngWriter w(LinkType::kEthernet, [&](std::string_view s) { std::fwrite(s.data(), 1, s.size(), file); });
  w.begin();
  const struct {
    const char* interface;
    Time time;
    std::vector<uint8_t> bytes;
    size_t comment;
    uint32_t id;
  } kPackets[] = {{"v0", 1, {1}, 0, 0},
                  {"v1", 1'795'246'547'971'176'123, {1, 2, 3, 4}, 5, 1},
                  {"v0", -5, std::vector<uint8_t>(300, 7), 70000, 0}};
  for (const auto& p : kPackets)
    w.packet(p.interface, p.time, p.bytes, PcapngWriter::Direction::kInbound, std::string(p.comment, 'x'));
  std::fclose(file);
  Result<std::unique_ptr<PcapReader>> reader = PcapngReader::open(path, std::fopen(path, "r"));
  ::unlink(path);
  ASSERT_TRUE(reader.ok());
  for (const auto& p : kPackets) {
    const Result<const CapturedPacket*> got = (*reader)->next();
    ASSERT_TRUE(got.ok() && *got != nullptr);
    EXPECT_EQ((*got)->time, std::max<Time>(p.time, 0));
    EXPECT_EQ(std::vector<uint8_t>((*got)->bytes.begin(), (*got)->bytes.end()), p.bytes);
    EXPECT_EQ((*got)->interface, p.id);
    EXPECT_EQ((*reader)->interfaces()[p.id].name, p.interface);
  }
  EXPECT_EQ(*(*reader)->next(), nullptr);
}

}  // namespace
}  // namespace nf
