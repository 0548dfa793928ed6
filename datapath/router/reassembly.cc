#include <algorithm>
#include <cstring>
#include <deque>
#include <vector>

#include "datapath/packet/checksum.h"
#include "datapath/packet/metadata.h"
#include "datapath/router/fragment.h"

namespace nf {
namespace {

constexpr size_t kBuckets = 1024;

// What the kernel charges, measured with /proc/net/sockstat: a queue, and a sk_buff with its data and
// skb_shared_info for a frame that came from a TAP.
constexpr size_t kQueueCharge = 200;
size_t charge_of(const Packet& p) {
  const size_t frame = p.length() + sizeof(EthernetHeader);
  return ((frame + 64 + 63) & ~size_t{63}) + 576;
}

struct Key {
  Be32 source, destination;
  Be16 id;
  uint8_t protocol = 0;
  DefragUser user{};
  friend bool operator==(const Key& a, const Key& b) {
    return a.source == b.source && a.destination == b.destination && a.id == b.id && a.protocol == b.protocol &&
           a.user == b.user;
  }
};

uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// Counts the fragments of one source while a datagram of it waits. twin: inet_peer::rid
struct Peer {
  Be32 source;
  uint32_t arrived = 0;
  uint32_t users = 0;
  Peer* next = nullptr;  // in its bucket, or free
};

struct Piece {
  PacketPtr packet;      // at its IPv4 header, payload cut to `end - offset`
  uint32_t offset, end;  // bytes of the datagram's payload
  bool starts_run;       // not appended to the piece before it. twin: fragrun_create
};

struct Queue {
  Key key;
  Queue* bucket_next = nullptr;                // in its bucket, or free
  Queue *earlier = nullptr, *later = nullptr;  // by deadline
  Time deadline = 0;
  std::vector<Piece> pieces;  // ascending, disjoint
  Peer* peer = nullptr;       // null while ipfrag_max_dist is 0
  uint32_t peer_seen = 0;
  uint32_t length = 0;  // payload bytes of the whole, as far as known
  uint32_t meat = 0;    // payload bytes here
  uint32_t max_size = 0, max_df_size = 0;
  uint8_t ecn_seen = 0;  // bit n: a fragment had ECN field n
  bool first_in = false, last_in = false;
  const Device* dev = nullptr;  // of the last fragment
};

// The ECN field of the whole from those of its fragments (RFC 3168, 5.3). twin: ip_frag_ecn_table
enum class Ecn : uint8_t { kKeep, kSetCe, kRefuse };
Ecn merged_ecn(uint8_t seen) {
  constexpr uint8_t kNotEct = 1, kCe = 8;
  if ((seen & kNotEct) != 0) return seen == kNotEct ? Ecn::kKeep : Ecn::kRefuse;
  return (seen & kCe) != 0 && seen != kCe ? Ecn::kSetCe : Ecn::kKeep;
}

}  // namespace

struct Reassembly::Impl {
  Impl(PacketPool& p, SysctlTable& s, Actions a, uint64_t hash_seed)
      : pool(p), sysctl(s), actions(std::move(a)), seed(hash_seed), buckets(kBuckets), peer_buckets(kBuckets) {
    sysctl.add("net.ipv4.ipfrag_high_thresh",
               {.value = &high_thresh, .min = 0, .max = INT64_MAX, .not_below = &low_thresh});
    sysctl.add("net.ipv4.ipfrag_low_thresh",
               {.value = &low_thresh, .min = 0, .max = INT64_MAX, .not_above = &high_thresh});
    sysctl.add("net.ipv4.ipfrag_time", {.value = &timeout});
    sysctl.add("net.ipv4.ipfrag_max_dist", {.value = &max_dist, .min = 0});
  }
  ~Impl() {
    for (const char* name : {"high_thresh", "low_thresh", "time", "max_dist"})
      sysctl.remove(std::string("net.ipv4.ipfrag_") + name);
  }

  size_t bucket_of(const Key& k) const {
    const uint64_t a = uint64_t{k.source.raw()} << 32 | k.destination.raw();
    const uint64_t b = uint64_t{k.id.raw()} << 16 | uint64_t{k.protocol} << 8 | static_cast<uint8_t>(k.user);
    return static_cast<size_t>(mix(mix(a ^ seed) ^ b ^ seed)) % kBuckets;
  }
  size_t bucket_of(Be32 source) const { return static_cast<size_t>(mix(source.raw() ^ seed)) % kBuckets; }

  Queue* find(const Key& key) {
    for (Queue* q = buckets[bucket_of(key)]; q != nullptr; q = q->bucket_next) {
      if (q->key == key) return q;
    }
    return nullptr;
  }
  Queue* create(const Key& key, Time now);
  void kill(Queue* q, DropReason reason);

  Peer* get_peer(Be32 source);
  void put_peer(Peer* peer);
  bool too_far(Queue& q);

  void link_by_deadline(Queue* q);
  void unlink_by_deadline(Queue* q);
  void drop_pieces(Queue& q, DropReason reason);
  void drop(PacketPtr p, DropReason reason) {
    if (actions.drop) actions.drop(std::move(p), reason);
  }
  enum class Inserted : uint8_t { kHeld, kDuplicate, kOverlap };
  Inserted insert(Queue& q, PacketPtr& p, uint32_t offset, uint32_t end);
  PacketPtr build(Queue& q);

  PacketPool& pool;
  SysctlTable& sysctl;
  Actions actions;
  const uint64_t seed;
  int64_t high_thresh = 4 * 1024 * 1024;  // bytes
  int64_t low_thresh = 3 * 1024 * 1024;   // no effect since the kernel's 4.17, but it bounds the other
  int64_t timeout = 30;                   // seconds
  int64_t max_dist = 64;

  std::vector<Queue*> buckets;
  std::vector<Peer*> peer_buckets;
  std::deque<Queue> queues;  // all ever made
  std::deque<Peer> peers;
  Queue* free_queues = nullptr;
  Peer* free_peers = nullptr;
  Queue *soonest = nullptr, *latest = nullptr;
  size_t count = 0;
  size_t memory = 0;
};

Queue* Reassembly::Impl::create(const Key& key, Time now) {
  if (free_queues == nullptr) free_queues = &queues.emplace_back();
  Queue* q = free_queues;
  free_queues = q->bucket_next;

  std::vector<Piece> pieces = std::move(q->pieces);  // keeps its capacity
  *q = Queue{};
  q->pieces = std::move(pieces);
  q->key = key;
  Queue*& bucket = buckets[bucket_of(key)];
  q->bucket_next = bucket;
  bucket = q;
  q->deadline = now + timeout * kSecond;
  link_by_deadline(q);
  if (max_dist != 0) q->peer = get_peer(key.source);
  ++count;
  memory += kQueueCharge;
  return q;
}

// twin: inet_frag_kill and the last inet_frag_put
void Reassembly::Impl::kill(Queue* q, DropReason reason) {
  drop_pieces(*q, reason);
  Queue** link = &buckets[bucket_of(q->key)];
  while (*link != q) link = &(*link)->bucket_next;
  *link = q->bucket_next;
  unlink_by_deadline(q);
  if (q->peer != nullptr) put_peer(q->peer);
  q->bucket_next = free_queues;
  free_queues = q;
  --count;
  memory -= kQueueCharge;
}

void Reassembly::Impl::drop_pieces(Queue& q, DropReason reason) {
  for (Piece& piece : q.pieces) {
    if (piece.packet == nullptr) continue;
    memory -= charge_of(*piece.packet);
    drop(std::move(piece.packet), reason);
  }
  q.pieces.clear();
}

Peer* Reassembly::Impl::get_peer(Be32 source) {
  Peer*& bucket = peer_buckets[bucket_of(source)];
  for (Peer* p = bucket; p != nullptr; p = p->next) {
    if (p->source == source) {
      ++p->users;
      return p;
    }
  }
  if (free_peers == nullptr) free_peers = &peers.emplace_back();
  Peer* p = free_peers;
  free_peers = p->next;
  *p = Peer{source, 0, 1, bucket};
  bucket = p;
  return p;
}

void Reassembly::Impl::put_peer(Peer* peer) {
  if (--peer->users != 0) return;
  Peer** link = &peer_buckets[bucket_of(peer->source)];
  while (*link != peer) link = &(*link)->next;
  *link = peer->next;
  peer->next = free_peers;
  free_peers = peer;
}

// twin: ip_frag_too_far
bool Reassembly::Impl::too_far(Queue& q) {
  if (q.peer == nullptr || max_dist == 0) return false;
  const uint32_t before = q.peer_seen;
  q.peer_seen = ++q.peer->arrived;
  return !q.pieces.empty() && q.peer_seen - before > max_dist;
}

void Reassembly::Impl::link_by_deadline(Queue* q) {
  // From the end: unless ipfrag_time was made shorter, the newest is the last.
  Queue* before = latest;
  while (before != nullptr && before->deadline > q->deadline) before = before->earlier;
  q->earlier = before;
  q->later = before != nullptr ? before->later : soonest;
  (before != nullptr ? before->later : soonest) = q;
  (q->later != nullptr ? q->later->earlier : latest) = q;
}

void Reassembly::Impl::unlink_by_deadline(Queue* q) {
  (q->earlier != nullptr ? q->earlier->later : soonest) = q->later;
  (q->later != nullptr ? q->later->earlier : latest) = q->earlier;
}

// Takes the packet out of `p` only when it is held. twin: inet_frag_queue_insert
Reassembly::Impl::Inserted Reassembly::Impl::insert(Queue& q, PacketPtr& p, uint32_t offset, uint32_t end) {
  std::vector<Piece>& pieces = q.pieces;
  auto at = std::upper_bound(pieces.begin(), pieces.end(), offset,
                             [](uint32_t o, const Piece& piece) { return o < piece.end; });
  if (at != pieces.end() && at->offset < end) {
    auto head = at;
    while (!head->starts_run) --head;
    auto tail = at + 1;
    while (tail != pieces.end() && !tail->starts_run) ++tail;
    const bool inside = offset >= head->offset && end <= (tail - 1)->end;
    return inside ? Inserted::kDuplicate : Inserted::kOverlap;
  }
  const bool extends_last_run = at == pieces.end() && !pieces.empty() && pieces.back().end == offset;
  pieces.insert(at, Piece{std::move(p), offset, end, !extends_last_run});
  return Inserted::kHeld;
}

// twin: ip_frag_reasm
PacketPtr Reassembly::Impl::build(Queue& q) {
  const Packet& head = *q.pieces.front().packet;
  const uint32_t header_length = head.ip().header_length();
  const uint32_t length = header_length + q.length;
  const Ecn ecn = merged_ecn(q.ecn_seen);
  if (ecn == Ecn::kRefuse || length > 65535) return nullptr;

  const size_t places = q.pieces.size() * sizeof(uint16_t);
  constexpr size_t kMost = PacketPool::kLarge - PacketPool::kHeadroom;
  // The pieces a raw socket wrote have no room for a longer header than their own, as the first one's would be.
  const bool no_room =
      q.key.user == DefragUser::kConntrackOut && std::any_of(q.pieces.begin(), q.pieces.end(), [&](const Piece& piece) {
        return piece.packet->ip().header_length() < header_length;
      });
  const bool keep_places = length + places <= kMost && !no_room;
  PacketPtr whole = pool.allocate(static_cast<uint32_t>(length + (keep_places ? places : 0)));
  if (head.has_mac_header()) {
    whole->push(sizeof(EthernetHeader));
    whole->set_mac_header();
    whole->mac() = head.mac();
    whole->pull(sizeof(EthernetHeader));
  }
  std::memcpy(whole->put(header_length), head.data(), header_length);
  whole->checksum = head.checksum;
  for (const Piece& piece : q.pieces) {
    const uint32_t n = piece.end - piece.offset;
    std::memcpy(whole->put(n), piece.packet->data() + piece.packet->ip().header_length(), n);
    if (piece.packet->checksum != head.checksum) whole->checksum = ChecksumState::kNone;
  }
  if (keep_places) {
    uint8_t* place = whole->tail();
    for (const Piece& piece : q.pieces) {
      const auto n = static_cast<uint16_t>(piece.end - piece.offset);
      std::memcpy(place, &n, sizeof n);
      place += sizeof n;
    }
    whole->fragment_count = static_cast<uint16_t>(q.pieces.size());
  }

  copy_metadata(*whole, head);
  whole->options = head.options;
  whole->dev = q.dev;
  whole->frag_max_size = static_cast<uint16_t>(std::min(std::max(q.max_df_size, q.max_size), 65535u));
  // DF only when the largest fragment carried it, or a tiny one with DF would keep a large one from being cut again.
  whole->df_fragments = q.max_df_size == q.max_size;

  Ipv4Header& ip = whole->ip();
  ip.total_length = be16(static_cast<uint16_t>(length));
  if (ecn == Ecn::kSetCe) ip.tos |= 3;
  ip.fragment = be16(whole->df_fragments ? kIpDontFragment : 0);
  ip_send_check(ip);
  return whole;
}

Reassembly::Reassembly(PacketPool& pool, SysctlTable& sysctl, Actions actions, uint64_t hash_seed)
    : impl_(std::make_unique<Impl>(pool, sysctl, std::move(actions), hash_seed)) {}

Reassembly::~Reassembly() = default;

// twin: ip_frag_queue
PacketPtr Reassembly::add(PacketPtr p, DefragUser user, Time now) {
  Impl& r = *impl_;
  if (r.soonest != nullptr && r.soonest->deadline <= now) expire(now);
  if (r.high_thresh == 0 || static_cast<int64_t>(r.memory) > r.high_thresh) {
    r.drop(std::move(p), DropReason::kDefragMemory);
    return nullptr;
  }
  const Ipv4Header& ip = p->ip();
  const Key key{ip.source, ip.destination, ip.id, ip.protocol, user};
  Queue* q = r.find(key);
  if (q == nullptr) q = r.create(key, now);

  if (r.too_far(*q)) {
    r.drop_pieces(*q, DropReason::kDefragIncomplete);
    r.unlink_by_deadline(q);
    q->deadline = now + r.timeout * kSecond;
    r.link_by_deadline(q);
    q->first_in = q->last_in = false;
    q->length = q->meat = 0;
    q->ecn_seen = 0;
    q->dev = nullptr;  // the largest sizes seen stay, as in ip_frag_reinit
  }

  const uint32_t header_length = ip.header_length();
  const uint32_t offset = ip.fragment_offset() * 8;
  uint32_t end = offset + p->length() - header_length;
  bool malformed = false;
  if (!ip.more_fragments()) {
    malformed = end < q->length || (q->last_in && end != q->length);
    q->last_in = true;
    q->length = std::max(q->length, end);
  } else {
    end &= ~7u;
    malformed = end > q->length && q->last_in;
    q->length = std::max(q->length, end);
  }
  if (malformed || end == offset) {
    r.drop(std::move(p), DropReason::kDefragMalformed);
    r.kill(q, DropReason::kDefragMalformed);
    return nullptr;
  }
  if (p->length() != header_length + end - offset) p->trim(header_length + end - offset);

  Packet& kept = *p;
  switch (r.insert(*q, p, offset, end)) {
    case Impl::Inserted::kHeld:
      break;
    case Impl::Inserted::kDuplicate:
      r.drop(std::move(p), DropReason::kDefragOverlap);
      return nullptr;
    case Impl::Inserted::kOverlap:
      r.drop(std::move(p), DropReason::kDefragOverlap);
      r.kill(q, DropReason::kDefragOverlap);
      return nullptr;
  }
  r.memory += charge_of(kept);
  if (kept.dev != nullptr) q->dev = kept.dev;
  q->meat += end - offset;
  q->ecn_seen = static_cast<uint8_t>(q->ecn_seen | 1u << (ip.tos & 3));
  if (offset == 0) q->first_in = true;
  q->max_size = std::max(q->max_size, kept.length());
  if (ip.dont_fragment()) q->max_df_size = std::max(q->max_df_size, kept.length());
  if (!q->first_in || !q->last_in || q->meat != q->length) return nullptr;

  PacketPtr whole = r.build(*q);
  if (whole == nullptr) {
    r.kill(q, DropReason::kDefragMalformed);
    return nullptr;
  }
  whole->dst = kept.dst;
  // A head that came back by lo keeps its connection.
  Packet& head = *q->pieces.front().packet;
  std::swap(whole->ct, head.ct);
  std::swap(whole->ctinfo, head.ctinfo);
  for (Piece& piece : q->pieces) {  // consumed, not dropped
    r.memory -= charge_of(*piece.packet);
    piece.packet.reset();
  }
  r.kill(q, DropReason::kNone);
  return whole;
}

Time Reassembly::expire(Time now) {
  Impl& r = *impl_;
  while (r.soonest != nullptr && r.soonest->deadline <= now) {
    Queue* q = r.soonest;
    if (q->first_in && q->key.user != DefragUser::kConntrackOut && r.actions.expired) {
      Packet& first = *q->pieces.front().packet;
      first.dev = q->dev;
      r.actions.expired(first);
    }
    r.kill(q, DropReason::kDefragIncomplete);
  }
  return r.soonest != nullptr ? r.soonest->deadline : INT64_MAX;
}

size_t Reassembly::waiting() const { return impl_->count; }
size_t Reassembly::memory() const { return impl_->memory; }

}  // namespace nf
