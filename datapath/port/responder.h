// A host without processes: answers what Linux's own protocol layers answer when no socket is open. For replay and
// explain, and wherever the host's processes do not matter.
//
//   ICMP echo, timestamp    reply
//   TCP                     RST, as from a closed port; never for an RST
//   UDP, UDP-Lite           ICMP port unreachable
//   IGMP, PIM               taken in silence
//   any other protocol      ICMP protocol unreachable
// Wrong checksums and malformed headers are dropped in silence. Broadcast and multicast are not answered. The replies'
// TTL, TOS, id and DF are the kernel's: the default TTL; echo keeps the TOS, RST keeps it without its ECN bits; echo
// counts ids per destination without DF, RST has id 0 and DF. Errors are the router's to send (IcmpError); so are the
// replies where there is one (Reply), for it echoes the request's IP options.
// twin: icmp_rcv, tcp_v4_send_reset, __udp4_lib_rcv, ip_protocol_deliver_rcu
//
// Ownership: replies come from the pool given. Every packet delivered is answered or counted in drops(), or both
// (kNoSocket, kNoProtocol with an ICMP error).
#pragma once

#include <array>
#include <functional>
#include <utility>

#include "datapath/base/random.h"
#include "datapath/port/host_port.h"
#include "datapath/trace/drop_reason.h"

namespace nf {

class Responder final : public HostPort {
 public:
  // Stack::icmp_send of the router.
  using IcmpError = std::function<void(const Packet& cause, uint8_t type, uint8_t code, uint32_t info)>;
  // Sends an answer to `to`. Its addresses and transport checksum are those without source routing; the IP header's
  // checksum is set. By default it goes to the sink.
  using Reply = std::function<void(const Packet& to, PacketPtr reply)>;
  // The id of a packet that may be fragmented; by default a counter per destination of our own.
  using NextId = std::function<uint16_t(const Ipv4Header& ip)>;

  explicit Responder(PacketPool& pool, uint64_t seed = 1) : pool_(pool), random_(seed) {}

  void set_icmp_error(IcmpError f) { icmp_error_ = std::move(f); }
  void set_reply(Reply f) { reply_ = std::move(f); }
  void set_next_id(NextId f) { next_id_ = std::move(f); }
  // net.ipv4.ip_default_ttl, asked for each reply; 64 by default.
  void set_default_ttl(std::function<uint8_t()> f) { default_ttl_ = std::move(f); }

  void deliver(PacketPtr p, Time now) override;
  const DropCounters& drops() const { return drops_; }

 private:
  // twin: struct ip_ident_bucket
  struct IdBucket {
    bool used = false;
    uint32_t id = 0;
    int64_t stamp = 0;  // jiffies
  };

  DropReason icmp(const Packet& p, Time now);
  DropReason tcp(const Packet& p);
  DropReason udp(Packet& p);
  DropReason udplite(const Packet& p);
  PacketPtr make_reply(const Packet& to, uint8_t protocol, uint8_t tos, uint32_t transport_length);
  void finish(const Packet& to, PacketPtr reply);
  uint16_t next_id(const Ipv4Header& ip, Time now);

  PacketPool& pool_;
  Random random_;
  IcmpError icmp_error_;
  Reply reply_;
  NextId next_id_;
  std::function<uint8_t()> default_ttl_;
  std::array<IdBucket, 256> ids_{};
  DropCounters drops_{};
};

}  // namespace nf
