#include "datapath/route/neighbour.h"

#include <algorithm>
#include <utility>

#include "datapath/route/address_class.h"

namespace nf {
namespace {

using State = NeighbourState;

constexpr Duration kTick = 10 * kMillisecond;  // the kernel never sets a timer closer than HZ/100
constexpr Duration kGcInterval = NeighbourTable::kReachableTime / 2;

constexpr uint8_t bits(State s) { return static_cast<uint8_t>(s); }
constexpr bool one_of(State s, uint8_t set) { return (bits(s) & set) != 0; }
// twin: NUD_CONNECTED, NUD_VALID, NUD_IN_TIMER
constexpr uint8_t kConnected = bits(State::kPermanent) | bits(State::kNoarp) | bits(State::kReachable);
constexpr uint8_t kValid = kConnected | bits(State::kStale) | bits(State::kDelay) | bits(State::kProbe);
constexpr uint8_t kInTimer =
    bits(State::kIncomplete) | bits(State::kReachable) | bits(State::kDelay) | bits(State::kProbe);

// Memory a packet is charged with: what the kernel charges for one received from a TAP.
uint32_t true_size(const Packet& p) { return 576 + ((80 + p.length() + 63) & ~63u); }

struct Neighbour {
  const Device* dev = nullptr;
  Be32 address;
  MacAddress mac{};
  State state = State::kNone;
  int probes = 0;
  Time confirmed = 0;
  Time used = 0;
  Time updated = 0;
  Time timer = kNever;
  std::vector<PacketPtr> queue;
  uint32_t queue_bytes = 0;
};

}  // namespace

struct NeighbourTable::Impl {
  explicit Impl(Actions a) : actions(std::move(a)) {}

  struct Slot {
    uint32_t address = 0;
    int ifindex = 0;
    Neighbour* entry = nullptr;  // null: free
  };

  static size_t hash(uint32_t address, int ifindex) {
    return (address | static_cast<uint64_t>(ifindex) << 32) * 0x9e3779b97f4a7c15 >> 32;
  }
  Neighbour* find(const Device& dev, Be32 address) const {
    const size_t mask = slots.size() - 1;
    for (size_t i = hash(address.raw(), dev.ifindex) & mask;; i = (i + 1) & mask) {
      const Slot& s = slots[i];
      if (s.entry == nullptr) return nullptr;
      if (s.address == address.raw() && s.ifindex == dev.ifindex && s.entry->dev == &dev) return s.entry;
    }
  }
  void put(Neighbour& n) {
    const size_t mask = slots.size() - 1;
    size_t i = hash(n.address.raw(), n.dev->ifindex) & mask;
    while (slots[i].entry != nullptr) i = (i + 1) & mask;
    slots[i] = {n.address.raw(), n.dev->ifindex, &n};
  }
  void rehash() {
    size_t size = 64;
    while (size < all.size() * 2) size *= 2;
    slots.assign(size, {});
    collectable = 0;
    for (const auto& n : all) {
      put(*n);
      collectable += n->state != State::kPermanent;
    }
  }

  Neighbour* create(const Device& dev, Be32 address, Time now, bool permanent);
  void collect(Time now);
  void collect_periodically(Time now);
  template <class Unwanted>
  size_t erase(Unwanted unwanted) {
    const size_t n = std::erase_if(all, [&](const std::unique_ptr<Neighbour>& e) { return unwanted(*e); });
    if (n > 0) rehash();
    return n;
  }

  void set_now(Time now) {
    if (last_now == 0) start(now);
    last_now = now;
  }
  // The first call that tells the time: reachable entries given before count from here.
  void start(Time now) {
    for (const auto& n : all) {
      if (n->state != State::kReachable) continue;
      n->confirmed = n->used = now;
      arm(*n, now + kReachableTime);
    }
  }
  void arm(Neighbour& n, Time when) {
    n.timer = when;
    next = std::min(next, when);
  }
  void enter(Neighbour& n, State s, Time now) {
    n.state = s;
    n.updated = now;
    n.timer = kNever;
  }
  void enqueue(Neighbour& n, PacketPtr p);
  void resolve(Neighbour& n, PacketPtr p, Time now);
  void probe(Neighbour& n);
  void run_timer(Neighbour& n, Time now);
  // Gives up what waits. `n` may be gone afterwards.
  void fail_queue(Neighbour& n, DropReason reason);
  // Sends what waited. `n` may be gone afterwards.
  void flush_queue(Neighbour& n, Time now);
  void output(PacketPtr p, const Device& dev, Be32 nexthop, Time now);
  // twin: arp_constructor
  bool needs_no_arp(const Device& dev, Be32 nexthop, MacAddress& mac);

  Actions actions;
  std::vector<std::unique_ptr<Neighbour>> all;      // in order of creation
  std::vector<Slot> slots = std::vector<Slot>(64);  // open hash of a power of two, at most half full
  size_t collectable = 0;                           // entries that are not permanent
  Time next = kNever;                               // no timer is due before
  Time last_collected = 0;
  Time next_collection = 0;
  Time last_now = 0;  // zero: nobody told yet
};

Neighbour* NeighbourTable::Impl::create(const Device& dev, Be32 address, Time now, bool permanent) {
  if (!permanent) {
    if (collectable >= kMaxEntries || (collectable >= kGcThreshold2 && now > last_collected + 5 * kSecond))
      collect(now);
    if (collectable >= kMaxEntries) return nullptr;
  }
  auto made = std::make_unique<Neighbour>();
  Neighbour& n = *made;
  n.dev = &dev;
  n.address = address;
  n.used = n.updated = now;
  n.confirmed = now - 2 * kReachableTime;
  all.push_back(std::move(made));
  if (all.size() * 2 > slots.size()) {
    rehash();
  } else {
    put(n);
    ++collectable;
  }
  return &n;
}

// twin: neigh_forced_gc
void NeighbourTable::Impl::collect(Time now) {
  size_t left = collectable - kGcThreshold2;
  erase([&](const Neighbour& n) {
    // What has a timer is in use.
    if (left == 0 || n.state == State::kPermanent || one_of(n.state, kInTimer)) return false;
    if (n.state != State::kFailed && n.state != State::kNoarp && n.updated >= now - 5 * kSecond) return false;
    --left;
    return true;
  });
  last_collected = now;
}

// twin: neigh_periodic_work
void NeighbourTable::Impl::collect_periodically(Time now) {
  next_collection = now + kGcInterval;
  if (all.size() < kGcThreshold1) return;
  erase([&](const Neighbour& n) {
    if (one_of(n.state, kInTimer | bits(State::kPermanent))) return false;
    return n.state == State::kFailed || now >= std::max(n.used, n.confirmed) + kStaleTime;
  });
}

void NeighbourTable::Impl::enqueue(Neighbour& n, PacketPtr p) {
  const uint32_t size = true_size(*p);
  std::vector<PacketPtr> dropped;
  size_t first = 0;
  while (first < n.queue.size() && n.queue_bytes + size > kQueueBytes) n.queue_bytes -= true_size(*n.queue[first++]);
  if (first > 0) {
    const auto end = n.queue.begin() + static_cast<ptrdiff_t>(first);
    dropped.assign(std::make_move_iterator(n.queue.begin()), std::make_move_iterator(end));
    n.queue.erase(n.queue.begin(), end);
  }
  n.queue_bytes += size;
  n.queue.push_back(std::move(p));
  for (PacketPtr& d : dropped) actions.fail(std::move(d), DropReason::kNeighbourQueueFull);
}

void NeighbourTable::Impl::probe(Neighbour& n) {
  const bool unicast = n.probes < kUnicastProbes;
  ++n.probes;
  const MacAddress mac = n.mac;
  actions.solicit(*n.dev, n.address, unicast ? &mac : nullptr, n.queue.empty() ? nullptr : n.queue.back().get());
}

// twin: __neigh_event_send for an entry without an address
void NeighbourTable::Impl::resolve(Neighbour& n, PacketPtr p, Time now) {
  n.used = now;
  if (n.state == State::kIncomplete) {
    enqueue(n, std::move(p));
    return;
  }
  enter(n, State::kIncomplete, now);
  n.probes = kUnicastProbes;
  arm(n, now + kRetransTime);
  enqueue(n, std::move(p));
  probe(n);
}

void NeighbourTable::Impl::fail_queue(Neighbour& n, DropReason reason) {
  std::vector<PacketPtr> queue = std::exchange(n.queue, {});
  n.queue_bytes = 0;
  for (PacketPtr& p : queue) actions.fail(std::move(p), reason);
}

void NeighbourTable::Impl::flush_queue(Neighbour& n, Time now) {
  if (n.queue.empty()) return;
  std::vector<PacketPtr> queue = std::exchange(n.queue, {});
  n.queue_bytes = 0;
  n.used = now;
  const Device& dev = *n.dev;
  const Be32 address = n.address;
  for (PacketPtr& p : queue) output(std::move(p), dev, address, now);
}

// twin: neigh_timer_handler
void NeighbourTable::Impl::run_timer(Neighbour& n, Time now) {
  Time when = now + kRetransTime;
  switch (n.state) {
    case State::kReachable:
      if (now <= n.confirmed + kReachableTime) {
        when = n.confirmed + kReachableTime;
      } else if (now <= n.used + kDelayProbeTime) {
        enter(n, State::kDelay, now);
        when = now + kDelayProbeTime;
      } else {
        enter(n, State::kStale, now);
        return;
      }
      break;
    case State::kDelay:
      if (now <= n.confirmed + kDelayProbeTime) {
        enter(n, State::kReachable, now);
        when = n.confirmed + kReachableTime;
      } else {
        enter(n, State::kProbe, now);
        n.probes = 0;
      }
      break;
    case State::kProbe:
    case State::kIncomplete:
      break;
    default:
      n.timer = kNever;
      return;
  }
  const bool probing = n.state == State::kProbe || n.state == State::kIncomplete;
  // A known address is not asked for by broadcast again (mcast_resolicit 0).
  const int most = kUnicastProbes + (n.state == State::kProbe ? 0 : kMulticastProbes);
  if (probing && n.probes >= most) {
    enter(n, State::kFailed, now);
    fail_queue(n, DropReason::kNeighbourFailed);
    return;
  }
  arm(n, std::max(when, now + kTick));
  if (probing) probe(n);
}

bool NeighbourTable::Impl::needs_no_arp(const Device& dev, Be32 nexthop, MacAddress& mac) {
  if (dev.kind == DeviceKind::kLoopback || dev.kind == DeviceKind::kRawIp) {
    mac = {};
    return true;
  }
  if (is_multicast(nexthop)) {  // RFC 1112, 6.4
    const uint32_t a = nexthop.host();
    mac = {
        0x01, 0x00, 0x5e, static_cast<uint8_t>(a >> 16 & 0x7f), static_cast<uint8_t>(a >> 8), static_cast<uint8_t>(a)};
    return true;
  }
  if (dev.no_arp) {
    mac = dev.mac;
    return true;
  }
  if (nexthop.is_zero() || is_limited_broadcast(nexthop) || actions.is_broadcast(dev, nexthop)) {
    mac = kBroadcastMac;
    return true;
  }
  return false;
}

void NeighbourTable::Impl::output(PacketPtr p, const Device& dev, Be32 nexthop, Time now) {
  Neighbour* n = find(dev, nexthop);
  if (n != nullptr && one_of(n->state, kValid)) {
    // As with the kernel's cached header, a connected entry is not marked as used.
    if (!one_of(n->state, kConnected)) {
      n->used = now;
      if (n->state == State::kStale) {
        enter(*n, State::kDelay, now);
        arm(*n, now + kDelayProbeTime);
      }
    }
    actions.output(std::move(p), dev, n->mac);
    return;
  }
  if (n == nullptr) {
    MacAddress mac;
    if (needs_no_arp(dev, nexthop, mac)) {
      actions.output(std::move(p), dev, mac);
      return;
    }
    n = create(dev, nexthop, now, false);
    if (n == nullptr) {
      actions.fail(std::move(p), DropReason::kNeighbourQueueFull);
      return;
    }
  }
  resolve(*n, std::move(p), now);
}

NeighbourTable::NeighbourTable(Actions actions) : impl_(std::make_unique<Impl>(std::move(actions))) {}
NeighbourTable::~NeighbourTable() = default;

void NeighbourTable::output(PacketPtr p, const Device& dev, Be32 nexthop, Time now) {
  impl_->set_now(now);
  impl_->output(std::move(p), dev, nexthop, now);
}

// twin: __neigh_update without NEIGH_UPDATE_F_ADMIN
void NeighbourTable::learn(const Device& dev, Be32 address, const MacAddress& mac, bool reply, bool create,
                           bool override_mac, Time now) {
  impl_->set_now(now);
  Neighbour* n = impl_->find(dev, address);
  if (n == nullptr && create) n = impl_->create(dev, address, now, false);
  if (n == nullptr) return;
  const State old = n->state;
  if (old == State::kNoarp || old == State::kPermanent) return;
  State fresh = reply ? State::kReachable : State::kStale;
  const bool was_valid = one_of(old, kValid);
  const bool same = was_valid && n->mac == mac;
  if (reply) n->confirmed = now;
  if (was_valid) {
    if (!same && !override_mac && now <= n->updated + kLockTime) return;
    if (same && !reply) fresh = old;
  }
  if (fresh != old || !same) n->updated = now;
  if (fresh != old) {
    n->state = fresh;
    n->timer = kNever;
    if (reply) impl_->arm(*n, now + kReachableTime);
  }
  if (!same) {
    n->mac = mac;
    if (!one_of(fresh, kConnected)) n->confirmed = now - 2 * kReachableTime;
  }
  if (!was_valid) impl_->flush_queue(*n, now);
}

void NeighbourTable::add_static(const Device& dev, Be32 address, const MacAddress& mac, State state) {
  const Time now = impl_->last_now;
  Neighbour* n = impl_->find(dev, address);
  if (n == nullptr) n = impl_->create(dev, address, now, state == State::kPermanent);
  if (n == nullptr) return;
  const bool was_valid = one_of(n->state, kValid);
  impl_->enter(*n, state, now);
  impl_->rehash();  // counts permanent entries
  if (one_of(state, kValid)) n->mac = mac;
  n->probes = 0;
  if (one_of(state, kConnected)) n->confirmed = now;
  if (one_of(state, kInTimer)) impl_->arm(*n, state == State::kReachable ? now + kReachableTime : now);
  if (!one_of(state, kValid) && state != State::kIncomplete)
    impl_->fail_queue(*n, DropReason::kNeighbourFailed);
  else if (!was_valid && one_of(state, kValid))
    impl_->flush_queue(*n, now);
}

bool NeighbourTable::remove(const Device& dev, Be32 address) {
  Neighbour* n = impl_->find(dev, address);
  if (n == nullptr) return false;
  std::vector<PacketPtr> queue = std::exchange(n->queue, {});
  impl_->erase([&](const Neighbour& e) { return &e == n; });
  for (PacketPtr& p : queue) impl_->actions.fail(std::move(p), DropReason::kNeighbourFailed);
  return true;
}

std::optional<MacAddress> NeighbourTable::lookup(const Device& dev, Be32 address) const {
  const Neighbour* n = impl_->find(dev, address);
  return n != nullptr && one_of(n->state, kValid) ? std::optional(n->mac) : std::nullopt;
}

State NeighbourTable::state(const Device& dev, Be32 address) const {
  const Neighbour* n = impl_->find(dev, address);
  return n == nullptr ? State::kNone : n->state;
}

Time NeighbourTable::expire(Time now) {
  Impl& t = *impl_;
  t.set_now(now);
  if (now >= t.next_collection) t.collect_periodically(now);
  if (now >= t.next) {
    // Actions may add and remove entries, so the due ones are named, not pointed at.
    std::vector<std::pair<const Device*, Be32>> due;
    for (const auto& n : t.all)
      if (n->timer <= now) due.emplace_back(n->dev, n->address);
    for (const auto& [dev, address] : due)
      if (Neighbour* n = t.find(*dev, address); n != nullptr && n->timer <= now) t.run_timer(*n, now);
    t.next = kNever;
    for (const auto& n : t.all) t.next = std::min(t.next, n->timer);
  }
  return t.all.size() < kGcThreshold1 ? t.next : std::min(t.next, t.next_collection);
}

void NeighbourTable::device_down(const Device& dev) {
  std::vector<PacketPtr> waiting;
  impl_->erase([&](Neighbour& n) {
    if (n.dev != &dev) return false;
    std::move(n.queue.begin(), n.queue.end(), std::back_inserter(waiting));
    return true;
  });
  for (PacketPtr& p : waiting) impl_->actions.fail(std::move(p), DropReason::kDeviceDown);
}

std::vector<NeighbourTable::Entry> NeighbourTable::entries() const {
  std::vector<Entry> list;
  for (const auto& n : impl_->all) list.push_back({n->dev, n->address, n->mac, n->state});
  std::sort(list.begin(), list.end(), [](const Entry& a, const Entry& b) {
    return a.dev->ifindex != b.dev->ifindex ? a.dev->ifindex < b.dev->ifindex : a.address < b.address;
  });
  return list;
}

}  // namespace nf
