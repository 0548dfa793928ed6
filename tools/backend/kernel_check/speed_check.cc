// What a packet and a lab cost. Bounds are far above what is measured (README of the benchmarks): they catch a wait.
#include "tools/backend/kernel_check/lab_text.h"

namespace nf::kernel_check {
namespace {

constexpr char kNat[] = R"(*nat
-A POSTROUTING -o wan -j MASQUERADE
COMMIT
*filter
-A FORWARD -m conntrack --ctstate NEW -j ACCEPT
COMMIT
)";

Time monotonic() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * kSecond + t.tv_nsec;
}

TEST(KernelSpeed, APacketAndALab) {
  const int labs = 40, packets = 500;
  Time configuring = 0, playing = 0, destroying = 0;
  size_t out_count = 0;
  const lab::Lab lab = lab_of(std::string(kTwoPorts) + "link set dev third up\n", "net.ipv4.ip_forward = 1\n", kNat);
  for (int n = 0; n < labs; ++n) {
    auto backend = std::make_unique<KernelBackend>();
    BackendConfig config;
    config.lab = &lab;
    const Time start = monotonic();
    const Status s = backend->configure(config);
    ASSERT_TRUE(s.ok()) << const_cast<Status&>(s).error().str();
    const Time configured = monotonic();
    std::vector<Emitted> out;
    for (int i = 0; i < packets; ++i) {
      const auto bytes =
          frame(*backend, kLan, {ip4(10, 1, 0, 2), ip4(10, 2, 0, 9), kProtoUdp, static_cast<uint16_t>(1024 + i), 53});
      ASSERT_TRUE(backend->inject(kLan, bytes).ok());
      ASSERT_TRUE(backend->collect(out).ok());
      ASSERT_EQ(backend->take_events()->size(), 1u);
    }
    out_count += out.size();
    const Time played = monotonic();
    backend.reset();
    configuring += configured - start;
    playing += played - configured;
    destroying += monotonic() - played;
  }
  EXPECT_EQ(out_count, static_cast<size_t>(labs) * packets);
  printf("configure %.2f ms, packet %.1f us, end %.2f ms\n", static_cast<double>(configuring) / labs / 1e6,
         static_cast<double>(playing) / labs / packets / 1e3, static_cast<double>(destroying) / labs / 1e6);
  EXPECT_LT(configuring / labs, 500 * kMillisecond);
  EXPECT_LT(playing / labs / packets, kMillisecond);
}

}  // namespace
}  // namespace nf::kernel_check
