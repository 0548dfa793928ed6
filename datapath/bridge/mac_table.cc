#include "datapath/bridge/mac_table.h"

#include <cstring>

namespace nf {
namespace {

constexpr size_t kInitialSlots = 512;

// Two loads and no store: six bytes written and eight read back would stall.
uint64_t word(const MacAddress& mac) {
  uint32_t low;
  uint16_t high;
  std::memcpy(&low, mac.data(), sizeof low);
  std::memcpy(&high, mac.data() + sizeof low, sizeof high);
  return low | uint64_t{high} << 32;
}

}  // namespace

MacTable::MacTable(uint64_t hash_seed) : slots_(kInitialSlots), seed_(hash_seed) {}

size_t MacTable::home(const MacAddress& mac) const {
  uint64_t x = word(mac);
  // splitmix64's finalizer, twice around the key.
  for (int round = 0; round < 2; ++round) {
    x ^= seed_;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    x ^= x >> 31;
  }
  return static_cast<size_t>(x) & (slots_.size() - 1);
}

const FdbEntry* MacTable::find(const MacAddress& mac) const {
  const size_t mask = slots_.size() - 1;
  const uint64_t key = word(mac);
  for (size_t i = home(mac); slots_[i].port != nullptr; i = (i + 1) & mask) {
    if (word(slots_[i].mac) == key) return &slots_[i];
  }
  return nullptr;
}

void MacTable::insert(const FdbEntry& entry) {
  if ((used_ + 1) * 2 > slots_.size()) grow();
  const size_t mask = slots_.size() - 1;
  size_t i = home(entry.mac);
  while (slots_[i].port != nullptr) i = (i + 1) & mask;
  slots_[i] = entry;
  ++used_;
}

bool MacTable::erase(const MacAddress& mac) {
  const FdbEntry* e = find(mac);
  if (e == nullptr) return false;
  erase_slot(static_cast<size_t>(e - slots_.data()));
  return true;
}

void MacTable::erase_slot(size_t slot) {
  const size_t mask = slots_.size() - 1;
  size_t hole = slot;
  for (size_t i = (hole + 1) & mask; slots_[i].port != nullptr; i = (i + 1) & mask) {
    // An entry may fill the hole unless its home lies behind it.
    if (((i - home(slots_[i].mac)) & mask) >= ((i - hole) & mask)) {
      slots_[hole] = slots_[i];
      hole = i;
    }
  }
  slots_[hole] = FdbEntry{};
  --used_;
}

void MacTable::grow() {
  std::vector<FdbEntry> old(slots_.size() * 2);
  old.swap(slots_);
  used_ = 0;
  for (const FdbEntry& e : old) {
    if (e.port != nullptr) insert(e);
  }
}

}  // namespace nf
