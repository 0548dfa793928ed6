// Policy routing against the kernel: rules, and tables local and main being one without them.
//
// Steps are explained in routing_kernel_test_support.h.
#include "datapath/route/routing_kernel_test_support.h"

namespace nf {
namespace {

// clang-format off
constexpr Step kPolicy[] = {
    // one trie for local and main until the first rule
    {"ip addr add 10.1.0.1/24 brd + dev v0", ""},
    {"ip link set v0 up", ""},
    {"ip link set v1 up", ""},
    {"ip addr add 10.2.0.1/24 brd + dev v1", ""},
    {"ip route add 127.1.2.3/32 dev v0", ""},
    {"ip route add local 10.50.0.0/16 dev lo", ""},
    {"ip route add 10.50.7.0/24 via 10.1.0.9", ""},
    {"ip route add unreachable 10.50.8.0/24", ""},
    {"ip route add throw 10.50.9.0/24", ""},
    {"ip route add default via 10.2.0.9 table 253", ""},
    {"get 127.1.2.3", "127.1.2.3 dev v0 src 10.1.0.1 cache"},
    {"get 10.50.1.1", "2 10.50.1.1 dev lo src 10.50.1.1 cache <local>"},
    {"get 10.50.7.1", "10.50.7.1 via 10.1.0.9 dev v0 src 10.1.0.1 cache"},
    {"get 10.50.8.1", "RTNETLINK answers: No route to host"},
    {"get 10.50.9.1", "10.50.9.1 via 10.2.0.9 dev v1 src 10.2.0.1 cache"},
    {"get 8.8.8.8", "8.8.8.8 via 10.2.0.9 dev v1 src 10.2.0.1 cache"},
    {"ip rule add from 10.1.0.1 lookup 100", ""},
    {"get 127.1.2.3", "2 127.1.2.3 dev lo src 127.0.0.1 cache <local>"},
    {"get 10.50.1.1", "2 10.50.1.1 dev lo src 10.50.1.1 cache <local>"},
    {"get 10.50.7.1", "2 10.50.7.1 dev lo src 10.50.7.1 cache <local>"},
    {"get 10.50.8.1", "2 10.50.8.1 dev lo src 10.50.8.1 cache <local>"},
    {"get 10.50.9.1", "2 10.50.9.1 dev lo src 10.50.9.1 cache <local>"},
    {"get 8.8.8.8", "8.8.8.8 via 10.2.0.9 dev v1 src 10.2.0.1 cache"},
    // policy
    {"ip route add default via 10.1.0.100 table 100", ""},
    {"ip route add 10.60.0.0/16 via 10.1.0.101 table 101", ""},
    {"ip route add throw 10.61.0.0/16 table 102", ""},
    {"ip route add prohibit 10.62.0.0/16 table 102", ""},
    {"ip route add default via 10.1.0.102 table 102", ""},
    {"ip route add default via 10.2.0.77", ""},
    {"get 8.8.8.8", "8.8.8.8 via 10.2.0.77 dev v1 src 10.2.0.1 cache"},
    {"get 8.8.8.8 from 10.1.0.1", "8.8.8.8 from 10.1.0.1 via 10.1.0.100 dev v0 cache"},
    {"ip rule add fwmark 0x10/0xf0 lookup 102 pref 200", ""},
    {"get 8.8.8.8 mark 0x10", "8.8.8.8 via 10.1.0.102 dev v0 src 10.1.0.1 mark 0x10 cache"},
    {"get 8.8.8.8 mark 0x1f", "8.8.8.8 via 10.1.0.102 dev v0 src 10.1.0.1 mark 0x1f cache"},
    {"get 8.8.8.8 mark 0x20", "8.8.8.8 via 10.2.0.77 dev v1 src 10.2.0.1 mark 0x20 cache"},
    {"get 10.61.1.1 mark 0x10", "10.61.1.1 via 10.2.0.77 dev v1 src 10.2.0.1 mark 0x10 cache"},
    {"get 10.62.1.1 mark 0x10", "RTNETLINK answers: Permission denied"},
    {"ip rule add to 10.60.0.0/15 lookup 101 pref 190", ""},
    {"get 10.60.1.1", "10.60.1.1 via 10.1.0.101 dev v0 src 10.1.0.1 cache"},
    {"get 10.61.1.1", "10.61.1.1 via 10.2.0.77 dev v1 src 10.2.0.1 cache"},
    {"ip rule add iif v0 unreachable pref 180", ""},
    {"ip rule add oif v1 prohibit pref 181", ""},
    {"sysctl -qw net.ipv4.ip_forward=1", ""},
    {"get 8.8.8.8 from 10.1.0.9 iif v0", "RTNETLINK answers: Network is unreachable"},
    {"get 8.8.8.8 oif v1", "8.8.8.8 dev v1 src 10.2.0.1 cache"},
    {"get 10.2.0.9 oif v1", "10.2.0.9 dev v1 src 10.2.0.1 cache"},
    {"get 10.2.0.5 from 9.9.9.9 iif v1", "10.2.0.5 from 9.9.9.9 dev v1 cache iif v1"},
    {"ip rule add iif lo lookup 101 pref 170", ""},
    {"get 10.60.1.1", "10.60.1.1 via 10.1.0.101 dev v0 src 10.1.0.1 cache"},
    {"ip rule add not to 10.0.0.0/8 blackhole pref 160", ""},
    {"get 8.8.8.8", "RTNETLINK answers: Invalid argument"},
    {"get 10.60.1.1", "10.60.1.1 via 10.1.0.101 dev v0 src 10.1.0.1 cache"},
    {"ip rule add tos 0x10 lookup 101 pref 150", ""},
    {"ip rule del pref 160", ""},
    {"get 10.60.1.1 tos 0x10", "10.60.1.1 via 10.1.0.101 dev v0 src 10.1.0.1 cache"},
    {"ip rule del pref 0", ""},
    {"get 10.1.0.1", "10.1.0.1 dev v0 src 10.1.0.1 cache"},
    {"get 10.1.0.1 from 10.1.0.9 iif v1", "10.1.0.1 from 10.1.0.9 dev v0 cache iif v1"},
    {"get 127.0.0.1", "127.0.0.1 via 10.2.0.77 dev v1 src 10.2.0.1 cache"},
    {"ip rule add pref 0 lookup 255", ""},
    {"get 10.1.0.1", "2 10.1.0.1 dev lo src 10.1.0.1 cache <local>"},
    // a source lookup uses the mark only with src_valid_mark
    {"ip rule del pref 180", ""},
    {"ip rule del pref 181", ""},
    {"ip rule del pref 190", ""},
    {"ip rule del pref 150", ""},
    {"ip rule del pref 170", ""},
    {"sysctl -qw net.ipv4.conf.v0.rp_filter=1", ""},
    {"get 10.2.0.5 from 8.8.8.8 iif v0 mark 0x10", "RTNETLINK answers: Invalid argument"},
    {"sysctl -qw net.ipv4.conf.v0.src_valid_mark=1", ""},
    {"get 10.2.0.5 from 8.8.8.8 iif v0 mark 0x10", "10.2.0.5 from 8.8.8.8 via 10.1.0.102 dev v0 mark 0x10 cache iif v0"},
    {"get 10.2.0.5 from 8.8.8.8 iif v0", "RTNETLINK answers: Invalid argument"},
};
// clang-format on

// clang-format off
constexpr Step kRules[] = {
    {"ip rule add from 1.2.3.4 table 5 pref 10", ""},
    {"ip rule add from 1.2.3.4 table 5 pref 10", "RTNETLINK answers: File exists"},
    {"ip rule add table 5 pref 10", "RTNETLINK answers: File exists"},
    {"ip rule add to 1.2.3.4 table 5 pref 10", ""},
    {"ip rule add not from 1.2.3.4 table 5 pref 10", "RTNETLINK answers: File exists"},
    {"ip rule add fwmark 1 table 6", ""},
    {"ip rule add fwmark 1/0xff table 6", ""},
    {"ip rule add iif v0 unreachable", ""},
    {"ip rule add not from 10.0.0.0/8 to 11.0.0.0/8 prohibit pref 9999", ""},
    {"ip rule add tos 0x10 blackhole pref 32766", ""},
    {"ip rule add tos 0x20 blackhole", "Error: Invalid tos."},
    {"ip rule add tos 0x11 blackhole", "Error: Invalid dsfield (tos): ECN bits must be 0."},
    {"rules",
     "0: from all lookup 255\n"
     "7: from all iif v0 7\n"
     "8: from all fwmark 0x1/0xff lookup 6\n"
     "9: from all fwmark 0x1 lookup 6\n"
     "10: from 1.2.3.4 lookup 5\n"
     "10: from all to 1.2.3.4 lookup 5\n"
     "9999: not from 10.0.0.0/8 to 11.0.0.0/8 8\n"
     "32766: from all lookup 254\n"
     "32766: from all tos 0x10 6\n"
     "32767: from all lookup 253\n"
    },
    {"ip rule del pref 4444", "RTNETLINK answers: No such file or directory"},
    {"ip rule del from 9.9.9.9", "RTNETLINK answers: No such file or directory"},
    {"ip rule del pref 10", ""},
    {"ip rule del fwmark 1", ""},
    {"ip rule del unreachable", ""},
    {"rules",
     "0: from all lookup 255\n"
     "8: from all fwmark 0x1/0xff lookup 6\n"
     "10: from all to 1.2.3.4 lookup 5\n"
     "9999: not from 10.0.0.0/8 to 11.0.0.0/8 8\n"
     "32766: from all lookup 254\n"
     "32766: from all tos 0x10 6\n"
     "32767: from all lookup 253\n"
    },
    // the built-in rules are never the same as one added
    {"ip rule add pref 0 from 10.0.0.0/8 blackhole", ""},
    {"ip rule add lookup 255", ""},
    {"ip rule add lookup 255", "RTNETLINK answers: File exists"},
    {"rules",
     "0: from all lookup 255\n"
     "0: from 10.0.0.0/8 6\n"
     "0: from all lookup 255\n"
     "8: from all fwmark 0x1/0xff lookup 6\n"
     "10: from all to 1.2.3.4 lookup 5\n"
     "9999: not from 10.0.0.0/8 to 11.0.0.0/8 8\n"
     "32766: from all lookup 254\n"
     "32766: from all tos 0x10 6\n"
     "32767: from all lookup 253\n"
    },
};
// clang-format on

TEST(PolicyKernel, Lookups) { replay(kPolicy); }
TEST(PolicyKernel, RuleList) { replay(kRules); }

}  // namespace
}  // namespace nf
