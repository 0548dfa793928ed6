// What a generated lab promises: the same for the same seed, everything the engine knows in it sooner or later, taken
// by the engine without an error, and stations that are where they say. That the real programs take the labs too is
// lab_check.sh's.
#include "tools/difftest/lab/lab_generator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "datapath/base/text.h"
#include "datapath/packet/testing.h"
#include "datapath/port/memory_port.h"
#include "tools/gateway/gateway.h"

namespace nf::difftest {
namespace {

GeneratedLab lab_of(uint64_t seed) {
  Random random(seed);
  return generate_lab(random);
}

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + '\n';
  return out;
}

std::string all_text(const GeneratedLab& lab) {
  return joined(lab.network) + joined(lab.sysctl) + joined(lab.timeouts) + joined(lab.rules);
}

// The whole word: bounded by blanks, line ends, or what stands around a value.
bool has_word(const std::string& text, std::string_view word) {
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    const char before = at == 0 ? '\n' : text[at - 1];
    const char after = at + word.size() == text.size() ? '\n' : text[at + word.size()];
    const auto bound = [](char c) { return c == ' ' || c == '\n' || c == '.' || c == ',' || c == ':'; };
    if (bound(before) && bound(after)) return true;
  }
  return false;
}

TEST(LabGenerator, SameSeedSameLab) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    const GeneratedLab a = lab_of(seed), b = lab_of(seed), other = lab_of(seed + 1000);
    EXPECT_EQ(all_text(a), all_text(b));
    EXPECT_EQ(a.service_ports, b.service_ports);
    EXPECT_EQ(a.process_ports, b.process_ports);
    EXPECT_NE(all_text(a), all_text(other));
  }
}

// Every option of every extension (but those lab_left_out() names), every table, and every kind of line.
constexpr std::string_view kWords[] = {
    "*raw", "*mangle", "*nat", "*filter", "*security",
    // generic
    "-s", "-d", "-i", "-o", "-p", "-f", "-j", "-g", "! -s", "! -d", "! -i", "! -o", "! -p", "! -f", "RETURN", "ACCEPT",
    "DROP", "eth+", "lo",
    // tcp, udp, icmp
    "-m tcp", "-m udp", "-m icmp", "--dport", "! --dport", "--sport", "! --sport", "--source-port",
    "--destination-port", "--syn", "! --syn", "--tcp-flags", "! --tcp-flags", "--tcp-option", "! --tcp-option",
    "--icmp-type", "! --icmp-type",
    // matches
    "--src-type", "! --src-type", "--dst-type", "! --dst-type", "--limit-iface-in", "--limit-iface-out", "--comment",
    "--dscp", "! --dscp", "--dscp-class", "--ecn-tcp-cwr", "--ecn-tcp-ece", "--ecn-ip-ect", "! --ecn-ip-ect",
    "--length", "! --length", "--limit", "--limit-burst", "--mac-source", "! --mac-source", "--mark", "! --mark",
    "--dports", "! --dports", "--sports", "--ports", "--destination-ports", "--source-ports", "--pkt-type",
    "! --pkt-type", "--tos", "! --tos", "--ttl-eq", "! --ttl-eq", "--ttl-lt", "--ttl-gt", "--ttl", "--state",
    "! --state", "--ctstate", "! --ctstate", "--ctproto", "! --ctproto", "--ctorigsrc", "! --ctorigsrc", "--ctorigdst",
    "--ctreplsrc", "--ctrepldst", "--ctorigsrcport", "--ctorigdstport", "--ctreplsrcport", "--ctrepldstport",
    "! --ctrepldstport", "--ctstatus", "! --ctstatus", "--ctexpire", "! --ctexpire", "--ctdir",
    // targets
    "LOG", "--log-level", "--log-prefix", "--log-tcp-sequence", "--log-tcp-options", "--log-ip-options", "--log-uid",
    "--log-macdecode", "MARK", "--set-xmark", "--set-mark", "--and-mark", "--or-mark", "--xor-mark", "DSCP",
    "--set-dscp", "--set-dscp-class", "TOS", "--set-tos", "--and-tos", "--or-tos", "--xor-tos", "TTL", "--ttl-set",
    "--ttl-dec", "--ttl-inc", "ECN", "--ecn-tcp-remove", "--ecn-tcp-cwr 1", "--ecn-tcp-ece 0", "REJECT",
    "icmp-net-unreachable", "icmp-host-unreachable", "icmp-proto-unreachable", "icmp-port-unreachable",
    "icmp-net-prohibited", "icmp-host-prohibited", "icmp-admin-prohibited", "tcp-reset", "CT", "--notrack", "NOTRACK",
    "--zone", "--zone-orig", "--zone-reply", "--zone mark", "--zone-orig mark", "--zone-reply mark", "--ctevents",
    "--expevents", "CONNMARK", "--save-mark", "--restore-mark", "--nfmask", "--ctmask", "--mask", "--left-shift-mark",
    "--right-shift-mark", "-m connmark", "-m connlabel", "--label", "--set", "-m connbytes", "! --connbytes",
    "--connbytes-mode", "--connbytes-dir", "--timeout ptcp", "--timeout pudp", "--timeout icm", "--timeout gen",
    "nfct add timeout", "SNAT", "--to-source", "--random", "--random-fully", "--persistent", "MASQUERADE", "--to-ports",
    "--to-port", "--to", "DNAT", "--to-destination", "--to-dest", "REDIRECT", "NETMAP", "127.0.0.1",
    // network
    "bridge", "bridge_slave", "hairpin", "isolated", "mtu", "brd", "peer", "onlink", "blackhole", "unreachable",
    "prohibit", "throw", "src", "metric", "table 100", "scope link", "local 10.241.0.0/24", "from", "not from", "to",
    "iif", "tos", "fwmark", "lladdr", "dev lo", "rule del pref 0",
    // sysctl
    "ip_forward = 0", "rp_filter = 1", "rp_filter = 2", "accept_local", "route_localnet", "send_redirects",
    "accept_source_route", "bridge-nf-call-iptables = 0", "bridge-nf-call-iptables = 1", "nf_conntrack_acct",
    "nf_conntrack_timestamp", "nf_conntrack_checksum", "nf_conntrack_events", "nf_conntrack_tcp_loose",
    "nf_conntrack_tcp_be_liberal", "nf_conntrack_tcp_ignore_invalid_rst", "nf_conntrack_tcp_max_retrans",
    "nf_conntrack_tcp_timeout_established", "nf_conntrack_udp_timeout", "nf_conntrack_icmp_timeout", "ip_default_ttl",
    "icmp_ratemask = 0", "ipfrag_max_dist"};

TEST(LabGenerator, EveryWordAppears) {
  std::set<std::string_view> missing(std::begin(kWords), std::end(kWords));
  for (uint64_t seed = 1; seed <= 600 && !missing.empty(); ++seed) {
    const std::string text = all_text(lab_of(seed));
    std::erase_if(missing, [&](std::string_view word) { return has_word(text, word); });
  }
  for (const std::string_view word : missing) ADD_FAILURE() << "in none of 600 labs: " << word;
}

TEST(LabGenerator, WhatIsLeftOutIsLeftOut) {
  constexpr std::string_view kNever[] = {"nexthop",    "statistic",    "proxy_arp",
                                         "arp_accept", "log_martians", "accept_redirects = 1"};
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    const std::string text = all_text(lab_of(seed));
    for (const std::string_view word : kNever) EXPECT_EQ(text.find(word), std::string::npos) << seed << ": " << word;
  }
}

// The next packet over the limit is more than ten minutes away. Arithmetic of xt_limit.c at HZ 250: a packet costs
// period * 32000 credits a second, all in 32 bits.
TEST(LabGenerator, LimitsDoNotRefillWhileACaseRuns) {
  const std::map<std::string, uint32_t> kUnits = {{"hour", 3600}, {"h", 3600}, {"day", 86400}};
  int seen = 0;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    for (const std::string& line : lab_of(seed).rules) {
      if (line.find("-m limit ") == std::string::npos) continue;
      uint32_t rate = 3, seconds = 3600, burst = 5;  // iptables' defaults
      const std::vector<std::string_view> words = split_words(line);
      for (size_t i = 0; i + 1 < words.size(); ++i) {
        if (words[i] == "--limit") {
          const size_t slash = words[i + 1].find('/');
          rate = static_cast<uint32_t>(*parse_number(words[i + 1].substr(0, slash)));
          seconds = kUnits.at(std::string(words[i + 1].substr(slash + 1)));
        } else if (words[i] == "--limit-burst") {
          burst = static_cast<uint32_t>(*parse_number(words[i + 1]));
        }
      }
      const uint32_t period = seconds * 10000 / rate;  // 1/10000 s
      const uint32_t cost = period / 10000 * 32000, cap = period * burst / 10000 * 32000;
      ASSERT_GE(cap, cost) << line;
      EXPECT_GT((cost - cap % cost) / 32000, 600u) << line;
      ++seen;
    }
  }
  EXPECT_GT(seen, 50);
}

TEST(LabGenerator, NothingDropsWithoutACondition) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    for (const std::string& line : lab_of(seed).rules) {
      const size_t target = std::min(line.find(" -j DROP"), line.find(" -j REJECT"));
      if (target == std::string::npos) continue;
      EXPECT_NE(line.find(" -", 3), target) << seed << ": " << line;
    }
  }
}

class GeneratedGateway {
 public:
  // `rules`: with the lab's rules.
  GeneratedGateway(uint64_t seed, const GeneratedLab& generated, bool rules)
      : gateway_(GatewayOptions{.seed = seed, .assume_neighbours = true, .conntrack_buckets = 64}) {
    const std::string name = "seed " + std::to_string(seed);
    lab::Lab lab;
    lab.network_file = name + " network";
    lab.sysctl_file = name + " sysctl.conf";
    lab.timeouts_file = name + " timeouts";
    lab.rules_file = name + " rules.v4";
    Result<std::vector<lab::NetworkLine>> network = lab::parse_network(joined(generated.network), lab.network_file);
    Result<std::vector<lab::SysctlSetting>> sysctl = lab::parse_sysctl_conf(joined(generated.sysctl), lab.sysctl_file);
    Result<std::vector<lab::TimeoutLine>> timeouts = lab::parse_timeouts(joined(generated.timeouts), lab.timeouts_file);
    if (!network || !sysctl || !timeouts) {
      ADD_FAILURE() << "a line cannot be read";
      return;
    }
    lab.timeouts = std::move(*timeouts);
    lab.network = std::move(*network);
    lab.sysctl = std::move(*sysctl);
    if (rules) lab.rules = joined(generated.rules);
    const Status s = gateway_.configure(lab, [](std::string_view, bool) { return std::optional(LinkFacts{}); });
    EXPECT_TRUE(s.ok()) << s.error().str();
  }
  Gateway& operator*() { return gateway_; }
  Gateway* operator->() { return &gateway_; }

 private:
  Gateway gateway_;
};

TEST(LabGenerator, TheEngineTakesEveryLab) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const GeneratedLab lab = lab_of(seed);
    GeneratedGateway gateway(seed, lab, true);
    EXPECT_GE(lab.stations.size(), 2u) << seed;
    EXPECT_FALSE(lab.own_addresses.empty());
    EXPECT_FALSE(lab.service_addresses.empty());
    EXPECT_FALSE(lab.process_ports.empty());
  }
}

// Where no policy rule says otherwise, a station is found behind its wire, directly or by its gateway.
TEST(LabGenerator, StationsAreReachable) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const GeneratedLab lab = lab_of(seed);
    if (joined(lab.network).find("rule add") != std::string::npos) continue;
    GeneratedGateway gateway(seed, lab, false);
    const Routing& routing = gateway->router().routing();
    std::set<uint32_t> addresses;
    for (const Station& station : lab.stations) {
      const std::string what = std::to_string(seed) + ": " + format_ipv4(station.address);
      EXPECT_TRUE(addresses.insert(station.address.host()).second) << what << " twice";
      Dst dst;
      Be32 source;
      FlowKey key;
      key.destination = station.address;
      ASSERT_EQ(routing.route_output(key, dst, source), DropReason::kNone) << what;
      EXPECT_EQ(dst.type, RouteType::kUnicast) << what;
      const Device* wire = gateway->router().device(station.port);
      ASSERT_NE(wire, nullptr) << what;
      EXPECT_EQ(dst.out, wire->master != nullptr ? wire->master : wire) << what;
      EXPECT_EQ(dst.nexthop, station.on_link ? station.address : station.gateway) << what;
    }
    for (const Be32 own : lab.own_addresses)
      EXPECT_EQ(routing.address_type(own, nullptr), RouteType::kLocal) << seed << ": " << format_ipv4(own);
  }
}

// A UDP packet from one station to another, sent to the machine.
std::vector<uint8_t> frame_to(const Device& wire, Be32 source, Be32 destination, uint16_t port) {
  std::vector<uint8_t> frame(sizeof(EthernetHeader) + 20 + 8 + 4);
  std::copy(wire.mac.begin(), wire.mac.end(), frame.begin());
  const std::vector<uint8_t> start = {0x02, 0, 10, 0, 0, 9, 0x08, 0, 0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0};
  std::copy(start.begin(), start.end(), frame.begin() + 6);
  const auto put = [&](size_t at, uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i)
      frame[at + static_cast<size_t>(i)] = static_cast<uint8_t>(value >> 8 * (bytes - 1 - i));
  };
  put(26, source.host(), 4);
  put(30, destination.host(), 4);
  put(34, 40000, 2);
  put(36, port, 2);
  put(38, 12, 2);  // no checksum
  uint32_t sum = 0;
  for (size_t at = 14; at < 34; at += 2) sum += static_cast<uint32_t>(frame[at] << 8 | frame[at + 1]);
  sum = (sum & 0xffff) + (sum >> 16);
  put(24, ~((sum & 0xffff) + (sum >> 16)) & 0xffff, 2);
  return frame;
}

// A ruleset that drops everything compares nothing.
TEST(LabGenerator, MostPacketsGetThrough) {
  int sent = 0, through = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    const GeneratedLab lab = lab_of(seed);
    std::map<std::string, std::unique_ptr<MemoryPort>> ports;
    MemoryHostPort host;
    GeneratedGateway gateway(seed, lab, true);
    Router& router = gateway->router();
    for (const Station& s : lab.stations) {
      auto& port = ports[s.port];
      if (port != nullptr) continue;
      port = std::make_unique<MemoryPort>();
      router.attach_port(*router.device(s.port), *port);
    }
    router.set_host(&host);
    Time now = kSecond;
    const auto send = [&](const Station& from, Be32 to) {
      Device& wire = *router.device(from.port);
      const std::vector<uint8_t> bytes = frame_to(wire, from.address, to, lab.service_ports[0]);
      PacketPtr p = router.pool().allocate(static_cast<uint32_t>(bytes.size()));
      testing_packets::append(*p, bytes);
      now += kMillisecond;
      router.receive(wire, std::span(&p, 1), now);
      const auto is_udp = [](const PacketPtr& q, size_t ip) {
        return q->bytes().size() > ip + 9 && q->bytes()[ip + 9] == 17;
      };
      bool out = false;
      for (auto& [name, port] : ports)
        for (const PacketPtr& q : port->take_sent()) out = out || is_udp(q, sizeof(EthernetHeader));
      out = out || !host.take_delivered().empty();
      ++sent;
      through += out ? 1 : 0;
    };
    for (const Station& from : lab.stations) {
      for (const Station& to : lab.stations)
        if (from.address != to.address) send(from, to.address);
      for (const Be32 own : lab.own_addresses) send(from, own);
    }
  }
  EXPECT_GT(sent, 3000);
  EXPECT_GT(through, sent * 60 / 100) << through << " of " << sent;
}

}  // namespace
}  // namespace nf::difftest
