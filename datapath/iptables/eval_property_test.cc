// Random rulesets, random packets: the compiled program and the reference evaluator agree on verdict, packet, trace
// and every counter; and what is saved loads to itself.
#include <gtest/gtest.h>

#include <memory>

#include "datapath/iptables/iptables.h"
#include "datapath/iptables/loader.h"
#include "datapath/iptables/print.h"
#include "datapath/iptables/reference_eval.h"
#include "datapath/iptables/test_packets.h"
#include "datapath/iptables/test_random_rules.h"

namespace nf::ipt {
namespace {

class ReferenceCounters final : public CounterSource {
 public:
  explicit ReferenceCounters(const ReferenceTable& t) : table_(t) {}
  Counters rule(const Chain& c, size_t i) const override { return table_.counters(index(c), i); }
  Counters policy(const Chain& c) const override { return table_.counters(index(c), c.rules.size()); }

 private:
  size_t index(const Chain& c) const { return static_cast<size_t>(&c - table_.model().chains().data()); }
  const ReferenceTable& table_;
};

void compare(uint64_t seed) {
  Random random(seed);
  const TableId table = random.below(2) == 0 ? TableId::kFilter : TableId::kMangle;
  const std::string text = RulesetGenerator(random, table).run();
  SCOPED_TRACE("seed " + std::to_string(seed) + "\n" + text);

  ExtensionRegistry registry;
  register_base_extensions(registry);
  FakeStack stack;
  FakeStack reference_stack;
  Iptables tables(stack, registry);
  const Status loaded = tables.load(text, "random");
  ASSERT_TRUE(loaded.ok()) << loaded.error().str();
  Loader loader(registry, {});
  ASSERT_TRUE(loader.parse(text, "random").ok());
  ReferenceTable reference(std::move(loader.table(table)));
  // Never traced: to tell more must change nothing.
  FakeStack silent_stack;
  Loader silent_loader(registry, {});
  ASSERT_TRUE(silent_loader.parse(text, "random").ok());
  ReferenceTable silent(std::move(silent_loader.table(table)));
  for (FakeStack* s : {&stack, &reference_stack, &silent_stack}) some_address_types(*s);

  std::vector<Device> devices;
  for (const char* name : {"lo", "eth0", "eth1", "eth10", "br0", "wlan7", "veth3", "veth33"})
    devices.push_back(make_device(static_cast<int>(devices.size()) + 1, name));
  devices.push_back(make_device(2 + 64, "veth5"));  // the cache place of eth0

  std::vector<HookPoint> hooks;
  for (const Chain& c : reference.model().chains())
    if (c.hook) hooks.push_back(*c.hook);
  Time now = stack.now_;
  for (int i = 0; i < 200; ++i) {
    const PacketSpec spec = random_packet(random);
    HookState state{};
    state.hook = hooks[random.below(static_cast<uint32_t>(hooks.size()))];
    random_devices(random, devices, state);
    now += random.below(20) * kMillisecond;
    state.now = stack.now_ = reference_stack.now_ = silent_stack.now_ = now;
    const bool detailed = random.below(4) == 0;
    const bool traced = detailed || random.below(3) == 0;
    RecordingSink sink(detailed);
    RecordingSink reference_sink(detailed);

    PacketPtr p = make_packet(stack.pool_, spec);
    p->dev = state.in;
    state.stack = &stack;
    state.trace = traced ? &sink : nullptr;
    const Verdict got = tables.do_table(table, p, state);
    PacketPtr q = make_packet(reference_stack.pool_, spec);
    q->dev = state.in;
    state.stack = &reference_stack;
    state.trace = traced ? &reference_sink : nullptr;
    const Verdict expected = reference.run(q, state);

    ASSERT_EQ(got, expected) << "packet " << i;
    PacketPtr s = make_packet(silent_stack.pool_, spec);
    s->dev = state.in;
    state.stack = &silent_stack;
    state.trace = nullptr;
    ASSERT_EQ(silent.run(s, state), expected) << "packet " << i;
    ASSERT_EQ(s->mark, q->mark) << "packet " << i;
    ASSERT_EQ(p->drop_reason, q->drop_reason) << "packet " << i;
    ASSERT_EQ(p->mark, q->mark) << "packet " << i;
    ASSERT_EQ(sink.lines, reference_sink.lines) << "packet " << i;
    const bool nothing_told = traced && sink.lines.empty() && got == Verdict::kAccept;
    ASSERT_FALSE(nothing_told) << "packet " << i;
    // A device changes its name now and then.
    if (random.below(20) == 0) devices[1].name = random.below(2) == 0 ? "eth0" : "veth8";
  }
  EXPECT_EQ(stack.log_, reference_stack.log_);
  std::string expected;
  save_table(reference.model(), ReferenceCounters(reference), true, expected);
  EXPECT_EQ(tables.save({.counters = true}), expected);
  std::string untraced;
  save_table(silent.model(), ReferenceCounters(silent), true, untraced);
  EXPECT_EQ(untraced, expected);
  EXPECT_EQ(silent_stack.log_, reference_stack.log_);
  uint64_t unmodelled = 0;
  for (const auto& hit : tables.unmodelled_hits()) unmodelled += hit.packets;
  EXPECT_EQ(unmodelled, reference.unmodelled_packets());

  FakeStack again_stack;
  Iptables again(again_stack, registry);
  ASSERT_TRUE(again.load(expected, "saved").ok());
  EXPECT_EQ(again.save({.counters = true}), expected);
}

TEST(EvalProperty, ProgramAgreesWithReference) {
  for (uint64_t seed = 1; seed <= 300 && !::testing::Test::HasFatalFailure(); ++seed) compare(seed);
}

}  // namespace
}  // namespace nf::ipt
