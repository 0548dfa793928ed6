// The entries of a bridge's forwarding database: a flat hash table, MAC address -> port.
//
// Open addressing with linear probing and deletion by shifting back. The hash is keyed, because senders choose the
// addresses. It allocates only when it doubles.
// Invariants: no more than half of the slots are used; an address stands at most once.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "datapath/base/time.h"
#include "datapath/hook/device.h"
#include "datapath/packet/headers.h"

namespace nf {

struct FdbEntry {
  MacAddress mac{};
  bool is_static = false;  // never ages
  Device* port = nullptr;  // null: the slot is free
  Time updated = 0;        // when it was last seen as a source
};

class MacTable {
 public:
  explicit MacTable(uint64_t hash_seed);

  // null when the address is not there. Entries move on insert and erase.
  const FdbEntry* find(const MacAddress& mac) const;
  FdbEntry* find(const MacAddress& mac) { return const_cast<FdbEntry*>(std::as_const(*this).find(mac)); }
  // The address must not be in the table, and entry.port not be null.
  void insert(const FdbEntry& entry);
  bool erase(const MacAddress& mac);
  size_t size() const { return used_; }

  template <class Predicate>
  void erase_if(const Predicate& predicate) {
    // An entry shifted back into the slot just freed is looked at next; one shifted past the end of the array to its
    // front was looked at before it moved or will be in the second pass.
    for (bool again = true; again;) {
      again = false;
      for (size_t i = 0; i < slots_.size();) {
        if (slots_[i].port != nullptr && predicate(std::as_const(slots_[i]))) {
          erase_slot(i);
          again = true;
        } else {
          ++i;
        }
      }
    }
  }

 private:
  size_t home(const MacAddress& mac) const;
  void erase_slot(size_t slot);
  void grow();

  std::vector<FdbEntry> slots_;  // a power of two
  size_t used_ = 0;
  uint64_t seed_;
};

}  // namespace nf
