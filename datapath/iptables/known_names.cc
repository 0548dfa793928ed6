#include "datapath/iptables/known_names.h"

#include <algorithm>

namespace nf::ipt {
namespace {

constexpr std::string_view kMatches[] = {
    "addrtype",  "ah",        "bpf",      "cgroup",  "cluster",  "comment", "connbytes", "connlabel", "connlimit",
    "connmark",  "conntrack", "cpu",      "dccp",    "devgroup", "dscp",    "ecn",       "esp",       "hashlimit",
    "helper",    "icmp",      "ipcomp",   "iprange", "ipvs",     "length",  "limit",     "mac",       "mark",
    "multiport", "nfacct",    "osf",      "owner",   "physdev",  "pkttype", "policy",    "quota",     "rateest",
    "realm",     "recent",    "rpfilter", "sctp",    "set",      "socket",  "state",     "statistic", "string",
    "tcp",       "tcpmss",    "time",     "tos",     "ttl",      "u32",     "udp",
};

// QUEUE is a standard verdict, not a plug-in; the packets it would queue have nowhere to go here.
constexpr std::string_view kTargets[] = {
    "AUDIT",    "CHECKSUM", "CLASSIFY",    "CLUSTERIP", "CONNMARK", "CONNSECMARK", "CT",         "DNAT",   "DSCP",
    "ECN",      "HMARK",    "IDLETIMER",   "LED",       "LOG",      "MARK",        "MASQUERADE", "NETMAP", "NFLOG",
    "NFQUEUE",  "NOTRACK",  "QUEUE",       "RATEEST",   "REDIRECT", "REJECT",      "SECMARK",    "SET",    "SNAT",
    "SYNPROXY", "TCPMSS",   "TCPOPTSTRIP", "TEE",       "TOS",      "TPROXY",      "TRACE",      "TTL",    "ULOG",
};

}  // namespace

bool iptables_knows_match(std::string_view name) {
  return std::find(std::begin(kMatches), std::end(kMatches), name) != std::end(kMatches);
}

bool iptables_knows_target(std::string_view name) {
  return std::find(std::begin(kTargets), std::end(kTargets), name) != std::end(kTargets);
}

}  // namespace nf::ipt
