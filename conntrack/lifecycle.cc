// Birth and death of connections. twin: __nf_conntrack_alloc, nf_ct_delete, early_drop, gc_worker,
// net/netfilter/nf_conntrack_core.c
#include <algorithm>
#include <array>
#include <cassert>

#include "conntrack/core.h"
#include "conntrack/proto.h"
#include "datapath/base/text.h"

namespace nf::ct {
namespace {

constexpr int kEvictionRange = 8;  // NF_CT_EVICTION_RANGE, in the kernel's buckets

// One call of the sweep looks at this many connections and ends this many.
constexpr uint32_t kSweepLook = 16384;
constexpr int kSweepEnd = 4096;
constexpr Duration kSweepMin = kSecond, kSweepMax = 60 * kSecond;

// twin: net_ratelimit
constexpr Duration kLogInterval = 5 * kSecond;
constexpr int kLogBurst = 10;

// The part of the table's order that bucket n of the kernel's table holds. twin: reciprocal_scale
struct Range {
  uint64_t from, to;
};
Range kernel_bucket(uint64_t n, uint64_t buckets) {
  const auto begin = [&](uint64_t i) { return ((i << 32) + buckets - 1) / buckets; };
  return {begin(n), begin(n + 1)};
}
uint64_t kernel_bucket_of(uint64_t hash, uint64_t buckets) { return (uint64_t{Table::order(hash)} * buckets) >> 32; }

SipKey key_from(uint64_t seed) {
  Random r(seed);
  const uint64_t k0 = r.u64();
  return {k0, r.u64()};
}

}  // namespace

Core::Core(Conntrack& conntrack, Stack& s, const Options& options)
    : face(conntrack), stack(s), table(key_from(options.hash_seed)) {
  settings.buckets = settings.max = options.buckets;
  settings.add_to(stack.sysctl());
  stack.pool().set_ct_release(this,
                              [](void* self, uintptr_t ct) { static_cast<Core*>(self)->put(*connection_of(ct)); });
}

Core::~Core() {
  Settings::remove_from(stack.sysctl());
  stack.pool().set_ct_release(nullptr, nullptr);
  for (uint32_t h = 1; h < table.high_water(); ++h)
    if (Connection& c = table.at(h); c.use != 0) delete c.rare;
}

Connection* Core::find(const Key& key, uint64_t hash, CtDirection& direction, Time now) {
  for (;;) {
    const Flow f = table.find(key, hash);
    if (f == 0) return nullptr;
    Connection& c = table.connection(f);
    direction = flow_direction(f);
    if (!c.expired(now)) return &c;
    kill(c, now);
  }
}

Connection* Core::find_only(const Key& key, uint64_t hash, CtDirection only, Time now) {
  const Flow f = table.find(key, hash, only);
  if (f == 0) return nullptr;
  Connection& c = table.connection(f);
  if (!c.expired(now)) return &c;
  kill(c, now);
  return nullptr;
}

Connection* Core::find(Tuple tuple, const ZoneIds& zone, CtDirection& direction, Time now) {
  const auto look = [&](CtDirection d) {
    tuple.zone = zone.id[static_cast<size_t>(d)];
    direction = d;
    const Key key = Key::of(tuple);
    const uint64_t hash = table.hash(key);
    return zone.symmetric() ? find(key, hash, direction, now) : find_only(key, hash, d, now);
  };
  Connection* c = look(CtDirection::kOriginal);
  // An id counts for tuples of its own direction only.
  return c != nullptr || zone.symmetric() ? c : look(CtDirection::kReply);
}

Connection* Core::create(const Tuple& original, const Tuple& reply, uint64_t hash, Time now) {
  if (settings.max != 0 && settings.count + 1 > settings.max && !early_drop(hash, now)) {
    gc_.early_drop = true;
    log_table_full(now);
    return nullptr;
  }
  ++settings.count;
  Connection& c = table.allocate();
  c.tuple[0] = original;
  c.tuple[1] = reply;
  // An odd multiplier permutes the numbers: no two of the last 2^32 connections share an id.
  c.id = ++sequence_ * 0x9e3779b1u;
  if (settings.acct != 0) c.extensions |= kExtAcct;
  if (settings.timestamp != 0) c.extensions |= kExtTimestamp;
  if (label_users != 0) rare_parts(c).has_labels = true;
  if (settings.events == 1 || (settings.events == 2 && heard())) c.extensions |= kExtEvents;
  return &c;
}

void Core::put(Connection& c) {
  assert(c.use > 0);
  if (--c.use == 0) free(c);
}

void Core::free(Connection& c) {
  if ((c.status & kTemplate) == 0) {
    // A helper may have expected something before the connection was in the table.
    expectations.remove_of(c, stack.now());
    for (const auto& callback : on_destroy) callback(c);
    --settings.count;
  }
  if (c.master != nullptr) {
    // twin: destroy_gre_conntrack
    if (c.original().protocol == kProtoGre) gre_keymap.destroy(*c.master);
    put(*c.master);
  }
  if (!gre_keymap.empty()) gre_keymap.destroy(c);
  delete c.rare;
  table.release(c);
}

bool Core::kill(Connection& c, Time now) {
  if (c.dying()) return false;
  c.status |= kDying;
  if (!c.confirmed()) return true;
  report(EventReport::Kind::kDestroy, c, kEventDestroy, now);
  if (const HelpPart* help = help_of(c); help != nullptr && help->helper != nullptr)
    help->helper->destroy(face, c, now);
  for (const CtDirection d : {CtDirection::kOriginal, CtDirection::kReply}) {
    // Under the original tuple of a connection that lost a clash stands the winner.
    if (d == CtDirection::kOriginal && (c.status & kNatClash) != 0) continue;
    const Key key = Key::of(c.tuple[static_cast<size_t>(d)]);
    table.erase(key, table.hash(key), flow_of(c, d));
  }
  expectations.remove_of(c, now);
  put(c);
  return true;
}

size_t Core::flush(Time now) {
  size_t n = 0;
  for (uint32_t h = 1; h < table.high_water(); ++h) {
    Connection& c = table.at(h);
    if (c.use != 0 && c.confirmed() && kill(c, now)) ++n;
  }
  return n;
}

// What has run out ends here too, as where the kernel dumps its table. twin: ctnetlink_dump_table
void Core::for_each(const std::function<void(Connection&)>& visit) {
  const Time now = stack.now();
  for (uint32_t h = 1; h < table.high_water(); ++h) {
    Connection& c = table.at(h);
    if (c.use == 0 || (c.status & (kConfirmed | kDying)) != kConfirmed) continue;
    if (c.expired(now))
      kill(c, now);
    else if ((c.status & kNatClash) == 0)
      visit(c);
  }
}

int Core::chain_length(uint64_t hash, int enough) const {
  const auto buckets = static_cast<uint64_t>(settings.buckets);
  const Range r = kernel_bucket(kernel_bucket_of(hash, buckets), buckets);
  int n = 0;
  table.visit_range(r.from, r.to, [&](Flow) { return ++n < enough; });
  return n;
}

bool Core::early_drop(uint64_t hash, Time now) {
  const auto buckets = static_cast<uint64_t>(settings.buckets);
  const uint64_t first = kernel_bucket_of(hash, buckets);
  for (uint64_t i = 0; i < kEvictionRange; ++i) {
    const Range r = kernel_bucket((first + i) % buckets, buckets);
    uint64_t dropped = 0;
    std::array<Flow, 64> victims;
    size_t n = 0;
    do {
      n = 0;
      table.visit_range(r.from, r.to, [&](Flow f) {
        const Connection& c = table.connection(f);
        if ((c.status & kAssured) == 0 || c.expired(now)) victims[n++] = f;
        return n < victims.size();
      });
      for (size_t k = 0; k < n; ++k) {
        Connection& c = table.connection(victims[k]);
        // Both tuples of one connection may stand here.
        if (c.use == 0 || c.dying()) continue;
        const bool expired = c.expired(now);
        if (kill(c, now) && !expired) ++dropped;
      }
    } while (n == victims.size());
    stats.early_drop += dropped;
    if (dropped != 0) return true;
  }
  return false;
}

Time Core::gc(Time now) {
  const Time expected = expectations.expire(now);
  return std::min(sweep(now), expected);
}

Time Core::sweep(Time now) {
  const int64_t almost_full = settings.max / 100 * 95;
  if (gc_.next_handle == 1) gc_.soonest = kSweepMax;
  int ended = 0;
  uint32_t h = gc_.next_handle;
  const uint32_t end = std::min(table.high_water(), h + kSweepLook);
  for (; h < end && ended < kSweepEnd; ++h) {
    Connection& c = table.at(h);
    if (c.use == 0 || (c.status & (kConfirmed | kDying)) != kConfirmed) continue;
    if (c.expired(now)) {
      kill(c, now);
      ++ended;
      continue;
    }
    gc_.soonest = std::min(gc_.soonest, c.expires - now);
    // twin: nf_conntrack_max95, which is none of less than a hundred
    if (!gc_.early_drop || almost_full == 0 || settings.count < almost_full) continue;
    const bool closing = (c.original().protocol == kProtoTcp && tcp_can_early_drop(c)) ||
                         (c.original().protocol == kProtoSctp && sctp_can_early_drop(c));
    if ((c.status & kAssured) == 0 || closing) {
      kill(c, now);
      ++ended;
    }
  }
  if (h < table.high_water()) {
    gc_.next_handle = h;
    return now;
  }
  gc_.next_handle = 1;
  gc_.early_drop = false;
  return now + std::max(gc_.soonest, kSweepMin);
}

void Core::log_table_full(Time now) {
  if (full_log_.begin == 0 || now > full_log_.begin + kLogInterval) {
    if (full_log_.missed != 0) stack.log(strf("net_ratelimit: %d callbacks suppressed", full_log_.missed));
    full_log_ = {now, 0, 0};
  }
  if (full_log_.printed >= kLogBurst) {
    ++full_log_.missed;
    return;
  }
  ++full_log_.printed;
  stack.log("nf_conntrack: nf_conntrack: table full, dropping packet");
}

void Core::deliver_events(Connection& c, Time now) {
  // What is gathered of a connection not confirmed yet waits: an error about its first packet may pass before it.
  if (!c.confirmed() || c.dying()) return;
  const uint16_t events = std::exchange(c.events, uint16_t{0});
  if (events == 0) return;
  const bool fresh = (events & (kEventNew | kEventRelated)) != 0;
  report(fresh ? EventReport::Kind::kNew : EventReport::Kind::kUpdate, c, events, now);
}

void Core::report(EventReport::Kind kind, const Connection& c, uint16_t events, Time now) {
  if ((c.extensions & kExtEvents) == 0 || (events & c.event_mask) == 0) return;
  const EventReport e{kind, c, events, now};
  for (const Listener& listener : listeners) listener.function(e);
}

}  // namespace nf::ct
