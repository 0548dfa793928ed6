// A tunable counts from the next packet on, whatever the connection met before. (Of acct, timestamp and events, which
// count for connections begun later, netns-tests/scenarios asks the kernel.)
#include <string>

#include "conntrack/test_support.h"

namespace nf::ct {
namespace {

using namespace test;

Bytes segment(bool from_a, const TcpFields& f) {
  return from_a ? tcp_packet(kHostA, 4000, kHostB, 80, f) : tcp_packet(kHostB, 80, kHostA, 4000, f);
}
Bytes gre(bool from_a) {
  return from_a ? ip_packet(kHostA, kHostB, 47, Bytes{0, 0, 8, 0}) : ip_packet(kHostB, kHostA, 47, Bytes{0, 0, 8, 0});
}

// Seconds left of the only entry, rounded up.
int64_t seconds_left(World& w) {
  int64_t left = -1;
  int entries = 0;
  w.ct.for_each([&](Connection& c) {
    left = (c.expires - w.stack.now_ + kSecond - 1) / kSecond;
    ++entries;
  });
  EXPECT_EQ(entries, 1);
  return left;
}

struct Row {
  const char* name;  // behind nf_conntrack_
  // Packets that lead up to the one that is given the timeout, which is the last.
  std::vector<Bytes> packets;
  Duration pause = 0;  // before the last
};

TEST(SettingsLive, TimeoutsCountFromTheNextPacket) {
  const std::vector<Bytes> open{syn(), syn_ack(), ack()};
  const Bytes fin_a = segment(true, {.flags = "FA", .seq = 1001, .ack = 5001});
  const Bytes ack_b = segment(false, {.flags = "A", .seq = 5001, .ack = 1002});
  const Bytes fin_b = segment(false, {.flags = "FA", .seq = 5001, .ack = 1002});
  const Bytes last = segment(true, {.flags = "A", .seq = 1002, .ack = 5002});
  const auto opened = [&](std::initializer_list<Bytes> more) {
    std::vector<Bytes> all = open;
    all.insert(all.end(), more);
    return all;
  };
  const Bytes echo = icmp_packet(kHostA, kHostB, 8, 7), other = ip_packet(kHostA, kHostB, 99, Bytes(8));
  const Row rows[] = {
      {"tcp_timeout_syn_sent", {syn()}},
      {"tcp_timeout_syn_recv", {syn(), syn_ack()}},
      {"tcp_timeout_established", open},
      {"tcp_timeout_established", opened({ack()}), 7 * kSecond},
      {"tcp_timeout_fin_wait", opened({fin_a})},
      {"tcp_timeout_close_wait", opened({fin_a, ack_b})},
      {"tcp_timeout_last_ack", opened({fin_a, ack_b, fin_b})},
      {"tcp_timeout_time_wait", opened({fin_a, ack_b, fin_b, last})},
      {"tcp_timeout_close", opened({segment(true, {.flags = "R", .seq = 1001})})},
      {"tcp_timeout_unacknowledged", opened({segment(true, {.flags = "PA", .seq = 1001, .ack = 5001, .length = 10})})},
      // The handshake's ACK, and three times the same.
      {"tcp_timeout_max_retrans", opened({ack(), ack(), ack()})},
      {"udp_timeout", {ask()}},
      {"udp_timeout", {ask(), answer()}},
      {"udp_timeout_stream", {ask(), answer(), ask()}, 3 * kSecond},
      {"icmp_timeout", {echo}},
      {"icmp_timeout", {echo, echo}, 9 * kSecond},
      {"generic_timeout", {other, other}, 9 * kSecond},
      {"gre_timeout", {gre(true)}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(std::string(row.name) + ", packet " + std::to_string(row.packets.size()));
    World usual, w;
    for (size_t i = 0; i < row.packets.size(); ++i) {
      if (i + 1 == row.packets.size()) {
        usual.advance(row.pause);
        w.advance(row.pause);
        const int64_t before = i == 0 ? 0 : seconds_left(w);
        w.set(row.name, "77");
        if (i != 0) {
          EXPECT_EQ(seconds_left(w), before) << "not before its next packet";
        }
      }
      ASSERT_TRUE(usual.pass(row.packets[i]));
      ASSERT_TRUE(w.pass(row.packets[i]));
    }
    EXPECT_NE(seconds_left(usual), 77);
    EXPECT_EQ(seconds_left(w), 77);
    // And back, from one packet to the next, where that one refreshes.
    w.set(row.name, "1000000");
    EXPECT_EQ(seconds_left(w), 77);
  }
}

// twin: nf_conntrack_gre_packet: a GRE connection keeps what it began with.
TEST(SettingsLive, GreKeepsItsTimeouts) {
  World w;
  ASSERT_TRUE(w.pass(gre(true)));
  w.set("gre_timeout", "77");
  w.set("gre_timeout_stream", "88");
  ASSERT_TRUE(w.pass(gre(true)));
  EXPECT_EQ(seconds_left(w), 30);
  ASSERT_TRUE(w.pass(gre(false)));
  ASSERT_TRUE(w.pass(gre(true)));
  EXPECT_EQ(seconds_left(w), 180);
  w.ct.flush(w.stack.now_);
  ASSERT_TRUE(w.pass(gre(true)));
  EXPECT_EQ(seconds_left(w), 77);
  ASSERT_TRUE(w.pass(gre(false)));
  ASSERT_TRUE(w.pass(gre(true)));
  EXPECT_EQ(seconds_left(w), 88);
}

TEST(SettingsLive, HowManyRepetitions) {
  World w;
  establish(w, 4000);
  w.set("tcp_max_retrans", "1");
  ASSERT_TRUE(w.pass(ack()));
  EXPECT_EQ(seconds_left(w), 300);
  w.set("tcp_max_retrans", "3");
  ASSERT_TRUE(w.pass(ack()));
  EXPECT_EQ(seconds_left(w), 432000);
}

// Lowered below what is there, nobody is thrown out and nobody let in; raised, one more at once.
TEST(SettingsLive, Max) {
  World w;
  for (uint16_t port = 1; port <= 20; ++port) establish(w, port);
  w.set("max", "5");
  EXPECT_FALSE(w.pass(ask(30)));
  EXPECT_TRUE(w.pass(ack(20)));
  EXPECT_EQ(w.ct.count(), 20u);
  w.set("max", "21");
  EXPECT_TRUE(w.pass(ask(30)));
  EXPECT_EQ(w.ct.stats().early_drop, 0u);
  // Another one is let in for the one without an answer, as soon as the table is so small that it is met.
  w.set("buckets", "8");
  EXPECT_TRUE(w.pass(ask(31)));
  EXPECT_EQ(w.ct.stats().early_drop, 1u);
  EXPECT_EQ(w.ct.count(), 21u);
}

}  // namespace
}  // namespace nf::ct
