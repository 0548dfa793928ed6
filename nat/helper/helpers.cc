#include "nat/helper/helpers.h"

#include "conntrack/helper/amanda.h"
#include "conntrack/helper/ftp.h"
#include "conntrack/helper/irc.h"
#include "conntrack/helper/pptp.h"
#include "conntrack/helper/tftp.h"
#include "nat/helper/make.h"
#include "nat/helper/sip.h"

namespace nf::nat {

struct HelperNats::Impl {
  explicit Impl(Nat& nat)
      : sip(make_sip_nat(nat)),
        ftp(make_ftp_nat(nat)),
        tftp(make_tftp_nat(nat)),
        irc(make_irc_nat(nat)),
        amanda(make_amanda_nat(nat)),
        pptp(make_pptp_nat(nat)) {
    interfaces.sip = sip.get();
    interfaces.ftp = ftp.get();
    interfaces.tftp = tftp.get();
    interfaces.irc = irc.get();
    interfaces.amanda = amanda.get();
    interfaces.pptp = pptp.get();
  }
  std::unique_ptr<ct::SipNat> sip;
  std::unique_ptr<ct::FtpNat> ftp;
  std::unique_ptr<ct::TftpNat> tftp;
  std::unique_ptr<ct::IrcNat> irc;
  std::unique_ptr<ct::AmandaNat> amanda;
  std::unique_ptr<ct::PptpNat> pptp;
  ct::HelperNat interfaces;
};

HelperNats::HelperNats(Nat& nat) : impl_(std::make_unique<Impl>(nat)) {}
HelperNats::~HelperNats() = default;
const ct::HelperNat& HelperNats::interfaces() const { return impl_->interfaces; }

}  // namespace nf::nat
