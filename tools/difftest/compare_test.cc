#include "tools/difftest/compare.h"

#include <gtest/gtest.h>

#include "datapath/base/text.h"
#include "datapath/packet/checksum.h"
#include "tools/difftest/known_keys.h"
#include "tools/difftest/port_follower.h"

namespace nf::difftest {
namespace {

TEST(CompareTest, LinesMayDifferByASecond) {
  static constexpr struct {
    const char *kernel, *engine;
    bool same;
  } kCases[] = {
      {"tcp      6 119 SYN_SENT src=10.0.0.1", "tcp 6 120 SYN_SENT src=10.0.0.1", true},
      {"tcp      6 118 SYN_SENT src=10.0.0.1", "tcp 6 120 SYN_SENT src=10.0.0.1", false},
      {"tcp 6 120 SYN_SENT src=10.0.0.1", "tcp 6 120 SYN_RECV src=10.0.0.1", false},
      {"    [NEW] udp      17 30 src=10.0.0.1", "[NEW] udp 17 29 src=10.0.0.1", true},
      {"[NEW] udp 17 30 src=10.0.0.1", "[UPDATE] udp 17 30 src=10.0.0.1", false},
      {"udp 17 30 src=10.0.0.1 use=1", "udp 17 30 src=10.0.0.1 use=2", true},
      {"udp 17 30 src=10.0.0.1 mark=1", "udp 17 30 src=10.0.0.1 mark=2", false},
      {"udp 17 30 src=10.0.0.1 delta-time=7", "udp 17 30 src=10.0.0.1 delta-time=8", true},
      {"udp 17 30 src=10.0.0.1 delta-time=7", "udp 17 30 src=10.0.0.1 delta-time=9", false},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.kernel);
    EXPECT_EQ(same_line(c.kernel, c.engine), c.same);
    EXPECT_EQ(!compare_entries({c.kernel}, {c.engine}), c.same);
    EXPECT_EQ(!compare_events({c.kernel}, {c.engine}), c.same);
  }
  EXPECT_FALSE(compare_entries({"udp 17 9 a", "tcp 6 10 b"}, {"tcp 6 9 b", "udp 17 10 a"}));
  EXPECT_TRUE(compare_events({"udp 17 9 a", "tcp 6 10 b"}, {"tcp 6 9 b", "udp 17 10 a"}));
}

TEST(CompareTest, CountersTellOnlyWhatDiffers) {
  const std::vector<RuleCounter> kernel{{"filter", "INPUT", 0, 1, 40}, {"filter", "INPUT", 1, 2, 80}};
  std::vector<RuleCounter> engine{kernel[1], kernel[0]};
  EXPECT_FALSE(compare_counters(kernel, engine));
  engine[0].bytes = 81;
  const auto differ = compare_counters(kernel, engine);
  ASSERT_TRUE(differ);
  EXPECT_EQ(differ->first, "filter:INPUT:1 2 80\n");
  EXPECT_EQ(differ->second, "filter:INPUT:1 2 81\n");
}

// An echo reply of 10.0.0.2, in an Ethernet frame.
Emitted echo_reply(uint16_t id) {
  Emitted out{0, std::vector<uint8_t>(14 + 20 + 8, 0)};
  out.bytes[12] = 0x08;
  auto& ip = *reinterpret_cast<Ipv4Header*>(out.bytes.data() + 14);
  ip.version_ihl = 0x45;
  ip.total_length = be16(28);
  ip.id = be16(id);
  ip.ttl = 64;
  ip.protocol = kProtoIcmp;
  ip.source = ip4(10, 0, 0, 2);
  ip.destination = ip4(10, 0, 0, 1);
  ip_send_check(ip);
  return out;
}

TEST(CompareTest, IpIdOfTheHostIsExcusedAndNothingElse) {
  const Emitted request = [] {
    Emitted e = echo_reply(1);
    e.bytes[14 + 20] = kIcmpEcho;
    return e;
  }();
  const auto compare = [](Emitted a, Emitted b, std::span<const uint8_t> cause, Excuses& excuses) {
    std::vector<Emitted> kernel{std::move(a)}, engine{std::move(b)};
    return same_emitted(kernel, engine, cause, excuses);
  };
  const std::span<const uint8_t> cause = ip_of_frame(request.bytes);
  Excuses excuses;
  EXPECT_TRUE(compare(echo_reply(7), echo_reply(7), cause, excuses));
  EXPECT_TRUE(excuses.empty());
  EXPECT_TRUE(compare(echo_reply(7), echo_reply(9), cause, excuses));
  EXPECT_EQ(excuses["ip-id"], 1u);

  Emitted wrong_sum = echo_reply(9);
  wrong_sum.bytes[14 + 10] ^= 1;
  EXPECT_FALSE(compare(echo_reply(7), wrong_sum, cause, excuses));
  Emitted other_payload = echo_reply(9);
  other_payload.bytes.back() ^= 1;
  EXPECT_FALSE(compare(echo_reply(7), other_payload, cause, excuses));
  // An echo reply because of an echo reply was passed on: its id is its own.
  const Emitted passed = echo_reply(7);
  EXPECT_FALSE(compare(echo_reply(7), echo_reply(9), ip_of_frame(passed.bytes), excuses));
  EXPECT_FALSE(compare(echo_reply(7), Emitted{1, echo_reply(7).bytes}, cause, excuses));
  EXPECT_EQ(excuses["ip-id"], 1u);
}

TEST(PortFollowerTest, FollowsAndChecksMembership) {
  ct::Connection c;
  c.tuple[0].protocol = kProtoUdp;
  c.tuple[0].source = ip4(10, 1, 0, 2);
  c.tuple[0].destination = ip4(10, 2, 0, 9);
  c.tuple[0].source_id = be16(5000);
  c.tuple[0].destination_id = be16(53);
  std::optional<ct::Tuple> reply = c.tuple[0];
  reply->destination_id = be16(30000);
  PortFollower follower([&](const ct::Tuple&) { return reply; });
  EXPECT_EQ(1024 + follower.start(c, ManipType::kSource, 1024, 64512), 30000);
  EXPECT_EQ(follower.followed(), 1u);
  EXPECT_FALSE(follower.outside());
  follower.start(c, ManipType::kSource, 1024, 100);
  EXPECT_TRUE(follower.outside());

  // Gone again, but its event tells; without one a port that came out was seen by somebody.
  reply.reset();
  PortFollower late([&](const ct::Tuple&) { return reply; });
  const std::vector<std::string> events{
      "    [NEW] udp      17 30 src=10.1.0.2 dst=10.2.0.9 sport=5000 dport=53 [UNREPLIED] src=10.2.0.9 dst=10.2.0.1 "
      "sport=53 dport=31000"};
  late.set_packet(events, true);
  EXPECT_EQ(1024 + late.start(c, ManipType::kSource, 1024, 64512), 31000);
  EXPECT_FALSE(late.unseen());
  const std::vector<std::string> none;
  late.set_packet(none, false);
  late.start(c, ManipType::kSource, 1024, 64512);
  EXPECT_FALSE(late.unseen());
  late.start(c, ManipType::kDestination, 1024, 64512);
  EXPECT_TRUE(late.unseen());
}

// The kernel's expectation that the engine does not have, and that is like the one it looks a port for.
TEST(PortFollower, FollowsAHelpersSearch) {
  const auto line = [](int port, const char* master) {
    return strf(
        "299 proto=6 src=10.2.0.9 dst=10.2.0.1 sport=0 dport=%d mask-src=255.255.255.255 "
        "mask-dst=255.255.255.255 sport=0 dport=65535 master-src=%s master-dst=10.2.0.9 sport=40000 dport=21 "
        "class=0",
        port, master);
  };
  ct::Connection master;
  master.tuple[0].protocol = kProtoTcp;
  master.tuple[0].source = ip4(10, 1, 0, 3);
  master.tuple[0].destination = ip4(10, 2, 0, 9);
  master.tuple[0].source_id = be16(40000);
  master.tuple[0].destination_id = be16(21);
  const Be32 source = ip4(10, 2, 0, 9);
  const ct::Expectation e =
      ct::Expectations::make(master, 0, &source, ip4(10, 2, 0, 1), kProtoTcp, nullptr, be16(40001));
  std::vector<std::string> kernel = {line(40001, "10.1.0.2"), line(50000, "10.1.0.3"), line(50007, "10.1.0.3")};
  const std::vector<std::string> engine = {line(40001, "10.1.0.2"), line(50000, "10.1.0.3")};
  PortFollower follower([](const ct::Tuple&) { return std::nullopt; }, [&] { return kernel; }, [&] { return engine; });
  EXPECT_EQ(40001 + follower.offset(e, 40001, 25534), 50007u);
  EXPECT_EQ(follower.followed(), 1u);
  EXPECT_FALSE(follower.unseen());
  kernel.pop_back();
  follower.offset(e, 40001, 25534);
  EXPECT_TRUE(follower.unseen());
}

TEST(KnownKeysTest, OneTableOfTheFile) {
  const auto keys = parse_known_keys(
      "## Scenarios\n| scenario | reason |\n|---|---|\n| a.scn | x |\n## Certify\n| key | reason |\n|---|---|\n| k | r "
      "|\n",
      "f");
  ASSERT_TRUE(keys.ok());
  EXPECT_EQ(*keys, (KnownKeys{{"k", "r"}}));
  EXPECT_EQ(parse_known_keys("## Certify\n| k | |\n", "f").error().str(), "f:2: a key needs a reason");
  EXPECT_FALSE(parse_known_keys("## Certify\n| k | r |\n| k | s |\n", "f").ok());
  EXPECT_FALSE(parse_known_keys("nothing\n", "f").ok());
}

}  // namespace
}  // namespace nf::difftest
