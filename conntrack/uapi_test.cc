// Our enumerators have the kernel's values.
#include <gtest/gtest.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>

#include "conntrack/conntrack.h"
#include "conntrack/settings.h"
#include "conntrack/tcp_table.h"

namespace nf::ct {
namespace {

constexpr unsigned v(auto e) { return static_cast<unsigned>(e); }

static_assert(v(CtInfo::kEstablished) == IP_CT_ESTABLISHED && v(CtInfo::kRelated) == IP_CT_RELATED &&
              v(CtInfo::kNew) == IP_CT_NEW && v(CtInfo::kEstablishedReply) == IP_CT_ESTABLISHED_REPLY &&
              v(CtInfo::kRelatedReply) == IP_CT_RELATED_REPLY);
static_assert(v(kExpected) == IPS_EXPECTED && v(kSeenReply) == IPS_SEEN_REPLY && v(kAssured) == IPS_ASSURED &&
              v(kConfirmed) == IPS_CONFIRMED && v(kSrcNat) == IPS_SRC_NAT && v(kDstNat) == IPS_DST_NAT &&
              v(kSeqAdjust) == IPS_SEQ_ADJUST && v(kSrcNatDone) == IPS_SRC_NAT_DONE &&
              v(kDstNatDone) == IPS_DST_NAT_DONE && v(kDying) == IPS_DYING && v(kFixedTimeout) == IPS_FIXED_TIMEOUT &&
              v(kTemplate) == IPS_TEMPLATE && v(kNatClash) == IPS_UNTRACKED && v(kHelper) == IPS_HELPER &&
              v(kOffload) == IPS_OFFLOAD);
static_assert(v(kNatMask) == IPS_NAT_MASK && v(kNatDoneMask) == IPS_NAT_DONE_MASK);
static_assert(v(kEventNew) == 1u << IPCT_NEW && v(kEventRelated) == 1u << IPCT_RELATED &&
              v(kEventDestroy) == 1u << IPCT_DESTROY && v(kEventReply) == 1u << IPCT_REPLY &&
              v(kEventAssured) == 1u << IPCT_ASSURED && v(kEventProtoinfo) == 1u << IPCT_PROTOINFO &&
              v(kEventHelper) == 1u << IPCT_HELPER && v(kEventMark) == 1u << IPCT_MARK &&
              v(kEventSeqAdjust) == 1u << IPCT_SEQADJ && v(kEventSecmark) == 1u << IPCT_SECMARK &&
              v(kEventLabel) == 1u << IPCT_LABEL);
static_assert(v(TcpState::kNone) == TCP_CONNTRACK_NONE && v(TcpState::kSynSent) == TCP_CONNTRACK_SYN_SENT &&
              v(TcpState::kSynRecv) == TCP_CONNTRACK_SYN_RECV &&
              v(TcpState::kEstablished) == TCP_CONNTRACK_ESTABLISHED &&
              v(TcpState::kFinWait) == TCP_CONNTRACK_FIN_WAIT && v(TcpState::kCloseWait) == TCP_CONNTRACK_CLOSE_WAIT &&
              v(TcpState::kLastAck) == TCP_CONNTRACK_LAST_ACK && v(TcpState::kTimeWait) == TCP_CONNTRACK_TIME_WAIT &&
              v(TcpState::kClose) == TCP_CONNTRACK_CLOSE && v(TcpState::kSynSent2) == TCP_CONNTRACK_SYN_SENT2 &&
              v(kTcpInvalid) == TCP_CONNTRACK_MAX && v(kTcpIgnore) == TCP_CONNTRACK_IGNORE &&
              kTcpStates == TCP_CONNTRACK_MAX && kTcpTimeoutRetrans == TCP_CONNTRACK_RETRANS &&
              kTcpTimeoutUnacknowledged == TCP_CONNTRACK_UNACK);
static_assert(kTcpWindowScale == IP_CT_TCP_FLAG_WINDOW_SCALE && kTcpSackPermitted == IP_CT_TCP_FLAG_SACK_PERM &&
              kTcpCloseInit == IP_CT_TCP_FLAG_CLOSE_INIT && kTcpBeLiberal == IP_CT_TCP_FLAG_BE_LIBERAL &&
              kTcpDataUnacknowledged == IP_CT_TCP_FLAG_DATA_UNACKNOWLEDGED &&
              kTcpMaxAckSet == IP_CT_TCP_FLAG_MAXACK_SET && kTcpExpectChallengeAck == IP_CT_EXP_CHALLENGE_ACK &&
              kTcpSimultaneousOpen == IP_CT_TCP_SIMULTANEOUS_OPEN);

// `sysctl -a` of a fresh namespace on 6.18.
TEST(Sysctl, Defaults) {
  constexpr struct {
    const char* name;
    int64_t value;
  } kDefaults[] = {
      {"acct", 0},
      {"buckets", 262144},
      {"checksum", 1},
      {"count", 0},
      {"events", 2},
      {"expect_max", 4096},
      {"generic_timeout", 600},
      {"gre_timeout", 30},
      {"gre_timeout_stream", 180},
      {"icmp_timeout", 30},
      {"icmpv6_timeout", 30},
      {"log_invalid", 0},
      {"max", 262144},
      {"sctp_timeout_closed", 10},
      {"sctp_timeout_cookie_echoed", 3},
      {"sctp_timeout_cookie_wait", 3},
      {"sctp_timeout_established", 210},
      {"sctp_timeout_heartbeat_sent", 30},
      {"sctp_timeout_shutdown_ack_sent", 3},
      {"sctp_timeout_shutdown_recd", 3},
      {"sctp_timeout_shutdown_sent", 3},
      {"tcp_be_liberal", 0},
      {"tcp_ignore_invalid_rst", 0},
      {"tcp_loose", 1},
      {"tcp_max_retrans", 3},
      {"tcp_timeout_close", 10},
      {"tcp_timeout_close_wait", 60},
      {"tcp_timeout_established", 432000},
      {"tcp_timeout_fin_wait", 120},
      {"tcp_timeout_last_ack", 30},
      {"tcp_timeout_max_retrans", 300},
      {"tcp_timeout_syn_recv", 60},
      {"tcp_timeout_syn_sent", 120},
      {"tcp_timeout_time_wait", 120},
      {"tcp_timeout_unacknowledged", 300},
      {"timestamp", 0},
      {"udp_timeout", 30},
      {"udp_timeout_stream", 120},
  };
  Settings settings;
  SysctlTable table;
  settings.add_to(table);
  for (const auto& d : kDefaults) {
    const auto got = table.get(std::string("net.netfilter.nf_conntrack_") + d.name);
    ASSERT_TRUE(got.ok()) << d.name;
    EXPECT_EQ(*got, d.value) << d.name;
  }
  EXPECT_EQ(table.entries().size(), std::size(kDefaults) + 1) << "net.nf_conntrack_max is the one more";
  EXPECT_FALSE(table.set("net.netfilter.nf_conntrack_count", "5").ok());
  Settings::remove_from(table);
  EXPECT_TRUE(table.entries().empty());
}

}  // namespace
}  // namespace nf::ct
