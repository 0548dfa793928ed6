// Expectations: connections that a helper has read about and that are to be recognised by their first packet.
// twin: net/netfilter/nf_conntrack_expect.c
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "conntrack/connection.h"
#include "conntrack/tuple.h"
#include "datapath/base/random.h"
#include "datapath/base/time.h"
#include "datapath/hook/hook.h"
#include "datapath/packet/packet.h"

namespace nf::ct {

class Conntrack;
class Core;
class Helper;
struct Expectation;

// twin: NF_CT_EXPECT_* (values)
enum ExpectFlag : uint8_t { kExpectPermanent = 0x1, kExpectInactive = 0x2, kExpectUserspace = 0x4 };

// What is done to a connection that was expected, before its first packet goes on (NAT gets both halves decided).
// Named, so that it can be told over ctnetlink. twin: nf_conntrack_expect.expectfn, struct nf_ct_helper_expectfn
struct ExpectFunction {
  std::string_view name;  // "nat-follow-master"
  std::function<void(Packet& p, Connection& expected, const Expectation& e, const HookState& state)> run;
};

// A value until it is entered (Expectations::related), which copies it.
// The destination always counts whole; of the source what `mask` has set. twin: struct nf_conntrack_expect
struct Expectation {
  Tuple tuple;
  Be32 mask_source;
  Be16 mask_source_id;
  uint8_t flags = 0;                         // ExpectFlag
  uint8_t expect_class = 0;                  // of the master's helper: its policy of this number
  Connection* master = nullptr;              // not a reference: a connection takes its expectations along
  const Helper* helper = nullptr;            // what the expected connection is given; may be null
  const ExpectFunction* expectfn = nullptr;  // may be null
  // For NAT: what the tuple's destination was before, and which direction the expected connection has to the master.
  Be32 saved_address;
  Be16 saved_id;
  CtDirection direction = CtDirection::kOriginal;
  // --- set by Expectations
  Time expires = 0;
  uint32_t id = 0;
  Expectation* next_of_master = nullptr;  // older than this
  Expectation* next_in_chain = nullptr;

  // Its zone is the master's. twin: nf_ct_tuple_mask_cmp
  bool matches(const Tuple& t) const {
    return (t.source.raw() & mask_source.raw()) == (tuple.source.raw() & mask_source.raw()) &&
           (t.source_id.raw() & mask_source_id.raw()) == (tuple.source_id.raw() & mask_source_id.raw()) &&
           t.destination == tuple.destination && t.destination_id == tuple.destination_id &&
           t.protocol == tuple.protocol;
  }
};

// 0, -EBUSY, -EALREADY, -EMFILE, -ESHUTDOWN
enum class ExpectError : uint8_t { kNone, kBusy, kAlready, kTooMany, kShutDown };

// Which port an expectation is given by NAT when somebody expects the one it wants: by chance, as in the kernel. Who
// must follow another machine's choice answers himself. twin: the get_random_u32_below() of nf_nat_exp_find_port
class ExpectPortSearch {
 public:
  virtual ~ExpectPortSearch() = default;
  // The next candidate is `min` + the answer modulo `range`. The last candidate, which is taken, stands in `e`.
  virtual uint32_t offset(const Expectation& e, uint16_t min, unsigned range) = 0;
};

// What `conntrack -E expect` would be told.
struct ExpectReport {
  enum class Kind : uint8_t { kNew, kDestroy } kind;
  const Expectation& expectation;
  Time now;
};

// Owns all expectations of a namespace.
class Expectations {
 public:
  explicit Expectations(Core& core);
  ~Expectations();
  Expectations(const Expectations&) = delete;
  Expectations& operator=(const Expectations&) = delete;

  // A new one of `master`'s helper. Null: any. twin: nf_ct_expect_alloc and nf_ct_expect_init
  static Expectation make(Connection& master, uint8_t expect_class, const Be32* source, Be32 destination,
                          uint8_t protocol, const Be16* source_id, Be16 destination_id);
  // Enters it, for as long as its policy says; the same one of the same master is replaced. `any_master`: the same one
  // of another master is kAlready. twin: nf_ct_expect_related
  ExpectError related(const Expectation& e, Time now, bool any_master = false);
  // twin: nf_ct_unexpect_related, nf_ct_remove_expect. The pointer is dead afterwards.
  void unexpect(Expectation& e, Time now);
  // The one entered that equals `e` in master, class, tuple and mask (what related() entered); null: gone.
  Expectation* find_same(const Expectation& e);
  // One whose tuple this is, its mask applied; null: none. twin: __nf_ct_expect_find
  Expectation* find(const Tuple& tuple, uint16_t zone, Time now);
  // The one a new connection with this tuple fulfils; out of the list unless it is permanent or `unlink` is false.
  // nullopt: none. twin: nf_ct_find_expectation
  std::optional<Expectation> take(const Tuple& tuple, uint16_t zone, bool unlink, Time now);
  // A new term. twin: mod_timer_pending in refresh_signalling_expectation, nf_conntrack_sip.c
  void refresh(Expectation& e, int64_t seconds, Time now);
  // twin: nf_ct_remove_expectations
  void remove_of(Connection& master, Time now);

  // The caller's, as long as it is set; null: chance.
  void set_port_search(ExpectPortSearch* search);
  uint32_t port_offset(const Expectation& e, uint16_t min, unsigned range, Random& random);

  // The oldest first (the kernel's dump is in no order). The visitor may unexpect what it is given.
  void for_each(const std::function<void(Expectation&)>& visit, Time now);
  size_t count() const;
  uint32_t last_id() const;  // of the latest entered
  void flush(Time now);
  Time expire(Time now);  // removes what has run out; when to be called again, kNever when nothing is left

  // All listeners hear every report, in order. The id is never 0; unlisten() may be called from anywhere but a
  // listener.
  uint32_t listen(std::function<void(const ExpectReport&)> listener);
  void unlisten(uint32_t id);
  bool has_listeners() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The id of a connection's zone, whichever directions it counts for. twin: nf_ct_zone(ct)->id
inline uint16_t zone_of(const Connection& c) { return c.tuple[0].zone != 0 ? c.tuple[0].zone : c.tuple[1].zone; }

// Seconds left of it. twin: (timeout.expires - jiffies) / HZ
int64_t seconds_left(const Expectation& e, Time now);

}  // namespace nf::ct
