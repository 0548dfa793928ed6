// What Conntrack is made of, for the files of this folder: the life of a connection from its first packet to its end.
//
// core.cc      nf_conntrack_in: finding or creating a packet's connection
// init.cc      what a new connection is given by a CT rule, or by who expected it
// confirm.cc   nf_conntrack_confirm: into the table, clashes; whether a tuple is taken
// lifecycle.cc creation, references, death, eviction, the sweep
// Owns the table, the settings and the counters of one namespace. One thread.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "conntrack/conntrack.h"
#include "conntrack/expect.h"
#include "conntrack/gre_keymap.h"
#include "conntrack/helper.h"
#include "conntrack/reason.h"
#include "conntrack/settings.h"
#include "conntrack/table.h"
#include "conntrack/timeout_policy.h"
#include "datapath/base/time.h"

namespace nf::ct {

class Core {
 public:
  Core(Conntrack& face, Stack& stack, const Options& options);
  ~Core();

  // --- core.cc
  Verdict in(PacketPtr& p, const HookState& state);
  void prepare(std::span<Packet* const> batch);

  // --- confirm.cc
  Verdict confirm(PacketPtr& p, const HookState& state);
  // Without telling listeners. twin: __nf_conntrack_confirm
  Verdict confirm_silently(PacketPtr& p, const HookState& state);
  // Who has this tuple of `c`, its zones considered; null: nobody. twin: nf_ct_key_equal
  Connection* find_same(const Connection& c, CtDirection which, const Key& key, uint64_t hash, Time now);
  bool tuple_taken(const Tuple& reply, const Connection& ignored, Time now);
  const Connection* tuple_holder(const Tuple& reply, const Connection& ignored, Time now);

  // --- init.cc
  // A connection just created, for its first packet. May run the expectation's function. twin: init_conntrack
  void init(Connection& c, const Connection* tmpl, Packet& p, const HookState& state);

  // --- lifecycle.cc
  // null: the table is full, and nothing could be evicted. twin: __nf_conntrack_alloc
  Connection* create(const Tuple& original, const Tuple& reply, uint64_t hash, Time now);
  void put(Connection& c);
  bool kill(Connection& c, Time now);
  size_t flush(Time now);
  Time gc(Time now);
  void for_each(const std::function<void(Connection&)>& visit);
  // The live connection with this key; an expired one is removed and counts as absent. twin: __nf_conntrack_find_get
  Connection* find(const Key& key, uint64_t hash, CtDirection& direction, Time now);
  // The same, of tuples of one direction only.
  Connection* find_only(const Key& key, uint64_t hash, CtDirection only, Time now);
  // The one that has this tuple (its `zone` does not count) in this zone. twin: nf_conntrack_find_get
  Connection* find(Tuple tuple, const ZoneIds& zone, CtDirection& direction, Time now);
  // Number of index entries that a chain of the kernel's fixed table would hold for this hash.
  int chain_length(uint64_t hash, int enough) const;

  // --- events. twin: nf_conntrack_ecache.c
  void deliver_events(Connection& c, Time now);
  bool heard() const { return !listeners.empty() || expectations.has_listeners(); }
  // To all listeners, if the connection's mask has one of `events`.
  void report(EventReport::Kind kind, const Connection& c, uint16_t events, Time now);

  // --- for who is told of the packet in hand
  // The entry it met, as it is before the packet changes it.
  void note_found(const Connection& c);
  // What is left to the entry; of one not confirmed, what it will have when it is.
  static Duration time_left(const Connection& c, Time now);

  // --- for the protocol trackers
  // A new timeout, and the packet counted. twin: nf_ct_refresh_acct
  static void refresh_acct(Connection& c, CtInfo ctinfo, uint32_t bytes, int64_t seconds, Time now) {
    if ((c.status & kFixedTimeout) == 0) c.expires = seconds * kSecond + (c.confirmed() ? now : 0);
    acct(c, ctinfo, bytes);
  }
  static void acct(Connection& c, CtInfo ctinfo, uint32_t bytes) {
    if ((c.extensions & kExtAcct) == 0) return;
    Counter& n = c.counters[static_cast<size_t>(direction_of(ctinfo))];
    ++n.packets;
    n.bytes += bytes;
  }

  Conntrack& face;  // whose core this is
  Stack& stack;
  Settings settings;
  std::optional<Time> boot_time;  // Conntrack::set_boot_time
  Table table;
  Stats stats;
  Reason reason;
  HelperRegistry helpers;
  TimeoutPolicies timeout_policies;
  Expectations expectations{*this};
  GreKeymap gre_keymap;
  int users = 0;        // netns_get minus netns_put
  int label_users = 0;  // labels_get minus labels_put. twin: netns_ct.labels_used
  struct Listener {
    ListenerId id;
    std::function<void(const EventReport&)> function;
  };
  std::vector<Listener> listeners;
  ListenerId last_listener = 0;
  std::vector<std::function<void(Connection&)>> on_destroy;

 private:
  enum class Resolved : uint8_t { kOk, kNoConnection, kTooStressed };
  Verdict track(PacketPtr& p, const Connection* tmpl, const HookState& state, bool& created);
  Resolved resolve_normal_ct(Packet& p, const ZoneIds& zone, const Connection* tmpl, const HookState& state,
                             bool& created);
  uint64_t hash_of(const Packet& p, const Key& key) const;
  void tell(const Packet& p, Verdict verdict, bool created, bool seen_before, trace::Sink& sink, Time now);

  Verdict help_and_adjust(Packet& p, Connection& c, const HookState& state);
  Verdict insert(PacketPtr& p, const HookState& state);
  bool resolve_clash(PacketPtr& p, Connection& winner, const Key& reply, uint64_t reply_hash, Time now);
  bool merge(PacketPtr& p, Connection& winner);

  Time sweep(Time now);
  bool early_drop(uint64_t hash, Time now);
  void free(Connection& c);
  void log_table_full(Time now);

  // The tuples of the last batch: a packet's ct_prepared names its place, and the hash counts only while the packet
  // still has that tuple.
  struct Prepared {
    Key key;
    uint64_t hash;
  };
  std::vector<Prepared> prepared_;
  uint64_t batch_ = 0;

  // Of a traced packet: the entry it met.
  struct Found {
    std::string_view state;
    uint32_t status = 0;
  } found_;

  uint32_t sequence_ = 0;  // of connections created

  // The sweep. twin: struct conntrack_gc_work
  struct Gc {
    uint32_t next_handle = 1;
    Duration soonest = 0;
    bool early_drop = false;
  } gc_;

  // twin: net_ratelimit_state
  struct RateLimit {
    Time begin = 0;
    int printed = 0, missed = 0;
  } full_log_;
};

}  // namespace nf::ct
