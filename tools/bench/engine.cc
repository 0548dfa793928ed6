// bench-engine: the whole engine over memory ports with the Docker rules, at several numbers of flows.
//
// Prints, per number of flows: new connections per second (SYN through DNAT, confirmed), ns per packet of established
// traffic in random flow order, packets per second, bytes per connection; and the same traffic cut into stages by
// probe functions at the hooks' edges (their own cost is measured and taken off).
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tools/bench/docker_traffic.h"
#include "tools/gateway/gateway.h"
#include "tools/lab/lab.h"

namespace {

using namespace nf;

// Probe functions at the edges of the hooks add up the cycles between them.
class Stages {
 public:
  enum Edge : size_t { kStart, kPreBegin, kPreEnd, kForwardBegin, kForwardEnd, kPostBegin, kPostEnd, kEdges };
  explicit Stages(HookTable& hooks) : hooks_(hooks) {
    add<kPreBegin>(HookPoint::kPreRouting, INT32_MIN);
    add<kPreEnd>(HookPoint::kPreRouting, INT32_MAX);
    add<kForwardBegin>(HookPoint::kForward, INT32_MIN);
    add<kForwardEnd>(HookPoint::kForward, INT32_MAX);
    add<kPostBegin>(HookPoint::kPostRouting, INT32_MIN);
    add<kPostEnd>(HookPoint::kPostRouting, INT32_MAX);
  }
  ~Stages() {
    remove<kPreBegin>(HookPoint::kPreRouting);
    remove<kPreEnd>(HookPoint::kPreRouting);
    remove<kForwardBegin>(HookPoint::kForward);
    remove<kForwardEnd>(HookPoint::kForward);
    remove<kPostBegin>(HookPoint::kPostRouting);
    remove<kPostEnd>(HookPoint::kPostRouting);
  }
  void start() { last_ = __builtin_ia32_rdtsc(); }
  void end() { mark(kStart); }
  // Cycles spent before each edge; kStart holds what came after the last one.
  uint64_t spent[kEdges]{};

 private:
  void mark(Edge e) {
    const uint64_t now = __builtin_ia32_rdtsc();
    spent[e] += now - last_;
    last_ = now;
  }
  template <Edge E>
  static Verdict probe(void* self, PacketPtr&, const HookState&) {
    static_cast<Stages*>(self)->mark(E);
    return Verdict::kAccept;
  }
  template <Edge E>
  void add(HookPoint hook, int priority) {
    hooks_.add(hook, priority, probe<E>, this);
  }
  template <Edge E>
  void remove(HookPoint hook) {
    hooks_.remove(hook, probe<E>, this);
  }
  HookTable& hooks_;
  uint64_t last_ = 0;
};

struct Bench {
  Bench(const lab::Lab& lab, uint32_t flows)
      : gateway(GatewayOptions{.seed = 1, .assume_neighbours = true, .conntrack_buckets = 4 * 1024 * 1024}) {
    const Status s = gateway.configure(lab, [](std::string_view, bool) { return std::optional(LinkFacts{}); });
    if (!s) {
      std::fprintf(stderr, "bench-engine: %s\n", s.error().str().c_str());
      std::exit(2);
    }
    uplink = gateway.router().device("ens33");
    container = gateway.router().device("veth50b382d");
    gateway.router().attach_port(*uplink, out_uplink);
    gateway.router().attach_port(*container, out_container);
    order.resize(flows);
    for (uint32_t i = 0; i < flows; ++i) order[i] = i;
    Random random(7);
    for (uint32_t i = flows; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  }

  // One pass over all flows in `order`; returns ns inside the engine.
  int64_t pass(const Segment& s, Stages* stages = nullptr) {
    std::vector<PacketPtr> batch(64);
    Device& dev = s.from_client ? *uplink : *container;
    int64_t spent = 0;
    for (size_t at = 0; at < order.size();) {
      size_t n = 0;
      for (; n < batch.size() && at < order.size(); ++n, ++at)
        batch[n] = make_frame(gateway.router().pool(), flow(order[at]), s);
      const int64_t before = nanoseconds();
      if (stages != nullptr) stages->start();
      gateway.router().receive(dev, {batch.data(), n}, now);
      if (stages != nullptr) stages->end();
      spent += nanoseconds() - before;
    }
    return spent;
  }

  Gateway gateway;
  Device* uplink = nullptr;
  Device* container = nullptr;
  NullPort out_uplink, out_container;
  std::vector<uint32_t> order;
  Time now = 1'700'000'000 * kSecond;
};

void measure(const lab::Lab& lab, uint32_t flows) {
  Bench b(lab, flows);
  const int64_t connect = b.pass({true, kTcpSyn, 1000, 0});
  b.pass({false, kTcpSyn | kTcpAck, 2000, 1001});
  b.pass({true, kTcpAck, 1001, 2001});
  if (b.gateway.conntrack().count() != flows || b.out_container.sent_ != 2 * uint64_t{flows}) {
    std::fprintf(stderr, "bench-engine: only %zu of %u connections, %" PRIu64 " packets sent\n",
                 b.gateway.conntrack().count(), flows, b.out_container.sent_);
    std::exit(1);
  }
  const Segment ack{true, kTcpAck, 1001, 2001};
  const uint32_t passes = std::max(1u, 2'000'000 / flows);
  int64_t best = INT64_MAX;
  for (int round = 0; round < 3; ++round) {
    int64_t spent = 0;
    for (uint32_t i = 0; i < passes; ++i) spent += b.pass(ack);
    best = std::min(best, spent);
  }
  const double packets = static_cast<double>(passes) * flows;
  const double ns = static_cast<double>(best) / packets;
  std::printf("%8u flows  %7.0f k connections/s  %6.1f ns/packet  %5.2f M packets/s  %4.0f bytes/connection\n", flows,
              1e6 * flows / static_cast<double>(connect), ns, 1e3 / ns,
              static_cast<double>(b.gateway.conntrack().memory_bytes()) / flows);

  Stages stages(b.gateway.router().hooks());
  const uint64_t c0 = __builtin_ia32_rdtsc();
  const int64_t t0 = nanoseconds();
  for (uint32_t i = 0; i < passes; ++i) b.pass(ack, &stages);
  const double cycles_per_ns =
      static_cast<double>(__builtin_ia32_rdtsc() - c0) / static_cast<double>(nanoseconds() - t0);
  uint64_t probe = UINT64_MAX;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t a = __builtin_ia32_rdtsc();
    probe = std::min<uint64_t>(probe, __builtin_ia32_rdtsc() - a);
  }
  const auto stage = [&](Stages::Edge e) {
    return std::max(0.0, static_cast<double>(stages.spent[e]) / packets - static_cast<double>(probe)) / cycles_per_ns;
  };
  std::printf(
      "          link+prepare+ip_rcv and transmit %.0f | PREROUTING %.0f | route, TTL %.0f | FORWARD %.0f | "
      "(between) %.0f | POSTROUTING %.0f ns\n",
      stage(Stages::kStart) + stage(Stages::kPreBegin), stage(Stages::kPreEnd), stage(Stages::kForwardBegin),
      stage(Stages::kForwardEnd), stage(Stages::kPostBegin), stage(Stages::kPostEnd));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench-engine LAB [FLOWS ...]\n");
    return 2;
  }
  Result<lab::Lab> lab = lab::read_lab(argv[1]);
  if (!lab) {
    std::fprintf(stderr, "bench-engine: %s\n", lab.error().str().c_str());
    return 2;
  }
  lab::SysctlSetting max;
  max.name = "net.netfilter.nf_conntrack_max";
  max.value = "4194304";
  lab->sysctl.push_back(max);
  std::vector<uint32_t> flows{1, 10'000, 1'000'000};
  if (argc > 2) flows.clear();
  for (int i = 2; i < argc; ++i) flows.push_back(static_cast<uint32_t>(std::atoi(argv[i])));
  for (const uint32_t n : flows)
    if (n > 0) measure(*lab, n);
  return 0;
}
