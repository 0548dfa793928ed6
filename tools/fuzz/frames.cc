// Fuzz target: a sequence of frames, local packets and waits through a whole gateway with the Docker lab.
//
// Input: records of {what, length (2 bytes, little endian), bytes}.
//   what & 3       0 a frame on ens33, 1 a frame on veth50b382d, 2 a packet of this host, 3 a wait of 2^(length & 31)
//   ms what & 4       the bytes start at the IPv4 header: an Ethernet header to the router is put in front what & 8
//   total length and header checksum are put right what & 16      the transport checksum is trusted (as from a link
//   with checksum offload) what & 32      a TCP super-packet of 100-byte segments, as a TAP gives them what & 64 the
//   record is told to the trace sink
// Held to be true: no packet is lost from the pool; what the router sends on ens33 are whole frames no longer than the
// MTU whose IPv4 header checksum is right; in the end every connection has timed out.
#include <cstring>

#include "datapath/packet/checksum.h"
#include "datapath/port/memory_port.h"
#include "datapath/port/responder.h"
#include "tools/forms/teller.h"
#include "tools/forms/text_form.h"
#include "tools/fuzz/require.h"
#include "tools/gateway/gateway.h"
#include "tools/lab/lab.h"

namespace {

using namespace nf;

// Besides the lab's: everybody whose words are read.
constexpr std::string_view kHelperRules = R"(*raw
-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp
-A PREROUTING -p tcp -m tcp --dport 6667 -j CT --helper irc
-A PREROUTING -p tcp -m tcp --dport 5060 -j CT --helper sip
-A PREROUTING -p tcp -m tcp --dport 1723 -j CT --helper pptp
-A PREROUTING -p tcp -m tcp --dport 6566 -j CT --helper sane
-A PREROUTING -p udp -m udp --dport 69 -j CT --helper tftp
-A PREROUTING -p udp -m udp --dport 5060 -j CT --helper sip
-A PREROUTING -p udp -m udp --dport 10080 -j CT --helper amanda
-A PREROUTING -p udp -m udp --dport 137 -j CT --helper netbios-ns
COMMIT
)";

constexpr MacAddress kPeer{0x02, 0, 0, 0, 0, 9};

struct Record {
  uint8_t what;
  uint16_t length;
  std::span<const uint8_t> bytes;
};

bool next(std::span<const uint8_t>& input, Record& r) {
  if (input.size() < 3) return false;
  r.what = input[0];
  r.length = static_cast<uint16_t>(input[1] | input[2] << 8);
  input = input.subspan(3);
  if ((r.what & 3) == 3) {
    r.bytes = {};
    return true;
  }
  r.bytes = input.first(std::min<size_t>(r.length, input.size()));
  input = input.subspan(r.bytes.size());
  return true;
}

class Fuzz {
 public:
  Fuzz()
      : gateway_(GatewayOptions{.seed = 1, .assume_neighbours = false, .conntrack_buckets = 64}),
        host_(gateway_.router().pool(), 1) {
    static const lab::Lab lab = [] {
      Result<lab::Lab> read = lab::read_lab(FUZZ_LAB);
      FUZZ_REQUIRE(read.ok(), "%s", read.error().str().c_str());
      return read.take();
    }();
    const Status s = gateway_.configure(lab, [](std::string_view, bool) {
      return std::optional<LinkFacts>(LinkFacts{.mac = {0x02, 0, 0, 0, 0, 1}, .mtu = 1500, .up = true});
    });
    FUZZ_REQUIRE(s.ok(), "%s", s.error().str().c_str());
    const Status helpers = gateway_.iptables().load(kHelperRules, "helper rules");
    FUZZ_REQUIRE(helpers.ok(), "%s", helpers.error().str().c_str());
    Router& router = gateway_.router();
    for (Device* dev : devices()) router.attach_port(*dev, ports_[dev == devices()[1]]);
    router.set_host(&host_);
    router.connect(host_);
    router.run_timers(now_);
  }
  ~Fuzz() { gateway_.router().set_trace(nullptr); }

  void take(const Record& r) {
    Router& router = gateway_.router();
    if ((r.what & 3) == 3) return wait(kMillisecond << (r.length & 31));
    router.set_trace((r.what & 64) != 0 ? &teller_.sink() : nullptr);
    const bool host = (r.what & 3) == 2;
    Device& dev = *devices()[r.what & 1];
    const uint32_t link = !host && (r.what & 4) != 0 ? sizeof(EthernetHeader) : 0;
    PacketPtr p = router.pool().allocate(static_cast<uint32_t>(r.bytes.size()) + link);
    if (link != 0) {
      const Device* to = dev.master != nullptr ? dev.master : &dev;
      const EthernetHeader header{to->mac, kPeer, be16(kEtherIpv4)};
      std::memcpy(p->put(link), &header, link);
    }
    if (!r.bytes.empty()) std::memcpy(p->put(static_cast<uint32_t>(r.bytes.size())), r.bytes.data(), r.bytes.size());
    const uint32_t at = host ? 0 : sizeof(EthernetHeader);
    if ((r.what & 8) != 0 || host) put_right(*p, at);
    if ((r.what & 16) != 0) p->checksum = ChecksumState::kUnnecessary;
    if ((r.what & 32) != 0) super_packet(*p, at);
    if (host) {
      from_host_ = true;
      // The host port's contract: at an IPv4 header that is whole.
      if (p->length() < sizeof(Ipv4Header)) return;
      router.send_from_host(std::move(p), now_);
    } else {
      router.receive(dev, {&p, 1}, now_);
    }
    look();
  }

  void finish() {
    Router& router = gateway_.router();
    router.set_trace(nullptr);
    // Longer than any timeout, in steps, because each run of the timers has a budget.
    for (int i = 0; i < 200 && (router.pool().in_use() != 0 || gateway_.conntrack().count() != 0); ++i)
      wait(6 * 3600 * kSecond);
    FUZZ_REQUIRE(gateway_.conntrack().count() == 0, "%zu connections are left", gateway_.conntrack().count());
    FUZZ_REQUIRE(router.pool().in_use() == 0, "%zu packets are left", static_cast<size_t>(router.pool().in_use()));
  }

 private:
  std::array<Device*, 2> devices() {
    return {gateway_.router().device("ens33"), gateway_.router().device("veth50b382d")};
  }

  void wait(Duration d) {
    const Time end = now_ + d;
    for (int i = 0; i < 100; ++i) {
      const Time due = gateway_.run_timers(now_);
      look();
      if (due > end) break;
      now_ = std::max(due, now_ + kMillisecond);
    }
    now_ = end;
    gateway_.run_timers(now_);
    look();
  }

  static void put_right(Packet& p, uint32_t at) {
    if (p.length() < at + sizeof(Ipv4Header)) return;
    auto& ip = *reinterpret_cast<Ipv4Header*>(p.data() + at);
    if (ip.header_length() < sizeof ip || at + ip.header_length() > p.length()) ip.version_ihl = 0x45;
    ip.total_length = be16(static_cast<uint16_t>(p.length() - at));
    ip_send_check(ip);
  }

  static void super_packet(Packet& p, uint32_t at) {
    if (p.length() < at + sizeof(Ipv4Header)) return;
    const auto& ip = *reinterpret_cast<const Ipv4Header*>(p.data() + at);
    if (ip.protocol != kProtoTcp || ip.version_ihl != 0x45 || p.length() < at + sizeof ip + sizeof(TcpHeader)) return;
    const auto& tcp = *reinterpret_cast<const TcpHeader*>(p.data() + at + sizeof ip);
    const auto header = static_cast<uint32_t>(sizeof ip) + (tcp.offset_reserved >> 4) * 4u;
    if (header < sizeof ip + sizeof tcp || p.length() < at + header + 101) return;
    p.gso = GsoType::kTcpv4;
    p.gso_size = 100;
    p.gso_header = static_cast<uint16_t>(header);
    p.checksum = ChecksumState::kPartial;
  }

  void look() {
    gateway_.router().flush();
    const uint32_t longest = gateway_.router().device("ens33")->mtu + static_cast<uint32_t>(sizeof(EthernetHeader));
    for (const PacketPtr& p : ports_[0].take_sent()) {
      FUZZ_REQUIRE(p->length() >= sizeof(EthernetHeader), "a frame of %u bytes", p->length());
      if (reinterpret_cast<const EthernetHeader*>(p->data())->type.host() != kEtherIpv4) continue;
      if (from_host_) continue;  // a raw socket may send what it likes
      FUZZ_REQUIRE(p->length() <= longest, "a frame of %u bytes", p->length());
      const std::span<const uint8_t> bytes = p->bytes().subspan(sizeof(EthernetHeader));
      const auto* ip = view<Ipv4Header>(bytes);
      FUZZ_REQUIRE(ip != nullptr && ip->header_length() <= bytes.size(), "a frame of %u bytes", p->length());
      FUZZ_REQUIRE(ip->total_length.host() == bytes.size(), "total length %u of %zu", ip->total_length.host(),
                   bytes.size());
      Ipv4Header copy = *ip;
      if (ip->header_length() == sizeof copy) {
        ip_send_check(copy);
        FUZZ_REQUIRE(copy.checksum == ip->checksum, "header checksum");
      }
    }
    ports_[1].take_sent();
  }

  MemoryPort ports_[2];
  Gateway gateway_;
  Responder host_;
  forms::Teller teller_{std::make_unique<forms::TextForm>(forms::FormOptions{.level = trace::Level::kEverything},
                                                          [](std::string_view) {}),
                        trace::RecorderOptions{}};
  Time now_ = 1'700'000'000 * kSecond;
  bool from_host_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::span<const uint8_t> input(data, size);
  Fuzz fuzz;
  Record record;
  for (int i = 0; i < 64 && next(input, record); ++i) fuzz.take(record);
  fuzz.finish();
  return 0;
}
