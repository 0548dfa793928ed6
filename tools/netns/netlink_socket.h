// A netlink socket and its messages, no more than reading nfnetlink takes. stands for: libnfnetlink
//
// Integers in nfnetlink attributes are in network byte order. One thread.
#pragma once

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "datapath/base/byteorder.h"
#include "datapath/base/result.h"
#include "tools/netns/fd.h"

namespace nf::netns {

// The payload of an attribute; null data: it is not there.
class Attribute {
 public:
  Attribute() = default;
  explicit Attribute(std::span<const uint8_t> payload) : payload_(payload), there_(true) {}
  explicit operator bool() const { return there_; }
  std::span<const uint8_t> bytes() const { return payload_; }
  uint8_t u8() const { return payload_.empty() ? uint8_t{0} : payload_[0]; }
  uint16_t u16() const { return number<Be16>().host(); }
  uint32_t u32() const { return number<Be32>().host(); }
  uint64_t u64() const;
  template <class Big>
  Big number() const {
    Big v{};
    if (payload_.size() >= sizeof v) std::memcpy(&v, payload_.data(), sizeof v);
    return v;
  }
  std::string_view text() const;  // up to its NUL

 private:
  std::span<const uint8_t> payload_;
  bool there_ = false;
};

// The attributes of a message or of a nested one, by type.
class Attributes {
 public:
  explicit Attributes(std::span<const uint8_t> bytes);
  explicit Attributes(const Attribute& nest) : Attributes(nest.bytes()) {}
  // Behind the nfgenmsg of an nfnetlink message.
  static Attributes of(const nlmsghdr& message);
  Attribute operator[](int type) const {
    return static_cast<size_t>(type) < kTypes ? at_[static_cast<size_t>(type)] : Attribute();
  }

 private:
  static constexpr size_t kTypes = 64;
  std::array<Attribute, kTypes> at_;
};

// A request under construction.
class Request {
 public:
  // `type`: subsystem << 8 | message; `resource`: nfgenmsg::res_id, host order.
  Request(int type, int flags, uint8_t family = 2, uint16_t resource = 0);
  Request& put(int type, std::span<const uint8_t> payload);
  Request& put_u8(int type, uint8_t v) { return put(type, {&v, 1}); }
  template <class Big>
  Request& put_number(int type, Big v) {
    return put(type, {reinterpret_cast<const uint8_t*>(&v), sizeof v});
  }
  size_t begin_nest(int type);
  void end_nest(size_t nest);
  std::span<uint8_t> bytes();

 private:
  std::vector<uint8_t> bytes_;
};

class NetlinkSocket {
 public:
  using Visit = std::function<void(const nlmsghdr&)>;

  // To NETLINK_NETFILTER in the namespace entered last; `groups`: multicast groups to join (numbers from 1).
  static Result<NetlinkSocket> open(std::span<const int> groups = {});

  // Sends a request and reads its answer to the end (an acknowledgement, the end of a dump): the negative errno the
  // kernel answered, or 0.
  Result<int> transact(Request& request, const Visit& visit = {});
  // What has come without being asked for. Messages lost for want of room are an error.
  Status receive(const Visit& visit);
  // The same where messages come in numbers and none is longer than kSmall bytes: many at one call. A longer one is an
  // error.
  static constexpr size_t kSmall = 1024;
  Status receive_small(const Visit& visit);

 private:
  explicit NetlinkSocket(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
  uint32_t sequence_ = 0;
};

}  // namespace nf::netns
