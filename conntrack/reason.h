// What conntrack has to say about the packet in hand: why it is INVALID, what is out of the ordinary although it
// passes, and the line the kernel logs.
//
// Costs nothing unless somebody wants to know: no sentence is made unless the packet is traced, no line unless
// nf_conntrack_log_invalid asks for its protocol.
// Invariants:
//  1. The log line is the kernel's to the byte. twin: nf_ct_l4proto_log_invalid, nf_l4proto_log_invalid
//  2. Keys of invalid() are "invalid.*", those of remark() "remark.*" (tools/words/words_invalid.inc).
//  3. A packet that ends INVALID has been given exactly one sentence why: the last one said.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conntrack/tuple.h"
#include "datapath/hook/stack.h"
#include "datapath/trace/said.h"

namespace nf::ct {

// A number said in hexadecimal digits: an SCTP tag, a checksum.
struct Hex {
  uint32_t value;
  int digits = 8;
};

class Reason {
 public:
  // Begins a packet. `log_invalid` is the sysctl: 0 for none, a protocol number, or 255 for all.
  void start(const Packet& p, Stack& stack, int64_t log_invalid, bool traced);
  // Whether sentences are wanted: for values that are dear to have.
  bool told() const { return traced_; }

  // What the kernel logs.
  [[gnu::format(printf, 2, 3)]] void log(const char* format, ...);

  // Why it is INVALID, should it end so.
  template <class... Values>
  void invalid(const char* key, const Values&... values) {
    if (traced_) [[unlikely]]
      invalid_ = Said{key, {word(values)...}, {}};
  }
  // A part of that sentence: {a}, {b}, ... in order.
  template <class... Values>
  void invalid_part(const char* key, const Values&... values) {
    if (traced_) [[unlikely]]
      invalid_.inner.push_back(Said{key, {word(values)...}, {}});
  }
  // What is out of the ordinary with a packet that passes.
  template <class... Values>
  void remark(const char* key, const Values&... values) {
    if (traced_) [[unlikely]]
      remarks_.push_back(Said{key, {word(values)...}, {}});
  }
  // The same where something else would have been INVALID: what invalid() said last becomes {a} of the remark.
  template <class... Values>
  void remark_instead(const char* key, const Values&... values) {
    if (traced_) [[unlikely]]
      remarks_.push_back(Said{key, {word(values)...}, {std::exchange(invalid_, {})}});
  }

  // Of the packet in hand, until the next start().
  const Said& why_invalid() const { return invalid_; }
  const std::vector<Said>& remarks() const { return remarks_; }

 private:
  static std::string word(std::unsigned_integral auto n) { return std::to_string(n); }
  static std::string word(std::signed_integral auto n) { return std::to_string(n); }
  static std::string word(std::string_view s) { return std::string(s); }
  static std::string word(const char* s) { return s; }
  static std::string word(Be32 address);
  static std::string word(Hex n);
  static std::string word(const Tuple& t);

  const Packet* packet_ = nullptr;
  Stack* stack_ = nullptr;
  bool log_ = false;
  bool traced_ = false;
  Said invalid_;
  std::vector<Said> remarks_;
};

}  // namespace nf::ct
