// twin: net/netfilter/nf_nat_amanda.c
#include "conntrack/helper/amanda.h"

#include "datapath/base/text.h"
#include "nat/helper/make.h"
#include "nat/mangle.h"

namespace nf::nat {
namespace {

class Amanda final : public ct::AmandaNat {
 public:
  explicit Amanda(Nat& nat) : nat_(nat) {}

  Verdict expect(const ct::HelpInput& in, unsigned offset, unsigned length, ct::Expectation& e) override {
    e.saved_id = e.tuple.destination_id;
    e.direction = CtDirection::kOriginal;
    e.expectfn = &follow_master(nat_);
    const uint16_t port = expect_find_port(in, e, e.saved_id.host());
    if (port == 0) return in.help().helper->drop(in, "all ports in use");
    if (mangle_udp_packet(in, offset, length, strf("%u", port))) return Verdict::kAccept;
    const Verdict verdict = in.help().helper->drop(in, "cannot mangle packet");
    ct::Expectations& all = in.conntrack.expectations();
    if (ct::Expectation* entered = all.find_same(e); entered != nullptr) all.unexpect(*entered, in.now());
    return verdict;
  }

 private:
  Nat& nat_;
};

}  // namespace

std::unique_ptr<ct::AmandaNat> make_amanda_nat(Nat& nat) { return std::make_unique<Amanda>(nat); }

}  // namespace nf::nat
