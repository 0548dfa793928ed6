#include "conntrack/helper/helpers.h"

#include "conntrack/conntrack.h"
#include "conntrack/helper.h"
#include "conntrack/helper/amanda.h"
#include "conntrack/helper/ftp.h"
#include "conntrack/helper/irc.h"
#include "conntrack/helper/netbios_ns.h"
#include "conntrack/helper/pptp.h"
#include "conntrack/helper/sane.h"
#include "conntrack/helper/sip.h"
#include "conntrack/helper/tftp.h"

namespace nf::ct {

void register_helpers(Conntrack& conntrack, const HelperNat& nat) {
  HelperRegistry& helpers = conntrack.helpers();
  register_sip(helpers, nat.sip);
  helpers.add(make_ftp_helper(nat.ftp));
  helpers.add(std::make_unique<TftpHelper>(nat.tftp));
  helpers.add(std::make_unique<IrcHelper>(nat.irc));
  helpers.add(std::make_unique<AmandaHelper>(nat.amanda));
  helpers.add(std::make_unique<SaneHelper>());
  helpers.add(std::make_unique<NetbiosNsHelper>());
  helpers.add(std::make_unique<PptpHelper>(conntrack, nat.pptp));
}

}  // namespace nf::ct
