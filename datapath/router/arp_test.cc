// ARP packets: who is answered, who is learned from, whom we ask and what becomes of those who wait.
#include "datapath/router/kernel_cases.h"

namespace nf {
namespace {

using kernel_cases::KernelCase;
using kernel_cases::TestRouter;

const KernelCase kArp[] = {
#include "datapath/router/testdata/arp_cases.inc"
};
const KernelCase kIgnore1[] = {
#include "datapath/router/testdata/arp_ignore1_cases.inc"
};
const KernelCase kIgnore2[] = {
#include "datapath/router/testdata/arp_ignore2_cases.inc"
};
const KernelCase kIgnore3[] = {
#include "datapath/router/testdata/arp_ignore3_cases.inc"
};
const KernelCase kIgnore8[] = {
#include "datapath/router/testdata/arp_ignore8_cases.inc"
};
const KernelCase kAnnounce1[] = {
#include "datapath/router/testdata/arp_announce1_cases.inc"
};
const KernelCase kAnnounce2[] = {
#include "datapath/router/testdata/arp_announce2_cases.inc"
};
const KernelCase kFilter[] = {
#include "datapath/router/testdata/arp_filter_cases.inc"
};
const KernelCase kProxy[] = {
#include "datapath/router/testdata/arp_proxy_cases.inc"
};
const KernelCase kFailure[] = {
#include "datapath/router/testdata/arp_failure_cases.inc"
};

struct Variant {
  const char* name;
  const char* sysctl;
  const char* value;
  std::span<const KernelCase> cases;
};

class ArpTest : public testing::TestWithParam<Variant> {};

TEST_P(ArpTest, AsTheKernel) {
  TestRouter t;
  t.two_ports(false);
  if (GetParam().sysctl != nullptr) t.set(GetParam().sysctl, GetParam().value);
  t.play(GetParam().cases);
}

INSTANTIATE_TEST_SUITE_P(All, ArpTest,
                         testing::Values(Variant{"Defaults", nullptr, nullptr, kArp},
                                         Variant{"Ignore1", "net.ipv4.conf.all.arp_ignore", "1", kIgnore1},
                                         Variant{"Ignore2", "net.ipv4.conf.all.arp_ignore", "2", kIgnore2},
                                         Variant{"Ignore3", "net.ipv4.conf.all.arp_ignore", "3", kIgnore3},
                                         Variant{"Ignore8", "net.ipv4.conf.all.arp_ignore", "8", kIgnore8},
                                         Variant{"Announce1", "net.ipv4.conf.all.arp_announce", "1", kAnnounce1},
                                         Variant{"Announce2", "net.ipv4.conf.all.arp_announce", "2", kAnnounce2},
                                         Variant{"Filter", "net.ipv4.conf.all.arp_filter", "1", kFilter},
                                         // Answers for others come up to 0.8 s late, but at once to who asks us alone.
                                         Variant{"Proxy", "net.ipv4.conf.t0.proxy_arp", "1", kProxy}),
                         [](const auto& i) { return std::string(i.param.name); });

// Three requests, a second apart; then host unreachable, about the last of those who waited.
TEST(ArpFailureTest, AsTheKernel) {
  TestRouter t;
  t.two_ports(false);
  t.play(kFailure);
}

}  // namespace
}  // namespace nf
