#include "datapath/router/ip_options.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "datapath/packet/checksum.h"
#include "datapath/router/router.h"

namespace nf {
namespace {

enum Option : uint8_t {
  kEnd = 0,
  kNop = 1,
  kRecordRoute = 7,
  kTimestamp = 68,
  kLooseRoute = 131,
  kCipso = 134,
  kStrictRoute = 137,
  kRouterAlert = 148,
};
// Kinds of timestamp option (RFC 791, 3.1).
enum TimestampFlag : uint8_t { kTimeOnly = 0, kTimeAndAddress = 1, kPrespecified = 3 };

constexpr uint8_t kHeader = sizeof(Ipv4Header);

Be32 load(const uint8_t* at) {
  Be32 a;
  std::memcpy(&a, at, sizeof a);
  return a;
}
void store(uint8_t* at, Be32 a) { std::memcpy(at, &a, sizeof a); }

// The offset within the option of what is wrong: always something, as no domain of interpretation is ever configured
// here. twin: cipso_v4_validate
int check_cipso(unsigned length) {
  constexpr unsigned kShortest = 8;
  return length < kShortest ? 1 : 2;
}

}  // namespace

uint32_t IpOptions::timestamp() const {
  constexpr int64_t kMillisecondsPerDay = 86'400'000;
  return be32(static_cast<uint32_t>(r_.now() / kMillisecond % kMillisecondsPerDay)).raw();
}

Be32 IpOptions::own_address(const Packet& p) {
  const Ipv4Header& ip = p.ip();
  if (p.dst.type == RouteType::kLocal) return ip.destination;
  FlowKey key;
  key.destination = ip.source;
  key.tos = ip.tos;
  if (p.dev->conf.src_valid_mark != 0 || r_.conf_all().src_valid_mark != 0) key.mark = p.mark;
  if (!ip.source.is_zero())
    if (const std::optional<Be32> source = r_.routing().source_along(key)) return *source;
  return r_.select_address(*p.dev, ip.source, ip.source.is_zero() ? RouteScope::kLink : RouteScope::kUniverse)
      .value_or(Be32{});
}

Be32 IpOptions::outgoing_address(const Packet& p) {
  FlowKey key;
  key.destination = p.ip().destination;
  key.source = p.ip().source;
  key.in = p.dev;
  key.out = p.dst.out;
  key.tos = p.ip().tos;
  key.mark = p.mark;
  if (const std::optional<Be32> source = r_.routing().source_along(key)) return *source;
  return r_.select_address(*p.dst.out, p.dst.nexthop, RouteScope::kUniverse).value_or(Be32{});
}

// One pass over the options. Each function returns the offset within its option of what is wrong, -1 for nothing.
class IpOptions::Compiler {
 public:
  Compiler(IpOptions& options, Packet& p) : o_(options), p_(p), state_(p.options) {}

  uint8_t run() {
    uint8_t* const header = p_.data();
    uint8_t* at = header + kHeader;
    unsigned left = state_.length;
    while (left > 0) {
      if (*at == kEnd) {
        for (++at, --left; left > 0; ++at, --left) {
          state_.changed |= *at != kEnd;
          *at = kEnd;
        }
        break;
      }
      if (*at == kNop) {
        ++at, --left;
        continue;
      }
      const auto offset = static_cast<uint8_t>(at - header);
      if (left < 2 || at[1] < 2 || at[1] > left) return offset;
      if (const int bad = option(at, offset); bad >= 0) return static_cast<uint8_t>(offset + bad);
      left -= at[1];
      at += at[1];
    }
    return 0;
  }

 private:
  int option(uint8_t* at, uint8_t offset) {
    switch (at[0]) {
      case kStrictRoute:
      case kLooseRoute:
        if (at[1] < 3) return 1;
        if (at[2] < 4) return 2;
        if (state_.source_route != 0) return 0;  // RFC 1812, 5.2.4.1
        state_.strict = at[0] == kStrictRoute;
        state_.source_route = offset;
        return -1;
      case kRecordRoute:
        return record_route(at, offset);
      case kTimestamp:
        return timestamp(at, offset);
      case kRouterAlert:
        return at[1] < 4 ? 1 : -1;
      case kCipso:
        if (state_.cipso != 0) return 0;
        state_.cipso = offset;
        return check_cipso(at[1]);
      default:
        return -1;
    }
  }

  int record_route(uint8_t* at, uint8_t offset) {
    const unsigned length = at[1], pointer = at[2];
    if (state_.record_route != 0) return 0;
    if (length < 3) return 1;
    if (pointer < 4) return 2;
    if (pointer <= length) {
      if (pointer + 3 > length) return 2;
      store(at + pointer - 1, own_address());
      state_.changed = true;
      at[2] = static_cast<uint8_t>(pointer + 4);
      state_.record_address = true;
    }
    state_.record_route = offset;
    return -1;
  }

  int timestamp(uint8_t* at, uint8_t offset) {
    const unsigned length = at[1], pointer = at[2], flag = at[3] & 15u;
    if (state_.timestamp != 0) return 0;
    if (length < 4) return 1;
    if (pointer < 5) return 2;
    if (pointer <= length) {
      if (pointer + 3 > length) return 2;
      uint8_t* time = nullptr;
      switch (flag) {
        case kTimeOnly:
          time = at + pointer - 1;
          state_.timestamp_time = true;
          at[2] = static_cast<uint8_t>(pointer + 4);
          break;
        case kTimeAndAddress:
          if (pointer + 7 > length) return 2;
          store(at + pointer - 1, own_address());
          time = at + pointer + 3;
          state_.timestamp_address = state_.timestamp_time = true;
          at[2] = static_cast<uint8_t>(pointer + 8);
          break;
        case kPrespecified:
          if (pointer + 7 > length) return 2;
          if (o_.r_.address_type(load(at + pointer - 1), nullptr) == RouteType::kUnicast) break;
          time = at + pointer + 3;
          state_.timestamp_time = true;
          at[2] = static_cast<uint8_t>(pointer + 8);
          break;
        default:
          break;
      }
      if (time != nullptr) {
        const uint32_t now = o_.timestamp();
        std::memcpy(time, &now, sizeof now);
        state_.changed = true;
      }
    } else if (flag != kPrespecified) {
      const unsigned overflow = at[3] >> 4;
      if (overflow == 15) return 3;
      at[3] = static_cast<uint8_t>(flag | (overflow + 1) << 4);
      state_.changed = true;
    }
    state_.timestamp = offset;
    return -1;
  }

  Be32 own_address() {
    if (own_.is_zero()) own_ = o_.own_address(p_);
    return own_;
  }

  IpOptions& o_;
  Packet& p_;
  IpOptionState& state_;
  Be32 own_;
};

uint8_t IpOptions::compile(Packet& p) {
  p.options = {};
  p.options.length = static_cast<uint8_t>(p.ip().header_length() - kHeader);
  return Compiler(*this, p).run();
}

bool IpOptions::rcv(PacketPtr& p) {
  if (const uint8_t bad = compile(*p); bad != 0) {
    r_.icmp_send(*p, kIcmpParameterProblem, 0, uint32_t{bad} << 24);
    r_.drop(std::move(p), DropReason::kIpOptions);
    return false;
  }
  return p->options.source_route == 0 || source_route(p);
}

bool IpOptions::source_route(PacketPtr& p) {
  const auto refuse = [&](uint8_t pointer) {
    if (pointer != 0) r_.icmp_send(*p, kIcmpParameterProblem, 0, uint32_t{pointer} << 24);
    r_.drop(std::move(p), DropReason::kIpOptions);
    return false;
  };
  if (p->dev->conf.accept_source_route == 0 || r_.conf_all().accept_source_route == 0) return refuse(0);
  if (p->type != PacketType::kHost) return refuse(0);
  constexpr uint8_t kDestinationOffset = 16;
  if (p->dst.type == RouteType::kUnicast) return !p->options.strict || refuse(kDestinationOffset);
  if (p->dst.type != RouteType::kLocal) return refuse(0);

  Ipv4Header& ip = p->ip();
  const uint8_t* const option = p->data() + p->options.source_route;
  const unsigned length = option[1];
  for (unsigned pointer = option[2]; pointer <= length; pointer += 4) {
    if (pointer + 3 > length) return refuse(static_cast<uint8_t>(p->options.source_route + 2));
    const Be32 nexthop = load(option + pointer - 1);
    Dst dst;
    if (r_.routing().route_input(nexthop, ip.source, ip.tos, p->mark, *p->dev, dst) != DropReason::kNone ||
        (dst.type != RouteType::kUnicast && dst.type != RouteType::kLocal))
      return refuse(0);
    p->dst = dst;
    p->options.changed = true;
    if (dst.type == RouteType::kUnicast) {
      p->options.source_route_hit = true;
      p->options.nexthop = nexthop;
      return true;
    }
    // The next address is ours, too: we are already there.
    ip.destination = nexthop;
  }
  return true;
}

void IpOptions::forward(Packet& p) {
  IpOptionState& state = p.options;
  uint8_t* const header = p.data();
  if (state.record_address) {
    uint8_t* const option = header + state.record_route;
    store(option + option[2] - 5, outgoing_address(p));
    state.changed = true;
  }
  if (state.source_route_hit) {
    uint8_t* const option = header + state.source_route;
    const unsigned length = option[1];
    unsigned pointer = option[2];
    while (pointer + 3 <= length && load(option + pointer - 1) != state.nexthop) pointer += 4;
    if (pointer + 3 <= length) {
      state.changed = true;
      p.ip().destination = state.nexthop;
      store(option + pointer - 1, outgoing_address(p));
      option[2] = static_cast<uint8_t>(pointer + 4);
    }
    if (state.timestamp_address) {
      uint8_t* const stamp = header + state.timestamp;
      store(stamp + stamp[2] - 9, outgoing_address(p));
      state.changed = true;
    }
  }
  if (state.changed) {
    state.changed = false;
    ip_send_check(p.ip());
  }
}

bool IpOptions::echo(const Packet& p, EchoedOptions& e) {
  const IpOptionState& from = p.options;
  if (from.length == 0) return true;
  const uint8_t* const header = p.data();
  const auto append = [&e](const uint8_t* option, unsigned length) {
    uint8_t* const at = e.bytes.data() + e.length;
    std::memcpy(at, option, length);
    e.length = static_cast<uint8_t>(e.length + length);
    return at;
  };
  if (from.record_route != 0) {
    const uint8_t* const option = header + from.record_route;
    const unsigned length = option[1], pointer = option[2];
    e.state.record_route = static_cast<uint8_t>(kHeader + e.length);
    uint8_t* const at = append(option, length);
    if (from.record_address && pointer <= length) {
      if (pointer + 3 > length) return false;
      at[2] = static_cast<uint8_t>(pointer + 4);
      e.state.record_address = true;
    }
  }
  if (from.timestamp != 0) {
    const uint8_t* const option = header + from.timestamp;
    const unsigned length = option[1];
    unsigned pointer = option[2];
    e.state.timestamp = static_cast<uint8_t>(kHeader + e.length);
    uint8_t* const at = append(option, length);
    if (pointer <= length) {
      if (from.timestamp_address) {
        if (pointer + 3 > length) return false;
        e.state.timestamp_address = true;
        pointer += 4;
      }
      if (from.timestamp_time) {
        if (pointer + 3 > length) return false;
        if ((at[3] & 15) != kPrespecified) {
          e.state.timestamp_time = true;
          pointer += 4;
        } else if (pointer + 7 <= length && r_.address_type(load(at + pointer - 1), nullptr) != RouteType::kUnicast) {
          e.state.timestamp_time = true;
          pointer += 8;
        }
      }
      at[2] = static_cast<uint8_t>(pointer);
    }
  }
  if (from.source_route != 0) {
    // The way back is the recorded way in reverse (RFC 1122, 3.2.1.8 c).
    const uint8_t* const option = header + from.source_route;
    int pointer = std::min<int>(option[2], option[1] + 1) - 4;
    if (pointer > 3) {
      e.first_hop = load(option + pointer - 1);
      uint8_t* const at = e.bytes.data() + e.length;
      int length = 4;
      for (pointer -= 4; pointer > 3; pointer -= 4, length += 4)
        std::memcpy(at + length - 1, option + pointer - 1, sizeof(Be32));
      // RFC 1812, 5.2.4.1: a route that begins with its own sender is illegal.
      if (load(option + pointer + 3) == p.ip().source) length -= 4;
      if (length > 3) {
        at[0] = option[0];
        at[1] = static_cast<uint8_t>(length + 3);
        at[2] = 4;
        e.state.source_route = static_cast<uint8_t>(kHeader + e.length);
        e.length = static_cast<uint8_t>(e.length + length + 3);
      }
    }
  }
  if (from.cipso != 0) append(header + from.cipso, header[from.cipso + 1]);
  while ((e.length & 3) != 0) e.bytes[e.length++] = kEnd;
  return true;
}

void IpOptions::build(EchoedOptions& e, Packet& answer, Be32 source, Be32 destination) {
  answer.options = e.state;
  answer.options.length = e.length;
  uint8_t* const header = answer.data();
  std::memcpy(header + kHeader, e.bytes.data(), e.length);
  if (e.state.source_route != 0) {
    uint8_t* const option = header + e.state.source_route;
    store(option + option[1] - 4, destination);
  }
  if (e.state.record_address) {
    uint8_t* const option = header + e.state.record_route;
    store(option + option[2] - 5, source);
  }
  uint8_t* const stamp = header + e.state.timestamp;
  if (e.state.timestamp_address) store(stamp + stamp[2] - 9, source);
  if (e.state.timestamp_time) {
    const uint32_t now = timestamp();
    std::memcpy(stamp + stamp[2] - 5, &now, sizeof now);
  }
}

}  // namespace nf
