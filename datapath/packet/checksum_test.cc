#include "datapath/packet/checksum.h"

#include <gtest/gtest.h>

#include "datapath/packet/testing.h"

namespace nf {
namespace {

// RFC 1071 word by word, in network order.
uint16_t slow_checksum(std::span<const uint8_t> bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.size(); i += 2) {
    sum += uint32_t{bytes[i]} << 8 | (i + 1 < bytes.size() ? bytes[i + 1] : 0u);
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<uint16_t>(~sum);
}

TEST(Checksum, ExampleOfRfc1071) {
  const uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(Be16::from_raw(checksum_fold(checksum_add(bytes))), be16(0xddf2));
  EXPECT_EQ(checksum_finish(checksum_add(bytes)), be16(0x220d));
}

TEST(Checksum, SameAsWordByWord) {
  Random random(11);
  std::vector<uint8_t> memory(70000, 0xff);
  for (int round = 0; round < 2000; ++round) {
    const size_t offset = random.below(16);
    const size_t length = round < 100 ? static_cast<size_t>(round) : random.below(3000);
    for (size_t i = 0; i < length; ++i) memory[offset + i] = static_cast<uint8_t>(random.u32());
    const std::span<const uint8_t> bytes(memory.data() + offset, length);
    ASSERT_EQ(checksum_finish(checksum_add(bytes)), be16(slow_checksum(bytes))) << length;
  }
  std::fill(memory.begin(), memory.end(), uint8_t{0xff});
  EXPECT_EQ(checksum_fold(checksum_add({memory.data(), 65535})), Be16(be16(0xff00)).raw());
  EXPECT_EQ(checksum_fold(checksum_add({memory.data(), 65534})), 0xffff);
}

TEST(Checksum, AddsInPieces) {
  Random random(12);
  std::vector<uint8_t> bytes(1000);
  for (uint8_t& b : bytes) b = static_cast<uint8_t>(random.u32());
  const std::span<const uint8_t> all(bytes);
  const uint16_t whole = checksum_fold(checksum_add(all));
  for (size_t cut = 0; cut <= bytes.size(); cut += 2)
    ASSERT_EQ(checksum_fold(checksum_add(all.subspan(cut), checksum_add(all.first(cut)))), whole) << cut;
}

TEST(Checksum, FoldOfAnySum) {
  // (2^16 - 1) divides 2^16k - 1, so folding is the remainder, with 0xffff for a non-zero multiple.
  Random random(13);
  for (int round = 0; round < 10000; ++round) {
    const Sum sum = random.u64() >> random.below(64);
    const uint64_t rest = sum % 0xffff;
    ASSERT_EQ(checksum_fold(sum), sum != 0 && rest == 0 ? 0xffff : rest) << sum;
  }
  EXPECT_EQ(checksum_fold(UINT64_MAX), 0xffff);
  EXPECT_EQ(checksum_fold(0), 0);
}

TEST(Checksum, PseudoHeader) {
  const uint8_t bytes[] = {192, 0, 2, 1, 198, 51, 100, 7, 0, 17, 0x12, 0x34};
  EXPECT_EQ(checksum_fold(checksum_pseudo(ip4(192, 0, 2, 1), ip4(198, 51, 100, 7), 17, 0x1234)),
            checksum_fold(checksum_add(bytes)));
}

// A header a 6.18 kernel sent.
TEST(Checksum, IpHeader) {
  std::vector<uint8_t> bytes = testing_packets::from_hex("470005dc010520b83ffd00000a0100020a0200029404000001010101");
  auto& ip = *view<Ipv4Header>(std::span<uint8_t>(bytes));
  ip.checksum = be16(0x5555);
  ip_send_check(ip);
  EXPECT_EQ(ip.checksum, be16(0xa75b));
}

TEST(Checksum, ReplaceIsRecomputation) {
  Random random(14);
  for (int round = 0; round < 20000; ++round) {
    uint16_t words[10];
    for (uint16_t& w : words) w = random.below(4) == 0 ? static_cast<uint16_t>(random.below(2) * 0xffff) : random.u16();
    const auto bytes = [&words] {
      return std::span<const uint8_t>(reinterpret_cast<const uint8_t*>(words), sizeof words);
    };
    words[0] |= 0x45;  // as in any IP header, not all is zero
    const Be16 check = checksum_finish(checksum_add(bytes()));
    const size_t at = 2 + 2 * random.below(4);
    if (random.below(2) == 0) {
      const Be16 from = Be16::from_raw(words[at]);
      const Be16 to = Be16::from_raw(random.u16());
      words[at] = to.raw();
      ASSERT_EQ(checksum_replace(check, from, to), checksum_finish(checksum_add(bytes())));
    } else {
      uint32_t old, now = random.u32();
      std::memcpy(&old, &words[at], 4);
      std::memcpy(&words[at], &now, 4);
      ASSERT_EQ(checksum_replace(check, Be32::from_raw(old), Be32::from_raw(now)),
                checksum_finish(checksum_add(bytes())));
    }
  }
}

}  // namespace
}  // namespace nf
