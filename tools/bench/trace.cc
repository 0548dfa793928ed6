// bench-trace: what being able to tell of packets costs those that are not told of: established traffic through the
// engine with the Docker rules, off, with an asker whose filter matches nothing, with one that is told 100 packets a
// second, and all told. Prints ns per packet and the ratio to off; the ways take turns, so that all see the same
// machine.
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "tools/bench/docker_traffic.h"
#include "tools/commands/tracer.h"
#include "tools/gateway/gateway.h"

namespace {

using namespace nf;

constexpr uint32_t kFlows = 10'000;
constexpr int kRounds = 3;

struct Bench {
  explicit Bench(const lab::Lab& lab)
      : gateway(GatewayOptions{.seed = 1, .assume_neighbours = true, .conntrack_buckets = 65536}) {
    const Status s = gateway.configure(lab, [](std::string_view, bool) { return std::optional(LinkFacts{}); });
    if (!s) {
      std::fprintf(stderr, "bench-trace: %s\n", s.error().str().c_str());
      std::exit(2);
    }
    uplink = gateway.router().device("ens33");
    container = gateway.router().device("veth50b382d");
    gateway.router().attach_port(*uplink, out);
    gateway.router().attach_port(*container, out);
    pass({true, kTcpSyn, 1000, 0}, nullptr);
    pass({false, kTcpSyn | kTcpAck, 2000, 1001}, nullptr);
    pass({true, kTcpAck, 1001, 2001}, nullptr);
    if (gateway.conntrack().count() != kFlows || out.sent_ != 3 * uint64_t{kFlows}) {
      std::fprintf(stderr, "bench-trace: the traffic does not pass\n");
      std::exit(1);
    }
  }

  // Nanoseconds of one packet of each flow. Time goes on as fast as the packets do.
  double pass(const Segment& s, Tracer* tracer) {
    std::vector<PacketPtr> batch(64);
    Device& dev = s.from_client ? *uplink : *container;
    int64_t spent = 0;
    for (uint32_t at = 0; at < kFlows;) {
      size_t n = 0;
      for (; n < batch.size() && at < kFlows; ++n, ++at) batch[n] = make_frame(gateway.router().pool(), flow(at), s);
      const int64_t before = nanoseconds();
      gateway.router().receive(dev, {batch.data(), n}, now);
      if (tracer != nullptr) tracer->finish();
      const int64_t took = nanoseconds() - before;
      now += took;
      spent += took;
    }
    return static_cast<double>(spent) / kFlows;
  }

  Gateway gateway;
  Device* uplink = nullptr;
  Device* container = nullptr;
  NullPort out;
  Time now = 1'700'000'000 * kSecond;
};

struct Way {
  const char* name;
  bool on;
  const char* filter;
  uint64_t rate;
  int passes;  // a round: long enough for "a second" to mean something
  double best = 1e12;
  uint64_t bytes = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const Result<lab::Lab> lab = argc == 2 ? lab::read_lab(argv[1]) : error("usage: bench-trace LAB");
  if (!lab) {
    std::fprintf(stderr, "bench-trace: %s\n", lab.error().str().c_str());
    return 2;
  }
  Bench bench(*lab);
  Tracer tracer(bench.gateway.router());
  Way ways[] = {{"off", false, "", 0, 300},
                {"off, again", false, "", 0, 300},
                {"on, nothing passes the filter", true, "udp port 9", 100, 300},
                {"on, 100 told a second", true, "", 100, 300},
                {"on, all told", true, "", UINT64_MAX, 2}};
  for (int round = 0; round < kRounds; ++round) {
    for (Way& w : ways) {
      Tracer::AskerId id = 0;
      if (w.on) {
        TraceRequest request;
        request.rate = w.rate;
        if (*w.filter != '\0') request.frames = CaptureFilter::compile(w.filter, LinkType::kEthernet)->bytecode();
        Result<Tracer::AskerId> added = tracer.add(request, {[&w](std::string text) { w.bytes += text.size(); },
                                                             [](std::string) {}, [] { return true; }, [] {}});
        if (!added) return 2;
        id = *added;
      }
      double spent = 0;
      for (int i = 0; i < w.passes; ++i) spent += bench.pass({true, kTcpAck, 1001, 2001}, &tracer);
      w.best = std::min(w.best, spent / w.passes);
      if (id != 0) tracer.remove(id);
    }
  }
  std::printf("best of %d rounds, %u flows, Docker rules\n", kRounds, kFlows);
  for (const Way& w : ways)
    std::printf("  %-32s %9.1f ns/packet  x %.2f  (%llu bytes told)\n", w.name, w.best, w.best / ways[0].best,
                static_cast<unsigned long long>(w.bytes));
  return 0;
}
