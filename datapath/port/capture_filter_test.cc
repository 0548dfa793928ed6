// Filters as bytecode: what is taken is what libpcap made, and nothing that could hurt who runs it.
#include "datapath/port/capture_filter.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "datapath/base/random.h"
#include "datapath/base/text.h"
#include "datapath/port/test_frames.h"

namespace nf {
namespace {

// What `tcpdump -y EN10MB -ddd ip` printed.
constexpr char kIp[] = "4,40 0 0 12,21 0 1 2048,6 0 0 262144,6 0 0 0";

TEST(CaptureFilter, GoesThroughItsBytecode) {
  EXPECT_EQ(CaptureFilter::compile("ip", LinkType::kEthernet)->bytecode(), kIp);
  PacketPool pool;
  const PacketPtr frames[] = {test::framed(test::make_udp(pool, 10, 53)), test::framed(test::make_udp(pool, 10, 54))};
  for (const char* expression : {"udp port 53", "ip[8:2] & 0xff >> 3 = 1", "net 10.8.0.0/13 and not port 54", "",
                                 "len > 40 and udp[4:2] % 3 != len", "tcp or vlan or udp portrange 50-53"}) {
    SCOPED_TRACE(expression);
    const auto compiled = CaptureFilter::compile(expression, LinkType::kEthernet);
    ASSERT_TRUE(compiled.ok()) << compiled.error().text;
    const auto read = CaptureFilter::from_bytecode(compiled->bytecode());
    ASSERT_TRUE(read.ok()) << read.error().text;
    EXPECT_EQ(read->bytecode(), compiled->bytecode());
    for (const PacketPtr& frame : frames) EXPECT_EQ(read->matches(frame->bytes()), compiled->matches(frame->bytes()));
  }
}

TEST(CaptureFilter, RefusesBytecodeThatIsNoFilter) {
  struct Case {
    const char *text, *error;
  };
  for (const Case& c : {
           Case{"", "a compiled filter has"},
           Case{"host example.org", "a compiled filter has"},
           Case{"0", "a compiled filter has"},
           Case{"2,6 0 0 0", "a compiled filter has"},
           Case{"4097,6 0 0 0", "a compiled filter has"},
           Case{"1,6 0 0", "instruction 1: is not four numbers"},
           Case{"1,6 0 0 0x", "instruction 1: is not four numbers that fit"},
           Case{"1,65542 0 0 0", "instruction 1: is not four numbers that fit"},
           Case{"2,56 0 0 0,6 0 0 0",
                "instruction 1: there is no such code"},  // a load of no size: bpf_validate has it
           Case{"2,33 0 0 0,6 0 0 0", "instruction 1: there is no such code"},      // X from the packet: likewise
           Case{"2,5 0 0 4294967295,6 0 0 0", "instruction 1: jumps back or out"},  // to itself
           Case{"2,5 0 0 1,6 0 0 0", "instruction 1: jumps back or out"},
           Case{"2,21 0 1 0,6 0 0 0", "instruction 1: jumps back or out"},
           Case{"2,21 1 0 0,6 0 0 0", "instruction 1: jumps back or out"},
           Case{"2,52 0 0 0,6 0 0 0", "instruction 1: divides by zero"},
           Case{"2,148 0 0 0,6 0 0 0", "instruction 1: divides by zero"},
           Case{"2,100 0 0 32,6 0 0 0", "instruction 1: shifts by"},
           Case{"2,96 0 0 16,6 0 0 0", "libpcap finds"},  // scratch memory 16 of 0..15
           Case{"2,2 0 0 16,6 0 0 0", "libpcap finds"},   // a store there
           Case{"2,6 0 0 0,40 0 0 12", "libpcap finds"},  // the last one does not return
       }) {
    const auto read = CaptureFilter::from_bytecode(c.text);
    ASSERT_FALSE(read.ok()) << c.text;
    EXPECT_EQ(read.error().text.rfind(c.error, 0), 0u) << c.text << ": " << read.error().text;
  }
  EXPECT_TRUE(CaptureFilter::from_bytecode(kIp).ok());
  // libpcap compiles a loop for it.
  const auto loop = CaptureFilter::compile("ip protochain 17", LinkType::kEthernet);
  ASSERT_TRUE(loop.ok());
  EXPECT_FALSE(CaptureFilter::from_bytecode(loop->bytecode()).ok());
}

// Any program that is accepted ends, without a crash, for any packet.
TEST(CaptureFilter, AcceptedBytecodeRuns) {
  Random random(20261121);
  std::vector<uint8_t> packet(64);
  int accepted = 0;
  for (int round = 0; round < 200000; ++round) {
    const uint32_t count = 1 + random.below(4);
    std::string text = std::to_string(count);
    for (uint32_t i = 1; i < count; ++i) {
      const uint32_t k =
          random.below(4) == 0 ? static_cast<uint32_t>(-1 - static_cast<int>(random.below(70))) : random.below(40);
      text += strf(",%u %u %u %u", random.below(200), random.below(3), random.below(3), k);
    }
    text += ",22 0 0 0";
    const auto filter = CaptureFilter::from_bytecode(text);
    if (!filter.ok()) continue;
    ++accepted;
    for (uint8_t& byte : packet) byte = static_cast<uint8_t>(random.below(256));
    filter->matches(std::span(packet).first(random.below(65)));
  }
  EXPECT_GT(accepted, 1000);
}

}  // namespace
}  // namespace nf
