// A SYN flood from spoofed sources against a gateway with established connections whose traffic goes on, in virtual
// time, over memory ports. Prints what became of it, and checks by arithmetic that
//   * every established connection survives, and every packet of theirs is forwarded;
//   * the count never exceeds nf_conntrack_max, and memory is bounded by it;
//   * every SYN is forwarded or counted as dropped, and every connection that began and is not there any more was
//     evicted, or swept;
//   * the log says "table full, dropping packet" as often as net_ratelimit lets it (10 in 5 s).
//   syn_flood_test [--max N] [--buckets N] [--assured N] [--tuples N] [--rate N]
// --rate: SYNs a second of virtual time. Exit status: 0, 1 a check failed, 2 bad arguments.
#include <cinttypes>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "datapath/base/text.h"
#include "tools/bench/tcp_frame.h"
#include "tools/gateway/gateway.h"
#include "tools/lab/lab.h"

namespace {

using namespace nf;

constexpr char kNetwork[] =
    "link set dev lan up\n"
    "link set dev wan up\n"
    "addr add 10.1.0.1/24 dev lan\n"
    "addr add 198.51.100.1/24 dev wan\n"
    "route add default via 198.51.100.254 dev wan\n"
    "neigh add 10.1.0.2 lladdr 02:00:00:00:00:02 dev lan nud permanent\n"
    "neigh add 198.51.100.254 lladdr 02:00:00:00:00:fe dev wan nud permanent\n";
constexpr char kRules[] =
    "*filter\n"
    ":INPUT ACCEPT [0:0]\n"
    ":FORWARD DROP [0:0]\n"
    ":OUTPUT ACCEPT [0:0]\n"
    "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
    "-A FORWARD -d 10.1.0.2/32 -p tcp -m tcp --dport 80 -j ACCEPT\n"
    "COMMIT\n";
constexpr MacAddress kLanMac{2, 0, 0, 0, 1, 1}, kWanMac{2, 0, 0, 0, 1, 2};
constexpr Be32 kServer = ip4(10, 1, 0, 2);
constexpr uint16_t kServerPort = 80;
constexpr size_t kBatch = 64;

struct Plan {
  uint64_t max = 262144, buckets = 262144, assured = 4000, tuples = 5'000'000, rate = 100'000;
};

// A port that counts what is sent, and nothing else.
class CountingPort final : public Port {
 public:
  size_t receive(PacketPool&, std::vector<PacketPtr>&, size_t) override { return 0; }
  bool send(PacketPtr) override {
    ++sent;
    return true;
  }
  void flush() override {}
  uint64_t sent = 0;
};

struct Client {
  Be32 address;
  uint16_t port;
};
// The flood: every source once.
Client spoofed(uint64_t i) {
  return {be32(ip4(11, 0, 0, 0).host() + static_cast<uint32_t>(i / 16)), static_cast<uint16_t>(1024 + i % 16 * 4000)};
}
Client customer(uint64_t i) {
  return {be32(ip4(203, 0, 113, 1).host() + static_cast<uint32_t>(i / 50000)), static_cast<uint16_t>(2000 + i % 50000)};
}

struct Segment {
  bool from_client;
  uint8_t flags;
  uint32_t sequence, acknowledgment;
};

PacketPtr make_frame(PacketPool& pool, const Client& c, const Segment& s) {
  const Be16 client = be16(c.port), server = be16(kServerPort);
  if (s.from_client)
    return make_tcp_frame(
        pool,
        {kWanMac, {2, 0, 0, 0, 0, 0xfe}, c.address, kServer, client, server, s.sequence, s.acknowledgment, s.flags, 0});
  return make_tcp_frame(
      pool,
      {kLanMac, {2, 0, 0, 0, 0, 2}, kServer, c.address, server, client, s.sequence, s.acknowledgment, s.flags, 0});
}

// What net_ratelimit lets through: ten lines, then silence until more than five seconds after it began.
class RateLimit {
 public:
  // A line is wanted.
  void ask(Time now) {
    if (!began_ || now > begin_ + 5 * kSecond) {
      notices += missed_ != 0;
      began_ = true;
      begin_ = now;
      printed_ = missed_ = 0;
    }
    if (printed_ < 10) {
      ++printed_;
      ++lines;
    } else {
      ++missed_;
    }
  }
  uint64_t lines = 0, notices = 0;  // notices: "N callbacks suppressed"

 private:
  bool began_ = false;
  Time begin_ = 0;
  uint64_t printed_ = 0, missed_ = 0;
};

class Flood {
 public:
  explicit Flood(const Plan& plan)
      : plan_(plan), gateway_({.seed = 1, .conntrack_buckets = static_cast<int64_t>(plan.buckets)}) {}
  ~Flood() { gateway_.router().on_log = {}; }

  bool run() {
    if (!configure()) return false;
    establish();
    size_t memory_when_full = 0;
    timespec begin{}, end{};
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (uint64_t sent = 0; sent < plan_.tuples;) {
      const uint64_t n = std::min<uint64_t>(kBatch, plan_.tuples - sent);
      now_ += static_cast<Time>(n * kSecond / plan_.rate);
      sweep();
      batch_.clear();
      for (uint64_t i = 0; i < n; ++i) add(spoofed(sent + i), {true, kTcpSyn, 1, 0});
      flood(n);
      sent += n;
      talk();
      if (gateway_.conntrack().count() > most_) most_ = gateway_.conntrack().count();
      if (memory_when_full == 0 && most_ == plan_.max) memory_when_full = gateway_.conntrack().memory_bytes();
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    const double seconds =
        static_cast<double>(end.tv_sec - begin.tv_sec) + static_cast<double>(end.tv_nsec - begin.tv_nsec) / 1e9;
    report(seconds);
    check_end(memory_when_full);
    return ok_;
  }

 private:
  void check(bool good, const char* what, uint64_t is, uint64_t should_be) {
    if (good) return;
    std::printf("FAILED: %s: %" PRIu64 ", expected %" PRIu64 "\n", what, is, should_be);
    ok_ = false;
  }
  void check_equal(const char* what, uint64_t is, uint64_t should_be) { check(is == should_be, what, is, should_be); }

  bool configure() {
    lab::Lab lab;
    lab.network = lab::parse_network(kNetwork, "network").take();
    lab.sysctl = lab::parse_sysctl_conf(
                     "net.ipv4.ip_forward = 1\nnet.netfilter.nf_conntrack_max = " + std::to_string(plan_.max) + "\n",
                     "sysctl.conf")
                     .take();
    lab.rules = kRules;
    const Status s = gateway_.configure(lab, [](std::string_view name, bool) {
      return std::optional(LinkFacts{.mac = name == "lan" ? kLanMac : kWanMac});
    });
    if (!s) {
      std::fprintf(stderr, "%s\n", s.error().str().c_str());
      return false;
    }
    Router& router = gateway_.router();
    router.attach_port(*router.device("lan"), lan_);
    router.attach_port(*router.device("wan"), wan_);
    router.on_log = [this](Time, std::string_view line) {
      lines_ += line == "nf_conntrack: nf_conntrack: table full, dropping packet";
      notices_ += line.starts_with("net_ratelimit: ");
    };
    gateway_.conntrack().listen([this](const ct::EventReport& e) {
      began_ += e.kind == ct::EventReport::Kind::kNew;
      ended_ += e.kind == ct::EventReport::Kind::kDestroy;
    });
    next_sweep_ = gateway_.run_timers(now_);
    return true;
  }

  void add(const Client& c, const Segment& s) { batch_.push_back(make_frame(gateway_.router().pool(), c, s)); }
  void receive(const char* device) {
    Router& router = gateway_.router();
    router.receive(*router.device(device), batch_, now_);
    router.flush();
    batch_.clear();
  }

  void establish() {
    for (uint64_t i = 0; i < plan_.assured; ++i) {
      const Client c = customer(i);
      add(c, {true, kTcpSyn, 1000, 0});
      receive("wan");
      add(c, {false, kTcpSyn | kTcpAck, 5000, 1001});
      receive("lan");
      add(c, {true, kTcpAck, 1001, 5001});
      receive("wan");
    }
    check_equal("packets of the handshakes that were forwarded", lan_.sent + wan_.sent, 3 * plan_.assured);
    check_equal("connections established", assured(), plan_.assured);
  }
  uint64_t assured() {
    uint64_t n = 0;
    gateway_.conntrack().for_each([&](ct::Connection& c) { n += (c.status & ct::kAssured) != 0; });
    return n;
  }

  void sweep() {
    if (now_ < next_sweep_) return;
    const uint64_t before = ended_;
    next_sweep_ = std::max(gateway_.run_timers(now_), now_ + kMillisecond);
    swept_ += ended_ - before;
  }

  void flood(uint64_t n) {
    const ct::Stats& stats = gateway_.conntrack().stats();
    const uint64_t drops = stats.drop, forwarded = lan_.sent;
    receive("wan");
    const uint64_t dropped = stats.drop - drops;
    for (uint64_t i = 0; i < dropped; ++i) wanted_.ask(now_);
    dropped_ += dropped;
    check_equal("SYNs forwarded or dropped", lan_.sent - forwarded + dropped, n);
    check(gateway_.conntrack().count() <= plan_.max, "connections", gateway_.conntrack().count(), plan_.max);
  }

  // An acknowledgment each way of the connection whose turn it is.
  void talk() {
    if (plan_.assured == 0) return;
    const Client c = customer(turn_++ % plan_.assured);
    const uint64_t lan = lan_.sent, wan = wan_.sent;
    add(c, {true, kTcpAck, 1001, 5001});
    receive("wan");
    add(c, {false, kTcpAck, 5001, 1001});
    receive("lan");
    check_equal("packets of an established connection that were forwarded", lan_.sent - lan + wan_.sent - wan, 2);
    talked_ += 2;
  }

  void report(double seconds) {
    const ct::Stats& stats = gateway_.conntrack().stats();
    std::printf("max %" PRIu64 ", buckets %" PRIu64 ": %" PRIu64 " SYNs in %.1f s (%.0f s of virtual time): %" PRIu64
                " dropped, %" PRIu64 " evicted, %" PRIu64 " swept, at most %zu connections, %zu bytes; %" PRIu64
                " log lines; %" PRIu64 " packets of %" PRIu64 " established connections\n",
                plan_.max, plan_.buckets, plan_.tuples, seconds,
                static_cast<double>(plan_.tuples) / static_cast<double>(plan_.rate), dropped_, stats.early_drop, swept_,
                most_, gateway_.conntrack().memory_bytes(), lines_, talked_, plan_.assured);
  }

  void check_end(size_t memory_when_full) {
    const ct::Stats& stats = gateway_.conntrack().stats();
    check_equal("established connections left", assured(), plan_.assured);
    check_equal("connections begun", began_, plan_.assured + plan_.tuples - dropped_);
    check_equal("connections ended", ended_, stats.early_drop + swept_);
    check_equal("connections left", gateway_.conntrack().count(), began_ - ended_);
    check_equal("drops counted", stats.drop, dropped_);
    check_equal("failed insertions", stats.insert_failed, 0);
    check_equal("lines of a full table", lines_, wanted_.lines);
    check_equal("lines of suppressed ones", notices_, wanted_.notices);
    if (plan_.tuples + plan_.assured >= plan_.max) check_equal("the most connections", most_, plan_.max);
    // A connection, its free handle, its two entries: 1.5 of them in a line of 64 bytes, of which there are at most
    // twice as many as needed, and few overflow. Then the last slab.
    const uint64_t each = sizeof(ct::Connection) + 8 + 2 * 64 * 2 * 2 / 3 + 32;
    const uint64_t bound = plan_.max * each + (uint64_t{4} << 20);
    const size_t memory = gateway_.conntrack().memory_bytes();
    check(memory <= bound, "bytes of memory", memory, bound);
    // Turnover costs nothing but an overflow line here and there.
    check(memory <= memory_when_full + memory_when_full / 50 + (size_t{1} << 20), "bytes of memory after the flood",
          memory, memory_when_full);
  }

  const Plan plan_;
  CountingPort lan_, wan_;
  Gateway gateway_;
  std::vector<PacketPtr> batch_;
  Time now_ = 1'700'000'000 * kSecond, next_sweep_ = 0;
  uint64_t began_ = 0, ended_ = 0, swept_ = 0, dropped_ = 0, turn_ = 0, talked_ = 0;
  uint64_t lines_ = 0, notices_ = 0;
  RateLimit wanted_;
  size_t most_ = 0;
  bool ok_ = true;
};

}  // namespace

int main(int argc, char** argv) {
  Plan plan;
  for (int i = 1; i < argc; i += 2) {
    const std::string_view name = argv[i];
    uint64_t* value = name == "--max"       ? &plan.max
                      : name == "--buckets" ? &plan.buckets
                      : name == "--assured" ? &plan.assured
                      : name == "--tuples"  ? &plan.tuples
                      : name == "--rate"    ? &plan.rate
                                            : nullptr;
    const auto n = i + 1 < argc ? parse_number(argv[i + 1], UINT32_MAX) : std::nullopt;
    if (value == nullptr || !n || (*n == 0 && value != &plan.assured)) {
      std::fprintf(stderr, "usage: syn_flood_test [--max N] [--buckets N] [--assured N] [--tuples N] [--rate N]\n");
      return 2;
    }
    *value = *n;
  }
  return Flood(plan).run() ? 0 : 1;
}
