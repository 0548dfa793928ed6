// The IPv4 path with its five hooks. Read it in the order of the files: ip_input.cc, ip_forward.cc, ip_output.cc.
// twin: net/ipv4/ip_input.c, ip_forward.c, ip_output.c
#pragma once

#include <cstdint>

#include "datapath/base/sysctl.h"
#include "datapath/hook/device.h"
#include "datapath/packet/packet.h"
#include "datapath/router/ip_options.h"
#include "datapath/trace/drop_reason.h"

namespace nf {

class Router;

class IpLayer {
 public:
  explicit IpLayer(Router& router) : r_(router), options_(router) {}
  void add_sysctls(SysctlTable& sysctl);

  // --- ip_input.cc
  // A received packet: header checks, PREROUTING, routing. twin: ip_rcv
  void rcv(PacketPtr p);
  // Header checks and trimming alone; the bridge asks too. kNone: it is sound. twin: ip_rcv_core, br_validate_ipv4
  static DropReason validate(Packet& p);
  // twin: ip_rcv_finish
  void rcv_finish(PacketPtr p);
  // twin: ip_local_deliver
  void local_deliver(PacketPtr p);

  // --- ip_forward.cc. twin: ip_forward
  void forward(PacketPtr p);

  // --- ip_output.cc
  // A packet of this host, routed: OUTPUT, then output(). twin: __ip_local_out
  void local_out(PacketPtr p);
  // POSTROUTING, fragmentation, next hop. `in`: where a forwarded packet came from. twin: ip_output
  void output(PacketPtr p, const Device* in);

  int64_t default_ttl() const { return default_ttl_; }
  IpOptions& options() { return options_; }

 private:
  // twin: ip_error: a packet that routing refused
  void error(PacketPtr p, DropReason reason);
  // A copy of a broadcast or multicast goes to this host, too. twin: ip_mc_output, dev_loopback_xmit
  void loop_back(const Packet& p, const Device* in);
  void finish_output(PacketPtr p);   // twin: ip_finish_output
  void finish_output2(PacketPtr p);  // twin: ip_finish_output2

  Router& r_;
  IpOptions options_;
  int64_t default_ttl_ = 64;
};

}  // namespace nf
