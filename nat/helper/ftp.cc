// twin: net/netfilter/nf_nat_ftp.c
#include "conntrack/helper/ftp.h"

#include "datapath/base/text.h"
#include "nat/helper/make.h"
#include "nat/mangle.h"

namespace nf::nat {
namespace {

// twin: nf_nat_ftp_fmt_cmd
std::string words(ct::FtpCommand command, Be32 address, uint16_t port) {
  const uint32_t a = address.host();
  switch (command) {
    case ct::FtpCommand::kPort:
    case ct::FtpCommand::kPasv:
      return strf("%u,%u,%u,%u,%u,%u", a >> 24, a >> 16 & 0xff, a >> 8 & 0xff, a & 0xff, port >> 8, port & 0xff);
    case ct::FtpCommand::kEprt:
      return "|1|" + format_ipv4(address) + strf("|%u|", port);
    case ct::FtpCommand::kEpsv:
      break;
  }
  return strf("|||%u|", port);
}

class Ftp final : public ct::FtpNat {
 public:
  explicit Ftp(Nat& nat) : nat_(nat) {}

  Verdict expect(const ct::HelpInput& in, ct::FtpCommand command, unsigned offset, unsigned length,
                 ct::Expectation& e) override {
    // The expected connection comes from where this packet goes.
    e.direction = in.direction() == CtDirection::kOriginal ? CtDirection::kReply : CtDirection::kOriginal;
    const Be32 address = in.c.tuple[static_cast<size_t>(e.direction)].destination;
    e.saved_id = e.tuple.destination_id;
    e.expectfn = &follow_master(nat_);
    const uint16_t port = expect_find_port(in, e, e.saved_id.host());
    if (port == 0) return in.help().helper->drop(in, "all ports in use");
    if (mangle_tcp_packet(in, offset, length, words(command, address, port))) return Verdict::kAccept;
    const Verdict verdict = in.help().helper->drop(in, "cannot mangle packet");
    ct::Expectations& all = in.conntrack.expectations();
    if (ct::Expectation* entered = all.find_same(e); entered != nullptr) all.unexpect(*entered, in.now());
    return verdict;
  }

 private:
  Nat& nat_;
};

}  // namespace

std::unique_ptr<ct::FtpNat> make_ftp_nat(Nat& nat) { return std::make_unique<Ftp>(nat); }

}  // namespace nf::nat
