// Errors and redirects the router sends of itself: how often, and that an answer of ICMP is never answered by one.
#include "datapath/router/kernel_cases.h"

namespace nf {
namespace {

using kernel_cases::KernelCase;
using kernel_cases::TestRouter;

const KernelCase kRateLimit[] = {
#include "datapath/router/testdata/rate_limit_cases.inc"
};
const KernelCase kRedirect[] = {
#include "datapath/router/testdata/redirect_cases.inc"
};

// Six at once per destination, then one a second; routes that refuse have five of their own before that.
TEST(IcmpErrorsTest, RateLimit) {
  TestRouter t;
  t.two_ports();
  t.set("net.ipv4.icmp_ratemask", "6168");
  t.play(kRateLimit);
}

TEST(IcmpErrorsTest, Redirect) {
  TestRouter t;
  t.two_ports();
  t.play(kRedirect);
}

// REJECT in OUTPUT of an echo reply sends nothing: the kernel's ICMP socket is busy sending that reply. Seen on 6.18
// with `-A OUTPUT -p icmp --icmp-type echo-reply -j REJECT`: one packet out of OUTPUT's raw chain, none on the wire.
TEST(IcmpErrorsTest, NoneAboutAnAnswerOfIcmp) {
  TestRouter t;
  t.two_ports();
  const auto reject = [](void*, PacketPtr& p, const HookState& state) {
    state.stack->icmp_send(*p, kIcmpUnreachable, 3, 0);
    p->drop_reason = static_cast<uint8_t>(DropReason::kIptablesReject);
    return Verdict::kDrop;
  };
  t.router().hooks().add(HookPoint::kLocalOut, priority::kFilter, reject, nullptr);
  const KernelCase ping[] = {
      {"ping",
       kSecond,
       "t0",
       "02000000010002000000010208004500002412344000400114a30a0000020a00000108006662000700016162636465666768",
       {}},
      {"counters", kSecond, "=", "PREROUTING 1 36, INPUT 1 36, FORWARD 0 0, OUTPUT 1 36, POSTROUTING 0 0", {}},
  };
  t.play(ping);
  EXPECT_EQ(t.router().drops()[static_cast<size_t>(DropReason::kIptablesReject)], 1u);
}

}  // namespace
}  // namespace nf
