// The nf_conntrack_* sysctls of one network namespace, with the defaults of Linux 6.18. Times in seconds, as the
// kernel shows them. twin: nf_conntrack_standalone.c, struct netns_ct
#pragma once

#include <cstdint>

#include "datapath/base/sysctl.h"
#include "datapath/base/time.h"

namespace nf::ct {

// Places in Settings::tcp_timeout: the TCP states, then two more. twin: enum tcp_conntrack
inline constexpr size_t kTcpTimeoutRetrans = 12;
inline constexpr size_t kTcpTimeoutUnacknowledged = 13;

struct Settings {
  int64_t acct = 0;
  int64_t buckets = 262144;
  int64_t checksum = 1;
  int64_t count = 0;  // connections allocated, confirmed or not
  int64_t events = 2;
  int64_t expect_max = 4096;
  int64_t log_invalid = 0;
  int64_t max = 262144;
  int64_t timestamp = 0;
  int64_t generic_timeout = 600;
  int64_t gre_timeout = 30;
  int64_t gre_timeout_stream = 180;
  int64_t icmp_timeout = 30;
  int64_t icmpv6_timeout = 30;
  int64_t udp_timeout = 30;
  int64_t udp_timeout_stream = 120;
  int64_t tcp_be_liberal = 0;
  int64_t tcp_ignore_invalid_rst = 0;
  int64_t tcp_loose = 1;
  int64_t tcp_max_retrans = 3;
  // By TcpState; the states without a sysctl of their own keep what is here.
  int64_t tcp_timeout[14] = {
      0,       // NONE
      120,     // SYN_SENT
      60,      // SYN_RECV
      432000,  // ESTABLISHED
      120,     // FIN_WAIT
      60,      // CLOSE_WAIT
      30,      // LAST_ACK
      120,     // TIME_WAIT
      10,      // CLOSE
      120,     // SYN_SENT2
      0,      0,
      300,  // RETRANS
      300,  // UNACK
  };
  // By SCTP state: NONE, CLOSED, COOKIE_WAIT, COOKIE_ECHOED, ESTABLISHED, SHUTDOWN_SENT, SHUTDOWN_RECD,
  // SHUTDOWN_ACK_SENT, HEARTBEAT_SENT
  int64_t sctp_timeout[9] = {0, 10, 3, 3, 210, 3, 3, 3, 30};

  // Enters them under net.netfilter / takes them out again. The settings stay where they are in between.
  void add_to(SysctlTable& table);
  static void remove_from(SysctlTable& table);
};

}  // namespace nf::ct
