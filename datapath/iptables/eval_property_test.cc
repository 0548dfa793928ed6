// Random rulesets, random packets: the compiled program and the reference evaluator agree on verdict, packet, trace
// and every counter; and what is saved loads to itself.
#include <gtest/gtest.h>

#include <memory>

#include "datapath/iptables/iptables.h"
#include "datapath/iptables/loader.h"
#include "datapath/iptables/print.h"
#include "datapath/iptables/reference_eval.h"
#include "datapath/iptables/test_packets.h"

namespace nf::ipt {
namespace {

template <size_t N>
const char* any_of(Random& r, const char* const (&list)[N]) {
  return list[r.below(N)];
}

// Few values, so that rules do match.
constexpr const char* kAddresses[] = {"10.0.0.1",  "10.0.0.2",   "10.0.0.0/24",       "10.0.0.0/31",   "10.0.1.0/24",
                                      "0.0.0.0/0", "10.0.0.0/8", "0.0.0.2/0.0.0.255", "192.168.0.0/16"};
constexpr const char* kDevices[] = {"eth0", "eth1", "eth+", "+", "lo", "br0", "e+", "eth10", "wlan+"};
constexpr const char* kPorts[] = {"80", "443", "22", "1:79", "80:90", "1024:65535", "0:65535", "0", "65535", "0:1023"};
constexpr const char* kMultiports[] = {"80,443", "22", "1:100,443", "8080"};
constexpr const char* kTcpFlags[] = {"SYN,ACK SYN", "ALL NONE", "RST RST", "FIN,SYN,RST,ACK SYN"};

class RulesetGenerator {
 public:
  RulesetGenerator(Random& random, TableId table) : random_(random), table_(table) {}

  std::string run() {
    const TableModel model(table_);
    std::string out = "*" + std::string(model.name()) + "\n";
    for (const Chain& c : model.chains())
      out += ":" + c.name + (random_.below(3) == 0 ? " DROP" : " ACCEPT") + " [0:0]\n";
    chains_ = 1 + random_.below(6);
    for (uint32_t i = 0; i < chains_; ++i) out += ":user" + std::to_string(i) + " - [0:0]\n";
    // Built-in chains may use all user chains, each of those only later ones: no loops.
    for (const Chain& c : model.chains()) rules(c.name, 0, c.hook, out);
    for (uint32_t i = 0; i < chains_; ++i) rules("user" + std::to_string(i), i + 1, std::nullopt, out);
    return out + "COMMIT\n";
  }

 private:
  bool maybe(uint32_t one_in) { return random_.below(one_in) == 0; }
  const char* negation() { return maybe(4) ? " !" : ""; }

  void rules(const std::string& chain, uint32_t first_user, std::optional<HookPoint> hook, std::string& out) {
    const uint32_t count = random_.below(9);
    for (uint32_t i = 0; i < count; ++i) out += "-A " + chain + header(hook) + matches() + target(first_user) + "\n";
  }

  std::string header(std::optional<HookPoint> hook) {
    std::string out;
    if (maybe(3)) out += std::string(negation()) + " -s " + any_of(random_, kAddresses);
    if (maybe(3)) out += std::string(negation()) + " -d " + any_of(random_, kAddresses);
    const bool has_in = hook != HookPoint::kLocalOut && hook != HookPoint::kPostRouting;
    const bool has_out = hook != HookPoint::kPreRouting && hook != HookPoint::kLocalIn;
    if (has_in && maybe(3)) out += std::string(negation()) + " -i " + device();
    if (has_out && maybe(4)) out += std::string(negation()) + " -o " + device();
    if (maybe(12)) out += std::string(negation()) + " -f";
    return out;
  }
  std::string device() {
    // Often enough more patterns than fit into a key.
    return maybe(3) ? "veth" + std::to_string(random_.below(40)) : std::string(any_of(random_, kDevices));
  }

  std::string matches() {
    std::string out;
    switch (random_.below(9)) {
      case 0:
      case 1:
        out = " -p tcp";
        if (maybe(2)) out += std::string(negation()) + " --dport " + any_of(random_, kPorts);
        if (maybe(3)) out += std::string(negation()) + " --sport " + any_of(random_, kPorts);
        if (maybe(5)) out += std::string(negation()) + " --tcp-flags " + any_of(random_, kTcpFlags);
        break;
      case 2:
        out = " -p udp";
        if (maybe(2)) out += std::string(negation()) + " --dport " + any_of(random_, kPorts);
        if (maybe(2)) out += " -m udp --sport " + std::string(any_of(random_, kPorts));
        break;
      case 3:
        out = " -p icmp";
        if (maybe(2)) out += std::string(negation()) + " --icmp-type " + (maybe(2) ? "8" : "3/1");
        break;
      case 4:
        out = std::string(maybe(2) ? " -p tcp" : " -p udp") + " -m multiport" + negation() +
              (maybe(2) ? " --dports " : " --ports ") + any_of(random_, kMultiports);
        break;
      case 5:
        out = std::string(negation()) + " -p " + (maybe(2) ? "udp" : "99");
        break;
      default:
        break;
    }
    if (maybe(6)) out += " -m comment --comment \"a comment\"";
    if (maybe(6)) out += " -m mark" + std::string(negation()) + " --mark 0x" + std::to_string(random_.below(4));
    if (maybe(12)) out += " -m limit --limit 100/sec --limit-burst 3";
    if (maybe(40)) out += " -m string --algo bm --string x";
    return out;
  }

  std::string target(uint32_t first_user) {
    switch (random_.below(table_ == TableId::kMangle ? 11 : 9)) {
      case 0:
        return " -j ACCEPT";
      case 1:
        return " -j DROP";
      case 2:
        return " -j RETURN";
      case 3:
      case 4:
      case 5:
        if (first_user < chains_) return jump(first_user);
        return "";
      case 6:
        return " -j LOG --log-prefix \"here \"";
      case 7:
        return maybe(4) ? " -j NFQUEUE --queue-num 1" : "";
      case 9:
        return " -j MARK --set-mark " + std::to_string(random_.below(4));
      case 10:
        return " -j MARK --or-mark 1";
      default:
        return "";
    }
  }
  std::string jump(uint32_t first_user) {
    return std::string(maybe(3) ? " -g user" : " -j user") +
           std::to_string(first_user + random_.below(chains_ - first_user));
  }

  Random& random_;
  TableId table_;
  uint32_t chains_ = 0;
};

PacketSpec random_packet(Random& r) {
  static constexpr uint16_t kSomePorts[] = {0, 1, 22, 79, 80, 85, 100, 443, 1023, 1024, 8080, 65535};
  static constexpr uint8_t kProtocols[] = {kProtoTcp, kProtoTcp, kProtoUdp, kProtoUdp, kProtoIcmp, 99, kProtoGre};
  PacketSpec s;
  s.source = ip4(10, 0, static_cast<uint8_t>(r.below(2)), static_cast<uint8_t>(r.below(4)));
  s.destination = ip4(10, 0, static_cast<uint8_t>(r.below(2)), static_cast<uint8_t>(r.below(4)));
  s.protocol = kProtocols[r.below(sizeof kProtocols)];
  s.source_port = kSomePorts[r.below(12)];
  s.destination_port = kSomePorts[r.below(12)];
  if (s.protocol == kProtoIcmp) s.destination_port = r.below(2) == 0 ? 0x0800 : 0x0301;
  s.tcp_flags = static_cast<uint8_t>(r.u32());
  s.option_words = r.below(6) == 0 ? r.below(11) : 0;
  s.payload = r.below(5) == 0 ? r.below(24) : 20 + r.below(40);
  if (r.below(8) == 0) s.fragment_offset = static_cast<uint16_t>(1 + r.below(3));
  s.more_fragments = r.below(8) == 0;
  s.mark = r.below(4);
  return s;
}

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
    if (state.hook != HookPoint::kLocalOut && state.hook != HookPoint::kPostRouting)
      state.in = &devices[random.below(static_cast<uint32_t>(devices.size()))];
    if (state.hook != HookPoint::kPreRouting && state.hook != HookPoint::kLocalIn)
      state.out = &devices[random.below(static_cast<uint32_t>(devices.size()))];
    now += random.below(20) * kMillisecond;
    state.now = stack.now_ = reference_stack.now_ = now;
    RecordingSink sink;
    RecordingSink reference_sink;
    const bool traced = random.below(2) == 0;

    PacketPtr p = make_packet(stack.pool_, spec);
    state.stack = &stack;
    state.trace = traced ? &sink : nullptr;
    const Verdict got = tables.do_table(table, p, state);
    PacketPtr q = make_packet(reference_stack.pool_, spec);
    state.stack = &reference_stack;
    state.trace = traced ? &reference_sink : nullptr;
    const Verdict expected = reference.run(q, state);

    ASSERT_EQ(got, expected) << "packet " << i;
    ASSERT_EQ(p->drop_reason, q->drop_reason) << "packet " << i;
    ASSERT_EQ(p->mark, q->mark) << "packet " << i;
    ASSERT_EQ(sink.lines, reference_sink.lines) << "packet " << i;
    const bool silent = traced && sink.lines.empty() && got == Verdict::kAccept;
    ASSERT_FALSE(silent) << "packet " << i;
    // A device changes its name now and then.
    if (random.below(20) == 0) devices[1].name = random.below(2) == 0 ? "eth0" : "veth8";
  }
  EXPECT_EQ(stack.log_, reference_stack.log_);
  std::string expected;
  save_table(reference.model(), ReferenceCounters(reference), true, expected);
  EXPECT_EQ(tables.save({.counters = true}), expected);
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
