// Packets for the host itself, answered by the Responder, and packets of the host that stay on it.
#include "datapath/router/kernel_cases.h"

namespace nf {
namespace {

using kernel_cases::KernelCase;
using kernel_cases::TestRouter;

const KernelCase kLocal[] = {
#include "datapath/router/testdata/local_cases.inc"
};

TEST(LocalTest, Answers) {
  TestRouter t;
  t.two_ports();
  t.play(kLocal);
}

// What a packet meets on lo, in order, with its devices.
struct Walk {
  std::vector<std::string> steps;
  explicit Walk(Router& router) : router_(router) {
    for (size_t h = 0; h < kHookPoints; ++h) router.hooks().add(static_cast<HookPoint>(h), 0, step, this);
  }
  ~Walk() {
    for (size_t h = 0; h < kHookPoints; ++h) router_.hooks().remove(static_cast<HookPoint>(h), step, this);
  }
  static Verdict step(void* self, PacketPtr& p, const HookState& state) {
    const auto name = [](const Device* dev) { return dev != nullptr ? dev->name : std::string("-"); };
    static_cast<Walk*>(self)->steps.push_back(strf("%s %s %s ttl %u", std::string(hook_name(state.hook)).c_str(),
                                                   name(state.in).c_str(), name(state.out).c_str(), p->ip().ttl));
    return Verdict::kAccept;
  }

 private:
  Router& router_;
};

PacketPtr ping(PacketPool& pool, Be32 source, Be32 destination) {
  PacketPtr p = pool.allocate(28);
  p->put(28);
  Ipv4Header& ip = p->ip();
  ip = Ipv4Header{};
  ip.version_ihl = 0x45;
  ip.total_length = be16(28);
  ip.ttl = 64;
  ip.protocol = kProtoIcmp;
  ip.source = source;
  ip.destination = destination;
  ip_send_check(ip);
  *view<IcmpHeader>(p->transport()) =
      IcmpHeader{.type = kIcmpEcho, .code = 0, .checksum = {}, .id = {}, .sequence = {}};
  view<IcmpHeader>(p->transport())->checksum = checksum_finish(checksum_add(p->transport()));
  return p;
}

// OUTPUT and POSTROUTING, then the same packet again at PREROUTING and INPUT; its answer goes the same way. The order
// is that of ip_output, loopback_xmit and ip_rcv.
TEST(LocalTest, Loopback) {
  TestRouter t;
  t.two_ports();
  {
    Walk walk(t.router());
    t.router().send_from_host(ping(t.router().pool(), ip4(127, 0, 0, 1), ip4(127, 0, 0, 1)), kSecond);
    const std::vector<std::string> once{"OUTPUT - lo ttl 64", "POSTROUTING - lo ttl 64", "PREROUTING lo - ttl 64",
                                        "INPUT lo - ttl 64"};
    std::vector<std::string> twice = once;
    twice.insert(twice.end(), once.begin(), once.end());
    EXPECT_EQ(walk.steps, twice);
  }
  EXPECT_EQ(t.router().loopback().tx_packets, 2u);
  EXPECT_EQ(t.router().loopback().rx_packets, 2u);
  EXPECT_EQ(t.router().pool().in_use(), 0u);
}

// A trace tells a frame by its EtherType not being read yet: on lo it has been, when the packet was sent.
TEST(LocalTest, TraceReceivesAFrameOnLoopback) {
  struct Frames : trace::Sink {
    std::vector<uint16_t> protocols;
    void event(const Packet& p, const trace::Event& e) override {
      const auto* received = std::get_if<trace::Received>(&e);
      if (received != nullptr && !received->from_host) protocols.push_back(p.protocol);
    }
  };
  TestRouter t;
  t.two_ports();
  Frames frames;
  t.router().set_trace(&frames);
  t.router().send_from_host(ping(t.router().pool(), ip4(127, 0, 0, 1), ip4(127, 0, 0, 1)), kSecond);
  t.router().set_trace(nullptr);
  EXPECT_EQ(frames.protocols, (std::vector<uint16_t>{0, 0}));  // the request and its answer
}

// From one address of the host to another it is lo as well, whatever device has the address.
TEST(LocalTest, OwnAddressIsOnLoopback) {
  TestRouter t;
  t.two_ports();
  {
    Walk walk(t.router());
    t.router().send_from_host(ping(t.router().pool(), ip4(10, 0, 0, 1), ip4(10, 0, 1, 1)), kSecond);
    ASSERT_EQ(walk.steps.size(), 8u);
    EXPECT_EQ(walk.steps[2], "PREROUTING lo - ttl 64");
  }
  EXPECT_EQ(t.router().pool().in_use(), 0u);
}

// A broadcast of the host's own comes back to it, on the device it leaves by; POSTROUTING sees both copies. What
// a process sends is received before it goes out (the order of a 6.18 kernel's TRACE lines).
// twin: ip_mc_output
TEST(LocalTest, OwnBroadcastComesBack) {
  TestRouter t;
  t.two_ports();
  {
    Walk walk(t.router());
    t.router().send_from_host(ping(t.router().pool(), ip4(10, 0, 0, 1), ip4(10, 0, 0, 255)), kSecond);
    EXPECT_EQ(walk.steps,
              (std::vector<std::string>{"OUTPUT - t0 ttl 64", "POSTROUTING - t0 ttl 64", "PREROUTING t0 - ttl 64",
                                        "INPUT t0 - ttl 64", "POSTROUTING - t0 ttl 64"}));
  }
  EXPECT_EQ(t.take_sent("t0").size(), 1u);
  EXPECT_EQ(t.router().pool().in_use(), 0u);
}

// A packet without a way out is shown to the host it came from, which can still tell its process, and reaches no hook.
// Which reason goes with which route is fib_props', net/ipv4/fib_semantics.c.
TEST(LocalTest, NoWayOutIsToldToTheHost) {
  class Host final : public HostPort {
   public:
    void deliver(PacketPtr, Time) override { ++delivered; }
    void refused(const Packet& p, DropReason reason) override { told.emplace_back(p.ip().destination, reason); }
    int delivered = 0;
    std::vector<std::pair<Be32, DropReason>> told;
  } host;
  TestRouter t;
  t.two_ports();
  t.router().set_host(&host);
  static constexpr struct {
    Be32 destination;
    DropReason reason;
  } kCases[] = {
      {ip4(192, 0, 2, 1), DropReason::kNoRoute},
      {ip4(10, 8, 1, 1), DropReason::kRouteUnreachable},
      {ip4(10, 8, 2, 1), DropReason::kRouteProhibit},
      {ip4(10, 8, 3, 1), DropReason::kRouteBlackhole},
  };
  Walk walk(t.router());
  for (const auto& c : kCases) {
    SCOPED_TRACE(drop_reason_name(c.reason));
    host.told.clear();
    t.router().send_from_host(ping(t.router().pool(), ip4(10, 0, 0, 1), c.destination), kSecond);
    ASSERT_EQ(host.told.size(), 1u);
    EXPECT_EQ(host.told[0].first, c.destination);
    EXPECT_EQ(host.told[0].second, c.reason);
    EXPECT_EQ(t.router().drops()[static_cast<size_t>(c.reason)], 1u);
  }
  EXPECT_TRUE(walk.steps.empty());
  EXPECT_EQ(host.delivered, 0);
  EXPECT_EQ(t.router().pool().in_use(), 0u);
}

}  // namespace
}  // namespace nf
