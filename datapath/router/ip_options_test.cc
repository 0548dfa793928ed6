// IPv4 options: filled in, refused, echoed in errors.
#include "datapath/router/kernel_cases.h"

namespace nf {
namespace {

using kernel_cases::KernelCase;
using kernel_cases::TestRouter;

const KernelCase kOptions[] = {
#include "datapath/router/testdata/ip_options_cases.inc"
};
const KernelCase kSourceRoute[] = {
#include "datapath/router/testdata/source_route_cases.inc"
};

// As by default: source routing is refused (net.ipv4.conf.all.accept_source_route is 0).
TEST(IpOptionsTest, AllKinds) {
  TestRouter t;
  t.two_ports();
  t.router().device("t1")->mtu = 1000;
  t.play(kOptions);
}

TEST(IpOptionsTest, SourceRoute) {
  TestRouter t;
  t.two_ports();
  t.router().device("t1")->mtu = 1000;
  t.set("net.ipv4.conf.all.accept_source_route", "1");
  t.play(kSourceRoute);
}

}  // namespace
}  // namespace nf
