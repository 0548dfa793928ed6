// What the tests of this folder share: a Conntrack on a fake stack, packets between two hosts, and a packet's result as
// a line of text. Only tests include it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "conntrack/conntrack.h"
#include "conntrack/proto.h"
#include "datapath/hook/fake_stack.h"
#include "datapath/packet/checksum.h"
#include "datapath/packet/rewrite.h"

namespace nf::ct::test {

using Bytes = std::vector<uint8_t>;
inline constexpr Be32 kHostA = ip4(10, 0, 1, 2);
inline constexpr Be32 kHostB = ip4(10, 0, 2, 2);

inline void put16(Bytes& b, size_t at, unsigned v) {
  b[at] = static_cast<uint8_t>(v >> 8);
  b[at + 1] = static_cast<uint8_t>(v);
}
inline void put32(Bytes& b, size_t at, uint32_t v) {
  put16(b, at, v >> 16);
  put16(b, at + 2, v & 0xffff);
}

// An IPv4 packet. `sum_at` is the offset of the transport checksum in `l4`, to be filled in over the pseudo-header of
// `sum_protocol` (0: over l4 alone); -1: none.
inline Bytes ip_packet(Be32 source, Be32 destination, uint8_t protocol, Bytes l4, int sum_at = -1,
                       uint8_t sum_protocol = 0) {
  if (sum_at >= 0) {
    const Sum pseudo =
        sum_protocol == 0 ? 0 : checksum_pseudo(source, destination, sum_protocol, static_cast<uint32_t>(l4.size()));
    put16(l4, static_cast<size_t>(sum_at), checksum_finish(checksum_add(l4, pseudo)).host());
  }
  Bytes b(sizeof(Ipv4Header));
  Ipv4Header& ip = *view<Ipv4Header>(std::span<uint8_t>(b));
  ip.version_ihl = 0x45;
  ip.total_length = be16(static_cast<uint16_t>(b.size() + l4.size()));
  ip.ttl = 64;
  ip.protocol = protocol;
  ip.source = source;
  ip.destination = destination;
  ip_send_check(ip);
  b.insert(b.end(), l4.begin(), l4.end());
  return b;
}

inline uint8_t tcp_flags(std::string_view letters) {
  unsigned f = 0;
  for (const char c : letters) {
    constexpr std::string_view kLetters = "FSRPAU";
    f |= 1u << kLetters.find(c);
  }
  return static_cast<uint8_t>(f);
}

struct TcpFields {
  std::string_view flags;
  uint32_t seq = 0, ack = 0;
  size_t length = 0;
  uint16_t window = 65535;
  std::string_view options = {};
};
inline Bytes tcp_packet(Be32 source, uint16_t sport, Be32 destination, uint16_t dport, const TcpFields& f) {
  const size_t header = sizeof(TcpHeader) + (f.options.size() + 3) / 4 * 4;
  Bytes b(header + f.length);
  put16(b, 0, sport);
  put16(b, 2, dport);
  put32(b, 4, f.seq);
  put32(b, 8, f.ack);
  b[12] = static_cast<uint8_t>(header / 4 << 4);
  b[13] = tcp_flags(f.flags);
  put16(b, 14, f.window);
  std::copy(f.options.begin(), f.options.end(), b.begin() + sizeof(TcpHeader));
  return ip_packet(source, destination, kProtoTcp, b, 16, kProtoTcp);
}

inline Bytes udp_packet(Be32 source, uint16_t sport, Be32 destination, uint16_t dport, size_t payload = 4) {
  Bytes b(sizeof(UdpHeader) + payload, 'x');
  put16(b, 0, sport);
  put16(b, 2, dport);
  put16(b, 4, static_cast<unsigned>(b.size()));
  put16(b, 6, 0);
  return ip_packet(source, destination, kProtoUdp, b, 6, kProtoUdp);
}

inline Bytes icmp_packet(Be32 source, Be32 destination, uint8_t type, uint16_t id, const Bytes& quoted = {}) {
  Bytes b(sizeof(IcmpHeader));
  b[0] = type;
  put16(b, 4, id);
  b.insert(b.end(), quoted.begin(), quoted.end());
  return ip_packet(source, destination, kProtoIcmp, b, 2);
}

class World {
 public:
  explicit World(const Options& options = {}) : ct(stack, options) {
    listener_ = ct.listen([this](const EventReport& e) {
      constexpr const char* kNames[] = {" [NEW]", " [UPDATE]", " [DESTROY]"};
      events += kNames[static_cast<size_t>(e.kind)];
      event_bits = static_cast<uint16_t>(event_bits | e.events);
    });
  }

  PacketPtr make(const Bytes& bytes) {
    PacketPtr p = stack.pool_.allocate(static_cast<uint32_t>(bytes.size()));
    std::memcpy(p->put(static_cast<uint32_t>(bytes.size())), bytes.data(), bytes.size());
    return p;
  }
  HookState at(HookPoint hook) { return {hook, nullptr, nullptr, &stack, stack.now_, nullptr}; }
  Verdict in(PacketPtr& p, HookPoint hook = HookPoint::kPreRouting) { return ct.nf_conntrack_in(p, at(hook)); }
  Verdict confirm(PacketPtr& p, HookPoint hook = HookPoint::kPostRouting) {
    return ct.nf_conntrack_confirm(p, at(hook));
  }
  // Through both hooks, as a forwarded packet; the packet comes back if it was accepted.
  PacketPtr pass(const Bytes& bytes) {
    PacketPtr p = make(bytes);
    if (in(p) != Verdict::kAccept || confirm(p) != Verdict::kAccept) p.reset();
    return p;
  }
  void set(std::string_view name, std::string_view value) {
    const Status s = stack.sysctl_.set("net.netfilter.nf_conntrack_" + std::string(name), value);
    ASSERT_TRUE(s.ok()) << s.error().str();
  }
  std::string take_events() {
    event_bits = 0;
    return std::exchange(events, {});
  }
  void advance(Duration d) { stack.now_ += d; }

  // "ESTABLISHED SYN_RECV 60 UNREPLIED [UPDATE]": the packet's ctinfo, then the oldest entry there is.
  std::string describe(const Packet* p) {
    std::string s = p == nullptr ? "DROP" : ctinfo_name(p->ctinfo);
    const Connection* first = nullptr;
    ct.for_each([&](Connection& c) {
      if (first == nullptr) first = &c;
    });
    if (first == nullptr) return s + " -" + take_events();
    if (const std::string_view state = state_name(*first); !state.empty()) s.append(" ").append(state);
    s += " " + std::to_string((first->expires - stack.now_) / kSecond);
    if ((first->status & kSeenReply) == 0) s += " UNREPLIED";
    if ((first->status & kAssured) != 0) s += " ASSURED";
    return s + take_events();
  }
  static std::string ctinfo_name(CtInfo c) {
    switch (c) {
      case CtInfo::kEstablished:
        return "ESTABLISHED";
      case CtInfo::kRelated:
        return "RELATED";
      case CtInfo::kNew:
        return "NEW";
      case CtInfo::kEstablishedReply:
        return "ESTABLISHED_REPLY";
      case CtInfo::kRelatedReply:
        return "RELATED_REPLY";
      case CtInfo::kUntracked:
        return "UNTRACKED";
      case CtInfo::kNone:
        break;
    }
    return "INVALID";
  }

  FakeStack stack;
  Conntrack ct;
  std::string events;
  uint16_t event_bits = 0;

 private:
  ListenerId listener_ = 0;
};

// Between the two hosts: a UDP question and its answer, and a TCP handshake.
inline Bytes ask(uint16_t sport = 4000) { return udp_packet(kHostA, sport, kHostB, 53); }
inline Bytes answer(uint16_t dport = 4000) { return udp_packet(kHostB, 53, kHostA, dport); }
inline Bytes syn(uint16_t sport = 4000) { return tcp_packet(kHostA, sport, kHostB, 80, {.flags = "S", .seq = 1000}); }
inline Bytes syn_ack(uint16_t dport = 4000) {
  return tcp_packet(kHostB, 80, kHostA, dport, {.flags = "SA", .seq = 5000, .ack = 1001});
}
inline Bytes ack(uint16_t sport = 4000) {
  return tcp_packet(kHostA, sport, kHostB, 80, {.flags = "A", .seq = 1001, .ack = 5001});
}
// A handshake: the connection is ASSURED after it.
inline void establish(World& w, uint16_t port) {
  ASSERT_TRUE(w.pass(syn(port)));
  ASSERT_TRUE(w.pass(syn_ack(port)));
  ASSERT_TRUE(w.pass(ack(port)));
}

}  // namespace nf::ct::test
