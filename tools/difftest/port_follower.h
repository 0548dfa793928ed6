// Follows the kernel's choice of source ports and ICMP ids where NAT searches for a free one. The search begins at
// random, so the engine asks, and gets the start that makes the kernel's choice its first candidate; a choice that is
// outside what the engine would have chosen from is told. Stands for get_random_u16() in nf_nat_l4proto_unique_tuple.
//
// When the kernel has no entry with the connection's original tuple, the [NEW] event of its packet tells, if there is
// one: an entry may be gone when its first packet is answered (reset). Otherwise the packet died before it was
// confirmed, or nothing tells of it:
//   source half, nothing came out   chosen last, so nobody has seen it: any port is as good, unless all were taken
//   else                            somebody may have seen it: from this packet on nothing can be compared (unseen)
//
// A helper's search for a port nobody expects (get_random_u32_below() in nf_nat_exp_find_port) is followed by the
// kernel's expectations: the one that is like the engine's but for its port, and that the engine does not have; when
// there are two such, from this packet on nothing can be compared (unseen).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conntrack/expect.h"
#include "nat/nat.h"

namespace nf::difftest {

class PortFollower final : public nat::PortSearch, public ct::ExpectPortSearch {
 public:
  // The kernel's reply tuple of the connection with this original tuple; nullopt: there is none.
  using ReplyOf = std::function<std::optional<ct::Tuple>(const ct::Tuple& original)>;
  // The kernel's expectations as lines of `conntrack -L expect`, and the engine's.
  using Expected = std::function<std::vector<std::string>()>;
  explicit PortFollower(ReplyOf reply_of, Expected kernel = {}, Expected engine = {})
      : reply_of_(std::move(reply_of)), kernel_expects_(std::move(kernel)), engine_expects_(std::move(engine)) {}

  // What the kernel said and did about the packet the engine gets next.
  void set_packet(const std::vector<std::string>& events, bool something_came_out) {
    events_ = &events;
    something_came_out_ = something_came_out;
    asked_.reset();
  }

  uint16_t start(const ct::Connection& c, ManipType manip, uint16_t min, unsigned size) override;
  uint32_t offset(const ct::Expectation& e, uint16_t min, unsigned range) override;

  // Connections whose choice was followed.
  uint64_t followed() const { return followed_; }
  // Those choices, in order; ICMP ids too.
  const std::vector<uint16_t>& ports() const { return ports_; }
  bool unseen() const { return unseen_; }
  // What the kernel chose outside the range, as text.
  const std::optional<std::string>& outside() const { return outside_; }

 private:
  ReplyOf reply_of_;
  Expected kernel_expects_, engine_expects_;
  const std::vector<std::string>* events_ = nullptr;
  bool something_came_out_ = false;
  std::vector<uint16_t> ports_;
  ct::Tuple last_;
  std::optional<ct::Tuple> asked_;  // of this packet, without an answer
  uint64_t followed_ = 0;
  bool unseen_ = false;
  std::optional<std::string> outside_;
};

// Both tuples of a line of `conntrack -E` or -L; nullopt when it has no two. Zones are not read.
struct TuplePair {
  ct::Tuple original, reply;
};
std::optional<TuplePair> parse_tuples(std::string_view line);

}  // namespace nf::difftest
