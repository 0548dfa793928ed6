#include "tools/shrink/frames.h"

#include <gtest/gtest.h>

#include "tools/scenario/packet_text.h"

namespace nf::shrink {
namespace {

using scenario::Layer;

std::vector<uint8_t> built(const std::string& text) {
  const auto spec = scenario::parse_packet(text);
  EXPECT_TRUE(spec.ok()) << text;
  auto bytes = scenario::build_packet(*spec, Layer::kEthernet);
  EXPECT_TRUE(bytes.ok()) << text;
  return bytes.take();
}

// A changed frame is the frame one would build without what was taken away: lengths and all sums with it.
TEST(Frames, ChangedFramesAreRightFrames) {
  static constexpr size_t kNoPayload = 0, kHalf = 1, kNoOptions = 2;
  static constexpr struct {
    size_t change;
    const char *before, *after;
  } kRows[] = {
      {kNoPayload, "tcp 10.0.0.1:1 > 10.0.0.2:2 PA seq 5 ack 6 len 101", "tcp 10.0.0.1:1 > 10.0.0.2:2 PA seq 5 ack 6"},
      {kNoPayload, "udp 10.0.0.1:1 > 10.0.0.2:2 len 9", "udp 10.0.0.1:1 > 10.0.0.2:2"},
      {kNoPayload, "udp 10.0.0.1:1 > 10.0.0.2:2 len 9 no-sum", "udp 10.0.0.1:1 > 10.0.0.2:2 no-sum"},
      {kNoPayload, "icmp 10.0.0.1 > 10.0.0.2 echo-request id 7 seq 8 len 56",
       "icmp 10.0.0.1 > 10.0.0.2 echo-request id 7 seq 8"},
      {kHalf, "udp 10.0.0.1:1 > 10.0.0.2:2 len 9", "udp 10.0.0.1:1 > 10.0.0.2:2 len 4"},
      {kHalf, "tcp 10.0.0.1:1 > 10.0.0.2:2 A seq 5 ack 6 <mss 1460> len 3",
       "tcp 10.0.0.1:1 > 10.0.0.2:2 A seq 5 ack 6 <mss 1460> len 1"},
      {kNoOptions, "tcp 10.0.0.1:1 > 10.0.0.2:2 S seq 5 <mss 1460,sackOK,wscale 7> len 3",
       "tcp 10.0.0.1:1 > 10.0.0.2:2 S seq 5 len 3"},
  };
  for (const auto& row : kRows) {
    Frame frame{1, 0, "eth0", built(row.before)};
    EXPECT_TRUE(changes()[row.change](frame)) << row.before;
    EXPECT_EQ(frame.bytes, built(row.after))
        << row.before << "\n got " << scenario::packet_text(frame.bytes, Layer::kEthernet);
  }
}

TEST(Frames, NothingToTakeIsToldAndLeavesTheFrame) {
  for (const char* text :
       {"tcp 10.0.0.1:1 > 10.0.0.2:2 S seq 5", "udp 10.0.0.1:1 > 10.0.0.2:2", "arp who-has 10.0.0.2 tell 10.0.0.1",
        "proto 47 10.0.0.1 > 10.0.0.2 len 20", "udp 10.0.0.1:1 > 10.0.0.2:2 len 100 frag 0 part 48 mf",
        "tcp 10.0.0.1:1 > 10.0.0.2:2 S seq 5 cut 30"}) {
    for (const Change change : changes()) {
      Frame frame{1, 0, "eth0", built(text)};
      EXPECT_FALSE(change(frame)) << text;
      EXPECT_EQ(frame.bytes, built(text)) << text;
    }
  }
}

}  // namespace
}  // namespace nf::shrink
