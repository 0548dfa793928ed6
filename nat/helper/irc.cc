// twin: net/netfilter/nf_nat_irc.c
#include "conntrack/helper/irc.h"

#include "datapath/base/text.h"
#include "nat/helper/make.h"
#include "nat/mangle.h"

namespace nf::nat {
namespace {

class Irc final : public ct::IrcNat {
 public:
  explicit Irc(Nat& nat) : nat_(nat) {}

  Verdict expect(const ct::HelpInput& in, unsigned offset, unsigned length, ct::Expectation& e) override {
    const Be32 address = in.c.reply().destination;  // what the other side knows the client by
    e.saved_id = e.tuple.destination_id;
    e.direction = CtDirection::kReply;
    e.expectfn = &follow_master(nat_);
    const uint16_t port = expect_find_port(in, e, e.saved_id.host());
    if (port == 0) return in.help().helper->drop(in, "all ports in use");
    if (mangle_tcp_packet(in, offset, length, strf("%u %u", address.host(), port))) return Verdict::kAccept;
    const Verdict verdict = in.help().helper->drop(in, "cannot mangle packet");
    ct::Expectations& all = in.conntrack.expectations();
    if (ct::Expectation* entered = all.find_same(e); entered != nullptr) all.unexpect(*entered, in.now());
    return verdict;
  }

 private:
  Nat& nat_;
};

}  // namespace

std::unique_ptr<ct::IrcNat> make_irc_nat(Nat& nat) { return std::make_unique<Irc>(nat); }

}  // namespace nf::nat
