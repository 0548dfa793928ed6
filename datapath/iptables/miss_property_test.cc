// What is said of a miss is true: without the condition said the rule matches, or the next condition is said; and with
// nothing but that condition it misses as well.
#include <gtest/gtest.h>

#include "datapath/iptables/miss_truth_test_support.h"
#include "datapath/iptables/test_random_rules.h"

namespace nf::ipt {
namespace {

void check_packets(uint64_t seed, std::map<std::string, int>& keys) {
  Random random(seed);
  const TableId table = random.below(2) == 0 ? TableId::kFilter : TableId::kMangle;
  const TableModel shape(table);
  const Chain& chain = shape.chains()[random.below(static_cast<uint32_t>(shape.chains().size()))];
  RulesetGenerator generator(random, table, {.header = 9, .match = 8});
  std::string text = "*" + std::string(table_name(table)) + "\n";
  for (int i = 0; i < 12; ++i) {
    std::string conditions;
    do conditions = generator.conditions(chain.hook);
    while (is_lost_when_saved(conditions));
    text += "-A " + chain.name + conditions + "\n";
  }
  text += "COMMIT\n";
  SCOPED_TRACE("seed " + std::to_string(seed) + "\n" + text);

  ExtensionRegistry registry;
  register_base_extensions(registry);
  FakeStack stack;
  some_address_types(stack);
  Loader loader(registry, {});
  ASSERT_TRUE(loader.parse(text, "random").ok());
  Program program(loader.table(table));
  std::vector<Device> devices;
  for (const char* name : {"lo", "eth0", "eth1", "eth10", "br0", "veth3"})
    devices.push_back(make_device(static_cast<int>(devices.size()) + 1, name));

  for (int i = 0; i < 12; ++i) {
    const PacketSpec spec = random_packet(random);
    HookState state{};
    state.hook = *chain.hook;
    random_devices(random, devices, state);
    // A chain of a hook without it may be asked with no device: bridged, or sent by the host.
    if (random.below(8) == 0) state.in = state.out = nullptr;
    state.stack = &stack;
    state.now = stack.now_;
    const auto run = [&](Program& asked, trace::Sink& sink) {
      PacketPtr p = make_packet(stack.pool_, spec);
      p->dev = state.in;
      HookState traced = state;
      traced.trace = &sink;
      return asked.run(p, traced);
    };
    MissListener listener;
    run(program, listener);
    const MissTruth truth(registry, table, state.hook, run);
    for (const ToldMiss& miss : listener.misses) {
      ASSERT_NO_FATAL_FAILURE(truth.check(miss, keys)) << "packet " << i << miss.rule;
    }
  }
}

TEST(MissProperty, WhatIsSaidOfAMissIsTrue) {
  std::map<std::string, int> keys;
  for (uint64_t seed = 1; seed <= 100 && !HasFatalFailure(); ++seed) check_packets(seed, keys);
  int misses = 0;
  std::set<std::string> said;
  for (const auto& [key, times] : keys) {
    misses += times;
    said.insert(key);
  }
  EXPECT_GT(misses, 5000);
  EXPECT_EQ(said, base_miss_keys());
}

}  // namespace
}  // namespace nf::ipt
