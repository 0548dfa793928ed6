#include "conntrack/settings.h"

#include <array>
#include <string>

#include "conntrack/connection.h"

namespace nf::ct {
namespace {

constexpr size_t tcp(TcpState s) { return static_cast<size_t>(s); }

struct Row {
  const char* name;  // behind nf_conntrack_
  int64_t* value;
  int64_t max;
  bool read_only;
};

constexpr int64_t kInt = INT32_MAX;
constexpr int64_t kByte = 255;

// twin: nf_ct_sysctl_table, with each protocol's part
auto rows(Settings& s) {
  return std::to_array<Row>({
      {"acct", &s.acct, 1, false},
      {"buckets", &s.buckets, kInt, false},
      {"checksum", &s.checksum, 1, false},
      {"count", &s.count, kInt, true},
      {"events", &s.events, 2, false},
      {"expect_max", &s.expect_max, kInt, false},
      {"generic_timeout", &s.generic_timeout, kInt, false},
      {"gre_timeout", &s.gre_timeout, kInt, false},
      {"gre_timeout_stream", &s.gre_timeout_stream, kInt, false},
      {"icmp_timeout", &s.icmp_timeout, kInt, false},
      {"icmpv6_timeout", &s.icmpv6_timeout, kInt, false},
      {"log_invalid", &s.log_invalid, kByte, false},
      {"max", &s.max, kInt, false},
      {"sctp_timeout_closed", &s.sctp_timeout[1], kInt, false},
      {"sctp_timeout_cookie_wait", &s.sctp_timeout[2], kInt, false},
      {"sctp_timeout_cookie_echoed", &s.sctp_timeout[3], kInt, false},
      {"sctp_timeout_established", &s.sctp_timeout[4], kInt, false},
      {"sctp_timeout_shutdown_sent", &s.sctp_timeout[5], kInt, false},
      {"sctp_timeout_shutdown_recd", &s.sctp_timeout[6], kInt, false},
      {"sctp_timeout_shutdown_ack_sent", &s.sctp_timeout[7], kInt, false},
      {"sctp_timeout_heartbeat_sent", &s.sctp_timeout[8], kInt, false},
      {"tcp_be_liberal", &s.tcp_be_liberal, 1, false},
      {"tcp_ignore_invalid_rst", &s.tcp_ignore_invalid_rst, 1, false},
      {"tcp_loose", &s.tcp_loose, 1, false},
      {"tcp_max_retrans", &s.tcp_max_retrans, kByte, false},
      {"tcp_timeout_syn_sent", &s.tcp_timeout[tcp(TcpState::kSynSent)], kInt, false},
      {"tcp_timeout_syn_recv", &s.tcp_timeout[tcp(TcpState::kSynRecv)], kInt, false},
      {"tcp_timeout_established", &s.tcp_timeout[tcp(TcpState::kEstablished)], kInt, false},
      {"tcp_timeout_fin_wait", &s.tcp_timeout[tcp(TcpState::kFinWait)], kInt, false},
      {"tcp_timeout_close_wait", &s.tcp_timeout[tcp(TcpState::kCloseWait)], kInt, false},
      {"tcp_timeout_last_ack", &s.tcp_timeout[tcp(TcpState::kLastAck)], kInt, false},
      {"tcp_timeout_time_wait", &s.tcp_timeout[tcp(TcpState::kTimeWait)], kInt, false},
      {"tcp_timeout_close", &s.tcp_timeout[tcp(TcpState::kClose)], kInt, false},
      {"tcp_timeout_max_retrans", &s.tcp_timeout[kTcpTimeoutRetrans], kInt, false},
      {"tcp_timeout_unacknowledged", &s.tcp_timeout[kTcpTimeoutUnacknowledged], kInt, false},
      {"timestamp", &s.timestamp, 1, false},
      {"udp_timeout", &s.udp_timeout, kInt, false},
      {"udp_timeout_stream", &s.udp_timeout_stream, kInt, false},
  });
}

constexpr const char* kPrefix = "net.netfilter.nf_conntrack_";
// The limit's name from before net.netfilter was a directory; it is there in the first namespace only.
constexpr const char* kOldMax = "net.nf_conntrack_max";

}  // namespace

void Settings::add_to(SysctlTable& table) {
  for (const Row& r : rows(*this)) {
    // Nothing can be divided into no buckets.
    const int64_t min = r.value == &buckets ? 1 : 0;
    table.add(std::string(kPrefix) + r.name, {r.value, min, r.max, r.read_only, {}});
  }
  table.add(kOldMax, {&max, 0, kInt, false, {}});
}

void Settings::remove_from(SysctlTable& table) {
  Settings names_only;
  for (const Row& r : rows(names_only)) table.remove(std::string(kPrefix) + r.name);
  table.remove(kOldMax);
}

}  // namespace nf::ct
