// The helpers there are, each in the file of its name; H.323 and SNMP are not among them.
// twin: nf_conntrack_ftp.c, _tftp.c, _irc.c, _sip.c, _pptp.c, _amanda.c, _sane.c, _netbios_ns.c
//
// What NAT has to change in a helper's words is asked through the interface in the helper's own header (FtpNat, ...),
// implemented in nat/helper; it is asked only for connections that are translated (kNatMask). Null: no NAT.
#pragma once

namespace nf::ct {

class Conntrack;
class FtpNat;
class TftpNat;
class IrcNat;
class SipNat;
class PptpNat;
class AmandaNat;

// The caller's, and outlive the Conntrack.
struct HelperNat {
  FtpNat* ftp = nullptr;
  TftpNat* tftp = nullptr;
  IrcNat* irc = nullptr;
  SipNat* sip = nullptr;
  PptpNat* pptp = nullptr;
  AmandaNat* amanda = nullptr;
};

// Once, before rules are loaded.
void register_helpers(Conntrack& conntrack, const HelperNat& nat);

}  // namespace nf::ct
