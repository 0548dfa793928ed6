// The lines the kernel logs of a packet that -j TRACE of iptables-legacy marked, as if the mark were set before the
// first rule. twin: trace_packet, net/ipv4/netfilter/ip_tables.c; nf_log_ip_packet
//
//   TRACE: filter:FORWARD:rule:2 IN=v0 OUT=w0 MAC=... SRC=10.0.0.2 DST=10.0.1.2 LEN=60 ... URGP=0 OPT (...)
//
// Of each rule, user chain's end and policy a line, with the packet as that rule saw it. As in the kernel a rule that
// has no condition and just accepts, drops or returns is a ":policy:" in a built-in chain and a ":return:" in a user's.
// Who sent a packet (UID=) is not known here.
#pragma once

#include "datapath/packet/pool.h"
#include "tools/forms/form.h"

namespace nf::forms {

class KernelTraceForm final : public Form {
 public:
  KernelTraceForm(const FormOptions&, Write write) : write_(std::move(write)) {}
  bool wants_rules() const override { return true; }
  void story(const trace::Story& story) override;

 private:
  std::string line(const trace::Step& step);

  Write write_;
  PacketPool pool_;
};

}  // namespace nf::forms
