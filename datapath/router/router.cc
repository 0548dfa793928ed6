#include "datapath/router/router.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

#include "datapath/packet/checksum.h"
#include "datapath/port/responder.h"

namespace nf {

Router::Router(const RouterOptions& options)
    : options_(options), random_(options.seed), link_(*this), bridges_(*this), arp_(*this), ip_(*this), icmp_(*this) {
  conf_all_.accept_source_route = 0;
  add_sysctls();
  Device& lo = *devices_.emplace_back(std::make_unique<Device>());
  lo.ifindex = 1;
  lo.name = "lo";
  lo.kind = DeviceKind::kLoopback;
  lo.mtu = 65536;
  lo.up = lo.running = true;
  by_index_ = {nullptr, &lo};
  ports_ = {nullptr, nullptr};
  add_conf_sysctls("lo", lo.conf);

  routing_ = std::make_unique<Routing>(conf_all_, lo);
  Address local;
  local.local = local.peer = ip4(127, 0, 0, 1);
  local.length = 8;
  local.scope = RouteScope::kHost;
  local.label = "lo";
  [[maybe_unused]] const Status added = routing_->add_address(lo, local);
  assert(added.ok());

  neighbours_ = std::make_unique<NeighbourTable>(NeighbourTable::Actions{
      .solicit =
          [this](const Device& dev, Be32 target, const MacAddress* known, const Packet* cause) {
            if (options_.assume_neighbours) return assumed_neighbours_.provide(*neighbours_, dev, target);
            arp_.solicit(dev, target, known, cause);
          },
      .output =
          [this](PacketPtr p, const Device& dev, const MacAddress& mac) {
            if (p->bridged_dnat) return bridges_.send_bridged_dnat(std::move(p), dev, mac);
            link_.send(std::move(p), dev, mac, dev.mac, kEtherIpv4);
          },
      .fail =
          [this](PacketPtr p, DropReason reason) {
            // twin: arp_error_report -> ipv4_link_failure
            if (reason == DropReason::kNeighbourFailed &&
                (p->ip().header_length() == sizeof(Ipv4Header) || ip_.options().compile(*p) == 0))
              icmp_send(*p, kIcmpUnreachable, 1, 0);
            drop(std::move(p), reason);
          },
      .is_broadcast = [this](const Device& dev,
                             Be32 address) { return address_type(address, &dev) == RouteType::kBroadcast; },
  });
  reassembly_ = std::make_unique<Reassembly>(
      pool_, sysctl_,
      Reassembly::Actions{
          .expired =
              [this](Packet& first) {
                // Held for the sake of conntrack it was not routed yet.
                const Ipv4Header& ip = first.ip();
                if (!first.dst.valid() && (routing_->route_input(ip.destination, ip.source, ip.tos, first.mark,
                                                                 *first.dev, first.dst) != DropReason::kNone ||
                                           first.dst.type != RouteType::kLocal)) {
                  return;
                }
                icmp_send(first, kIcmpTimeExceeded, 1, 0);
              },
          .drop = [this](PacketPtr p, DropReason reason) { drop(std::move(p), reason); },
      });
}

Router::~Router() {
  // Packets at rest go before the pool; whoever tracks their connections may be gone already.
  pool_.set_ct_release(nullptr, nullptr);
  backlog_.clear();
}

// --- devices

Device& Router::add_device(std::string_view name, DeviceKind kind, const MacAddress& mac, uint32_t mtu, int ifindex) {
  assert(device(name) == nullptr);
  if (ifindex == 0) ifindex = static_cast<int>(by_index_.size());
  Device& dev = *devices_.emplace_back(std::make_unique<Device>());
  dev.ifindex = ifindex;
  dev.name = name;
  dev.kind = kind;
  dev.mac = mac;
  dev.mtu = mtu;
  dev.running = true;
  dev.conf = conf_default_;
  const size_t index = static_cast<size_t>(ifindex);
  if (by_index_.size() <= index) {
    by_index_.resize(index + 1, nullptr);
    ports_.resize(index + 1, nullptr);
  }
  assert(by_index_[index] == nullptr);
  by_index_[index] = &dev;
  add_conf_sysctls(dev.name, dev.conf);
  return dev;
}

Device* Router::device(std::string_view name) {
  for (const auto& d : devices_)
    if (d->name == name) return d.get();
  return nullptr;
}

void Router::attach_port(Device& dev, Port& port) {
  ports_[static_cast<size_t>(dev.ifindex)] = &port;
  dev.can_checksum = port.can_checksum();
  dev.can_gso = port.can_gso();
}

Port* Router::port(const Device& dev) const { return ports_[static_cast<size_t>(dev.ifindex)]; }

void Router::set_up(Device& dev, bool up) {
  if (dev.up == up) return;
  dev.up = up;
  if (up) {
    routing_->device_up(dev);
  } else {
    bridges_.port_down(dev);
    routing_->device_down(dev);
    neighbours_->device_down(dev);
    if (on_device_down) on_device_down(dev);
  }
}

void Router::set_running(Device& dev, bool running) {
  dev.running = running;
  if (!running) bridges_.port_down(dev);
}

void Router::set_address(Device& dev, const MacAddress& mac) {
  if (dev.mac == mac) return;
  dev.mac = mac;
  neighbours_->device_down(dev);
  bridges_.address_changed(dev);
}

const Device* Router::device_by_index(int ifindex) const {
  const size_t index = static_cast<size_t>(ifindex);
  return ifindex > 0 && index < by_index_.size() ? by_index_[index] : nullptr;
}

const Device* Router::device_by_name(std::string_view name) const { return const_cast<Router*>(this)->device(name); }

// --- packets

// A traced packet is told as a whole before the next begins: it is a batch by itself. Returns how many come before the
// first one; 1 when that is the first.
size_t Router::before_traced(const Device& dev, std::span<PacketPtr> batch) {
  for (size_t i = 0; i < batch.size(); ++i) {
    if (!batch[i]->traced) begin_trace(*batch[i], &dev);
    if (batch[i]->traced) return std::max<size_t>(i, 1);
  }
  return batch.size();
}

void Router::receive(Device& dev, std::span<PacketPtr> batch, Time now) {
  now_ = now;
  constexpr size_t kBatch = 64;
  while (!batch.empty()) {
    size_t n = std::min(batch.size(), kBatch);
    if (trace_ != nullptr) [[unlikely]]
      n = before_traced(dev, batch.first(n));
    std::array<Packet*, kBatch> prepared;
    size_t count = 0;
    for (PacketPtr& p : batch.first(n)) {
      if (!link_.parse(dev, p)) continue;
      if (p->protocol == kEtherIpv4) prepared[count++] = p.get();
    }
    hooks_.prepare({prepared.data(), count});
    for (PacketPtr& p : batch.first(n)) {
      if (p == nullptr) continue;
      link_.deliver(std::move(p));
      drain_backlog();
    }
    batch = batch.subspan(n);
  }
}

namespace {

// What this host's ICMP layer sends by itself. twin: icmp_reply
bool is_icmp_answer(const Packet& p) {
  if (p.ip().protocol != kProtoIcmp) return false;
  const IcmpHeader* icmp = view<IcmpHeader>(p.transport());
  return icmp != nullptr && (icmp->type == kIcmpEchoReply || icmp->type == kIcmpTimestampReply);
}

}  // namespace

void Router::send_from_host(PacketPtr p, Time now, bool stack_answers) {
  now_ = now;
  begin_trace(*p, nullptr);
  p->from_socket = true;
  if (const DropReason bad = IpLayer::validate(*p); bad != DropReason::kNone) return drop(std::move(p), bad);
  tell(*p, trace::Received{&loopback(), true});
  Be32 source;
  const DropReason refused = route_from_host(p->ip(), p->mark, p->dst, source);
  if (refused != DropReason::kNone) {
    if (host_ != nullptr) host_->refused(*p, refused);
    return drop(std::move(p), refused);
  }
  tell_route(*p, {.destination = p->ip().destination, .source = p->ip().source, .tos = p->ip().tos, .mark = p->mark},
             p->ip().source.is_zero() ? source : Be32{});
  {
    std::optional<Icmp::Sending> sending;
    if (stack_answers && is_icmp_answer(*p)) sending.emplace(icmp_);
    in_process_ = !stack_answers;
    ip_.local_out(std::move(p));
    in_process_ = false;
  }
  drain_backlog();
}

DropReason Router::route_from_host(const Ipv4Header& ip, uint32_t mark, Dst& dst, Be32& source) const {
  FlowKey key;
  key.destination = ip.destination;
  key.tos = ip.tos;
  key.mark = mark;
  // A socket that is bound to a broadcast or multicast address has no source. twin: raw_bind, __inet_bind
  const RouteType type = address_type(ip.source, nullptr);
  if (type != RouteType::kBroadcast && type != RouteType::kMulticast) {
    key.source = ip.source;
    key.any_source = true;  // whether it may be spoken from was the socket's question
  }
  return routing_->route_output(key, dst, source);
}

void Router::connect(Responder& responder) {
  responder.set_reply([this](const Packet& to, PacketPtr reply) { reply_from_host(to, std::move(reply)); });
  responder.set_icmp_error(
      [this](const Packet& cause, uint8_t type, uint8_t code, uint32_t info) { icmp_send(cause, type, code, info); });
  responder.set_default_ttl([this] { return static_cast<uint8_t>(ip_.default_ttl()); });
}

void Router::reply_from_host(const Packet& to, PacketPtr p) {
  EchoedOptions options;
  if (!ip_.options().echo(to, options)) return;
  FlowKey key;
  key.destination = options.state.source_route != 0 ? options.first_hop : p->ip().destination;
  key.source = p->ip().source;
  key.tos = p->ip().tos;
  Be32 source;
  if (routing_->route_output(key, p->dst, source) != DropReason::kNone) return;
  const bool icmp = p->ip().protocol == kProtoIcmp;
  if (icmp && !icmp_.may_reply(*p)) return;

  if (options.length != 0) {
    const Be32 destination = p->ip().destination;
    p->push(options.length);
    std::memmove(p->data(), p->data() + options.length, sizeof(Ipv4Header));
    Ipv4Header& ip = p->ip();
    ip.version_ihl = static_cast<uint8_t>(ip.version_ihl + options.length / 4);
    ip.total_length = be16(static_cast<uint16_t>(p->length()));
    ip.destination = key.destination;
    ip_.options().build(options, *p, source, destination);
    ip_send_check(ip);
  }
  make_in_pieces(*p, p->dst.mtu);
  begin_trace(*p, nullptr);
  tell(*p, trace::Received{&loopback(), true});
  tell_route(*p, key);
  std::optional<Icmp::Sending> sending;
  if (icmp) sending.emplace(icmp_);
  ip_.local_out(std::move(p));
}

void Router::drain_backlog() {
  if (draining_) return;
  draining_ = true;
  while (!backlog_.empty()) {
    PacketPtr p = std::move(backlog_.front());
    backlog_.pop_front();
    if (p->type == PacketType::kLoopback) {
      ip_.rcv(std::move(p));
      continue;
    }
    if (link_.parse(loopback(), p)) link_.deliver(std::move(p));
  }
  draining_ = false;
}

Time Router::run_timers(Time now) {
  now_ = now;
  const Time neighbours = neighbours_->expire(now);
  const Time fragments = reassembly_->expire(now);
  const Time arp = arp_.expire(now);
  bridges_.sweep(now);
  drain_backlog();
  return std::min({neighbours, fragments, arp});
}

void Router::flush() {
  for (Port* port : ports_)
    if (port != nullptr) port->flush();
}

PacketPtr Router::clone(const Packet& p) {
  PacketPtr c = pool_.copy(p);
  share_connection(p, *c);
  return c;
}

void Router::share_connection(const Packet& from, Packet& to) {
  if (from.ct != 0 && hooks_.connection().get != nullptr) {
    hooks_.connection().get(hooks_.connection().self, from.ct);
    to.ct = from.ct;
  }
  to.ctinfo = from.ctinfo;
}

void Router::drop(PacketPtr p, DropReason reason, const HookPoint* at) {
  ++drops_[static_cast<size_t>(reason)];
  tell(*p, trace::Dropped{reason, at != nullptr ? *at : HookPoint::kPreRouting, at != nullptr});
}

bool Router::run_hook_slow(HookPoint hook, PacketPtr& p, const Device* in, const Device* out) {
  HookState state{hook, in, out, this, now_, p->traced ? trace_ : nullptr};
  tell(*p, trace::HookEntered{hook, in, out});
  return carry_out(hooks_.run(p, state), p, hook);
}

bool Router::carry_out(Verdict verdict, PacketPtr& p, HookPoint hook) {
  if (verdict == Verdict::kDrop) {
    const auto reason = static_cast<DropReason>(p->drop_reason);
    drop(std::move(p), reason, &hook);
  }
  return verdict == Verdict::kAccept;
}

// --- Stack

RouteType Router::address_type(Be32 address, const Device* dev) const { return routing_->address_type(address, dev); }
std::optional<Be32> Router::select_address(const Device& dev, Be32 destination, RouteScope scope) const {
  return routing_->select_address(dev, destination, scope);
}
std::optional<Be32> Router::first_address(const Device& dev) const { return routing_->first_address(dev); }
std::optional<Be32> Router::broadcast_mask(const Device& dev, Be32 broadcast) const {
  return routing_->broadcast_mask(dev, broadcast);
}

void Router::icmp_send(const Packet& cause, uint8_t type, uint8_t code, uint32_t info) {
  icmp_.send(cause, type, code, info);
}

void Router::log(std::string_view line) {
  if (on_log) on_log(now_, line);
}

namespace {

// twin: ipv4_conntrack_defrag, net/ipv4/netfilter/nf_defrag_ipv4.c
Verdict defrag(void* self, PacketPtr& p, const HookState& state) {
  Router& router = *static_cast<Router*>(self);
  if (!p->ip().is_fragment()) return Verdict::kAccept;
  // The host's own, exempted in OUTPUT, then cut, comes by lo in pieces.
  if (p->ctinfo == CtInfo::kUntracked) return Verdict::kAccept;
  DefragUser user = DefragUser::kConntrackOut;
  if (state.hook == HookPoint::kPreRouting)
    user = p->phys_in != nullptr ? DefragUser::kConntrackBridgeIn : DefragUser::kConntrackIn;
  p = router.reassemble(std::move(p), user);
  if (p == nullptr) return Verdict::kStolen;
  p->ignore_df = true;
  return Verdict::kAccept;
}

}  // namespace

PacketPtr Router::reassemble(PacketPtr p, DefragUser user) {
  const Ipv4Header& ip = p->ip();
  tell(*p, trace::FragmentHeld{static_cast<uint16_t>(ip.fragment_offset() * 8),
                               static_cast<uint16_t>(p->length() - ip.header_length())});
  PacketPtr whole = reassembly_->add(std::move(p), user, now_);
  if (whole != nullptr) tell(*whole, trace::Reassembled{whole->fragment_count, whole->length()});
  return whole;
}

void Router::defrag_get() {
  if (defrag_users_++ > 0) return;
  hooks_.add(HookPoint::kPreRouting, priority::kDefrag, defrag, this);
  hooks_.add(HookPoint::kLocalOut, priority::kDefrag, defrag, this);
}

void Router::defrag_put() {
  if (--defrag_users_ > 0) return;
  hooks_.remove(HookPoint::kPreRouting, defrag, this);
  hooks_.remove(HookPoint::kLocalOut, defrag, this);
}

}  // namespace nf
