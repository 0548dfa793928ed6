// ICMP errors a router sends, with the kernel's conditions and rate limits. twin: net/ipv4/icmp.c, ip_rt_send_redirect
#pragma once

#include <cstdint>
#include <unordered_map>

#include "datapath/base/sysctl.h"
#include "datapath/base/time.h"
#include "datapath/packet/packet.h"
#include "datapath/trace/drop_reason.h"

namespace nf {

class Router;

class Icmp {
 public:
  explicit Icmp(Router& router) : r_(router) {}
  void add_sysctls(SysctlTable& sysctl);

  // twin: __icmp_send. Precondition: cause.dst is valid unless the packet was not routed yet (then nothing is sent).
  void send(const Packet& cause, uint8_t type, uint8_t code, uint32_t info);
  // Whether the rate limits let a reply go that has a route.
  bool may_reply(const Packet& reply);
  // While an answer of ICMP itself is on its way out, no error is sent: not about it, and not about anything it
  // brings about. twin: icmp_xmit_lock
  bool sending() const { return sending_; }
  class Sending {
   public:
    explicit Sending(Icmp& icmp) : icmp_(icmp), before_(icmp.sending_) { icmp_.sending_ = true; }
    ~Sending() { icmp_.sending_ = before_; }
    Sending(const Sending&) = delete;
    Sending& operator=(const Sending&) = delete;

   private:
    Icmp& icmp_;
    bool before_;
  };

  // "Send to that gateway directly", backing off. twin: ip_rt_send_redirect
  void send_redirect(const Packet& p);
  // The error for a packet routing refused, with ip_error's own limit (5 in a burst, 1 a second per source).
  void send_unreachable(const Packet& p, uint8_t code);

 private:
  // What is remembered of a destination of errors. twin: struct inet_peer
  struct Peer {
    int64_t tokens = 0;  // jiffies
    int64_t last = 0;    // jiffies
    uint32_t redirects = 0;

    // Credit grows with time up to `burst`; true: there was enough for `cost`, which is taken. All in jiffies.
    bool take(int64_t cost, int64_t burst, int64_t now);
  };
  Peer& peer(Be32 address);
  bool rate_allows(uint8_t type, uint8_t code, const Device& out, Be32 destination);
  bool global_allows();
  int64_t jiffies() const;

  Router& r_;
  bool sending_ = false;
  std::unordered_map<Be32, Peer> peers_;
  int64_t global_credit_ = 0;
  int64_t global_stamp_ = 0;   // jiffies
  int64_t ratelimit_ = 1000;   // net.ipv4.icmp_ratelimit, ms
  int64_t ratemask_ = 0x1818;  // net.ipv4.icmp_ratemask
  int64_t msgs_per_sec_ = 1000;
  int64_t msgs_burst_ = 50;
  int64_t inbound_ifaddr_ = 0;  // net.ipv4.icmp_errors_use_inbound_ifaddr
};

}  // namespace nf
