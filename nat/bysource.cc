#include "nat/bysource.h"

#include <cassert>
#include <cstdlib>

#include "datapath/base/jhash.h"

namespace nf::nat {

void BySource::Free::operator()(ct::Connection** p) const { std::free(p); }

// calloc, because the system hands out zero pages lazily: an index sized like the kernel's costs nothing until used.
BySource::BySource(size_t buckets, uint64_t seed)
    : buckets_(buckets == 0 ? 1 : buckets),
      seed_(seed),
      heads_(static_cast<ct::Connection**>(std::calloc(buckets_, sizeof(ct::Connection*)))) {
  if (heads_ == nullptr) std::abort();
}

size_t BySource::bucket(const ct::Tuple& tuple) const {
  const uint32_t words[] = {tuple.source.raw(), uint32_t{tuple.source_id.raw()} << 16 | tuple.protocol, tuple.zone,
                            static_cast<uint32_t>(seed_ >> 32)};
  return (uint64_t{jhash2(words, 4, static_cast<uint32_t>(seed_))} * buckets_) >> 32;
}

void BySource::add(ct::Connection& c) {
  assert(c.nat.bysource_at == nullptr);
  ct::Connection*& head = heads_[bucket(c.original())];
  c.nat.bysource_next = head;
  c.nat.bysource_at = &head;
  if (head != nullptr) head->nat.bysource_at = &c.nat.bysource_next;
  head = &c;
}

void BySource::remove(ct::Connection& c) {
  if (c.nat.bysource_at == nullptr) return;
  *c.nat.bysource_at = c.nat.bysource_next;
  if (c.nat.bysource_next != nullptr) c.nat.bysource_next->nat.bysource_at = c.nat.bysource_at;
  c.nat.bysource_next = nullptr;
  c.nat.bysource_at = nullptr;
}

}  // namespace nf::nat
