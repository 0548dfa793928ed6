// The lines of `xtables-monitor --trace`, iptables 1.8.9, for packets that -j TRACE of iptables-nft marked, as if the
// mark were set before the first rule.
//
//   PACKET: 2 00000001 IN=v0 MACSRC=2:0:0:0:1:1 MACDST=2:0:0:0:0:1 MACPROTO=0800 SRC=10.0.0.2 DST=10.0.0.1 ... SYN
//    TRACE: 2 00000001 nat:DNATS:rule:0x7:ACCEPT  -4 -t nat -A DNATS -p tcp -m tcp --dport 81 -j DNAT ...
//
// In front of the first line of each built-in chain stands the packet, as the first rule that matched there left it.
// Ends of user chains are not told, and RETURN has no name (0xfffffffb): so the program has it. Its ids and handles are
// the kernel's; here the id is the packet's number (from the highest digit: its pass over lo, the packet made because
// of it), the handle the rule's number in its chain.
#pragma once

#include <map>

#include "tools/forms/form.h"

namespace nf::forms {

class XtablesMonitorForm final : public Form {
 public:
  XtablesMonitorForm(const FormOptions&, Write write) : write_(std::move(write)) {}
  bool wants_rules() const override { return true; }
  void story(const trace::Story& story) override;

 private:
  Write write_;
};

}  // namespace nf::forms
