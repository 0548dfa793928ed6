// twin: net/netfilter/nf_nat_tftp.c
#include "conntrack/helper/tftp.h"

#include "nat/helper/make.h"
#include "nat/mangle.h"

namespace nf::nat {
namespace {

class Tftp final : public ct::TftpNat {
 public:
  explicit Tftp(Nat& nat) : nat_(nat) {}

  Verdict expect(const ct::HelpInput& in, ct::Expectation& e) override {
    e.saved_id = in.c.original().source_id;
    e.direction = CtDirection::kReply;
    e.expectfn = &follow_master(nat_);
    if (in.conntrack.expectations().related(e, in.now()) != ct::ExpectError::kNone)
      return in.help().helper->drop(in, "cannot add expectation");
    return Verdict::kAccept;
  }

 private:
  Nat& nat_;
};

}  // namespace

std::unique_ptr<ct::TftpNat> make_tftp_nat(Nat& nat) { return std::make_unique<Tftp>(nat); }

}  // namespace nf::nat
