#include "datapath/router/icmp.h"

#include <algorithm>
#include <cstring>

#include "datapath/packet/checksum.h"
#include "datapath/packet/rewrite.h"
#include "datapath/router/router.h"

namespace nf {
namespace {

// The reference kernel's HZ; rate limits count in its jiffies.
constexpr int64_t kHz = 250;
constexpr int64_t kBurstFactor = 6;                // XRLIM_BURST_FACTOR
constexpr int64_t kErrorCost = kHz;                // ip_rt_error_cost
constexpr int64_t kErrorBurst = 5 * kHz;           // ip_rt_error_burst
constexpr int64_t kRedirectSilence = 20 * kHz;     // ip_rt_redirect_silence (RT_REDIRECT_SILENCE at HZ/50 << 10)
constexpr int64_t kRedirectLoad = kHz / 50;        // ip_rt_redirect_load
constexpr uint32_t kRedirectNumber = 9;            // ip_rt_redirect_number
constexpr Be32 kDummyAddress = ip4(192, 0, 0, 8);  // INADDR_DUMMY, RFC 7600
constexpr uint8_t kPrecedenceInternetControl = 0xc0;

}  // namespace

void Icmp::add_sysctls(SysctlTable& sysctl) {
  sysctl.add("net.ipv4.icmp_ratelimit", {.value = &ratelimit_, .min = 0});
  sysctl.add("net.ipv4.icmp_ratemask", {.value = &ratemask_, .min = 0});
  sysctl.add("net.ipv4.icmp_msgs_per_sec", {.value = &msgs_per_sec_, .min = 0});
  sysctl.add("net.ipv4.icmp_msgs_burst", {.value = &msgs_burst_, .min = 0});
  sysctl.add("net.ipv4.icmp_errors_use_inbound_ifaddr", {.value = &inbound_ifaddr_, .min = 0, .max = 1});
}

int64_t Icmp::jiffies() const { return r_.now() / (kSecond / kHz); }

Icmp::Peer& Icmp::peer(Be32 address) {
  // A peer is forgotten long after its bucket is full again; when many sources are seen, all full ones go at once.
  if (peers_.size() > 65536)
    std::erase_if(peers_, [now = jiffies()](const auto& e) { return now - e.second.last > 60 * kHz; });
  const auto [it, fresh] = peers_.try_emplace(address);
  if (fresh) it->second.last = jiffies() - 60 * kHz;
  return it->second;
}

// twin: icmp_global_allow
bool Icmp::global_allows() {
  const int64_t now = jiffies();
  if (global_stamp_ == 0) {
    global_stamp_ = now;
    global_credit_ = msgs_burst_;
  }
  if (global_credit_ <= 0) {
    const int64_t delta = std::min(now - global_stamp_, kHz);
    if (delta < kHz / 50) return false;
    global_credit_ = std::min(global_credit_ + msgs_per_sec_ * delta / kHz, msgs_burst_);
    global_stamp_ = now;
    if (global_credit_ <= 0) return false;
  }
  return true;
}

// twin: inet_peer_xrlim_allow
bool Icmp::Peer::take(int64_t cost, int64_t burst, int64_t now) {
  tokens = std::min(tokens + (now - last), burst);
  last = now;
  if (tokens < cost) return false;
  tokens -= cost;
  return true;
}

// twin: icmpv4_xrlim_allow
bool Icmp::rate_allows(uint8_t type, uint8_t code, const Device& out, Be32 destination) {
  if (type == kIcmpUnreachable && code == 4) return true;
  if (type < 32 && (ratemask_ >> type & 1) == 0) return true;
  if (out.kind == DeviceKind::kLoopback) return true;
  if (!global_allows()) return false;
  if (ratelimit_ != 0) {
    const int64_t cost = ratelimit_ * kHz / 1000;
    if (!peer(destination).take(cost, kBurstFactor * cost, jiffies())) return false;
  }
  // Credit is taken in random steps, so that it tells nothing to who counts answers. twin: icmp_global_consume
  global_credit_ -= r_.random().below(3);
  return true;
}

bool Icmp::may_reply(const Packet& reply) {
  const IcmpHeader& icmp = *view<IcmpHeader>(reply.transport());
  return rate_allows(icmp.type, icmp.code, *reply.dst.out, reply.ip().destination);
}

// Types no error is sent about: the errors, router discovery and the unassigned. twin: icmp_pointers[].error
static bool counts_as_error(uint8_t type) {
  constexpr uint32_t kTypes = 1u << 1 | 1u << 2 | 1u << kIcmpUnreachable | 1u << kIcmpSourceQuench |
                              1u << kIcmpRedirect | 1u << 6 | 1u << 7 | 1u << 9 | 1u << 10 | 1u << kIcmpTimeExceeded |
                              1u << kIcmpParameterProblem;
  return type < 32 && (kTypes >> type & 1) != 0;
}

void Icmp::send(const Packet& cause, uint8_t type, uint8_t code, uint32_t info) {
  if (sending_ || !cause.dst.valid() || cause.type != PacketType::kHost) return;
  // A directed broadcast that is forwarded counts as unicast.
  if ((cause.dst.type == RouteType::kBroadcast && !cause.forwarded) || cause.dst.type == RouteType::kMulticast) return;
  const Ipv4Header& from = cause.ip();
  if (from.fragment_offset() != 0) return;
  if (from.protocol == kProtoIcmp) {
    // No error about an error (RFC 1122, 3.2.2).
    const std::span<const uint8_t> inner = cause.transport();  // its first byte, the type, is enough
    if (inner.empty() || inner[0] > kIcmpAddressReply || counts_as_error(inner[0])) return;
  }

  Be32 source = from.destination;
  if (cause.dst.type != RouteType::kLocal) {
    source = Be32{};
    if (inbound_ifaddr_ != 0 && cause.dst.received_by != nullptr)
      source = r_.select_address(*cause.dst.received_by, from.source, RouteScope::kLink).value_or(Be32{});
  }
  const uint8_t tos = static_cast<uint8_t>((from.tos & 0x1e) | kPrecedenceInternetControl);
  FlowKey key;
  EchoedOptions options;
  if (!r_.ip().options().echo(cause, options)) return;
  const Be32 first_hop = options.state.source_route != 0 ? options.first_hop : from.source;
  key.destination = first_hop;
  key.source = source;
  key.tos = tos;
  Dst dst;
  Be32 chosen = source;
  if (r_.routing().route_output(key, dst, chosen) != DropReason::kNone) return;
  if (!rate_allows(type, code, *dst.out, first_hop)) return;
  if (chosen.is_zero()) chosen = kDummyAddress;

  // As much of the packet as fits into 576 bytes (RFC 1812, 4.3.2.3).
  const int room = static_cast<int>(std::min<uint32_t>(dst.mtu, 576)) -
                   static_cast<int>(sizeof(Ipv4Header) + options.length + sizeof(IcmpHeader));
  if (room <= static_cast<int>(sizeof(Ipv4Header))) return;
  const uint32_t quoted = std::min(cause.length(), static_cast<uint32_t>(room));

  PacketPtr p = r_.pool().allocate(576);
  p->traced = cause.traced;
  Ipv4Header& ip = *reinterpret_cast<Ipv4Header*>(p->put(sizeof(Ipv4Header)));
  p->put(options.length);
  IcmpHeader& icmp = *reinterpret_cast<IcmpHeader*>(p->put(sizeof(IcmpHeader)));
  icmp.type = type;
  icmp.code = code;
  icmp.set_info(be32(info));
  std::memcpy(p->put(quoted), cause.data(), quoted);
  ip.version_ihl = static_cast<uint8_t>(0x45 + options.length / 4);
  ip.tos = tos;
  ip.total_length = be16(static_cast<uint16_t>(p->length()));
  ip.id = be16(r_.random().u16());
  ip.fragment = Be16{};
  // To a group, as whoever a REDIRECT gave back a group's address may be, it is not to get far. twin: __ip_make_skb
  ip.ttl = dst.type == RouteType::kMulticast ? uint8_t{1} : static_cast<uint8_t>(r_.ip().default_ttl());
  ip.protocol = kProtoIcmp;
  ip.source = chosen;
  ip.destination = first_hop.is_zero() ? dst.nexthop : first_hop;  // to nobody is to this host
  if (options.length != 0) r_.ip().options().build(options, *p, chosen, from.source);
  ip_send_check(ip);
  fill_transport_checksum(*p);

  p->dst = dst;
  const ConnectionHooks& connection = r_.hooks().connection();
  if (connection.attach != nullptr) connection.attach(connection.self, *p, cause);
  const Sending sending(*this);
  r_.ip().local_out(std::move(p));
}

void Icmp::send_unreachable(const Packet& p, uint8_t code) {
  if (peer(p.ip().source).take(kErrorCost, kErrorBurst, jiffies())) send(p, kIcmpUnreachable, code, 0);
}

void Icmp::send_redirect(const Packet& p) {
  if (p.dev == nullptr || (p.dev->conf.send_redirects == 0 && r_.conf_all().send_redirects == 0)) return;
  Peer& pr = peer(p.ip().source);
  const int64_t now = jiffies();
  if (now > pr.last + kRedirectSilence) pr.redirects = 0;
  if (pr.redirects >= kRedirectNumber) {
    pr.last = now;
    return;
  }
  if (pr.redirects == 0 || now > pr.last + (kRedirectLoad << pr.redirects)) {
    send(p, kIcmpRedirect, 1, p.dst.nexthop.host());
    pr.last = now;
    ++pr.redirects;
  }
}

}  // namespace nf
