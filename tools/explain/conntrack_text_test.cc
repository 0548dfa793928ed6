// Pasted tables: what conntrack(8) 1.4.7 and /proc print of one table makes the same connections, translations
// included.
#include "tools/explain/conntrack_text.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "conntrack/text/format.h"

namespace nf::explain {
namespace {

constexpr Time kNow = 1'700'000'000 * kSecond;

// A gateway with a nat table, so that translations can be set up.
struct Machine {
  Machine() {
    const Status s = gateway.iptables().load("*nat\n-A POSTROUTING -o wan -j MASQUERADE\nCOMMIT\n", "rules");
    EXPECT_TRUE(s) << s.error().str();
    gateway.run_timers(kNow);
  }
  Gateway gateway{GatewayOptions{.conntrack_buckets = 1024}};
  std::vector<int> lines;

  std::vector<std::string> load(const std::string& text) {
    const Result<std::vector<TextEntry>> entries = read_conntrack_text(text, "table");
    EXPECT_TRUE(entries) << (entries ? "" : entries.error().str());
    if (!entries) return {};
    const Status s =
        put_entries(gateway, *entries, "table", kNow, [this](uint32_t, int line) { lines.push_back(line); });
    EXPECT_TRUE(s) << s.error().str();
    std::vector<std::string> out;
    gateway.conntrack().for_each([&](ct::Connection& c) { out.push_back(ct::format_entry(c, kNow)); });
    std::sort(out.begin(), out.end());
    return out;
  }
};

const std::vector<std::string> kListed = {
    "icmp     1 29 src=10.0.0.2 dst=8.8.8.8 type=8 code=0 id=77 src=8.8.8.8 dst=10.0.0.2 type=0 code=0 id=77 mark=0 "
    "use=1",
    "tcp      6 431999 ESTABLISHED src=192.168.66.1 dst=192.168.66.100 sport=51000 dport=80 src=172.17.0.2 "
    "dst=192.168.66.1 sport=80 dport=51000 [ASSURED] mark=7 use=1",
    "udp      17 28 src=172.17.0.2 dst=9.9.9.9 sport=5000 dport=53 [UNREPLIED] src=9.9.9.9 dst=192.168.66.100 sport=53 "
    "dport=5000 mark=0 use=1",
};

TEST(ConntrackText, EveryFormOfATableMakesTheSameEntries) {
  const struct {
    const char* form;
    std::string text;
    std::vector<int> lines;
  } cases[] = {
      {"conntrack -L",
       kListed[0] + "\n" + kListed[1] + "\n" + kListed[2] +
           "\nconntrack v1.4.7 (conntrack-tools): 3 flow entries have been shown.\n",
       {1, 2, 3}},
      {"/proc/net/nf_conntrack",
       "ipv4     2 icmp     1 29 src=10.0.0.2 dst=8.8.8.8 type=8 code=0 id=77 src=8.8.8.8 dst=10.0.0.2 type=0 code=0 "
       "id=77 mark=0 zone=0 use=2\n"
       "ipv6     10 udp      17 28 src=fe80::1 dst=fe80::2 sport=1 dport=2 src=fe80::2 dst=fe80::1 sport=2 dport=1 "
       "mark=0 zone=0 use=2\n"
       "ipv4     2 tcp      6 431999 ESTABLISHED src=192.168.66.1 dst=192.168.66.100 sport=51000 dport=80 "
       "src=172.17.0.2 dst=192.168.66.1 sport=80 dport=51000 [ASSURED] mark=7 zone=0 use=2\n"
       "ipv4     2 udp      17 28 src=172.17.0.2 dst=9.9.9.9 sport=5000 dport=53 [UNREPLIED] src=9.9.9.9 "
       "dst=192.168.66.100 sport=53 dport=5000 mark=0 zone=0 use=2\n",
       {1, 3, 4}},
      {"conntrack -L -o save",
       "# a table\n"
       "-A -t 29 -u SEEN_REPLY -s 10.0.0.2 -d 8.8.8.8 -r 8.8.8.8 -q 10.0.0.2 -p icmp --icmp-type 8 --icmp-code 0 "
       "--icmp-id 77\n\n"
       "-A -t 431999 -u SEEN_REPLY,ASSURED -s 192.168.66.1 -d 192.168.66.100 -r 172.17.0.2 -q 192.168.66.1 -p tcp "
       "--sport 51000 --dport 80 --reply-port-src 80 --reply-port-dst 51000 --state ESTABLISHED -m 7\n"
       "conntrack -A -t 28 -u UNSET -s 172.17.0.2 -d 9.9.9.9 -r 9.9.9.9 -q 192.168.66.100 -p udp --sport 5000 "
       "--dport 53 --reply-port-src 53 --reply-port-dst 5000\n",
       {2, 4, 5}},
  };
  for (const auto& c : cases) {
    Machine m;
    EXPECT_EQ(m.load(c.text), kListed) << c.form;
    EXPECT_EQ(m.lines, c.lines) << c.form;
  }
}

// Entries of the flow table, as conntrack(8) and /proc print them: ct_seq_show() leaves out seconds and state then.
TEST(ConntrackText, OffloadedEntriesAreEstablished) {
  const std::string tuples =
      "src=192.168.66.1 dst=192.168.66.100 sport=51000 dport=80 src=172.17.0.2 dst=192.168.66.1 sport=80 dport=51000 ";
  for (const std::string& line : {"tcp      6 " + tuples + "[OFFLOAD] mark=7 use=2\n",
                                  "ipv4     2 tcp      6 " + tuples + "[HW_OFFLOAD] mark=7 zone=0 use=3\n"}) {
    Machine m;
    // nf_conntrack_tcp_timeout_established: five days.
    const std::vector<std::string> expected = {
        "tcp      6 432000 ESTABLISHED src=192.168.66.1 dst=192.168.66.100 sport=51000 dport=80 src=172.17.0.2 "
        "dst=192.168.66.1 sport=80 dport=51000 [ASSURED] mark=7 use=1"};
    EXPECT_EQ(m.load(line), expected) << line;
  }
}

// Without it the next packet of an unanswered connection would be asked for its NAT again.
TEST(ConntrackText, BothHalvesOfTheTranslationAreDecided) {
  Machine m;
  m.load(kListed[0] + "\n" + kListed[1] + "\n" + kListed[2] + "\n");
  int seen = 0;
  m.gateway.conntrack().for_each([&](ct::Connection& c) {
    ++seen;
    EXPECT_TRUE(c.nat_initialized(true));
    EXPECT_TRUE(c.nat_initialized(false));
    const uint32_t nat = c.status & ct::kNatMask;
    const uint32_t expected = c.original().protocol == 6 ? ct::kDstNat : c.original().protocol == 17 ? ct::kSrcNat : 0u;
    EXPECT_EQ(nat, expected);
  });
  EXPECT_EQ(seen, 3);
}

TEST(ConntrackText, WhatIsNoEntryIsRefusedWithItsLine) {
  const struct {
    const char* text;
    const char* said;
  } cases[] = {
      {"hello world\n", "table:1: no connection in any form known"},
      {"\n\nudp 17 x src=1.1.1.1 dst=2.2.2.2\n", "table:3: \"x\" where the seconds left should stand"},
      {"udp 17 20 src=1.1.1.1 dst=2.2.2.2 sport=1 dport=2\n", "table:1: an entry has an original and a reply tuple"},
      {"udp 17 20 src=1.1.1.1 dst=2.2.2.2 sport=1 dport=2 src=2.2.2.2 dst=1.1.1.1 sport=2 dport=1 colour=red\n",
       "table:1: unknown word \"colour=red\""},
      {"-D -s 1.1.1.1 -d 2.2.2.2\n", "table:1: only -A and -I make an entry"},
      {"udp 17 20 src=1.1.1.1 dst=2.2.2.2 sport=1 dport=70000 src=2.2.2.2 dst=1.1.1.1 sport=70000 dport=1\n",
       "table:1: \"dport=70000\" is no port"},
      {"# pasted\nudp 17 20 src=1.1.1.1 dst=2.2.2.2 sport=1 dport=2 src=2.2.2.2 dst=1.1.1.1\n",
       "table:2: the original and the reply tuple do not have the same ports"},
      {"tcp 6 src=1.1.1.1 dst=2.2.2.2 sport=1 dport=2 src=2.2.2.2 dst=1.1.1.1 sport=2 dport=1\n",
       "table:1: \"src=1.1.1.1\" where the seconds left should stand"},
      {"udp 17 20 src=1.1.1.1 dst=2.2.2.2 sport=1 dport=2 src=2.2.2.2 dst=1.1.1.1 sport=2 dport=1 "
       "labels=no-such-label\n",
       "table:1: "},
      {"udp 17 20 src=1.1.1.256 dst=2.2.2.2 sport=1 dport=2 src=2.2.2.2 dst=1.1.1.1 sport=2 dport=1\n", "table:1: "},
  };
  for (const auto& c : cases) {
    const auto r = read_conntrack_text(c.text, "table");
    ASSERT_FALSE(r) << c.text;
    EXPECT_TRUE(r.error().str().starts_with(c.said)) << r.error().str();
  }
  Machine m;
  const std::string twice = kListed[1] + "\n" + kListed[1] + "\n";
  const auto entries = read_conntrack_text(twice, "table");
  ASSERT_TRUE(entries);
  const Status s = put_entries(m.gateway, *entries, "table", kNow, [](uint32_t, int) {});
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().line, 2);
}

}  // namespace
}  // namespace nf::explain
