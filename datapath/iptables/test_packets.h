// Packets and a trace sink for the tests of this folder. Only tests include it.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "datapath/base/random.h"
#include "datapath/base/text.h"
#include "datapath/hook/fake_stack.h"
#include "datapath/packet/headers.h"

namespace nf::ipt {

struct PacketSpec {
  Be32 source = ip4(10, 0, 0, 1), destination = ip4(10, 0, 0, 2);
  uint8_t protocol = kProtoTcp;
  uint16_t source_port = 40000, destination_port = 80;  // ICMP: type<<8|code in destination_port
  uint16_t fragment_offset = 0;                         // units of 8 bytes
  bool more_fragments = false;
  uint8_t tcp_flags = kTcpSyn;
  unsigned option_words = 0;  // IP options, in words of 4 bytes (all "end of list")
  uint32_t payload = 20;      // bytes behind the IP header, transport header included
  uint8_t ttl = 64, tos = 0;
  uint32_t mark = 0;
  std::vector<uint8_t> body = {};  // behind the transport header: TCP options (whole words), SCTP chunks
  uint8_t station = 0;             // received from 02:00:00:00:00:<station>; 0: there is no Ethernet header
  PacketType type = PacketType::kHost;
};

inline PacketPtr make_packet(PacketPool& pool, const PacketSpec& s) {
  const uint32_t header = 20 + s.option_words * 4;
  constexpr uint32_t kEthernet = sizeof(EthernetHeader);
  PacketPtr p = pool.allocate(kEthernet + header + s.payload);
  std::memset(p->put(kEthernet), 0, kEthernet);
  if (s.station != 0) {
    p->set_mac_header();
    p->mac().source = {2, 0, 0, 0, 0, s.station};
  }
  p->pull(kEthernet);
  uint8_t* bytes = p->put(header + s.payload);
  std::memset(bytes, 0, header + s.payload);
  Ipv4Header& ip = p->ip();
  ip.version_ihl = static_cast<uint8_t>(0x40 | (5 + s.option_words));
  ip.tos = s.tos;
  ip.total_length = be16(static_cast<uint16_t>(header + s.payload));
  ip.fragment = be16(static_cast<uint16_t>(s.fragment_offset | (s.more_fragments ? kIpMoreFragments : 0)));
  ip.ttl = s.ttl;
  ip.protocol = s.protocol;
  ip.source = s.source;
  ip.destination = s.destination;
  // What fits of a TCP header; UDP and ICMP share its first bytes.
  uint8_t transport[20] = {};
  const uint16_t first = s.protocol == kProtoIcmp ? s.destination_port : s.source_port;
  transport[0] = static_cast<uint8_t>(first >> 8);
  transport[1] = static_cast<uint8_t>(first);
  if (s.protocol != kProtoIcmp) {
    transport[2] = static_cast<uint8_t>(s.destination_port >> 8);
    transport[3] = static_cast<uint8_t>(s.destination_port);
  }
  if (s.protocol == kProtoUdp) transport[5] = static_cast<uint8_t>(s.payload);
  if (s.protocol == kProtoTcp) {
    transport[12] = static_cast<uint8_t>((5 + s.body.size() / 4) << 4);
    transport[13] = s.tcp_flags;
  }
  std::memcpy(bytes + header, transport, std::min<size_t>(s.payload, sizeof transport));
  const uint32_t before = s.protocol == kProtoSctp ? 12 : 20;
  if (s.payload > before && !s.body.empty())
    std::memcpy(bytes + header + before, s.body.data(), std::min<size_t>(s.payload - before, s.body.size()));
  p->mark = s.mark;
  p->type = s.type;
  p->protocol = kEtherIpv4;
  return p;
}

// Rules and policies as "filter:INPUT:rule:1:accept:LOG"; detailed, also "filter:INPUT:miss:1:-p tcp|miss.protocol|-p
// tcp|udp", with "|only" behind.
class RecordingSink final : public trace::Sink {
 public:
  explicit RecordingSink(bool detailed = false) : detailed_(detailed) {}
  std::vector<std::string> lines;
  bool detailed() const override { return detailed_; }
  void event(const Packet&, const trace::Event& e) override {
    static constexpr const char* kVerdicts[] = {"accept", "drop", "return", "jump", "goto", "continue", "other"};
    if (const auto* r = std::get_if<trace::RuleMatched>(&e))
      lines.push_back(std::string(r->table) + ":" + std::string(r->chain) + ":rule:" + std::to_string(r->number) + ":" +
                      kVerdicts[static_cast<size_t>(r->verdict)] + ":" + std::string(r->target));
    if (const auto* r = std::get_if<trace::RuleMissed>(&e)) {
      std::string line = std::string(r->table) + ":" + std::string(r->chain) + ":miss:" + std::to_string(r->number) +
                         ":" + std::string(r->rule) + "|" + r->why->key;
      for (const std::string& v : r->why->values) line += "|" + v;
      lines.push_back(line + (r->only ? "|only" : ""));
    }
    if (const auto* r = std::get_if<trace::PolicyReached>(&e))
      lines.push_back(std::string(r->table) + ":" + std::string(r->chain) +
                      ":policy:" + (r->accept ? "accept" : "drop"));
  }

 private:
  bool detailed_;
};

inline Device make_device(int ifindex, std::string name) {
  Device d;
  d.ifindex = ifindex;
  d.name = std::move(name);
  return d;
}

}  // namespace nf::ipt
