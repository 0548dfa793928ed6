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
  static TraceRequest request(std::vector<std::string> words) {
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

TEST_F(TracerTest, WhoIsAlwaysToldGetsTheSameBesideAskers) {
  std::string alone, beside;
  const auto sink = [](std::string& out) {
    return trace::Recorder({.detailed = false}, [&out](const trace::Story& s) { out += s.packet + '\n'; });
  };
  trace::Recorder first = sink(alone);
  tracer_.set_beside(&first);
  batch(2, kSecond);
  first.finish();
  trace::Recorder second = sink(beside);
  tracer_.set_beside(&second);
  Asker a;
  add(a, {"--filter", "port 54"});
  batch(2, kSecond);
  second.finish();
  EXPECT_EQ(beside, alone);
  EXPECT_EQ(a.lines(), 2u) << a.out;
  tracer_.set_beside(nullptr);
}

TEST(TraceRequest, WrongWords) {
  const std::vector<std::string> kWrong[] = {{"--rate", "0"},  {"--rate", "x"},       {"--count", "-1"}, {"--count"},
                                             {"--lang", "fr"}, {"--verbose", "loud"}, {"--frob"},        {"word"}};
  for (const auto& words : kWrong) EXPECT_FALSE(read_trace_request(words).ok()) << words[0];
  Router router{RouterOptions{}};
  Tracer tracer(router);
  Asker a;
  for (const std::vector<std::string>& words : {std::vector<std::string>{"--filter", "no such thing"}, {"-o", "xml"}}) {
    const Result<TraceRequest> r = read_trace_request(words);
    ASSERT_TRUE(r.ok());
    EXPECT_FALSE(tracer.add(*r, a.outlet()).ok());
  }
}

}  // namespace
}  // namespace nf
