// The interfaces of conntrack/helper/*.h, made; each in the file of its name.
#pragma once

#include <memory>

namespace nf::ct {
class FtpNat;
class TftpNat;
class IrcNat;
class AmandaNat;
class PptpNat;
}  // namespace nf::ct

namespace nf::nat {

class Nat;

std::unique_ptr<ct::FtpNat> make_ftp_nat(Nat& nat);
std::unique_ptr<ct::TftpNat> make_tftp_nat(Nat& nat);
std::unique_ptr<ct::IrcNat> make_irc_nat(Nat& nat);
std::unique_ptr<ct::AmandaNat> make_amanda_nat(Nat& nat);
std::unique_ptr<ct::PptpNat> make_pptp_nat(Nat& nat);

}  // namespace nf::nat
