// The parts of a connection that few have, made when first needed: a helper and what it knows, sequence adjustment,
// labels, a timeout policy. twin: the areas NF_CT_EXT_HELPER, _SEQADJ, _LABELS, _TIMEOUT of struct nf_ct_ext
//
// Owned by the connection (Connection::rare), freed with it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#include "conntrack/connection.h"

namespace nf::ct {

class Helper;
struct Expectation;
struct TimeoutPolicy;

inline constexpr size_t kExpectClasses = 4;  // NF_CT_MAX_EXPECT_CLASSES

// twin: struct nf_conn_help
class HelpPart {
 public:
  const Helper* helper = nullptr;       // null: had one that is gone, or is only the place for one
  Expectation* expectations = nullptr;  // of this connection, the newest first (Expectation::next_of_master)
  std::array<uint8_t, kExpectClasses> expecting{};

  // What the helper keeps of this connection: all zero in the beginning. twin: nfct_help_data
  template <class T>
  T& data() {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= kData && alignof(T) <= 8);
    return *std::launder(reinterpret_cast<T*>(data_));
  }

 private:
  static constexpr size_t kData = 64;
  alignas(8) std::byte data_[kData] = {};
};

// How far one direction's sequence numbers are from what its sender counts, since NAT changed the length of what it
// sent. Host order. twin: struct nf_ct_seqadj
struct SeqAdjust {
  uint32_t correction_pos = 0;
  int32_t offset_before = 0, offset_after = 0;
};

// Bit n is label n. twin: struct nf_conn_labels
struct Labels {
  std::array<uint64_t, 2> words{};
  bool operator==(const Labels&) const = default;
};
inline constexpr unsigned kLabels = 128;

struct RareParts {
  bool has_help = false, has_seqadj = false, has_labels = false;
  HelpPart help;
  SeqAdjust seqadj[2];  // [CtDirection]
  Labels labels;
  const TimeoutPolicy* timeout = nullptr;
  // Of a template: the directions whose zone is the packet's mark.
  std::array<bool, 2> zone_from_mark{};
};

inline RareParts& rare_parts(Connection& c) {
  if (c.rare == nullptr) c.rare = new RareParts;
  return *c.rare;
}

// null: it has none. twin: nfct_help, nfct_seqadj, nf_ct_labels_find
inline HelpPart* help_of(Connection& c) { return c.rare != nullptr && c.rare->has_help ? &c.rare->help : nullptr; }
inline const HelpPart* help_of(const Connection& c) {
  return c.rare != nullptr && c.rare->has_help ? &c.rare->help : nullptr;
}
// twin: nf_ct_helper_ext_add
inline HelpPart& add_help(Connection& c) {
  rare_parts(c).has_help = true;
  return c.rare->help;
}
inline SeqAdjust* seqadj_of(Connection& c) {
  return c.rare != nullptr && c.rare->has_seqadj ? c.rare->seqadj : nullptr;
}
inline const SeqAdjust* seqadj_of(const Connection& c) {
  return c.rare != nullptr && c.rare->has_seqadj ? c.rare->seqadj : nullptr;
}
inline Labels* labels_of(Connection& c) { return c.rare != nullptr && c.rare->has_labels ? &c.rare->labels : nullptr; }
inline const Labels* labels_of(const Connection& c) {
  return c.rare != nullptr && c.rare->has_labels ? &c.rare->labels : nullptr;
}

}  // namespace nf::ct
