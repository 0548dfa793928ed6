// Frames over a bridge with and without netfilter: learning, flooding, the host behind the bridge, what is checked and
// which hooks see it. With rules, NAT and REJECT: tools/gateway/gateway_test.cc.
#include "datapath/router/kernel_cases.h"

namespace nf {
namespace {

using kernel_cases::KernelCase;
using kernel_cases::TestRouter;

const KernelCase kBridge[] = {
#include "datapath/router/testdata/bridge_cases.inc"
};
const KernelCase kHairpin[] = {
#include "datapath/router/testdata/bridge_hairpin_cases.inc"
};
const KernelCase kNoNetfilter[] = {
#include "datapath/router/testdata/bridge_no_netfilter_cases.inc"
};
const KernelCase kMtu[] = {
#include "datapath/router/testdata/bridge_mtu_cases.inc"
};

TEST(BridgeNetfilterTest, On) {
  TestRouter t;
  t.docker_host();
  t.play(kBridge);
}

TEST(BridgeNetfilterTest, Hairpin) {
  TestRouter t;
  t.docker_host();
  t.router().bridges().find(*t.router().device("br0"))->port(*t.router().device("t1"))->hairpin = true;
  t.play(kHairpin);
}

TEST(BridgeNetfilterTest, Off) {
  TestRouter t;
  t.docker_host();
  t.set("net.bridge.bridge-nf-call-iptables", "0");
  t.play(kNoNetfilter);
}

// One port of 400 bytes, which makes it the bridge's MTU: bridged packets are cut, or dropped when they must not be.
TEST(BridgeNetfilterTest, Mtu) {
  TestRouter t;
  t.docker_host();
  t.router().device("t2")->mtu = t.router().device("br0")->mtu = 400;
  t.play(kMtu);
}

}  // namespace
}  // namespace nf
