// What is told of a connection's NAT: the range asked for, and every sentence of tools/words/words_invalid.inc about
// the choice in it ("choice.*") and about what nat drops ("remark.nat_*"). The same packets were sent through
// Linux 6.18 for nat/unique_tuple_test.cc; here stands why it chose so.
#include <fstream>
#include <set>

#include "nat/test_net.h"
#include "nat/unique_tuple.h"

namespace nf::nat {
namespace {

constexpr Be32 kA = ip4(10, 1, 0, 2), kB = ip4(10, 1, 0, 3);
constexpr Be32 kS = ip4(10, 2, 0, 2), kT = ip4(10, 2, 0, 3), kU = ip4(10, 2, 0, 99);

struct Told {
  bool source = false, null_binding = false;
  std::string range;
  Said choice;
  uint32_t id = 0;
};

class Listener final : public trace::Sink {
 public:
  std::vector<Told> told;
  std::vector<Said> notes;
  std::vector<uint32_t> skipped, seen;  // ids
  void event(const Packet&, const trace::Event& e) override {
    if (const auto* s = std::get_if<trace::NatSetUp>(&e))
      told.push_back({s->manip == ManipType::kSource, s->null_binding, std::string(s->range),
                      s->choice != nullptr ? *s->choice : Said{}, s->id});
    if (const auto* n = std::get_if<trace::Noted>(&e)) notes.push_back(*n->said);
    if (const auto* s = std::get_if<trace::NatSkipped>(&e)) skipped.push_back(s->id);
    if (const auto* s = std::get_if<trace::ConntrackSeen>(&e)) seen.push_back(s->id);
  }
};

// Tells what the last packet's NAT was decided to be.
class BeginAt final : public PortSearch {
 public:
  uint16_t start(const ct::Connection&, ManipType, uint16_t, unsigned) override { return 1; }
};

struct Case {
  const char* name;
  const char* rules;
  std::vector<Flow> before;
  Flow last;
  bool source;  // which half is looked at
  std::string range;
  Said choice;
};

Said say(const char* key, std::vector<std::string> values) { return {key, std::move(values), {}}; }

constexpr char kSnat[] = "-A POSTROUTING -o right -j SNAT --to-source 10.2.0.9\n";
constexpr char kSnatTwo[] = "-A POSTROUTING -o right -p udp -j SNAT --to-source 10.2.0.9:5000-5001\n";
constexpr char kSnatOne[] = "-A POSTROUTING -o right -p udp -j SNAT --to-source 10.2.0.9:5000\n";
constexpr char kDnatOne[] = "-A PREROUTING -i left -p udp -d 10.2.0.0/24 -j DNAT --to-destination 10.2.0.2:100\n";
constexpr char kDnatRange[] = "-A PREROUTING -i left -p udp -d 10.2.0.0/24 -j DNAT --to-destination 10.2.0.2:100-102\n";
constexpr char kDnatPlain[] = "-A PREROUTING -i left -p udp -d 10.2.0.0/24 -j DNAT --to-destination 10.2.0.2\n";
constexpr char kShifted[] =
    "-A PREROUTING -i left -p udp -d 10.2.0.0/24 -j DNAT --to-destination 10.2.0.2:5000-5010/8000\n";
constexpr char kRandomPlain[] =
    "-A PREROUTING -i left -p udp -d 10.2.0.0/24 -j DNAT --to-destination 10.2.0.2 --random\n";
constexpr char kMapping[] =
    "-A POSTROUTING -o right -s 10.1.0.2/32 -d 10.2.0.2/32 -p udp -j SNAT --to-source 10.2.0.9:1025-1030\n"
    "-A POSTROUTING -o right -j SNAT --to-source 10.2.0.9\n";

// Where a search begins is given by BeginAt: the second number there is.
const Case kCases[] = {
    {"a free port is kept", kSnat, {}, {kA, kS, 40000, 53}, true, "10.2.0.9", say("choice.kept", {"sport=40000"})},
    {"a port another connection has",
     kSnat,
     {{kA, kS, 40000, 53}},
     {kB, kS, 40000, 53},
     true,
     "10.2.0.9",
     say("choice.port_taken", {"sport=40000", "10.1.0.2:40000 > 10.2.0.2:53", "sport=1025"})},
    {"a null binding keeps without a word",
     "-A POSTROUTING -s 10.9.0.0/24 -j MASQUERADE\n",
     {},
     {kA, kS, 40000, 53},
     true,
     "",
     {}},
    {"a null binding gives way",
     "-A POSTROUTING -o right -s 10.1.0.2/32 -j SNAT --to-source 10.1.0.3\n",
     {{kA, kS, 40000, 53}},
     {kB, kS, 40000, 53},
     true,
     "",
     say("choice.port_taken", {"sport=40000", "10.1.0.2:40000 > 10.2.0.2:53", "sport=1025"})},
    {"one mapping for all destinations",
     kMapping,
     {{kA, kS, 40000, 53}},
     {kA, kT, 40000, 53},
     true,
     "10.2.0.9",
     say("choice.same_as_before", {"10.1.0.2:40000 > 10.2.0.2:53", "10.2.0.9", "sport=1026"})},
    {"a port out of the range",
     kSnatTwo,
     {},
     {kA, kS, 4000, 53},
     true,
     "10.2.0.9:5000-5001",
     say("choice.out_of_range", {"sport=4000", "5000-5001", "sport=5001"})},
    {"no port left",
     kSnatTwo,
     {{kA, kS, 4000, 53}, {kA, kS, 4001, 53}},
     {kA, kS, 4002, 53},
     true,
     "10.2.0.9:5000-5001",
     say("choice.given_up", {"2", "sport=5001", "10.1.0.2:4000 > 10.2.0.2:53"})},
    {"one port", kSnatOne, {}, {kA, kS, 4000, 53}, true, "10.2.0.9:5000", say("choice.one_port", {"sport=5000"})},
    {"one port, taken",
     kSnatOne,
     {{kA, kS, 4000, 53}},
     {kA, kS, 4001, 53},
     true,
     "10.2.0.9:5000",
     say("choice.one_port_taken", {"sport=5000", "10.1.0.2:4000 > 10.2.0.2:53"})},
    {"one port of DNAT, another asked",
     kDnatOne,
     {},
     {kA, kT, 4000, 53},
     false,
     "10.2.0.2:100",
     say("choice.one_port", {"dport=100"})},
    {"one port of DNAT, which nobody asks for",
     kDnatOne,
     {{kA, kT, 4000, 100}},
     {kA, kU, 4000, 100},
     false,
     "10.2.0.2:100",
     say("choice.one_port_taken", {"dport=100", "10.1.0.2:4000 > 10.2.0.3:100"})},
    {"a range of DNAT from its first port on",
     kDnatRange,
     {},
     {kA, kT, 4000, 53},
     false,
     "10.2.0.2:100-102",
     say("choice.out_of_range", {"dport=53", "100-102", "dport=100"})},
    {"a range of DNAT has the port",
     kDnatRange,
     {},
     {kA, kT, 4000, 101},
     false,
     "10.2.0.2:100-102",
     say("choice.kept", {"dport=101"})},
    {"DNAT without a port leaves nothing to choose", kDnatPlain, {}, {kA, kT, 4000, 100}, false, "10.2.0.2", {}},
    {"DNAT without a port, and the tuple is taken",
     kDnatPlain,
     {{kA, kT, 4000, 100}},
     {kA, kU, 4000, 100},
     false,
     "10.2.0.2",
     say("choice.destination_taken", {"dport=100", "10.1.0.2:4000 > 10.2.0.3:100"})},
    {"a shifted range",
     kShifted,
     {},
     {kA, kT, 4000, 8003},
     false,
     "10.2.0.2:5000-5010/8000",
     say("choice.offset", {"dport=5003", "dport=8003", "8000", "5000-5010/8000"})},
    {"--random",
     "-A POSTROUTING -o right -p udp -j SNAT --to-source 10.2.0.9 --random\n",
     {},
     {kA, kS, 4000, 53},
     true,
     "10.2.0.9 random",
     say("choice.random", {"sport=1025"})},
    {"--random of DNAT without a range",
     kRandomPlain,
     {},
     {kA, kT, 4000, 150},
     false,
     "10.2.0.2 random",
     say("choice.random_no_effect", {"dport=150"})},
    // The address is the kernel's: kChoices of unique_tuple_test.cc.
    {"an address of a range",
     "-A POSTROUTING -o right -j SNAT --to-source 10.60.0.1-10.60.0.200\n",
     {},
     {kA, kS, 4000, 53},
     true,
     "10.60.0.1-10.60.0.200",
     {"choice.and",
      {},
      {say("choice.address_of_range", {"?", "10.60.0.1-10.60.0.200"}), say("choice.kept", {"sport=4000"})}}},
    {"an address of a range, persistent",
     "-A PREROUTING -i left -p udp -j DNAT --to-destination 10.2.0.7-10.2.0.9 --persistent\n",
     {},
     {kA, kS, 4000, 53},
     false,
     "10.2.0.7-10.2.0.9 persistent",
     say("choice.address_of_range_persistent", {"?", "10.2.0.7-10.2.0.9"})},
    {"MASQUERADE",
     "-A POSTROUTING -o right -p udp -j MASQUERADE --to-ports 6000\n",
     {},
     {kA, kS, 4000, 53},
     true,
     "10.2.0.1:6000",
     say("choice.one_port", {"sport=6000"})},
    {"REDIRECT",
     "-A PREROUTING -p udp -j REDIRECT --to-ports 7000\n",
     {},
     {kA, kS, 4000, 53},
     false,
     "10.1.0.1:7000",
     say("choice.one_port", {"dport=7000"})},
    {"NETMAP",
     "-A PREROUTING -d 10.2.0.0/24 -j NETMAP --to 10.2.0.0/24\n",
     {},
     {kA, kS, 4000, 53},
     false,
     "10.2.0.2",
     {}},
};

// "?": the address find_best_ips_proto gives, which has its own test.
void fill_address(Said& said, const Case& c) {
  for (Said& part : said.inner) fill_address(part, c);
  if (said.values.empty() || said.values[0] != "?") return;
  const std::string& text = said.values[1];
  Range range;
  range.flags = kRangeMapIps | (said.key == "choice.address_of_range_persistent" ? uint32_t{kRangePersistent} : 0u);
  range.min_address = *parse_ipv4(text.substr(0, text.find('-')));
  range.max_address = *parse_ipv4(text.substr(text.find('-') + 1));
  ct::Tuple tuple;
  tuple.source = c.last.source;
  tuple.destination = c.last.destination;
  find_best_ips_proto(tuple, range, c.source ? ManipType::kSource : ManipType::kDestination, 0);
  said.values[0] = format_ipv4(c.source ? tuple.source : tuple.destination);
}

void expect_told(const Listener& sink, bool source, const std::string& range, const Said& choice) {
  const Told* half = nullptr;
  for (const Told& t : sink.told)
    if (t.source == source) half = &t;
  ASSERT_NE(half, nullptr);
  EXPECT_EQ(half->range, range);
  EXPECT_EQ(half->choice.key, choice.key);
  EXPECT_EQ(half->choice.values, choice.values);
  EXPECT_EQ(half->choice.inner, choice.inner);
  ASSERT_FALSE(sink.seen.empty());
  EXPECT_EQ(half->id, sink.seen[0]);
  EXPECT_NE(half->id, 0u);
}

TEST(NatTold, TheRangeAndTheChoice) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    TestNet net;
    BeginAt search;
    net.nat.set_port_search(&search);
    net.nat_rules(c.rules);
    for (const Flow& f : c.before) net.udp(f);
    Listener sink;
    net.sink = &sink;
    net.udp(c.last);
    net.sink = nullptr;
    Said choice = c.choice;
    fill_address(choice, c);
    expect_told(sink, c.source, c.range, choice);
  }
}

TEST(NatTold, AClosedConnectionMakesRoom) {
  TestNet net;
  net.nat_rules("-A POSTROUTING -o right -p tcp -j SNAT --to-source 10.2.0.9:6000-6001\n");
  BeginAt search;
  net.nat.set_port_search(&search);
  for (const uint16_t port : {uint16_t{1000}, uint16_t{1001}}) {
    const auto to = Flow{kA, kS, port, 80};
    const auto syn = net.tcp(to, kTcpSyn, 1000, 0);
    ASSERT_TRUE(syn);
    const Flow back{kS, ip4(10, 2, 0, 9), 80, syn->source_port};
    net.tcp(back, kTcpSyn | kTcpAck, 5000, 1001, false);
    net.tcp(to, kTcpAck, 1001, 5001);
    if (port != 1000) continue;
    net.tcp(to, kTcpFin | kTcpAck, 1001, 5001);
    net.tcp(back, kTcpFin | kTcpAck, 5001, 1002, false);
    net.tcp(to, kTcpAck, 1002, 5002);
  }
  Listener sink;
  net.sink = &sink;
  const auto third = net.tcp({kB, kS, 1002, 80}, kTcpSyn, 2000, 0);
  net.sink = nullptr;
  ASSERT_TRUE(third);
  expect_told(
      sink, true, "10.2.0.9:6000-6001",
      say("choice.evicted", {strf("sport=%u", third->source_port), "10.1.0.2:1000 > 10.2.0.2:80", "TIME_WAIT"}));
}

TEST(NatTold, IcmpIdsAndProtocolsWithoutPorts) {
  TestNet net;
  net.nat_rules(kSnat);
  BeginAt search;
  net.nat.set_port_search(&search);
  Bytes echo = TestNet::ip_bytes({kA, kS, 0, 0}, kProtoIcmp, sizeof(IcmpHeader));
  IcmpHeader& icmp = *view<IcmpHeader>(std::span<uint8_t>(echo), 20);
  icmp.type = kIcmpEcho;
  icmp.id = be16(66);
  icmp.checksum = checksum_finish(checksum_add(std::span<const uint8_t>(echo).subspan(20)));
  for (const bool first : {true, false}) {
    view<Ipv4Header>(std::span<uint8_t>(echo))->source = first ? kA : kB;
    ip_send_check(*view<Ipv4Header>(std::span<uint8_t>(echo)));
    Listener sink;
    net.sink = &sink;
    net.forward(echo, net.left);
    net.sink = nullptr;
    expect_told(sink, true, "10.2.0.9",
                first ? say("choice.kept", {"id=66"})
                      : say("choice.port_taken", {"id=66", "10.1.0.2 > 10.2.0.2 id 66", "id=1"}));
  }
  for (const bool first : {true, false}) {
    Listener sink;
    net.sink = &sink;
    net.forward(TestNet::ip_bytes({first ? kA : kB, kS, 0, 0}, 99, 8), net.left);
    net.sink = nullptr;
    expect_told(sink, true, "10.2.0.9", first ? Said{} : say("choice.no_ports", {"10.1.0.2 > 10.2.0.2"}));
  }
}

TEST(NatTold, WhyNatDrops) {
  {
    TestNet net;
    net.nat_rules("-A POSTROUTING -o right -j MASQUERADE\n");
    net.stack.addresses_.erase("right");
    Listener sink;
    net.sink = &sink;
    EXPECT_FALSE(net.udp({kA, kS, 4000, 53}));
    net.sink = nullptr;
    EXPECT_EQ(net.reason, DropReason::kNatNoAddress);
    EXPECT_EQ(sink.notes, (std::vector<Said>{say("remark.nat_no_address", {"right"})}));
  }
  {
    TestNet net;
    net.nat_rules("-A PREROUTING -p udp -j REDIRECT\n");
    net.stack.addresses_.erase("left");
    Listener sink;
    net.sink = &sink;
    EXPECT_FALSE(net.udp({kA, kS, 4000, 53}));
    net.sink = nullptr;
    EXPECT_EQ(net.reason, DropReason::kNatNoAddress);
    EXPECT_EQ(sink.notes, (std::vector<Said>{say("remark.nat_no_address", {"left"})}));
  }
  {
    TestNet net;
    net.nat_rules("-A POSTROUTING -j MASQUERADE\n");
    ASSERT_TRUE(net.udp({kA, kS, 4000, 53}));
    Listener sink;
    PacketPtr p = net.packet(TestNet::udp_bytes({kA, kS, 4000, 53}));
    ASSERT_EQ(net.hook(HookPoint::kPreRouting, p, net.left, nullptr), Verdict::kAccept);
    net.sink = &sink;
    EXPECT_EQ(net.hook(HookPoint::kPostRouting, p, nullptr, net.left), Verdict::kDrop);
    net.sink = nullptr;
    EXPECT_EQ(p->drop_reason, static_cast<uint8_t>(DropReason::kNatOutChanged));
    EXPECT_EQ(sink.notes, (std::vector<Said>{say("remark.nat_out_changed", {"right", "left"})}));
  }
}

TEST(NatTold, SkippedHooksNameTheConnection) {
  TestNet net;
  net.nat_rules("-A POSTROUTING -o right -j MASQUERADE\n");
  ASSERT_TRUE(net.udp({kA, kS, 4000, 53}));
  Listener sink;
  net.sink = &sink;
  net.udp({kA, kS, 4000, 53});
  net.sink = nullptr;
  ASSERT_EQ(sink.seen.size(), 1u);
  EXPECT_EQ(sink.skipped, (std::vector<uint32_t>{sink.seen[0], sink.seen[0]}));
}

void collect(const Said& s, std::set<std::string>& keys) {
  if (s) keys.insert(s.key);
  for (const Said& part : s.inner) collect(part, keys);
}

// The highest {n} of a row.
int last_blank(const std::string& row) {
  int last = -1;
  for (size_t at = row.find('{'); at != std::string::npos; at = row.find('{', at + 1))
    if (row[at + 1] <= '9') last = std::max(last, row[at + 1] - '0');
  return last;
}

TEST(NatTold, EverySentenceIsReached) {
  // By the tests above besides the table.
  std::set<std::string> told = {"choice.evicted", "choice.no_ports", "remark.nat_no_address", "remark.nat_out_changed"};
  for (const Case& c : kCases) collect(c.choice, told);
  const std::string here = __FILE__;
  std::ifstream rows(here.substr(0, here.rfind("nat/")) + "tools/words/words_invalid.inc");
  ASSERT_TRUE(rows);
  size_t n = 0;
  for (std::string line; std::getline(rows, line);) {
    if (line.rfind("X(\"choice.", 0) != 0 && line.rfind("X(\"remark.nat_", 0) != 0) continue;
    const std::string key = line.substr(3, line.find('"', 3) - 3);
    EXPECT_EQ(told.count(key), 1u) << key;
    for (const Case& c : kCases)
      if (c.choice.key == key) {
        EXPECT_EQ(static_cast<int>(c.choice.values.size()), last_blank(line) + 1) << key;
      }
    ++n;
  }
  EXPECT_EQ(n, told.size()) << "a key without words";
}

// --- nothing depends on being told

constexpr char kMixed[] =
    "-A PREROUTING -i left -p udp --dport 53 -j DNAT --to-destination 10.2.0.2:100-102\n"
    "-A PREROUTING -i left -p udp --dport 54 -j DNAT --to-destination 10.2.0.2-10.2.0.9:200-230 --random\n"
    "-A PREROUTING -i left -p udp --dport 55 -j DNAT --to-destination 10.2.0.2\n"
    "-A POSTROUTING -o right -p udp -s 10.1.0.2/32 -j SNAT --to-source 10.2.0.9:6000-6040\n"
    "-A POSTROUTING -o right -p tcp -j SNAT --to-source 10.2.0.9:6000-6003\n"
    "-A POSTROUTING -o right -j MASQUERADE\n";

TEST(NatTold, TracedOrNotTheSameBytes) {
  Random r(31);
  TestNet plain, told;
  plain.nat_rules(kMixed);
  told.nat_rules(kMixed);
  Listener sink;
  size_t sent = 0;
  for (int i = 0; i < 6000; ++i) {
    const Flow f{r.below(2) != 0 ? kA : kB, r.below(2) != 0 ? kS : kT, static_cast<uint16_t>(4000 + r.below(12)),
                 static_cast<uint16_t>(52 + r.below(5))};
    static constexpr uint8_t kFlags[] = {kTcpSyn, kTcpSyn | kTcpAck, kTcpAck, kTcpFin | kTcpAck, kTcpRst};
    const bool left = r.below(4) != 0;
    const Flow way =
        left ? f : Flow{f.destination, ip4(10, 2, 0, 9), f.destination_port, static_cast<uint16_t>(6000 + r.below(4))};
    const Bytes bytes = r.below(2) != 0 ? TestNet::udp_bytes(way)
                                        : TestNet::tcp_bytes(way, kFlags[r.below(5)], 1000 + r.below(50), r.below(3));
    told.sink = &sink;
    const PacketPtr p = plain.forward(bytes, left ? plain.left : plain.right);
    const PacketPtr q = told.forward(bytes, left ? told.left : told.right);
    ASSERT_EQ(p == nullptr, q == nullptr) << i;
    ASSERT_EQ(plain.reason, told.reason);
    if (p != nullptr) {
      ASSERT_EQ(hex(p->bytes()), hex(q->bytes())) << i;
      ++sent;
    }
    const Duration pause = r.below(20) == 0 ? static_cast<int>(r.below(40)) * kSecond : 0;
    for (TestNet* net : {&plain, &told}) net->stack.now_ += pause;
  }
  EXPECT_EQ(plain.stack.random_.u64(), told.stack.random_.u64()) << "chance was spent on telling";
  EXPECT_EQ(plain.conntrack.stats().found, told.conntrack.stats().found);
  EXPECT_EQ(plain.conntrack.count(), told.conntrack.count());
  EXPECT_GT(sent, 1000u);
  std::set<std::string> keys;
  for (const Told& t : sink.told) collect(t.choice, keys);
  EXPECT_GE(keys.size(), 8u);
}

}  // namespace
}  // namespace nf::nat
