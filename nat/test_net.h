// A router of two networks for tests: conntrack, tables and nat on a FakeStack, and packets written as numbers.
// 10.1.0.0/24 is behind `left`, 10.2.0.0/24 behind `right`. Only tests include it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "conntrack/conntrack.h"
#include "conntrack/xt/xt.h"
#include "datapath/base/text.h"
#include "datapath/hook/fake_stack.h"
#include "datapath/iptables/iptables.h"
#include "datapath/packet/checksum.h"
#include "datapath/packet/rewrite.h"
#include "nat/nat.h"

namespace nf::nat {

using Bytes = std::vector<uint8_t>;

inline Bytes unhex(std::string_view s) {
  Bytes b;
  for (size_t i = 0; i + 1 < s.size(); i += 2)
    b.push_back(static_cast<uint8_t>(*parse_number("0x" + std::string(s.substr(i, 2)))));
  return b;
}
inline std::string hex(std::span<const uint8_t> b) {
  std::string s;
  for (const uint8_t x : b) s += strf("%02x", x);
  return s;
}

struct Flow {
  Be32 source, destination;
  uint16_t source_port, destination_port;
};

class TestNet {
 public:
  FakeStack stack;
  Device* left;
  Device* right;
  ipt::ExtensionRegistry registry;
  ct::Conntrack conntrack;
  ipt::Iptables iptables;
  Nat nat;

  TestNet()
      : left(add_devices(stack)),
        right(left + 1),
        conntrack(stack, ct::Options{1, 1024}),
        iptables(stack, registry),
        nat(stack, conntrack, iptables) {
    ipt::register_base_extensions(registry);
    ct::register_conntrack_extensions(registry, conntrack);
    register_nat_extensions(registry, nat);
    stack.addresses_ = {{"left", ip4(10, 1, 0, 1)}, {"right", ip4(10, 2, 0, 1)}};
  }

  // The lines of a nat table behind its chains.
  void nat_rules(const std::string& rules) {
    load("*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n" +
         rules + "COMMIT\n");
  }
  void load(const std::string& text) {
    const Status s = iptables.load(text, "rules");
    ASSERT_TRUE(s.ok()) << s.error().str();
  }

  PacketPtr packet(std::span<const uint8_t> bytes) {
    PacketPtr p = stack.pool_.allocate(static_cast<uint32_t>(bytes.size()));
    std::memcpy(p->put(static_cast<uint32_t>(bytes.size())), bytes.data(), bytes.size());
    return p;
  }

  // Runs one hook. The packet stays in `p` unless it was stolen.
  Verdict hook(HookPoint point, PacketPtr& p, const Device* in, const Device* to) {
    return stack.hooks_.run(p, HookState{point, in, to, &stack, stack.now_, sink});
  }

  // A packet received and forwarded: PREROUTING, the route by its address, FORWARD, POSTROUTING. Null: dropped, and
  // `reason` says why.
  PacketPtr forward(std::span<const uint8_t> bytes, const Device* in) {
    PacketPtr p = packet(bytes);
    p->dev = in;
    p->dst.type = RouteType::kUnicast;
    if (!passed(hook(HookPoint::kPreRouting, p, in, nullptr), p)) return nullptr;
    out = (p->ip().destination & prefix_mask(24)) == ip4(10, 1, 0, 0) ? left : right;
    p->dst = Dst{};
    p->dst.type = RouteType::kUnicast;
    p->dst.out = out;
    p->dst.nexthop = p->ip().destination;
    decrease_ttl(*p);
    if (!passed(hook(HookPoint::kForward, p, in, out), p)) return nullptr;
    if (!passed(hook(HookPoint::kPostRouting, p, nullptr, out), p)) return nullptr;
    return p;
  }

  // UDP and TCP from the left, as they leave; nullopt: dropped.
  std::optional<Flow> udp(Flow f) { return sent(forward(udp_bytes(f), left)); }
  std::optional<Flow> tcp(Flow f, uint8_t flags, uint32_t seq, uint32_t ack, bool from_left = true) {
    return sent(forward(tcp_bytes(f, flags, seq, ack), from_left ? left : right));
  }

  static Bytes udp_bytes(Flow f) {
    Bytes b = ip_bytes(f, kProtoUdp, sizeof(UdpHeader) + 1);
    UdpHeader& udp = *view<UdpHeader>(std::span<uint8_t>(b), 20);
    udp.source = be16(f.source_port);
    udp.destination = be16(f.destination_port);
    udp.length = be16(sizeof(UdpHeader) + 1);
    return b;
  }
  static Bytes tcp_bytes(Flow f, uint8_t flags, uint32_t seq, uint32_t ack) {
    Bytes b = ip_bytes(f, kProtoTcp, sizeof(TcpHeader));
    TcpHeader& tcp = *view<TcpHeader>(std::span<uint8_t>(b), 20);
    tcp.source = be16(f.source_port);
    tcp.destination = be16(f.destination_port);
    tcp.sequence = be32(seq);
    tcp.acknowledgment = be32(ack);
    tcp.offset_reserved = 0x50;
    tcp.flags = flags;
    tcp.window = be16(64240);
    const Sum pseudo = checksum_pseudo(f.source, f.destination, kProtoTcp, sizeof(TcpHeader));
    tcp.checksum = checksum_finish(checksum_add(std::span<const uint8_t>(b).subspan(20), pseudo));
    return b;
  }
  static Bytes ip_bytes(Flow f, uint8_t protocol, size_t payload) {
    Bytes b(20 + payload, 0);
    Ipv4Header& ip = *view<Ipv4Header>(std::span<uint8_t>(b));
    ip.version_ihl = 0x45;
    ip.total_length = be16(static_cast<uint16_t>(b.size()));
    ip.ttl = 64;
    ip.protocol = protocol;
    ip.source = f.source;
    ip.destination = f.destination;
    ip_send_check(ip);
    return b;
  }

  const Device* out = nullptr;  // where the last forwarded packet left
  DropReason reason = DropReason::kNone;
  trace::Sink* sink = nullptr;

 private:
  static Device* add_devices(FakeStack& stack) {
    stack.devices_.resize(3);
    const char* names[] = {"lo", "left", "right"};
    for (int i = 0; i < 3; ++i) {
      stack.devices_[static_cast<size_t>(i)].ifindex = i + 1;
      stack.devices_[static_cast<size_t>(i)].name = names[i];
      stack.devices_[static_cast<size_t>(i)].up = true;
    }
    return &stack.devices_[1];
  }
  bool passed(Verdict v, const PacketPtr& p) {
    reason = v == Verdict::kDrop ? static_cast<DropReason>(p->drop_reason) : DropReason::kNone;
    return v == Verdict::kAccept;
  }
  static std::optional<Flow> sent(PacketPtr p) {
    if (p == nullptr) return std::nullopt;
    const UdpHeader& ports = *view<UdpHeader>(p->transport());
    return Flow{p->ip().source, p->ip().destination, ports.source.host(), ports.destination.host()};
  }
};

inline std::string text(const std::optional<Flow>& f) {
  if (!f) return "dropped";
  return strf("%s:%u > %s:%u", format_ipv4(f->source).c_str(), f->source_port, format_ipv4(f->destination).c_str(),
              f->destination_port);
}

}  // namespace nf::nat
