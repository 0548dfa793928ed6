// Fuzz target: any text as rules.
// Held to be true: a refused text changes nothing and is refused with a reason; an accepted one is printed as text that
// is accepted and prints the same again; every listing of it can be made; packets can be sent through it.
#include <cstring>
#include <string>

#include "datapath/packet/checksum.h"
#include "datapath/port/memory_port.h"
#include "tools/fuzz/require.h"
#include "tools/gateway/gateway.h"
#include "tools/lab/lab.h"

namespace {

using namespace nf;

GatewayOptions options() { return {.seed = 1, .assume_neighbours = true, .conntrack_buckets = 64}; }

std::string saved(Gateway& g) { return g.iptables().save({.counters = true, .table = {}, .comments = false}); }
// Table by table: the real iptables-save, and ours, prints the tables in the reverse order of their first use.
std::string saved_by_table(Gateway& g) {
  std::string out;
  for (size_t i = 0; i < ipt::kTables; ++i)
    out += g.iptables().save({.counters = true, .table = static_cast<ipt::TableId>(i), .comments = false});
  return out;
}

void list_everything(Gateway& g) {
  for (size_t i = 0; i < ipt::kTables; ++i) {
    const auto table = static_cast<ipt::TableId>(i);
    ipt::ListOptions o{.verbose = true, .exact = false, .line_numbers = true, .numeric = true};
    const Result<std::string> listed = g.iptables().list(table, "", o);
    FUZZ_REQUIRE(listed.ok(), "%s", listed.error().str().c_str());
    (void)g.iptables().list_rules(table, "");
  }
}

// A SYN, a datagram and a ping from the client to the published address, and to the container.
void send_packets(Gateway& g) {
  Router& router = g.router();
  Device& dev = *router.device("ens33");
  Time now = 1'700'000'000 * kSecond;
  for (const uint8_t protocol : {kProtoTcp, kProtoUdp, kProtoIcmp}) {
    for (const Be32 to : {ip4(192, 168, 66, 100), ip4(172, 17, 0, 2)}) {
      uint8_t frame[sizeof(EthernetHeader) + 60] = {};
      *reinterpret_cast<EthernetHeader*>(frame) = {dev.mac, {0x02, 0, 0, 0, 0, 9}, be16(kEtherIpv4)};
      auto& ip = *reinterpret_cast<Ipv4Header*>(frame + sizeof(EthernetHeader));
      ip.version_ihl = 0x45;
      ip.total_length = be16(60);
      ip.ttl = 64;
      ip.protocol = protocol;
      ip.source = ip4(192, 168, 66, 1);
      ip.destination = to;
      uint8_t* transport = frame + sizeof(EthernetHeader) + sizeof ip;
      if (protocol == kProtoIcmp) {
        transport[0] = 8;
      } else {
        transport[0] = 0x9c;
        transport[3] = 80;
        if (protocol == kProtoUdp)
          transport[5] = 40;
        else
          transport[12] = 0x50, transport[13] = 2;
      }
      ip_send_check(ip);
      PacketPtr p = router.pool().allocate(sizeof frame);
      std::memcpy(p->put(sizeof frame), frame, sizeof frame);
      p->checksum = ChecksumState::kUnnecessary;
      router.receive(dev, {&p, 1}, now += kMillisecond);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const lab::Lab lab = [] {
    Result<lab::Lab> read = lab::read_lab(FUZZ_LAB);
    FUZZ_REQUIRE(read.ok(), "%s", read.error().str().c_str());
    read->rules.reset();
    return read.take();
  }();
  const std::string text(reinterpret_cast<const char*>(data), size);
  Gateway first(options());
  const Status configured = first.configure(lab, [](std::string_view, bool) {
    return std::optional<LinkFacts>(LinkFacts{.mac = {0x02, 0, 0, 0, 0, 1}, .mtu = 1500, .up = true});
  });
  FUZZ_REQUIRE(configured.ok(), "%s", configured.error().str().c_str());
  MemoryPort ports[2];
  first.router().attach_port(*first.router().device("ens33"), ports[0]);
  first.router().attach_port(*first.router().device("veth50b382d"), ports[1]);

  if (const Status s = first.iptables().load(text, "fuzz"); !s) {
    FUZZ_REQUIRE(!s.error().text.empty(), "refused without a reason");
    FUZZ_REQUIRE(s.error().file == "fuzz", "the error does not name the file: %s", s.error().str().c_str());
    FUZZ_REQUIRE(saved(first).empty(), "a refused text left tables behind");
    return 0;
  }
  const std::string text_again = saved(first), once = saved_by_table(first);
  Gateway second(options());
  const Status again = second.iptables().load(text_again, "saved");
  FUZZ_REQUIRE(again.ok(), "%s\n%s", again.error().str().c_str(), text_again.c_str());
  const std::string twice = saved_by_table(second);
  FUZZ_REQUIRE(once == twice, "---- once\n%s\n---- twice\n%s", once.c_str(), twice.c_str());
  list_everything(first);
  send_packets(first);
  for (int i = 0; i < 10; ++i) first.run_timers((1'700'000'000 + i * 86400) * kSecond);
  for (MemoryPort& port : ports) port.take_sent();
  FUZZ_REQUIRE(first.router().pool().in_use() == 0, "packets are left");
  return 0;
}
