#include "tools/difftest/traffic/helper_talk.h"

#include <cstdlib>

namespace nf::difftest {
namespace {

constexpr HelperTalk kTalks[] = {
    {Dialect::kFtp, make_ftp_talk, announced_by_ftp},    {Dialect::kTftp, make_tftp_talk, announced_by_tftp},
    {Dialect::kIrc, make_irc_talk, announced_by_irc},    {Dialect::kAmanda, make_amanda_talk, announced_by_amanda},
    {Dialect::kSane, make_sane_talk, announced_by_sane}, {Dialect::kPptp, make_pptp_talk, announced_by_pptp},
    {Dialect::kSip, make_sip_talk, announced_by_sip},    {Dialect::kSipTcp, make_sip_talk, announced_by_sip},
};

}  // namespace

const HelperTalk& helper_talk(Dialect dialect) {
  for (const HelperTalk& talk : kTalks)
    if (talk.dialect == dialect) return talk;
  std::abort();
}

}  // namespace nf::difftest
