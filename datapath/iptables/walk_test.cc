// The kernel's counters after 400 datagrams over lo through a mangle table full of jumps (testdata/make_walk.py and
// capture.sh), against ours.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "datapath/iptables/iptables.h"
#include "datapath/iptables/test_packets.h"

namespace nf::ipt {
namespace {

std::string read_file(const std::string& name) {
  const std::string here = __FILE__;
  std::ifstream in(here.substr(0, here.rfind('/')) + "/testdata/" + name);
  EXPECT_TRUE(in.good()) << name;
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

class WalkTest : public ::testing::TestWithParam<bool> {};

TEST_P(WalkTest, CountersAreTheKernels) {
  RecordingSink sink;
  ExtensionRegistry registry;
  register_base_extensions(registry);
  FakeStack stack;
  Iptables tables(stack, registry);
  const Status loaded = tables.load(read_file("walk.rules"), "walk.rules");
  ASSERT_TRUE(loaded.ok()) << loaded.error().str();

  const Device lo = make_device(1, "lo");
  std::istringstream packets(read_file("walk.packets"));
  std::string source;
  std::string destination;
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  uint32_t payload = 0;
  int sent = 0;
  while (packets >> source >> source_port >> destination >> destination_port >> payload) {
    PacketSpec spec;
    spec.source = *parse_ipv4(source);
    spec.destination = *parse_ipv4(destination);
    spec.protocol = kProtoUdp;
    spec.source_port = source_port;
    spec.destination_port = destination_port;
    spec.payload = 8 + payload;
    PacketPtr p = make_packet(stack.pool_, spec);
    HookState state{};
    state.stack = &stack;
    state.trace = GetParam() ? &sink : nullptr;
    ++sent;
    for (const HookPoint hook :
         {HookPoint::kLocalOut, HookPoint::kPostRouting, HookPoint::kPreRouting, HookPoint::kLocalIn}) {
      const bool outgoing = hook == HookPoint::kLocalOut || hook == HookPoint::kPostRouting;
      state.hook = hook;
      state.in = outgoing ? nullptr : &lo;
      state.out = outgoing ? &lo : nullptr;
      if (tables.do_table(TableId::kMangle, p, state) != Verdict::kAccept) break;
    }
  }
  EXPECT_EQ(sent, 400);
  EXPECT_EQ(tables.save({.counters = true}), read_file("walk.counted"));
}

INSTANTIATE_TEST_SUITE_P(Traced, WalkTest, ::testing::Bool());

}  // namespace
}  // namespace nf::ipt
