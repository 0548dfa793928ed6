// The traffic of the benchmarks that drive the engine in memory with the Docker rules: clients of the published port
// and the container behind it.
#pragma once

#include <ctime>
#include <vector>

#include "datapath/port/port.h"
#include "tools/bench/tcp_frame.h"

namespace nf {

inline int64_t nanoseconds() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

// A port that throws away what is sent, so that only the engine is measured.
class NullPort final : public Port {
 public:
  size_t receive(PacketPool&, std::vector<PacketPtr>&, size_t) override { return 0; }
  bool send(PacketPtr) override {
    ++sent_;
    return true;
  }
  void flush() override {}
  uint64_t sent_ = 0;
};

inline constexpr MacAddress kHostMac{0x00, 0x0c, 0x29, 0xb6, 0x16, 0x6b};
inline constexpr MacAddress kBridgeMac{0x02, 0x42, 0x5f, 0x9a, 0xdc, 0x2c};
inline constexpr MacAddress kClientMac{0x02, 0, 0, 0, 0, 1};
inline constexpr MacAddress kContainerMac{0x02, 0, 0, 0, 0, 2};
inline constexpr Be32 kHost = ip4(192, 168, 66, 100);
inline constexpr Be32 kContainer = ip4(172, 17, 0, 2);

struct Flow {
  Be32 client;
  Be16 port;
};
inline Flow flow(uint32_t i) {
  // 60000 ports, then the next address.
  return {be32(ip4(10, 0, 0, 1).host() + i / 60000), be16(static_cast<uint16_t>(1024 + i % 60000))};
}

struct Segment {
  bool from_client;
  uint8_t flags;
  uint32_t sequence, acknowledgment;
};

inline PacketPtr make_frame(PacketPool& pool, const Flow& f, const Segment& s) {
  const Be16 http = be16(80);
  if (s.from_client)
    return make_tcp_frame(pool, {kHostMac, kClientMac, f.client, kHost, f.port, http, s.sequence, s.acknowledgment,
                                 s.flags, kIpDontFragment});
  return make_tcp_frame(pool, {kBridgeMac, kContainerMac, kContainer, f.client, http, f.port, s.sequence,
                               s.acknowledgment, s.flags, kIpDontFragment});
}

}  // namespace nf
