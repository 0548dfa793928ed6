// Several askers of one gateway: who is told of what, how many, and what is said of the rest.
#include "tools/commands/tracer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "datapath/packet/testing.h"
#include "datapath/port/memory_port.h"

namespace nf {
namespace {

// A datagram of 10.0.0.2 to the router's port 53 or 54; its transport checksum is left out.
PacketPtr datagram(PacketPool& pool, uint8_t port) {
  PacketPtr p = pool.allocate(0);
  testing_packets::append(*p, testing_packets::from_hex("0200000000010200000001010800"
                                                        "4500001c00010000401100000a0000020a000001"
                                                        "1234003500080000"));
  (*p).data()[14 + 20 + 3] = port;
  ip_send_check(*reinterpret_cast<Ipv4Header*>(p->data() + 14));
  return p;
}

struct Asker {
  std::string out, notes;
  bool room = true;
  int enough = 0;
  Tracer::Outlet outlet() {
    return {[this](std::string s) { out += s; }, [this](std::string s) { notes += s; }, [this] { return room; },
            [this] { ++enough; }};
  }
  size_t lines() const { return static_cast<size_t>(std::count(out.begin(), out.end(), '\n')); }
};

class TracerTest : public testing::Test {
 protected:
  TracerTest() : dev_(router_.add_device("v0", DeviceKind::kEthernet, {2, 0, 0, 0, 0, 1}, 1500)) {
    router_.attach_port(dev_, port_);
    router_.set_up(dev_, true);
  }
  // "--filter" as `hookpoint trace` has it, which compiles it for frames.
  static TraceRequest request(std::vector<std::string> words) {
    for (size_t i = 0; i + 1 < words.size(); ++i) {
      if (words[i] != "--filter") continue;
      words[i] = "--frames";
      words[i + 1] = CaptureFilter::compile(words[i + 1], LinkType::kEthernet)->bytecode();
    }
    words.push_back("-q");
    const Result<TraceRequest> r = read_trace_request(words);
    EXPECT_TRUE(r.ok()) << r.error().str();
    return *r;
  }
  Tracer::AskerId add(Asker& a, std::vector<std::string> words) {
    const Result<Tracer::AskerId> id = tracer_.add(request(std::move(words)), a.outlet());
    EXPECT_TRUE(id.ok());
    return *id;
  }
  // A batch of `n` to each of the two ports, one after the other.
  void batch(int n, Time at) {
    std::vector<PacketPtr> packets;
    for (int i = 0; i < n; ++i) {
      packets.push_back(datagram(router_.pool(), 53));
      packets.push_back(datagram(router_.pool(), 54));
    }
    router_.receive(dev_, packets, at);
    tracer_.finish();
  }

  Router router_{RouterOptions{}};
  Device& dev_;
  MemoryPort port_;
  Tracer tracer_{router_};
};

TEST_F(TracerTest, EachAskerHasItsPackets) {
  Asker all, some;
  const auto a = add(all, {});
  const auto s = add(some, {"--filter", "udp port 54"});
  batch(2, kSecond);
  EXPECT_EQ(all.lines(), 4u) << all.out;
  EXPECT_EQ(some.lines(), 2u) << some.out;
  // The packets have one number for both.
  EXPECT_EQ(some.out.substr(0, 9), "packet 2 ") << some.out;
  tracer_.remove(a);
  batch(1, 2 * kSecond);
  EXPECT_EQ(all.lines(), 4u);
  EXPECT_EQ(some.lines(), 3u);
  EXPECT_EQ(all.notes, "hookpoint: trace: 4 packets told\n");
  tracer_.remove(s);
  EXPECT_EQ(some.notes, "hookpoint: trace: 3 packets told\n");
}

TEST_F(TracerTest, TheRestIsNotTraced) {
  Asker a;
  const auto id = add(a, {"--filter", "port 54"});
  PacketPtr p = datagram(router_.pool(), 53);
  router_.begin_trace(*p, &dev_);
  EXPECT_FALSE(p->traced);
  p = datagram(router_.pool(), 54);
  router_.begin_trace(*p, &dev_);
  EXPECT_TRUE(p->traced);
  tracer_.remove(id);
  router_.begin_trace(*p, &dev_);
  EXPECT_FALSE(p->traced);
}

TEST_F(TracerTest, RateIsHeldAndSaid) {
  Asker a;
  const auto id = add(a, {"--rate", "3"});
  batch(5, kSecond);
  EXPECT_EQ(a.lines(), 3u);
  EXPECT_EQ(a.notes, "hookpoint: trace: 7 packets were not told: more than 3 a second (--rate)\n");
  batch(5, kSecond + kSecond / 2);  // the same second: nothing is told, and said later
  EXPECT_EQ(a.lines(), 3u);
  batch(1, 3 * kSecond);
  EXPECT_EQ(a.lines(), 5u);
  tracer_.remove(id);
  EXPECT_TRUE(
      a.notes.ends_with("hookpoint: trace: 17 packets were not told: more than 3 a second (--rate)\n"
                        "hookpoint: trace: 5 packets told\n"))
      << a.notes;
}

TEST_F(TracerTest, ASlowReaderLosesStoriesAndIsTold) {
  Asker slow, other;
  slow.room = false;
  const auto id = add(slow, {});
  add(other, {});
  batch(2, kSecond);
  EXPECT_EQ(slow.out, "");
  EXPECT_EQ(other.lines(), 4u);
  slow.room = true;
  batch(1, 2 * kSecond);
  EXPECT_EQ(slow.lines(), 2u);
  tracer_.remove(id);
  EXPECT_TRUE(
      slow.notes.ends_with("hookpoint: trace: 4 packets were not told: their reader is too slow\n"
                           "hookpoint: trace: 2 packets told\n"))
      << slow.notes;
}

TEST_F(TracerTest, CountEndsIt) {
  Asker a;
  const auto id = add(a, {"--count", "3"});
  batch(5, kSecond);
  EXPECT_EQ(a.lines(), 3u);
  EXPECT_EQ(a.enough, 1);
  tracer_.remove(id);
  EXPECT_EQ(a.notes, "hookpoint: trace: 3 packets told\n");
}

// What a sink that is not detailed is told of packets that are delivered, refused by each kind of lookup, and sent by
// the host without a source; `asked`: while somebody else wants all there is.
std::string told_beside(bool asked) {
  Router router{RouterOptions{}};
  Tracer tracer{router};
  MemoryPort ports[2];
  Device* devices[2];
  for (uint8_t i = 0; i < 2; ++i) {
    devices[i] = &router.add_device(i == 0 ? "v0" : "w0", DeviceKind::kEthernet, {2, 0, 0, 0, 0, 1}, 1500);
    router.attach_port(*devices[i], ports[i]);
    router.set_up(*devices[i], true);
    Address a;
    a.local = a.peer = ip4(10, 0, i, 1);
    a.length = 24;
    a.broadcast = ip4(10, 0, i, 255);
    EXPECT_TRUE(router.routing().add_address(*devices[i], a).ok());
  }
  Route blackhole;
  blackhole.destination = ip4(10, 8, 0, 0);
  blackhole.length = 16;
  blackhole.type = RouteType::kBlackhole;
  blackhole.scope = Route::default_scope(RouteType::kBlackhole, false);
  blackhole.table = kTableMain;
  EXPECT_TRUE(router.routing().add_route(blackhole).ok());
  EXPECT_TRUE(router.sysctl().set("net.ipv4.conf.v0.rp_filter", "1").ok());
  EXPECT_TRUE(router.sysctl().set("net.ipv4.conf.v0.forwarding", "1").ok());

  std::string out;
  trace::Recorder sink({.detailed = false}, [&out](const trace::Story& s) {
    out += s.packet + '\n';
    for (const trace::Step& step : s.steps) out += words::render(step.said, words::Language::kEnglish) + '\n';
  });
  tracer.set_beside(&sink);
  Asker asker;
  if (asked) {
    const auto request = read_trace_request(std::vector<std::string>{"-v"});
    EXPECT_TRUE(tracer.add(*request, asker.outlet()).ok());
  }
  const auto with = [&](Be32 source, Be32 destination) {
    PacketPtr p = datagram(router.pool(), 53);
    auto* ip = reinterpret_cast<Ipv4Header*>(p->data() + 14);
    ip->source = source;
    ip->destination = destination;
    ip_send_check(*ip);
    return p;
  };
  const auto receive = [&](int device, Be32 source, Be32 destination) {
    PacketPtr p = with(source, destination);
    router.receive(*devices[device], {&p, 1}, kSecond);
  };
  receive(0, ip4(10, 0, 0, 2), ip4(10, 0, 0, 1));  // delivered
  receive(0, ip4(10, 0, 0, 2), ip4(10, 9, 0, 1));  // no route
  receive(0, ip4(10, 0, 0, 2), ip4(10, 8, 0, 1));  // a blackhole
  receive(0, ip4(10, 0, 1, 2), ip4(10, 0, 0, 1));  // the way back is another
  receive(0, ip4(10, 9, 0, 2), ip4(10, 0, 0, 1));  // there is none
  receive(1, ip4(10, 0, 1, 2), ip4(10, 0, 0, 2));  // no forwarding
  PacketPtr own = with({}, ip4(10, 0, 1, 2));
  own->pull(14);
  router.send_from_host(std::move(own), kSecond);
  tracer.finish();
  sink.finish();
  if (asked) {
    for (const char* told :
         {"; route ", "no rule leads to a route for 10.9.0.1", "blackhole 10.8.0.0/16", "forwarding is 0",
          "the way back to it is another", "there is no route back to it", "source 10.0.1.1 chosen"}) {
      EXPECT_NE(asker.out.find(told), std::string::npos) << told << '\n' << asker.out;
    }
  }
  tracer.set_beside(nullptr);
  return out;
}

TEST(TracerBeside, WhoIsAlwaysToldGetsTheSameBesideAskers) {
  const std::string alone = told_beside(false);
  EXPECT_EQ(told_beside(true), alone);
  EXPECT_NE(alone.find("10.0.0.2"), std::string::npos);
}

TEST(TraceRequest, WrongWords) {
  const std::vector<std::string> kWrong[] = {{"--rate", "0"},
                                             {"--rate", "x"},
                                             {"--count", "-1"},
                                             {"--count"},
                                             {"--lang", "fr"},
                                             {"--verbose", "loud"},
                                             {"--frob"},
                                             {"word"},
                                             {"--packets", "1,6 0 0 1"},
                                             // An expression may have a name in it, and who forwards resolves none.
                                             {"--filter", "host example.org"}};
  for (const auto& words : kWrong) EXPECT_FALSE(read_trace_request(words).ok()) << words[0];
  Router router{RouterOptions{}};
  Tracer tracer(router);
  Asker a;
  for (const std::vector<std::string>& words : {std::vector<std::string>{"--frames", "host example.org"},
                                                {"--frames", "1,6 0 0 1", "--packets", "udp"},
                                                {"-o", "xml"}}) {
    const Result<TraceRequest> r = read_trace_request(words);
    ASSERT_TRUE(r.ok());
    EXPECT_FALSE(tracer.add(*r, a.outlet()).ok());
  }
}

}  // namespace
}  // namespace nf
