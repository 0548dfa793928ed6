// Network address translation of one network namespace. twin: net/netfilter/nf_nat_core.c, nf_nat_proto.c
//
// NAT changes the reply tuple of an unconfirmed connection once per half (source, destination); from then on every
// packet is rewritten from the tuples alone. Rules are consulted only where nf_nat_inet_fn consults them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "conntrack/conntrack.h"
#include "conntrack/expect.h"
#include "datapath/hook/stack.h"
#include "datapath/iptables/iptables.h"
#include "datapath/packet/rewrite.h"

namespace nf::nat {

// twin: NF_NAT_RANGE_*, uapi/linux/netfilter/nf_nat.h (values)
enum RangeFlag : uint32_t {
  kRangeMapIps = 1u << 0,
  kRangeProtoSpecified = 1u << 1,
  kRangeProtoRandom = 1u << 2,
  kRangePersistent = 1u << 3,
  kRangeProtoRandomFully = 1u << 4,
  kRangeProtoOffset = 1u << 5,
  kRangeNetmap = 1u << 6,
};

// twin: struct nf_nat_range2
struct Range {
  uint32_t flags = 0;  // RangeFlag
  Be32 min_address, max_address;
  Be16 min_port, max_port;  // or ICMP ids
  Be16 base_port;
};

// Where the search for a free port, or ICMP id, begins: by chance, as in the kernel. Who must follow another machine's
// choice answers himself. twin: the get_random_u16() calls of nf_nat_l4proto_unique_tuple
class PortSearch {
 public:
  virtual ~PortSearch() = default;
  // The first candidate is `min` + start % `size`. `c` has its original tuple; its reply tuple is not chosen yet.
  // Asked again when all candidates of a round were taken; in the end, which one the search gave up with.
  virtual uint16_t start(const ct::Connection& c, ManipType manip, uint16_t min, unsigned size) = 0;
};

class Nat {
 public:
  // Hooks itself when the nat table comes to exist (Iptables::on_nat_table).
  Nat(Stack& stack, ct::Conntrack& conntrack, ipt::Iptables& iptables);
  ~Nat();
  Nat(const Nat&) = delete;
  Nat& operator=(const Nat&) = delete;

  // The hook functions by the kernel's names. twin: nf_nat_ipv4_pre_routing, _local_in, _local_fn, _out
  Verdict nf_nat_ipv4_pre_routing(PacketPtr& p, const HookState& state);
  Verdict nf_nat_ipv4_local_in(PacketPtr& p, const HookState& state);
  Verdict nf_nat_ipv4_local_fn(PacketPtr& p, const HookState& state);
  Verdict nf_nat_ipv4_out(PacketPtr& p, const HookState& state);

  // Decides one half of a new connection's NAT. kDrop when that half was decided already or no tuple can be had.
  // Targets call it. twin: nf_nat_setup_info
  Verdict setup_info(Packet& p, ct::Connection& c, const Range& range, ManipType manip, const HookState& state);
  // Decides both halves of a connection that is made by hand (Conntrack::create_entry); false: one was decided already.
  // twin: nfnetlink_parse_nat_setup
  bool setup_entry(ct::Connection& c, const ct::EntryState& state, Time now);
  // twin: nf_nat_masquerade_ipv4
  Verdict masquerade(Packet& p, const Range& range, const HookState& state);
  // twin: nf_nat_redirect_ipv4
  Verdict redirect(Packet& p, const Range& range, const HookState& state);

  // See nat/mangle.h.
  const ct::ExpectFunction& follow_master() const;

  // The caller's, as long as it is set; null: chance, from the router's generator.
  void set_port_search(PortSearch* search);

  // What a rule that translates keeps active as long as it lives, which may be longer than this object.
  ct::Conntrack& conntrack();

  // A device went down, or an address was deleted: masqueraded connections of it go. twin: masq_device_event,
  // masq_inet_event
  void device_down(int ifindex, Time now);
  void address_removed(int ifindex, Be32 address, Time now);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// SNAT, DNAT, MASQUERADE, REDIRECT, NETMAP as iptables targets; before rules are loaded.
void register_nat_extensions(ipt::ExtensionRegistry& registry, Nat& nat);

}  // namespace nf::nat
