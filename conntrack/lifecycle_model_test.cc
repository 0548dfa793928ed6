// Conntrack against a plain model of it: connections of UDP are created, held unconfirmed, renamed as NAT does,
// confirmed, merged, refreshed, killed, expired, flushed and swept in random order, and everything that can be asked
// gives what the model gives. What the model does is net/netfilter/nf_conntrack_core.c and nf_conntrack_proto_udp.c on
// maps; it forgets what is expired when the kernel does: when it is met.
#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <tuple>

#include "conntrack/test_support.h"
#include "datapath/base/random.h"

namespace nf::ct {
namespace {

using namespace test;

constexpr Duration kUnreplied = 30 * kSecond, kStream = 120 * kSecond, kStreamAfter = 2 * kSecond;

// A tuple with an order.
using Name = std::tuple<uint32_t, uint16_t, uint32_t, uint16_t>;
Name name_of(const Tuple& t) {
  return {t.source.host(), t.source_id.host(), t.destination.host(), t.destination_id.host()};
}
Name inverse(const Name& n) { return {std::get<2>(n), std::get<3>(n), std::get<0>(n), std::get<1>(n)}; }

struct Modelled {
  Name name[2];
  bool confirmed = false, clash = false, dying = false, in_table = false;
  bool seen_reply = false, assured = false;
  Time expires = 0;  // unconfirmed: a duration
  Time stream_since = 0;
  int held = 0;  // packets that carry it
};
using ModelPtr = std::shared_ptr<Modelled>;

class Lifecycle {
 public:
  explicit Lifecycle(uint64_t seed) : random_(seed) {
    w_.ct.on_destroy([this](Connection&) { ++destroyed_; });
  }

  void run(int operations) {
    for (int i = 0; i < operations && !testing::Test::HasFailure(); ++i) {
      step();
      ASSERT_EQ(w_.ct.count(), alive_);
      if (random_.below(2000) == 0) compare_all();
    }
    compare_all();
    while (!held_.empty()) release(held_.size() - 1);
    EXPECT_EQ(w_.ct.flush(now()), table_size());
    EXPECT_EQ(w_.ct.count(), 0u);
    EXPECT_EQ(destroyed_, created_);
    EXPECT_EQ(w_.stack.pool_.in_use(), 0u);
  }

 private:
  struct Held {
    PacketPtr p;
    ModelPtr model;
    bool original;  // direction
  };

  Time now() const { return w_.stack.now_; }

  void step() {
    const uint32_t kind = random_.below(1000);
    if (kind < 520) {
      begin();
      confirm(held_.size() - 1);
      release(held_.size() - 1);
    } else if (kind < 640) {
      begin();
    } else if (kind < 740) {
      if (const size_t i = any_held(); i < held_.size()) confirm(i);
    } else if (kind < 800) {
      if (const size_t i = any_held(); i < held_.size()) release(i);
    } else if (kind < 840) {
      rename();
    } else if (kind < 890) {
      kill();
    } else if (kind < 940) {
      ask_tuple_taken();
    } else if (kind < 994) {
      w_.advance(random_.below(8) == 0 ? random_.below(90) * kSecond : random_.below(3000) * kMillisecond);
    } else if (kind < 998) {
      sweep();
    } else {
      flush();
    }
    while (held_.size() > 40) release(0);
  }

  // --- the model

  ModelPtr find(const Name& name) {
    const auto at = table_.find(name);
    if (at == table_.end()) return nullptr;
    ModelPtr m = at->second;
    if (m->expires > now()) return m;
    leave(*m);
    return nullptr;
  }
  // Out of the table.
  void leave(Modelled& m) {
    m.dying = true;
    for (int d = m.clash ? 1 : 0; d < 2; ++d) table_.erase(m.name[d]);
    m.in_table = false;
    if (m.held == 0) --alive_;
  }
  void drop_reference(Modelled& m) {
    if (--m.held == 0 && !m.in_table) --alive_;
  }
  size_t table_size() const {
    std::set<const Modelled*> all;
    for (const auto& [name, m] : table_) all.insert(m.get());
    return all.size();
  }

  // --- operations, on both

  Name any_name() {
    const uint32_t client = kHostA.host() + random_.below(3), server = kHostB.host() + random_.below(3);
    const Name n{client, static_cast<uint16_t>(1000 + random_.below(8)), server,
                 static_cast<uint16_t>(53 + random_.below(3))};
    return random_.below(5) < 2 ? inverse(n) : n;
  }

  // A packet's first hook.
  void begin() {
    const Name name = any_name();
    PacketPtr p =
        w_.make(udp_packet(be32(std::get<0>(name)), std::get<1>(name), be32(std::get<2>(name)), std::get<3>(name)));
    ModelPtr m = find(name);
    bool original = true;
    CtInfo expected = CtInfo::kNew;
    const bool fresh = m == nullptr;
    if (fresh) {
      m = std::make_shared<Modelled>();
      m->name[0] = name;
      m->name[1] = inverse(name);
      m->expires = kUnreplied;
      m->stream_since = now() + kStreamAfter;
      ++created_;
      ++alive_;
    } else {
      original = m->name[0] == name && !m->clash;
      expected = !original ? CtInfo::kEstablishedReply : m->seen_reply ? CtInfo::kEstablished : CtInfo::kNew;
      const bool stream = m->seen_reply && now() > m->stream_since;
      if (!m->clash) {
        m->expires = now() + (stream ? kStream : kUnreplied);
        m->assured = m->assured || stream;
      }
      m->seen_reply = m->seen_reply || !original;
    }
    ++m->held;
    ASSERT_EQ(w_.in(p), Verdict::kAccept);
    ASSERT_EQ(p->ctinfo, expected);
    const Connection& c = *connection_of(p->ct);
    ASSERT_EQ(name_of(c.original()), m->name[0]);
    ASSERT_EQ(c.confirmed(), !fresh);
    held_.push_back({std::move(p), std::move(m), original});
  }

  size_t any_held() { return held_.empty() ? 0 : random_.below(static_cast<uint32_t>(held_.size())); }

  static bool same_flow(const Modelled& a, const Modelled& b) {
    return (a.name[0] == b.name[0] && a.name[1] == b.name[1]) || (a.name[0] == b.name[1] && a.name[1] == b.name[0]);
  }
  // The packet goes on with the winner. twin: nf_ct_resolve_clash_hard, __nf_ct_resolve_clash
  bool merge(Held& h, const ModelPtr& winner) {
    if (!same_flow(*h.model, *winner)) return false;
    drop_reference(*h.model);
    h.model = winner;
    ++winner->held;
    return true;
  }
  bool confirm_model(Held& h) {
    ModelPtr m = h.model;
    if (m->confirmed) return true;
    if (m->dying) return false;
    ModelPtr winner = find(m->name[0]);
    if (winner == nullptr) winner = find(m->name[1]);
    if (winner == nullptr) {
      m->expires += now();
      for (const Name& name : m->name) table_[name] = m;
      m->confirmed = m->in_table = true;
      return true;
    }
    if (merge(h, winner)) return true;
    if (const ModelPtr other = find(m->name[1]); other != nullptr) return merge(h, other);
    m->expires = now() + kSecond;
    m->confirmed = m->in_table = m->clash = true;
    table_[m->name[1]] = m;
    return true;
  }
  // A packet's last hook.
  void confirm(size_t i) {
    Held& h = held_[i];
    const bool accepted = confirm_model(h);
    ASSERT_EQ(w_.confirm(h.p) == Verdict::kAccept, accepted);
    if (!accepted) return;
    const Connection& c = *connection_of(h.p->ct);
    ASSERT_TRUE(c.confirmed());
    ASSERT_EQ(name_of(c.original()), h.model->name[0]);
    ASSERT_EQ(name_of(c.reply()), h.model->name[1]);
    ASSERT_EQ((c.status & kNatClash) != 0, h.model->clash);
  }

  void release(size_t i) {
    std::swap(held_[i], held_.back());
    drop_reference(*held_.back().model);
    held_.pop_back();
  }

  // As a translation does, to a reply tuple that may be somebody's.
  void rename() {
    const size_t i = any_held();
    if (i >= held_.size() || held_[i].model->confirmed || held_[i].model->dying) return;
    Connection& c = *connection_of(held_[i].p->ct);
    Tuple reply = c.reply();
    reply.destination_id = be16(static_cast<uint16_t>(1000 + random_.below(9)));
    if (random_.below(2) == 0) reply.destination = be32(kHostA.host() + random_.below(3));
    w_.ct.alter_reply(c, reply);
    held_[i].model->name[1] = name_of(reply);
  }

  void ask_tuple_taken() {
    const size_t i = any_held();
    if (i >= held_.size()) return;
    const Connection& c = *connection_of(held_[i].p->ct);
    const Name name = inverse(any_name());
    Tuple t = c.reply();
    t.source = be32(std::get<0>(name));
    t.source_id = be16(std::get<1>(name));
    t.destination = be32(std::get<2>(name));
    t.destination_id = be16(std::get<3>(name));
    const ModelPtr m = find(name);
    const bool taken = m != nullptr && m != held_[i].model && m->name[0] != held_[i].model->name[0];
    const uint64_t found = w_.ct.stats().found;
    ASSERT_EQ(w_.ct.tuple_taken(t, c, now()), taken);
    ASSERT_EQ(w_.ct.stats().found - found, taken ? 1u : 0u);
  }

  void kill() {
    if (const size_t i = any_held(); random_.below(4) == 0 && i < held_.size()) {
      // Of a packet's connection, in the table or not.
      Modelled& m = *held_[i].model;
      ASSERT_EQ(w_.ct.kill(*connection_of(held_[i].p->ct), now()), !m.dying);
      if (m.in_table) leave(m);
      m.dying = true;
      return;
    }
    const Name name = any_name();
    const ModelPtr m = find(name);
    Tuple t{};
    t.source = be32(std::get<0>(name));
    t.source_id = be16(std::get<1>(name));
    t.destination = be32(std::get<2>(name));
    t.destination_id = be16(std::get<3>(name));
    t.protocol = kProtoUdp;
    CtDirection direction;
    Connection* c = w_.ct.find(t, direction, now());
    ASSERT_EQ(c != nullptr, m != nullptr);
    if (c == nullptr) return;
    ASSERT_EQ(direction == CtDirection::kOriginal, m->name[0] == name && !m->clash);
    leave(*m);
    Conntrack::get(*c);
    ASSERT_TRUE(w_.ct.kill(*c, now()));
    ASSERT_FALSE(w_.ct.kill(*c, now())) << "a second time";
    w_.ct.put(*c);
  }

  void sweep() {
    Time next = 0;
    while ((next = w_.ct.gc(now())) <= now()) {
    }
    ASSERT_GE(next, now() + kSecond);
    ASSERT_LE(next, now() + 60 * kSecond);
    leave_expired();
  }

  void leave_expired() {
    std::set<ModelPtr> expired;
    for (const auto& [name, m] : table_)
      if (m->expires <= now()) expired.insert(m);
    for (const ModelPtr& m : expired) leave(*m);
  }

  void flush() {
    ASSERT_EQ(w_.ct.flush(now()), table_size());
    std::set<ModelPtr> all;
    for (const auto& [name, m] : table_) all.insert(m);
    for (const ModelPtr& m : all) leave(*m);
    ASSERT_TRUE(table_.empty());
  }

  void compare_all() {
    using Shown = std::tuple<Name, Name, Time, bool, bool>;
    std::set<Shown> seen, expected;
    w_.ct.for_each([&](Connection& c) {
      EXPECT_TRUE(seen.insert({name_of(c.original()), name_of(c.reply()), c.expires, (c.status & kSeenReply) != 0,
                               (c.status & kAssured) != 0})
                      .second)
          << "visited twice";
    });
    leave_expired();
    for (const auto& [name, m] : table_) {
      if (!m->clash) expected.insert({m->name[0], m->name[1], m->expires, m->seen_reply, m->assured});
    }
    ASSERT_EQ(seen, expected);
    ASSERT_EQ(created_ - destroyed_, alive_);
  }

  World w_;
  Random random_;
  std::map<Name, ModelPtr> table_;
  std::vector<Held> held_;
  size_t alive_ = 0, created_ = 0, destroyed_ = 0;  // connections, in the table or not
};

TEST(LifecycleModel, RandomLives) {
  for (const uint64_t seed : {1u, 2u, 3u, 4u}) {
    SCOPED_TRACE(seed);
    Lifecycle(seed).run(30000);
  }
}

// With so few buckets that the eviction range is all of them: as long as anybody may go, somebody does, only such go,
// and the table is never over its limit.
TEST(LifecycleModel, EarlyDrop) {
  constexpr size_t kMax = 50;
  for (const uint64_t seed : {1u, 2u, 3u}) {
    SCOPED_TRACE(seed);
    World w;
    w.set("max", std::to_string(kMax));
    w.set("buckets", "8");
    Random random(seed);
    std::set<uint16_t> assured;  // client ports
    size_t failed = 0;
    for (uint16_t port = 1; port <= 3000 && !testing::Test::HasFailure(); ++port) {
      size_t unassured = 0;
      w.ct.for_each([&](Connection& c) { unassured += (c.status & kAssured) == 0; });
      const bool full = w.ct.count() == kMax;
      const uint64_t evicted = w.ct.stats().early_drop, dropped = w.ct.stats().drop;
      const size_t count = w.ct.count();
      // The share of those who stay is such that it fills up at last.
      const bool room = !full || unassured > 0;
      if (random.below(10) == 0 && room) {
        establish(w, port);
        assured.insert(port);
      } else {
        EXPECT_EQ(static_cast<bool>(w.pass(syn(port))), room);
      }
      const bool dropped_one = !room;
      failed += dropped_one;
      EXPECT_EQ(w.ct.stats().drop - dropped, dropped_one ? 1u : 0u);
      const uint64_t gone = w.ct.stats().early_drop - evicted;
      EXPECT_EQ(gone != 0, full && unassured > 0);
      EXPECT_EQ(w.ct.count(), count + (dropped_one ? 0 : 1) - gone);
      EXPECT_LE(w.ct.count(), kMax);
      std::set<uint16_t> there;
      w.ct.for_each([&](Connection& c) {
        if ((c.status & kAssured) != 0) there.insert(c.original().source_id.host());
      });
      EXPECT_EQ(there, assured);
    }
    EXPECT_EQ(assured.size(), kMax);
    EXPECT_GT(failed, 1000u);
    EXPECT_EQ(w.ct.stats().insert_failed, 0u);
  }
}

}  // namespace
}  // namespace nf::ct
