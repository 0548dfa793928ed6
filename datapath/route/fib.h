// Routing tables: routes with the same prefix as a list, found by longest prefix match.
// twin: net/ipv4/fib_trie.c (tables, aliases), struct fib_info and fib_nh of net/ipv4/fib_semantics.c
//
// A FibTrie holds one table, or local and main together while there are no custom rules (struct Fib).
// Invariants:
//  1. The entries of a prefix are ordered by table (descending), tos (descending), metric (ascending).
//  2. Only reject routes (blackhole, unreachable, prohibit, throw) have no nexthops; the nexthops of others have
//  devices.
//  3. Lookups pass over dead entries and dead nexthops; flush() removes dead entries.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "datapath/base/byteorder.h"
#include "datapath/hook/device.h"
#include "datapath/packet/dst.h"
#include "datapath/route/prefix_trie.h"
#include "datapath/route/routing.h"

namespace nf {

// The kernel's errno of a lookup.
enum class FibError : uint8_t {
  kNone,
  kAgain,            // no match, or a throw route: the next rule decides
  kNetUnreachable,   // ENETUNREACH
  kHostUnreachable,  // EHOSTUNREACH: an unreachable route
  kAccess,           // EACCES: prohibit
  kInvalid,          // EINVAL: blackhole
};
// The outcome of a reject route; kNone for types that have nexthops. twin: fib_props
FibError fib_error(RouteType type);

struct FibNexthop {
  Be32 gateway;
  Device* device = nullptr;
  RouteScope scope = RouteScope::kHost;  // of the way to the gateway: kLink means the gateway must be resolved
  bool onlink = false;
  bool dead = false;
  uint32_t weight = 1;
  int32_t upper_bound = 0;  // of the hash of flows that take it; -1: none
};

struct FibEntry {
  std::unique_ptr<FibEntry> next;
  uint32_t table = 0;
  RouteType type = RouteType::kUnicast;
  RouteScope scope = RouteScope::kUniverse;
  uint8_t tos = 0;
  bool dead = false;  // all nexthops are; about to be flushed
  uint32_t metric = 0;
  uint32_t mtu = 0;
  Be32 preferred_source;
  std::vector<FibNexthop> nexthops;
  std::string protocol;

  // Divides the hash space by the weights of the living nexthops. twin: fib_rebalance
  void rebalance();
  // Same type and same fib_info. twin: fib_find_info
  bool same(const FibEntry& o) const;
};

// twin: struct flowi4, as far as tables look at it
struct FibKey {
  Be32 destination;
  RouteScope scope = RouteScope::kUniverse;
  const Device* out = nullptr;
  uint8_t tos = 0;
};

struct FibResult {
  const FibEntry* entry = nullptr;
  const FibNexthop* nexthop = nullptr;
  uint8_t length = 0;
};

class FibTrie {
 public:
  FibTrie() = default;
  FibTrie(const FibTrie&) = delete;
  FibTrie& operator=(const FibTrie&) = delete;

  // twin: fib_table_lookup
  FibError lookup(const FibKey& key, FibResult& result) const;

  // Outcome of insert, as an errno. twin: fib_table_insert
  enum class Insert : uint8_t { kOk, kExists, kMissing };
  Insert insert(Be32 destination, unsigned length, std::unique_ptr<FibEntry> entry, RouteMode mode);
  // The entry that `wanted(entry)` accepts first, of the table and tos given; false: none. twin: fib_table_delete
  template <class Wanted>
  bool remove(Be32 destination, unsigned length, uint32_t table, uint8_t tos, Wanted wanted) {
    Prefix* p = find(destination.host(), length);
    if (p == nullptr) return false;
    for (std::unique_ptr<FibEntry>* at = &p->first; *at != nullptr; at = &(*at)->next) {
      if ((*at)->table != table || (*at)->tos != tos || !wanted(static_cast<const FibEntry&>(**at))) continue;
      *at = std::move((*at)->next);
      drop_if_empty(*p);
      return true;
    }
    return false;
  }
  // Removes dead entries. twin: fib_table_flush
  void flush();
  // Moves the entries of one table to another trie. twin: fib_trie_unmerge
  void move_table(uint32_t table, FibTrie& to);
  // Calls f(destination, length, entry) in the order of a dump: ascending address, then longest first.
  template <class F>
  void for_each(F f) const {
    for (const auto& [key, id] : ordered_)
      for (const FibEntry* e = prefixes_[id].first.get(); e != nullptr; e = e->next.get())
        f(be32(prefixes_[id].address), prefixes_[id].length, *e);
  }
  // The same, to change entries' flags.
  template <class F>
  void for_each_entry(F f) {
    for (auto& p : prefixes_)
      for (FibEntry* e = p.first.get(); e != nullptr; e = e->next.get()) f(*e);
  }

 private:
  struct Prefix {
    uint32_t address = 0;
    uint8_t length = 0;
    std::unique_ptr<FibEntry> first;  // null: the prefix is unused
  };
  static uint64_t key_of(uint32_t address, unsigned length) { return uint64_t{address} << 6 | length; }
  // Dump order: by address, longest first.
  static uint64_t order_of(uint32_t address, unsigned length) { return uint64_t{address} << 6 | (32 - length); }
  Prefix* find(uint32_t address, unsigned length);
  Prefix& find_or_create(uint32_t address, unsigned length);
  void drop_if_empty(Prefix& p);
  // The longest prefix shorter than `length` that covers `address`; kNone: there is none.
  uint32_t shorter(uint32_t address, unsigned length) const;
  static bool match(const Prefix& p, const FibKey& key, FibResult& result, FibError& error);

  PrefixTrie trie_;
  std::vector<Prefix> prefixes_;  // by id
  std::vector<uint32_t> free_;
  std::unordered_map<uint64_t, uint32_t> exact_;
  std::map<uint64_t, uint32_t> ordered_;
  uint32_t count_of_length_[33] = {};
  uint64_t lengths_ = 0;  // bit n: there is a prefix of length n
};

// All tables of a namespace.
class Fib {
 public:
  Fib();
  // null: the table was never used
  FibTrie* table(uint32_t id);
  const FibTrie* table(uint32_t id) const;
  FibTrie& make_table(uint32_t id);
  // Splits local from main; once, before the first change of the policy rules.
  void unmerge();
  void flush();
  // Each trie once.
  template <class F>
  void for_each_trie(F f) {
    for (auto& t : tries_) f(*t);
  }
  // f(destination, length, entry) for all tables in the order of a dump. twin: inet_dump_fib
  template <class F>
  void for_each(F f) const {
    for (const uint32_t id : dump_order())
      table(id)->for_each([&](Be32 d, unsigned length, const FibEntry& e) {
        if (e.table == id) f(d, length, e);
      });
  }
  // The trie that answers for main (and local while merged), and the one of table default; null: never used.
  const FibTrie* main() const { return main_; }
  const FibTrie* fallback() const { return fallback_; }

 private:
  struct Table {
    uint32_t id;
    FibTrie* trie;
  };
  std::vector<uint32_t> dump_order() const;

  std::vector<std::unique_ptr<FibTrie>> tries_;
  std::vector<Table> tables_;  // in order of creation
  FibTrie* main_ = nullptr;
  FibTrie* fallback_ = nullptr;
  bool merged_ = true;
};

}  // namespace nf
