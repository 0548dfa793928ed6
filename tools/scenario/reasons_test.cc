// The reasons no scenario can bring about (netns-tests/scenarios/reasons/README.md): by a hand in the machine's works.
#include <gtest/gtest.h>

#include <algorithm>

#include "datapath/base/text.h"
#include "tools/backend/memory_backend.h"
#include "tools/scenario/packet_text.h"
#include "tools/scenario/scenario.h"

namespace nf::scenario {
namespace {

constexpr char kLab[] = R"(network {
  link set dev lan up
  link set dev wan up
  addr add 10.1.0.1/24 dev lan
  addr add 10.2.0.1/24 dev wan
}
sysctl {
  net.ipv4.ip_forward = 1
}
rules {
*filter
-A FORWARD -m conntrack --ctstate NEW
COMMIT
*nat
-A POSTROUTING -o wan -j SNAT --to-source 10.2.0.1
COMMIT
}
)";
constexpr char kLan[] = " mac 02:00:0a:01:00:02 > 02:ff:00:00:00:01",
               kWan[] = " mac 02:00:0a:02:00:09 > 02:ff:00:00:00:02";

class Reasons : public testing::Test {
 protected:
  void SetUp() override {
    Result<Scenario> scenario = parse_scenario(kLab, "t.scn");
    ASSERT_TRUE(scenario) << scenario.error().str();
    BackendConfig config;
    config.lab = &scenario->lab;
    config.told = true;
    const Status configured = backend_.configure(config);
    ASSERT_TRUE(configured) << configured.error().str();
  }

  std::vector<uint8_t> bytes(const std::string& packet, Layer layer) {
    Result<PacketSpec> spec = parse_packet(packet);
    EXPECT_TRUE(spec) << packet;
    Result<std::vector<uint8_t>> built = build_packet(*spec, layer, {});
    EXPECT_TRUE(built) << packet;
    return built.take();
  }
  void lan(const std::string& packet) { in(0, packet + kLan); }
  void wan(const std::string& packet) { in(1, packet + kWan); }
  void in(int port, const std::string& packet) {
    ASSERT_TRUE(backend_.inject(port, bytes(packet, Layer::kEthernet)));
    std::vector<Emitted> out;
    ASSERT_TRUE(backend_.collect(out));
  }
  // Whether one of the packets since the last call was told so; the words behind the key are in the sentence's values.
  bool told(const char* why) {
    Result<std::vector<ToldPacket>> told = backend_.take_told();
    Result<Why> parsed = parse_why(split_words(why));
    EXPECT_TRUE(parsed) << why;
    return is_told(*parsed, *told, none_);
  }
  Router& router() { return backend_.gateway().router(); }

  // A hook function of ours between those of the machine, for one test.
  class Hand {
   public:
    Hand(Reasons& test, HookPoint hook, int priority, void (*work)(Packet&)) : test_(test), hook_(hook), work_(work) {
      test_.router().hooks().add(hook, priority, &Hand::run, this);
    }
    ~Hand() { test_.router().hooks().remove(hook_, &Hand::run, this); }

   private:
    static Verdict run(void* self, PacketPtr& p, const HookState&) {
      static_cast<Hand*>(self)->work_(*p);
      return Verdict::kAccept;
    }
    Reasons& test_;
    HookPoint hook_;
    void (*work_)(Packet&);
  };

  MemoryBackend backend_;
  Variables none_;
};

// twin: __nf_conntrack_confirm, chainlen > max_chainlen (from 50 on, below 80)
TEST_F(Reasons, ConntrackChainTooLong) {
  ASSERT_TRUE(backend_.apply_sysctl({{.name = "net.netfilter.nf_conntrack_buckets", .value = "1"}}, "t.scn"));
  int passed = 0;
  while (passed < 200) {
    lan("udp 10.1.0.2:" + std::to_string(1000 + passed) + " > 10.2.0.9:53");
    if (told("drop.ConntrackChainTooLong at POSTROUTING")) break;
    ++passed;
  }
  // Both tuples of a connection stand in the one bucket there is.
  EXPECT_GE(passed, 50 / 2);
  EXPECT_LE(passed, 80 / 2);
  EXPECT_EQ(backend_.gateway().conntrack().stats().chaintoolong, 1u);
}

// twin: nf_conntrack_tcp_packet, a SYN in TIME_WAIT: nf_ct_kill() fails where another cpu was quicker
TEST_F(Reasons, ConntrackRepeat) {
  lan("tcp 10.1.0.2:4000 > 10.2.0.9:80 S seq 1000");
  wan("tcp 10.2.0.9:80 > 10.2.0.1:4000 SA seq 5000 ack 1001");
  lan("tcp 10.1.0.2:4000 > 10.2.0.9:80 A seq 1001 ack 5001");
  lan("tcp 10.1.0.2:4000 > 10.2.0.9:80 FA seq 1001 ack 5001");
  wan("tcp 10.2.0.9:80 > 10.2.0.1:4000 FA seq 5001 ack 1002");
  lan("tcp 10.1.0.2:4000 > 10.2.0.9:80 A seq 1002 ack 5002");
  ct::Connection* connection = nullptr;
  backend_.gateway().conntrack().for_each([&](ct::Connection& c) { connection = &c; });
  ASSERT_NE(connection, nullptr);
  EXPECT_FALSE(told("drop.*"));
  connection->status |= ct::kDying;
  lan("tcp 10.1.0.2:4000 > 10.2.0.9:80 S seq 900000");
  EXPECT_TRUE(told("drop.ConntrackRepeat at PREROUTING"));
  connection->status &= ~uint32_t{ct::kDying};
  lan("tcp 10.1.0.2:4000 > 10.2.0.9:80 S seq 900000");
  EXPECT_FALSE(told("drop.*"));
}

// Between the rule that wants it translated and the translation something takes its ports away.
TEST_F(Reasons, NatMangle) {
  lan("udp 10.1.0.2:4000 > 10.2.0.9:53 len 8");
  EXPECT_FALSE(told("drop.*"));
  const Hand hand(*this, HookPoint::kPostRouting, priority::kNatSrc - 1,
                  [](Packet& p) { p.trim(sizeof(Ipv4Header) + 2); });
  lan("udp 10.1.0.2:4000 > 10.2.0.9:53 len 8");
  EXPECT_TRUE(told("drop.NatMangle at POSTROUTING"));
}

TEST_F(Reasons, NoDevice) {
  lan("udp 10.1.0.2:4000 > 10.2.0.9:53");
  wan("arp reply 10.2.0.9 is-at 02:00:0a:02:00:09 to 10.2.0.1");
  EXPECT_FALSE(told("drop.*"));
  router().set_running(*router().device("wan"), false);
  lan("udp 10.1.0.2:4000 > 10.2.0.9:53");
  EXPECT_TRUE(told("drop.NoDevice"));
}

TEST_F(Reasons, TxQueueFull) {
  lan("udp 10.1.0.2:4000 > 10.2.0.9:53");
  wan("arp reply 10.2.0.9 is-at 02:00:0a:02:00:09 to 10.2.0.1");
  const auto lost = [this] { return router().drops()[static_cast<size_t>(DropReason::kTxQueueFull)]; };
  EXPECT_EQ(lost(), 0u);
  MemoryPort full(MemoryPort::Options{.capacity = 0});
  router().attach_port(*router().device("wan"), full);
  lan("udp 10.1.0.2:4000 > 10.2.0.9:53");
  EXPECT_EQ(lost(), 1u);
}

// The host of no sockets behind the machine counts why it has no use for what was delivered.
TEST_F(Reasons, OfTheHost) {
  Responder host(router().pool());
  router().set_host(&host);
  router().connect(host);
  const struct {
    const char* packet;
    DropReason reason;
  } cases[] = {
      {"proto 200 10.1.0.2 > 10.1.0.1 len 8", DropReason::kNoProtocol},
      {"udp 10.1.0.2:1 > 10.1.0.1:2 len 4 bad-sum", DropReason::kTransportChecksum},
      {"udp 10.1.0.2:1 > 10.1.0.1:2 len 4 udp-len 4", DropReason::kTransportHeader},
      {"udp 10.1.0.2:1 > 10.1.0.1:2 len 4", DropReason::kNoSocket},
  };
  for (const auto& c : cases) {
    const uint64_t before = host.drops()[static_cast<size_t>(c.reason)];
    lan(c.packet);
    EXPECT_EQ(host.drops()[static_cast<size_t>(c.reason)], before + 1) << c.packet;
  }
  router().set_host(nullptr);
}

// What conntrack says of pieces, where defragmentation in front of it left some.
TEST_F(Reasons, Fragments) {
  {
    const Hand hand(*this, HookPoint::kPreRouting, priority::kRaw, [](Packet& p) { p.ip().fragment = be16(8); });
    lan("udp 10.1.0.2:4000 > 10.2.0.9:53 len 8");
    EXPECT_TRUE(told("invalid.fragment at PREROUTING 64"));
  }
  const Hand hand(*this, HookPoint::kLocalOut, priority::kRaw, [](Packet& p) { p.ip().fragment = be16(0x2000); });
  const Result<bool> sent = backend_.send_from_host(bytes("udp 10.2.0.1:4000 > 10.2.0.9:53 len 8", Layer::kIp));
  ASSERT_TRUE(sent);
  EXPECT_TRUE(told("invalid.own_fragment at OUTPUT"));
}

}  // namespace
}  // namespace nf::scenario
