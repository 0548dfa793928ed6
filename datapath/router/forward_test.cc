// Where received packets go: addresses, TTL, link addresses, broken headers, sizes.
#include "datapath/router/kernel_cases.h"

namespace nf {
namespace {

using kernel_cases::KernelCase;
using kernel_cases::TestRouter;

const KernelCase kForward[] = {
#include "datapath/router/testdata/forward_cases.inc"
};
const KernelCase kForwardOff[] = {
#include "datapath/router/testdata/forward_off_cases.inc"
};
const KernelCase kReversePathFilter[] = {
#include "datapath/router/testdata/forward_rp_filter_cases.inc"
};
const KernelCase kBroadcastForwarding[] = {
#include "datapath/router/testdata/forward_broadcast_cases.inc"
};
const KernelCase kHeader[] = {
#include "datapath/router/testdata/header_cases.inc"
};
const KernelCase kMtu[] = {
#include "datapath/router/testdata/mtu_cases.inc"
};

TEST(ForwardTest, AddressesTtlAndLinkAddresses) {
  TestRouter t;
  t.two_ports();
  t.play(kForward);
}

TEST(ForwardTest, ForwardingOff) {
  TestRouter t;
  t.two_ports();
  t.set("net.ipv4.ip_forward", "0");
  t.play(kForwardOff);
}

TEST(ForwardTest, ReversePathFilter) {
  TestRouter t;
  t.two_ports();
  t.set("net.ipv4.conf.all.rp_filter", "1");
  t.play(kReversePathFilter);
}

TEST(ForwardTest, DirectedBroadcastsAndLocalnet) {
  TestRouter t;
  t.two_ports();
  t.set("net.ipv4.conf.all.bc_forwarding", "1");
  t.set("net.ipv4.conf.t0.bc_forwarding", "1");
  t.set("net.ipv4.conf.all.route_localnet", "1");
  t.play(kBroadcastForwarding);
}

TEST(ForwardTest, BrokenHeadersAndOtherProtocols) {
  TestRouter t;
  t.two_ports();
  t.play(kHeader);
}

// ICMP fragmentation needed quotes the route's MTU; what may be cut is cut, fragments again, too.
TEST(ForwardTest, Mtu) {
  TestRouter t;
  t.two_ports();
  t.router().device("t1")->mtu = 120;
  t.add_route(ip4(10, 7, 0, 0), 16, RouteType::kUnicast, ip4(10, 0, 1, 254), 88);
  t.play(kMtu);
}

}  // namespace
}  // namespace nf
