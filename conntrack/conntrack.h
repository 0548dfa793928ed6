// Connection tracking of one network namespace. twin: net/netfilter/nf_conntrack_core.c
//
//   nf_conntrack_in        at PREROUTING and OUTPUT (priority -200): finds or creates the packet's connection
//   nf_conntrack_confirm   at INPUT and POSTROUTING (last): puts a new connection into the table
//
// Between the two a new connection is known to its packet alone. Nothing is hooked until someone needs it
// (netns_get), as in the kernel since 4.10; needing it also activates defragmentation (the Defrag hook).
// One thread; time comes with each packet.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "conntrack/connection.h"
#include "conntrack/tuple.h"
#include "datapath/base/result.h"
#include "datapath/hook/stack.h"

namespace nf::ct {

// twin: struct ip_conntrack_stat; the order `conntrack -S` prints is in conntrack/text/format.h
struct Stats {
  uint64_t found = 0, invalid = 0, insert = 0, insert_failed = 0, drop = 0, early_drop = 0, icmp_error = 0,
           expect_new = 0, expect_create = 0, expect_delete = 0, search_restart = 0, clash_resolve = 0,
           chaintoolong = 0;
};

// twin: enum ip_conntrack_events (bit numbers)
enum EventBit : uint16_t {
  kEventNew = 1u << 0,
  kEventRelated = 1u << 1,
  kEventDestroy = 1u << 2,
  kEventReply = 1u << 3,
  kEventAssured = 1u << 4,
  kEventProtoinfo = 1u << 5,
  kEventHelper = 1u << 6,
  kEventMark = 1u << 7,
  kEventSeqAdjust = 1u << 8,
  kEventSecmark = 1u << 9,
  kEventLabel = 1u << 10,
};

// What `conntrack -E` would be told. `connection` is valid only during the call.
struct EventReport {
  enum class Kind : uint8_t { kNew, kUpdate, kDestroy } kind;
  const Connection& connection;
  uint16_t events;  // EventBit
  Time now;
};

struct Options {
  uint64_t hash_seed = 0;
  int64_t buckets = 262144;  // net.netfilter.nf_conntrack_buckets; also the default of nf_conntrack_max
};

class Core;
struct EntryState;
class Expectations;
class GreKeymap;
class Helper;
class HelperRegistry;
class TimeoutPolicies;
struct TimeoutPolicy;

// What the CT target hangs on a packet before nf_conntrack_in.
struct TemplateSpec {
  // twin: struct nf_conntrack_zone: its id in the directions it counts for, else 0
  uint16_t zone[2] = {0, 0};  // [CtDirection]
  bool zone_is_mark = false;  // the packet's mark is the zone's id, in the directions below. twin: NF_CT_FLAG_MARK
  bool zone_direction[2] = {true, true};
  const Helper* helper = nullptr;
  const TimeoutPolicy* timeout = nullptr;
  uint16_t events = 0, expect_events = 0;  // EventBit; 0: the usual ones
};

using ListenerId = uint32_t;

class Conntrack {
 public:
  Conntrack(Stack& stack, const Options& options);
  ~Conntrack();
  Conntrack(const Conntrack&) = delete;
  Conntrack& operator=(const Conntrack&) = delete;

  // A rule that needs conntrack becomes live / ceases to be. twin: nf_ct_netns_get / nf_ct_netns_put
  void netns_get();
  void netns_put();
  bool active() const;

  // --- the hook functions, called by name in tests; registered by netns_get
  Verdict nf_conntrack_in(PacketPtr& p, const HookState& state);
  Verdict nf_conntrack_confirm(PacketPtr& p, const HookState& state);

  // --- for nat
  // Whether a connection other than `ignored` has this key as a tuple in the table. twin: nf_conntrack_tuple_taken
  // (nf_conntrack_tuple_taken asks with the inverse of the wanted reply: pass the reply tuple itself)
  bool tuple_taken(const Tuple& reply, const Connection& ignored, Time now);
  // Who has it, for telling: nothing is counted, and what has expired stays.
  const Connection* tuple_holder(const Tuple& reply, const Connection& ignored, Time now) const;
  // The table entry with this key, or null; expired entries count as absent.
  Connection* find(const Tuple& key, CtDirection& direction, Time now);
  // The one that has this tuple (its `zone` does not count) in this zone. twin: nf_conntrack_find_get
  Connection* find(const Tuple& tuple, const ZoneIds& zone, CtDirection& direction, Time now);
  // Sets the reply tuple of an unconfirmed connection; its zone stays. twin: nf_conntrack_alter_reply
  void alter_reply(Connection& c, const Tuple& reply);
  // Called once for each connection, just before it is freed: when it left the table, or died unconfirmed, and no
  // packet carries it any more (nat unlinks itself). twin: nf_conntrack_free
  void on_destroy(std::function<void(Connection&)> callback);
  // Removes an entry from the table (as ctnetlink delete or nf_ct_delete do), telling listeners; false: it was dying.
  bool kill(Connection& c, Time now);
  // The same on behalf of packet `p` of the connection, which is counted (again). twin: nf_ct_kill_acct
  bool kill_counting(Connection& c, const Packet& p, Time now);

  // --- packets
  // The inverse of a tuple. False: the protocol has no inverse for it (ICMP of an unknown type).
  // twin: nf_ct_invert_tuple
  static bool invert(Tuple& inverse, const Tuple& original);
  // The tuple of a packet at its IPv4 header; false: too short, or a fragment. twin: nf_ct_get_tuplepr
  // `keymap`: where PPTP's GRE has its source id from; null: zero.
  static bool get_tuple(std::span<const uint8_t> ip_packet, Tuple& tuple, const GreKeymap* keymap = nullptr);
  // Gives the packet `to` (an ICMP error or reset about `from`) the connection of `from` as RELATED.
  // twin: nf_conntrack_attach
  void attach(Packet& to, const Packet& from);
  // What is left of a connection's time. Until it is confirmed that is a span, which the kernel takes for a point in
  // time by its clock of 32 bits, so what comes out depends on how long the machine has been up: nothing, unless the
  // span is longer than that (set_boot_time) or the first five minutes last. twin: nf_ct_expires
  Duration expires_in(const Connection& c, Time now) const;
  // When the machine was started that is followed; by default very long ago.
  void set_boot_time(Time boot);
  // REJECT --reject-with tcp-reset closes a confirmed connection. twin: nf_ct_set_closing
  void set_closing(uintptr_t ct);

  // --- references. twin: nf_conntrack_get, nf_ct_put
  static void get(Connection& c) { ++c.use; }
  void put(Connection& c);
  // A template. The caller owns a reference; each packet that carries it, with ctinfo kNew, another.
  // twin: nf_ct_tmpl_alloc
  Connection* template_alloc(const TemplateSpec& spec);

  // Notes that something about the connection changed; told at the confirm hook. twin: nf_conntrack_event_cache
  static void event_cache(Connection& c, EventBit event) {
    if ((c.extensions & kExtEvents) != 0) c.events = static_cast<uint16_t>(c.events | event);
  }

  // --- the parts that few connections have
  // A rule that looks at labels becomes live / ceases to be: while there is one, connections are made with a place for
  // them. twin: nf_connlabels_get / nf_connlabels_put
  void labels_get();
  void labels_put();
  Expectations& expectations();
  GreKeymap& gre_keymap();
  HelperRegistry& helpers();
  TimeoutPolicies& timeout_policies();
  // A policy without a name that has the sysctls' values of this moment. `protocol`: one that policy_protocol() gives.
  // twin: ctnl_timeout.nlattr_to_obj without attributes
  TimeoutPolicy usual_timeouts(uint8_t protocol) const;
  Stack& stack();

  // --- by hand (entry_state.h). 0 or the errno ctnetlink would answer with
  // A new one, told as [NEW]. twin: ctnetlink_new_conntrack with NLM_F_CREATE | NLM_F_EXCL
  int create_entry(const EntryState& state, const std::function<bool(Connection&, const EntryState&, Time)>& nat,
                   Time now);
  // Only what `state` has besides the tuples; what came before a refusal stays changed. twin:
  // ctnetlink_change_conntrack
  int change_entry(Connection& c, const EntryState& state, Time now);

  // --- state
  // Every live entry as a dump shows it: not the hidden ones (kNatClash); those that have run out are removed. The
  // visitor may kill what it is given.
  void for_each(const std::function<void(Connection&)>& visit);
  size_t count() const;    // nf_conntrack_count
  size_t flush(Time now);  // -F
  const Stats& stats() const;
  Stats& stats();
  // All listeners hear every event, in order. The id is never 0; unlisten() may be called from anywhere but a listener.
  ListenerId listen(std::function<void(const EventReport&)> listener);
  void unlisten(ListenerId id);
  // Events are gathered for connections created while nf_conntrack_events is 1, or 2 and somebody listens.

  // Removes expired entries, a bounded number per call. twin: gc_worker. Returns when it wants to run again.
  Time gc(Time now);
  // Memory of connections and index, in bytes.
  size_t memory_bytes() const;

  // nf_conntrack_* by their names under net.netfilter are in Stack::sysctl().
 private:
  std::unique_ptr<Core> core_;
};

}  // namespace nf::ct
