// A packet on its way: one buffer and what the stack knows about it. twin: struct sk_buff
//
// Ownership: a Packet belongs to a PacketPool and to exactly one PacketPtr at a time; there are no reference counts
// on buffers, flooding copies. Freeing a packet drops its reference on its connection (PacketPool::set_ct_release).
//
// Layout of the buffer:  [headroom | data ... tail | tailroom]
// Offsets count from the start of the buffer.
// Invariants:
//  1. data_ <= data_ + length_ <= capacity_.
//  2. From ip_rcv on, data() starts at the IPv4 header, that header was proved whole and of the right length, and
//     length() == total_length (for a GSO packet, its real length up to 65535).
//  3. mac_ names the link-layer header as received; it stays readable after the IP layer took over.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "datapath/packet/ctinfo.h"
#include "datapath/packet/dst.h"
#include "datapath/packet/headers.h"

namespace nf {

struct Device;
class PacketPool;

// Who a frame was addressed to. twin: PACKET_HOST..., uapi/linux/if_packet.h (values)
enum class PacketType : uint8_t {
  kHost = 0,
  kBroadcast = 1,
  kMulticast = 2,
  kOtherHost = 3,
  kOutgoing = 4,
  kLoopback = 5,  // a broadcast or multicast of this host's own, come back to it
};

// What is known of the transport checksum. twin: CHECKSUM_*, include/linux/skbuff.h
enum class ChecksumState : uint8_t {
  kNone,         // in the packet, not verified
  kUnnecessary,  // verified by the sender's side, or trusted
  kPartial,      // only the pseudo-header's sum is in the field; to be completed on the way out
};

// twin: SKB_GSO_*
enum class GsoType : uint8_t { kNone, kTcpv4, kUdpL4 };

// What the router found in the IPv4 options of a received packet. Offsets count from the IPv4 header; 0: not there.
// twin: struct ip_options in IPCB(skb)
struct IpOptionState {
  uint8_t length = 0;  // of all options, bytes
  uint8_t record_route = 0, timestamp = 0, source_route = 0, cipso = 0;
  bool record_address : 1 = false;     // the outgoing address is still to be written into record route
  bool timestamp_address : 1 = false;  // and into timestamp
  bool timestamp_time : 1 = false;
  bool strict : 1 = false;
  bool source_route_hit : 1 = false;  // the source route leads on from here, to `nexthop`
  bool changed : 1 = false;           // the header's checksum is to be written anew
  Be32 nexthop;
};

class Packet {
 public:
  // --- bytes
  uint8_t* data() { return buffer_ + data_; }
  const uint8_t* data() const { return buffer_ + data_; }
  uint32_t length() const { return length_; }
  std::span<uint8_t> bytes() { return {data(), length_}; }
  std::span<const uint8_t> bytes() const { return {data(), length_}; }
  uint32_t headroom() const { return data_; }
  uint32_t tailroom() const { return capacity_ - data_ - length_; }

  // Removes n bytes from the front (n <= length()). twin: skb_pull
  void pull(uint32_t n) {
    data_ += n;
    length_ -= n;
  }
  // Adds n bytes in front (n <= headroom()); their content is undefined. twin: skb_push
  uint8_t* push(uint32_t n) {
    data_ -= n;
    length_ += n;
    return data();
  }
  // Adds n bytes at the end (n <= tailroom()); their content is undefined. twin: skb_put
  uint8_t* put(uint32_t n) {
    uint8_t* p = tail();
    length_ += n;
    fragment_count = 0;
    return p;
  }
  // Cuts the end so that n bytes remain (n <= length()). twin: skb_trim
  void trim(uint32_t n) {
    length_ = n;
    fragment_count = 0;
  }
  // Empties the packet, leaving `headroom` bytes free in front.
  void reset(uint32_t headroom) {
    data_ = headroom;
    length_ = 0;
    fragment_count = 0;
  }
  // The n bytes behind the (outer) IPv4 header were needed in one piece: where the first fragment had fewer, what it
  // lacked was taken from those behind it, and a packet is cut again where it is joined now. twin: pskb_may_pull
  void need_contiguous(uint32_t n) {
    if (fragment_count != 0) pull_together(n);
  }
  // Where tailroom() begins.
  uint8_t* tail() { return data() + length_; }

  // --- layers
  void set_mac_header() {
    mac_ = data_;
    has_mac_ = true;
  }
  void clear_mac_header() { has_mac_ = false; }
  bool has_mac_header() const { return has_mac_; }
  EthernetHeader& mac() { return *reinterpret_cast<EthernetHeader*>(buffer_ + mac_); }
  const EthernetHeader& mac() const { return *reinterpret_cast<const EthernetHeader*>(buffer_ + mac_); }

  // The IPv4 header (invariant 2).
  Ipv4Header& ip() { return *reinterpret_cast<Ipv4Header*>(data()); }
  const Ipv4Header& ip() const { return *reinterpret_cast<const Ipv4Header*>(data()); }
  // Everything behind the IPv4 header (invariant 2); empty is possible.
  std::span<uint8_t> transport() { return bytes().subspan(ip().header_length()); }
  std::span<const uint8_t> transport() const { return bytes().subspan(ip().header_length()); }

  // --- what the stack knows
  const Device* dev = nullptr;      // receiving, then sending device
  const Device* phys_in = nullptr;  // bridge port it came in by, while the bridge runs netfilter (nf_bridge_info)
  const Device* phys_out = nullptr;
  uintptr_t ct = 0;          // the connection, opaque here; owned reference. twin: skb->_nfct
  uint64_t ct_prepared = 0;  // scratch of the prepare stage: flow hash, 0 when not prepared
  Dst dst;
  MacAddress bridged_source{};  // with bridged_dnat: the frame's own source, which the bridge keeps
  IpOptionState options;
  uint32_t mark = 0;
  uint32_t priority = 0;
  uint16_t protocol = 0;       // EtherType
  uint16_t frag_max_size = 0;  // largest fragment this packet was put together from; 0: it was not fragmented
  // A reassembled packet: so many uint16_t stand in its tailroom, the payload lengths of the fragments it was made of,
  // so that it can be cut in the same places again. 0: not known; put(), trim() and PacketPool::copy() forget them, who
  // moves payload within the packet must. twin: skb_shinfo(skb)->frag_list, lost by skb_linearize
  uint16_t fragment_count = 0;
  uint16_t gso_size = 0;    // payload bytes per segment
  uint16_t gso_header = 0;  // bytes of IP and transport header, for a GSO packet
  uint8_t drop_reason = 0;  // DropReason, set by whoever returns Verdict::kDrop
  CtInfo ctinfo = CtInfo::kNone;
  PacketType type = PacketType::kHost;
  ChecksumState checksum = ChecksumState::kNone;
  GsoType gso = GsoType::kNone;
  bool gso_ecn = false;           // SKB_GSO_TCP_ECN
  bool bridge_netfilter = false;  // PREROUTING was already run by the bridge (ip_sabotage_in)
  bool bridged_dnat = false;      // waits for its next hop's address, then goes on in the bridge
  bool df_fragments = false;      // a fragment carried DF (IPSKB_FRAG_PMTU: DF on the largest fragment)
  bool ignore_df = false;         // put together by PREROUTING or OUTPUT: may be cut again. twin: skb->ignore_df
  bool forwarded = false;         // twin: IPSKB_FORWARDED
  bool from_socket = false;       // a local process's own, not the copy that loops back. twin: skb->sk
  bool traced = false;            // the run of this packet is told to the trace sink

 private:
  void pull_together(uint32_t n);

  friend class PacketPool;
  friend struct PacketRelease;
  uint8_t* buffer_ = nullptr;
  uint32_t capacity_ = 0;
  uint32_t data_ = 0;
  uint32_t length_ = 0;
  uint32_t mac_ = 0;
  bool has_mac_ = false;
  PacketPool* pool_ = nullptr;
  Packet* next_free_ = nullptr;
};

struct PacketRelease {
  void operator()(Packet* p) const;
};
using PacketPtr = std::unique_ptr<Packet, PacketRelease>;

}  // namespace nf
