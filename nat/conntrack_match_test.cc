// -m conntrack and -m state on packets of a translated connection, as a 6.18 kernel's rule counters had it. Here and
// not in conntrack's folder, because SNAT and DNAT need nat.
#include "nat/test_net.h"

namespace nf::nat {
namespace {

struct Row {
  const char* match;
  // An x for each of the packets below that matched in FORWARD: new, reply, established, ICMP error about it,
  // INVALID, untracked.
  const char* packets;
};
constexpr Row kRows[] = {
    {"-m conntrack --ctstate NEW", "x....."},
    {"-m conntrack --ctstate ESTABLISHED", ".xx..."},
    {"-m conntrack --ctstate RELATED", "...x.."},
    {"-m conntrack --ctstate INVALID", "....x."},
    {"-m conntrack --ctstate UNTRACKED", ".....x"},
    {"-m conntrack --ctstate SNAT", ".xxx.."},
    {"-m conntrack --ctstate DNAT", "xxxx.."},
    {"-m conntrack ! --ctstate NEW", ".xxxxx"},
    {"-m conntrack ! --ctstate INVALID", "xxxx.x"},
    {"-m conntrack ! --ctstate DNAT,INVALID", ".....x"},
    {"-m conntrack --ctproto udp", "xxxx.."},
    {"-m conntrack ! --ctproto udp", "......"},
    {"-m conntrack --ctstate INVALID --ctproto udp", "....x."},
    {"-m conntrack --ctstate INVALID,NEW --ctproto udp", "x...x."},
    {"-m conntrack --ctorigsrc 10.1.0.2", "xxxx.."},
    {"-m conntrack ! --ctorigsrc 10.1.0.2", "......"},
    {"-m conntrack --ctorigsrc 10.1.0.77/24", "xxxx.."},
    {"-m conntrack --ctorigdst 10.2.0.2", "......"},
    {"-m conntrack --ctorigdst 10.2.0.50", "xxxx.."},
    {"-m conntrack --ctreplsrc 10.2.0.2", "xxxx.."},
    {"-m conntrack --ctrepldst 10.2.0.9", ".xxx.."},
    {"-m conntrack --ctrepldst 10.1.0.2", "x....."},
    {"-m conntrack --ctorigsrcport 4000", "xxxx.."},
    {"-m conntrack --ctorigsrcport 4001:", "......"},
    {"-m conntrack --ctorigdstport 53", "xxxx.."},
    {"-m conntrack --ctreplsrcport 5353", "xxxx.."},
    {"-m conntrack --ctreplsrcport 53", "......"},
    {"-m conntrack --ctrepldstport 4000:4010", "xxxx.."},
    {"-m conntrack ! --ctrepldstport 4000:4010", "......"},
    {"-m conntrack --ctstatus NONE", "......"},
    {"-m conntrack ! --ctstatus NONE", "xxxx.."},
    {"-m conntrack --ctstatus CONFIRMED", ".xxx.."},
    {"-m conntrack --ctstatus SEEN_REPLY", ".xxx.."},
    {"-m conntrack --ctstatus ASSURED,SEEN_REPLY", ".xxx.."},
    {"-m conntrack ! --ctstatus SEEN_REPLY", "x....."},
    {"-m conntrack --ctexpire 0", "x....."},
    {"-m conntrack --ctexpire 1:30", ".xxx.."},
    {"-m conntrack ! --ctexpire 0", ".xxx.."},
    {"-m conntrack --ctdir ORIGINAL", "x.x..."},
    {"-m conntrack --ctdir REPLY", ".x.x.."},
    {"-m conntrack --ctstate ESTABLISHED --ctdir REPLY", ".x...."},
    {"-m conntrack ! --ctproto tcp --ctdir ORIGINAL", "x.x..."},
    {"-m state --state INVALID,UNTRACKED", "....xx"},
    {"-m state ! --state NEW", ".xxxxx"},
};

// The rule counters of FORWARD, in order.
std::vector<uint64_t> counters(const TestNet& net) {
  std::vector<uint64_t> n;
  const std::string saved = net.iptables.save({.counters = true, .table = ipt::TableId::kFilter, .comments = false});
  for (const std::string_view line : split(saved, '\n')) {
    const size_t rule = line.find("] -A FORWARD");
    if (rule != std::string_view::npos) n.push_back(*parse_number(line.substr(1, line.find(':') - 1)));
  }
  return n;
}

TEST(ConntrackMatch, MatchesWhatTheKernelMatches) {
  TestNet net;
  std::string filter = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n";
  for (const Row& row : kRows) filter += std::string("-A FORWARD ") + row.match + "\n";
  net.nat_rules(
      "-A PREROUTING -d 10.2.0.50/32 -p udp -j DNAT --to-destination 10.2.0.2:5353\n"
      "-A POSTROUTING -o right -p udp -j SNAT --to-source 10.2.0.9\n");
  net.load(
      "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A PREROUTING -s 10.1.0.3/32 -j CT --notrack\nCOMMIT\n");
  net.load(filter + "COMMIT\n");
  ASSERT_TRUE(net.stack.sysctl_.set("net.netfilter.nf_conntrack_tcp_loose", "0").ok());

  const Be32 client = ip4(10, 1, 0, 2), server = ip4(10, 2, 0, 2), service = ip4(10, 2, 0, 50);
  const Bytes request = TestNet::udp_bytes({client, service, 4000, 53});
  const PacketPtr translated = net.forward(request, net.left);
  ASSERT_NE(translated, nullptr);
  Bytes error = TestNet::ip_bytes({server, ip4(10, 2, 0, 9), 0, 0}, kProtoIcmp, 8 + translated->length());
  std::copy_n(translated->data(), translated->length(), error.begin() + 28);
  IcmpHeader& icmp = *view<IcmpHeader>(std::span<uint8_t>(error), 20);
  icmp.type = icmp.code = 3;
  icmp.checksum = checksum_finish(checksum_add(std::span<const uint8_t>(error).subspan(20)));

  std::vector<std::string> got(std::size(kRows));
  std::vector<uint64_t> before(std::size(kRows), 0);
  const auto note = [&] {
    const std::vector<uint64_t> now = counters(net);
    ASSERT_EQ(now.size(), std::size(kRows));
    for (size_t i = 0; i < now.size(); ++i) got[i] += now[i] > before[i] ? 'x' : '.';
    before = now;
  };
  note();
  // A little later, as in the recording: whole seconds are left of the timeouts, not all of them.
  net.stack.now_ += kMillisecond;
  const std::pair<Bytes, const Device*> kLater[] = {
      {TestNet::udp_bytes({server, ip4(10, 2, 0, 9), 5353, 4000}), net.right},
      {request, net.left},
      {error, net.right},
      {TestNet::tcp_bytes({client, server, 4000, 80}, kTcpAck, 1, 1), net.left},
      {TestNet::udp_bytes({ip4(10, 1, 0, 3), server, 4000, 53}), net.left},
  };
  for (const auto& [bytes, in] : kLater) {
    ASSERT_NE(net.forward(bytes, in), nullptr) << drop_reason_name(net.reason);
    note();
  }
  for (size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i], kRows[i].packets) << kRows[i].match;
}

}  // namespace
}  // namespace nf::nat
