// The router of one network namespace: devices, their ports, and the layers a packet goes through.
// twin: struct net with net/core/dev.c; the layers' twins stand in their headers.
//
//   link.{h,cc}      frames in and out of devices, loopback
//   bridge_layer     bridge ports, br_netfilter
//   arp              ARP in and out
//   ip_options       IPv4 options
//   ip_input, ip_forward, ip_output (ip_layer.h)   the IPv4 path with its five hooks
//   icmp             errors a router sends; reject.cc: TCP resets
//   fragment         reassembly and fragmentation
//
// Ownership: the Router owns everything below it; ports and the host port belong to the caller and outlive it.
// Invariants:
//  1. Packets are processed one by one, in arrival order, each to completion; processing n packets at once equals
//     processing them one at a time.
//  2. Every packet taken in is sent, delivered, held in a queue, or dropped with exactly one DropReason.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "datapath/base/sysctl.h"
#include "datapath/hook/stack.h"
#include "datapath/port/host_port.h"
#include "datapath/port/port.h"
#include "datapath/route/neighbour.h"
#include "datapath/route/routing.h"
#include "datapath/router/arp.h"
#include "datapath/router/assumed_neighbours.h"
#include "datapath/router/bridge_layer.h"
#include "datapath/router/fragment.h"
#include "datapath/router/icmp.h"
#include "datapath/router/ip_layer.h"
#include "datapath/router/link.h"

namespace nf {

class Responder;

struct RouterOptions {
  uint64_t seed = 1;
  // A next hop nobody answered for is taken to exist: the link address seen in received frames, or one derived from
  // the IP address. For captures, where no neighbour can answer.
  bool assume_neighbours = false;
};

class Router final : public Stack {
 public:
  explicit Router(const RouterOptions& options);
  ~Router() override;

  // --- devices. lo exists from the start, with ifindex 1, up, 127.0.0.1/8.
  // Precondition: no device of that name. ifindex 0: the next free one.
  Device& add_device(std::string_view name, DeviceKind kind, const MacAddress& mac, uint32_t mtu, int ifindex = 0);
  Device* device(std::string_view name);
  const std::vector<std::unique_ptr<Device>>& devices() const { return devices_; }
  // The device's frames go to and come from `port` (caller's).
  void attach_port(Device& dev, Port& port);
  Port* port(const Device& dev) const;
  void set_up(Device& dev, bool up);
  void set_running(Device& dev, bool running);
  void set_address(Device& dev, const MacAddress& mac);
  // Called after a device's state or addresses changed (nat flushes masqueraded connections).
  std::function<void(const Device& dev)> on_device_down;

  // What the host's own processes receive. twin: ip_protocol_deliver_rcu and above
  void set_host(HostPort* host) { host_ = host; }
  HostPort* host() const { return host_; }
  // What a host without processes asks of its router: where its answers go, and the errors, and the default TTL.
  void connect(Responder& responder);

  // --- packets
  // Frames received by `dev`, at their link header. All are consumed.
  void receive(Device& dev, std::span<PacketPtr> batch, Time now);
  // A packet of a local process, at its IPv4 header. With `stack_answers` a host stack stands behind it, and ICMP
  // replies are taken for that stack's own, which bring about no error.
  void send_from_host(PacketPtr p, Time now, bool stack_answers = false);
  // The way a local process's packet goes: as from a socket bound to its source, which may be anybody's. `source`: the
  // one it gets when it has none.
  DropReason route_from_host(const Ipv4Header& ip, uint32_t mark, Dst& dst, Be32& source) const;
  // The host's own answer to a packet delivered, with its options echoed. twin: icmp_reply, ip_send_unicast_reply
  void reply_from_host(const Packet& to, PacketPtr p);
  // Everything due. Returns when to call again (INT64_MAX: never).
  Time run_timers(Time now);
  // Hands what the ports hold back to the links; at the end of each batch.
  void flush();

  // --- parts
  Routing& routing() { return *routing_; }
  NeighbourTable& neighbours() { return *neighbours_; }
  BridgeLayer& bridges() { return bridges_; }
  AssumedNeighbours& assumed_neighbours() { return assumed_neighbours_; }
  Reassembly& reassembly() { return *reassembly_; }
  Link& link() { return link_; }
  IpLayer& ip() { return ip_; }
  Icmp& icmp() { return icmp_; }
  const DeviceConf& conf_all() const { return conf_all_; }
  const RouterOptions& options() const { return options_; }
  const DropCounters& drops() const { return drops_; }
  // `selects`: the packets to tell of, asked once of each that begins its way: received by `in` and at its link header,
  // or (null) sent by this host and at its IPv4 header. None: all. What this host sends because of a packet is told
  // with it.
  using TraceSelects = std::function<bool(const Packet& p, const Device* in)>;
  void set_trace(trace::Sink* sink, TraceSelects selects = {}) {
    trace_ = sink;
    trace_selects_ = std::move(selects);
  }
  // Where the kernel log's lines go; none: they are lost.
  std::function<void(Time now, std::string_view line)> on_log;

  // --- for the layers
  // Ends a packet. `at` names the hook that dropped it, if one did.
  void drop(PacketPtr p, DropReason reason, const HookPoint* at = nullptr);
  // Runs a hook point. False: the packet was dropped (and counted) or stolen; true: go on with `p`.
  bool run_hook(HookPoint hook, PacketPtr& p, const Device* in, const Device* out) {
    if (hooks_.entries(hook).empty() && !p->traced) return true;
    return run_hook_slow(hook, p, in, out);
  }
  // What a hook function, or all of a hook's, decided about `p`, as run_hook() tells it.
  bool carry_out(Verdict verdict, PacketPtr& p, HookPoint hook);
  // A template, so that the event is put together only for somebody.
  template <class Event>
  void tell(const Packet& p, const Event& e) {
    if (p.traced && trace_ != nullptr) [[unlikely]]
      trace_->event(p, trace::Event(e));
  }
  // Where a packet was routed to; `key`: what was looked up, `source`: what was chosen for one without. For a detailed
  // sink with the rule and the route that said so.
  void tell_route(const Packet& p, const FlowKey& key, Be32 source = {});
  // Why routing refuses a packet received, before it is dropped.
  void tell_refused(const Packet& p, DropReason reason);
  // What is known of the next hop's link address.
  void tell_neighbour(const Packet& p, const Device& dev, Be32 nexthop);
  // A packet of this host's own or a received one (by `in`) starts to be told to the trace sink.
  void begin_trace(Packet& p, const Device* in) {
    p.traced = trace_ != nullptr && (!trace_selects_ || trace_selects_(p, in));
  }
  // Reassembly::add, told.
  PacketPtr reassemble(PacketPtr p, DefragUser user);
  // Copies a packet for flooding; the copy shares the connection. twin: skb_clone
  PacketPtr clone(const Packet& p);
  // `to`, made of `from`, belongs to the same connection; it has none yet. twin: nf_copy
  void share_connection(const Packet& from, Packet& to);
  // A packet that was sent on lo comes back when the current one is done. twin: netif_rx
  void enqueue_backlog(PacketPtr p) { backlog_.push_back(std::move(p)); }
  // What came back is received now, unless that is going on already. twin: net_rx_action
  void drain_backlog();
  // A local process is sending and nothing is being received. twin: !in_softirq()
  bool in_process() const { return in_process_ && !draining_; }
  Device& loopback() { return *devices_.front(); }

  // --- Stack
  PacketPool& pool() override { return pool_; }
  Random& random() override { return random_; }
  SysctlTable& sysctl() override { return sysctl_; }
  HookTable& hooks() override { return hooks_; }
  Time now() const override { return now_; }
  const Device* device_by_index(int ifindex) const override;
  const Device* device_by_name(std::string_view name) const override;
  RouteType address_type(Be32 address, const Device* dev) const override;
  std::optional<Be32> select_address(const Device& dev, Be32 destination, RouteScope scope) const override;
  std::optional<Be32> first_address(const Device& dev) const override;
  std::optional<Be32> broadcast_mask(const Device& dev, Be32 broadcast) const override;
  bool route_me_harder(Packet& p, RouteType source_type) override;
  void defrag_get() override;
  void defrag_put() override;
  void icmp_send(const Packet& cause, uint8_t type, uint8_t code, uint32_t info) override;
  void send_reset(const Packet& cause, HookPoint hook) override;
  void log(std::string_view line) override;

 private:
  bool run_hook_slow(HookPoint hook, PacketPtr& p, const Device* in, const Device* out);
  size_t before_traced(const Device& dev, std::span<PacketPtr> batch);
  void add_device_sysctls(Device& dev);
  void add_conf_sysctls(const std::string& name, DeviceConf& conf);
  void add_sysctls();

  RouterOptions options_;
  PacketPool pool_;  // first: everything below may hold packets
  Random random_;
  SysctlTable sysctl_;
  HookTable hooks_;
  DeviceConf conf_all_, conf_default_;
  int64_t ip_forward_ = 0;
  std::vector<std::unique_ptr<Device>> devices_;
  std::vector<Device*> by_index_;
  std::vector<Port*> ports_;  // by ifindex
  HostPort* host_ = nullptr;
  std::unique_ptr<Routing> routing_;
  std::unique_ptr<NeighbourTable> neighbours_;
  AssumedNeighbours assumed_neighbours_;
  std::unique_ptr<Reassembly> reassembly_;
  Link link_;
  BridgeLayer bridges_;
  Arp arp_;
  IpLayer ip_;
  Icmp icmp_;
  std::deque<PacketPtr> backlog_;
  DropCounters drops_{};
  trace::Sink* trace_ = nullptr;
  TraceSelects trace_selects_;
  Time now_ = 0;
  int defrag_users_ = 0;
  bool draining_ = false;
  bool in_process_ = false;

  friend class Link;
};

}  // namespace nf
