// What the extensions of conntrack are made by; only they and their registration include it.
#pragma once

#include <memory>

#include "conntrack/conntrack.h"
#include "datapath/iptables/extension.h"

namespace nf::ct {

std::unique_ptr<ipt::Match> make_conntrack_match(Conntrack& conntrack);
std::unique_ptr<ipt::Match> make_state_match(Conntrack& conntrack);
std::unique_ptr<ipt::Match> make_connmark_match(Conntrack& conntrack);
std::unique_ptr<ipt::Target> make_connmark_target(Conntrack& conntrack);
std::unique_ptr<ipt::Match> make_helper_match(Conntrack& conntrack);
std::unique_ptr<ipt::Match> make_connlabel_match(Conntrack& conntrack);
std::unique_ptr<ipt::Match> make_connbytes_match(Conntrack& conntrack);
// `alias`: the rule says NOTRACK, which iptables 1.8.9 remembers and prints again.
std::unique_ptr<ipt::Target> make_ct_target(Conntrack& conntrack, bool alias);

}  // namespace nf::ct
