// Addresses and route tables against the kernel: which routes come and go, refusals in its words.
//
// Steps are explained in routing_kernel_test_support.h.
#include "datapath/route/routing_kernel_test_support.h"

namespace nf {
namespace {

// clang-format off
constexpr Step kSourceSelection[] = {
    // source address selection
    {"ip addr add 10.1.0.1/24 dev v0", ""},
    {"ip addr add 10.3.0.1/24 dev v0", ""},
    {"ip addr add 10.3.0.2/24 dev v0", ""},
    {"ip addr add 10.4.0.1/24 scope link dev v0", ""},
    {"ip addr add 10.5.0.1 peer 10.5.9.9/32 dev v0", ""},
    {"ip link set v0 up", ""},
    {"ip link set v1 up", ""},
    {"ip link set v2 up", ""},
    {"ip route add 10.30.0.0/16 via 10.3.0.9", ""},
    {"ip route add 10.31.0.0/16 dev v1", ""},
    {"ip route add 10.32.0.0/16 via 10.5.9.9", ""},
    {"ip route add 10.33.0.0/16 via 10.99.0.1 dev v1 onlink", ""},
    {"ip route add 10.34.0.0/16 dev v0", ""},
    {"ip route add 10.35.0.0/16 via 10.4.0.9", ""},
    {"get 10.30.1.1", "10.30.1.1 via 10.3.0.9 dev v0 src 10.3.0.1 cache"},
    {"get 10.31.1.1", "10.31.1.1 dev v1 src 10.1.0.1 cache"},
    {"get 10.32.1.1", "10.32.1.1 via 10.5.9.9 dev v0 src 10.5.0.1 cache"},
    {"get 10.33.1.1", "10.33.1.1 via 10.99.0.1 dev v1 src 10.1.0.1 cache"},
    {"get 10.34.1.1", "10.34.1.1 dev v0 src 10.4.0.1 cache"},
    {"get 10.35.1.1", "10.35.1.1 via 10.4.0.9 dev v0 src 10.1.0.1 cache"},
    {"get 10.3.0.9", "10.3.0.9 dev v0 src 10.3.0.1 cache"},
    {"get 10.4.0.9", "10.4.0.9 dev v0 src 10.4.0.1 cache"},
    {"get 10.5.9.9", "10.5.9.9 dev v0 src 10.5.0.1 cache"},
    {"get 10.5.0.1", "2 10.5.0.1 dev lo src 10.5.0.1 cache <local>"},
    {"get 10.1.0.7 oif v1", "10.1.0.7 dev v1 src 10.1.0.1 cache"},
    {"get 255.255.255.255 oif v0", "3 255.255.255.255 dev v0 src 10.4.0.1 cache <local,brd>"},
    {"get 255.255.255.255 oif v1", "3 255.255.255.255 dev v1 src 10.1.0.1 cache <local,brd>"},
    {"get 224.0.0.5 oif v0", "5 224.0.0.5 dev v0 src 10.4.0.1 cache <mc>"},
    {"get 224.0.0.5 oif v1", "5 224.0.0.5 dev v1 src 10.1.0.1 cache <mc>"},
    {"get 239.0.0.5 oif v0", "5 239.0.0.5 dev v0 src 10.1.0.1 cache <mc>"},
    {"get 0.0.0.0 oif v0", "2 0.0.0.0 dev lo src 10.4.0.1 cache <local>"},
    {"get 0.0.0.0 oif v1", "2 0.0.0.0 dev lo src 127.0.0.1 cache <local>"},
    {"get 0.0.0.0 from 10.3.0.1", "2 0.0.0.0 from 10.3.0.1 dev lo cache <local>"},
    {"ip addr add 10.200.0.1/32 dev lo", ""},
    {"get 10.31.1.1", "10.31.1.1 dev v1 src 10.200.0.1 cache"},
    {"ip addr add 10.6.0.1/24 dev v2", ""},
    {"ip addr add 10.6.0.5/24 dev v1", ""},
    {"ip addr add 10.6.1.0/31 dev v1", ""},
    {"get 10.6.0.99", "10.6.0.99 dev v2 src 10.6.0.1 cache"},
    {"get 10.6.0.99 oif v1", "10.6.0.99 dev v1 src 10.6.0.5 cache"},
    {"get 10.31.1.1", "10.31.1.1 dev v1 src 10.6.0.5 cache"},
    {"get 10.6.1.1", "10.6.1.1 dev v1 src 10.6.1.0 cache"},
    {"get 10.6.1.0", "2 10.6.1.0 dev lo src 10.6.1.0 cache <local>"},
    {"addr v0",
     "10.4.0.1/24 scope 253 v0\n"
     "10.1.0.1/24 scope 0 v0\n"
     "10.3.0.1/24 scope 0 v0\n"
     "10.5.0.1 peer 10.5.9.9/32 scope 0 v0\n"
     "10.3.0.2/24 scope 0 secondary v0\n"
    },
    {"show",
     "10.1.0.0/24 dev v0 proto 2 scope 253 src 10.1.0.1\n"
     "10.3.0.0/24 dev v0 proto 2 scope 253 src 10.3.0.1\n"
     "10.4.0.0/24 dev v0 proto 2 scope 253 src 10.4.0.1\n"
     "10.5.9.9 dev v0 proto 2 scope 253 src 10.5.0.1\n"
     "10.6.0.0/24 dev v2 proto 2 scope 253 src 10.6.0.1\n"
     "10.6.0.0/24 dev v1 proto 2 scope 253 src 10.6.0.5\n"
     "10.6.1.0/31 dev v1 proto 2 scope 253 src 10.6.1.0\n"
     "10.30.0.0/16 via 10.3.0.9 dev v0\n"
     "10.31.0.0/16 dev v1 scope 253\n"
     "10.32.0.0/16 via 10.5.9.9 dev v0\n"
     "10.33.0.0/16 via 10.99.0.1 dev v1 onlink\n"
     "10.34.0.0/16 dev v0 scope 253\n"
     "10.35.0.0/16 via 10.4.0.9 dev v0\n"
     "2 10.1.0.1 dev v0 table 255 proto 2 scope 254 src 10.1.0.1\n"
     "3 10.1.0.255 dev v0 table 255 proto 2 scope 253 src 10.1.0.1\n"
     "2 10.3.0.1 dev v0 table 255 proto 2 scope 254 src 10.3.0.1\n"
     "2 10.3.0.2 dev v0 table 255 proto 2 scope 254 src 10.3.0.1\n"
     "3 10.3.0.255 dev v0 table 255 proto 2 scope 253 src 10.3.0.1\n"
     "2 10.4.0.1 dev v0 table 255 proto 2 scope 254 src 10.4.0.1\n"
     "3 10.4.0.255 dev v0 table 255 proto 2 scope 253 src 10.4.0.1\n"
     "2 10.5.0.1 dev v0 table 255 proto 2 scope 254 src 10.5.0.1\n"
     "2 10.6.0.1 dev v2 table 255 proto 2 scope 254 src 10.6.0.1\n"
     "2 10.6.0.5 dev v1 table 255 proto 2 scope 254 src 10.6.0.5\n"
     "3 10.6.0.255 dev v2 table 255 proto 2 scope 253 src 10.6.0.1\n"
     "3 10.6.0.255 dev v1 table 255 proto 2 scope 253 src 10.6.0.5\n"
     "2 10.6.1.0 dev v1 table 255 proto 2 scope 254 src 10.6.1.0\n"
     "2 10.200.0.1 dev lo table 255 proto 2 scope 254 src 10.200.0.1\n"
     "2 127.0.0.0/8 dev lo table 255 proto 2 scope 254 src 127.0.0.1\n"
     "2 127.0.0.1 dev lo table 255 proto 2 scope 254 src 127.0.0.1\n"
     "3 127.255.255.255 dev lo table 255 proto 2 scope 253 src 127.0.0.1\n"
    },
    {"ip addr del 10.3.0.1/24 dev v0", ""},
    {"addr v0",
     "10.4.0.1/24 scope 253 v0\n"
     "10.1.0.1/24 scope 0 v0\n"
     "10.5.0.1 peer 10.5.9.9/32 scope 0 v0\n"
    },
    {"show",
     "10.1.0.0/24 dev v0 proto 2 scope 253 src 10.1.0.1\n"
     "10.4.0.0/24 dev v0 proto 2 scope 253 src 10.4.0.1\n"
     "10.5.9.9 dev v0 proto 2 scope 253 src 10.5.0.1\n"
     "10.6.0.0/24 dev v2 proto 2 scope 253 src 10.6.0.1\n"
     "10.6.0.0/24 dev v1 proto 2 scope 253 src 10.6.0.5\n"
     "10.6.1.0/31 dev v1 proto 2 scope 253 src 10.6.1.0\n"
     "10.30.0.0/16 via 10.3.0.9 dev v0\n"
     "10.31.0.0/16 dev v1 scope 253\n"
     "10.32.0.0/16 via 10.5.9.9 dev v0\n"
     "10.33.0.0/16 via 10.99.0.1 dev v1 onlink\n"
     "10.34.0.0/16 dev v0 scope 253\n"
     "10.35.0.0/16 via 10.4.0.9 dev v0\n"
     "2 10.1.0.1 dev v0 table 255 proto 2 scope 254 src 10.1.0.1\n"
     "3 10.1.0.255 dev v0 table 255 proto 2 scope 253 src 10.1.0.1\n"
     "2 10.4.0.1 dev v0 table 255 proto 2 scope 254 src 10.4.0.1\n"
     "3 10.4.0.255 dev v0 table 255 proto 2 scope 253 src 10.4.0.1\n"
     "2 10.5.0.1 dev v0 table 255 proto 2 scope 254 src 10.5.0.1\n"
     "2 10.6.0.1 dev v2 table 255 proto 2 scope 254 src 10.6.0.1\n"
     "2 10.6.0.5 dev v1 table 255 proto 2 scope 254 src 10.6.0.5\n"
     "3 10.6.0.255 dev v2 table 255 proto 2 scope 253 src 10.6.0.1\n"
     "3 10.6.0.255 dev v1 table 255 proto 2 scope 253 src 10.6.0.5\n"
     "2 10.6.1.0 dev v1 table 255 proto 2 scope 254 src 10.6.1.0\n"
     "2 10.200.0.1 dev lo table 255 proto 2 scope 254 src 10.200.0.1\n"
     "2 127.0.0.0/8 dev lo table 255 proto 2 scope 254 src 127.0.0.1\n"
     "2 127.0.0.1 dev lo table 255 proto 2 scope 254 src 127.0.0.1\n"
     "3 127.255.255.255 dev lo table 255 proto 2 scope 253 src 127.0.0.1\n"
    },
    {"ip link set v0 down", ""},
    {"show",
     "10.6.0.0/24 dev v2 proto 2 scope 253 src 10.6.0.1\n"
     "10.6.0.0/24 dev v1 proto 2 scope 253 src 10.6.0.5\n"
     "10.6.1.0/31 dev v1 proto 2 scope 253 src 10.6.1.0\n"
     "10.31.0.0/16 dev v1 scope 253\n"
     "10.33.0.0/16 via 10.99.0.1 dev v1 onlink\n"
     "2 10.1.0.1 dev v0 table 255 proto 2 scope 254 src 10.1.0.1\n"
     "2 10.4.0.1 dev v0 table 255 proto 2 scope 254 src 10.4.0.1\n"
     "2 10.5.0.1 dev v0 table 255 proto 2 scope 254 src 10.5.0.1\n"
     "2 10.6.0.1 dev v2 table 255 proto 2 scope 254 src 10.6.0.1\n"
     "2 10.6.0.5 dev v1 table 255 proto 2 scope 254 src 10.6.0.5\n"
     "3 10.6.0.255 dev v2 table 255 proto 2 scope 253 src 10.6.0.1\n"
     "3 10.6.0.255 dev v1 table 255 proto 2 scope 253 src 10.6.0.5\n"
     "2 10.6.1.0 dev v1 table 255 proto 2 scope 254 src 10.6.1.0\n"
     "2 10.200.0.1 dev lo table 255 proto 2 scope 254 src 10.200.0.1\n"
     "2 127.0.0.0/8 dev lo table 255 proto 2 scope 254 src 127.0.0.1\n"
     "2 127.0.0.1 dev lo table 255 proto 2 scope 254 src 127.0.0.1\n"
     "3 127.255.255.255 dev lo table 255 proto 2 scope 253 src 127.0.0.1\n"
    },
    {"get 10.1.0.1", "2 10.1.0.1 dev lo src 10.1.0.1 cache <local>"},
    {"get 10.1.0.7", "RTNETLINK answers: Network is unreachable"},
    {"get 10.1.0.7 oif v0", "RTNETLINK answers: Network is unreachable"},
    {"ip link set v0 up", ""},
    {"show",
     "10.1.0.0/24 dev v0 proto 2 scope 253 src 10.1.0.1\n"
     "10.4.0.0/24 dev v0 proto 2 scope 253 src 10.4.0.1\n"
     "10.5.9.9 dev v0 proto 2 scope 253 src 10.5.0.1\n"
     "10.6.0.0/24 dev v2 proto 2 scope 253 src 10.6.0.1\n"
     "10.6.0.0/24 dev v1 proto 2 scope 253 src 10.6.0.5\n"
     "10.6.1.0/31 dev v1 proto 2 scope 253 src 10.6.1.0\n"
     "10.31.0.0/16 dev v1 scope 253\n"
     "10.33.0.0/16 via 10.99.0.1 dev v1 onlink\n"
     "2 10.1.0.1 dev v0 table 255 proto 2 scope 254 src 10.1.0.1\n"
     "3 10.1.0.255 dev v0 table 255 proto 2 scope 253 src 10.1.0.1\n"
     "2 10.4.0.1 dev v0 table 255 proto 2 scope 254 src 10.4.0.1\n"
     "3 10.4.0.255 dev v0 table 255 proto 2 scope 253 src 10.4.0.1\n"
     "2 10.5.0.1 dev v0 table 255 proto 2 scope 254 src 10.5.0.1\n"
     "2 10.6.0.1 dev v2 table 255 proto 2 scope 254 src 10.6.0.1\n"
     "2 10.6.0.5 dev v1 table 255 proto 2 scope 254 src 10.6.0.5\n"
     "3 10.6.0.255 dev v2 table 255 proto 2 scope 253 src 10.6.0.1\n"
     "3 10.6.0.255 dev v1 table 255 proto 2 scope 253 src 10.6.0.5\n"
     "2 10.6.1.0 dev v1 table 255 proto 2 scope 254 src 10.6.1.0\n"
     "2 10.200.0.1 dev lo table 255 proto 2 scope 254 src 10.200.0.1\n"
     "2 127.0.0.0/8 dev lo table 255 proto 2 scope 254 src 127.0.0.1\n"
     "2 127.0.0.1 dev lo table 255 proto 2 scope 254 src 127.0.0.1\n"
     "3 127.255.255.255 dev lo table 255 proto 2 scope 253 src 127.0.0.1\n"
    },
    {"ip addr del 10.6.0.1/24 dev v2", ""},
    {"ip addr del 10.6.0.5/24 dev v1", ""},
    {"ip addr del 10.6.1.0/31 dev v1", ""},
    {"show",
     "10.1.0.0/24 dev v0 proto 2 scope 253 src 10.1.0.1\n"
     "10.4.0.0/24 dev v0 proto 2 scope 253 src 10.4.0.1\n"
     "10.5.9.9 dev v0 proto 2 scope 253 src 10.5.0.1\n"
     "2 10.1.0.1 dev v0 table 255 proto 2 scope 254 src 10.1.0.1\n"
     "3 10.1.0.255 dev v0 table 255 proto 2 scope 253 src 10.1.0.1\n"
     "2 10.4.0.1 dev v0 table 255 proto 2 scope 254 src 10.4.0.1\n"
     "3 10.4.0.255 dev v0 table 255 proto 2 scope 253 src 10.4.0.1\n"
     "2 10.5.0.1 dev v0 table 255 proto 2 scope 254 src 10.5.0.1\n"
     "2 10.200.0.1 dev lo table 255 proto 2 scope 254 src 10.200.0.1\n"
     "2 127.0.0.0/8 dev lo table 255 proto 2 scope 254 src 127.0.0.1\n"
     "2 127.0.0.1 dev lo table 255 proto 2 scope 254 src 127.0.0.1\n"
     "3 127.255.255.255 dev lo table 255 proto 2 scope 253 src 127.0.0.1\n"
    },
};
// clang-format on

// clang-format off
constexpr Step kAddresses[] = {
    {"ip addr add 10.1.0.1/24 brd + dev v0", ""},
    {"show",
     "2 10.1.0.1 dev v0 table 255 proto 2 scope 254 src 10.1.0.1\n"
     "2 127.0.0.0/8 dev lo table 255 proto 2 scope 254 src 127.0.0.1\n"
     "2 127.0.0.1 dev lo table 255 proto 2 scope 254 src 127.0.0.1\n"
     "3 127.255.255.255 dev lo table 255 proto 2 scope 253 src 127.0.0.1\n"
    },
    {"ip link set v0 up", ""},
    {"ip link set v1 up", ""},
    {"show",
     "10.1.0.0/24 dev v0 proto 2 scope 253 src 10.1.0.1\n"
     "2 10.1.0.1 dev v0 table 255 proto 2 scope 254 src 10.1.0.1\n"
     "3 10.1.0.255 dev v0 table 255 proto 2 scope 253 src 10.1.0.1\n"
     "2 127.0.0.0/8 dev lo table 255 proto 2 scope 254 src 127.0.0.1\n"
     "2 127.0.0.1 dev lo table 255 proto 2 scope 254 src 127.0.0.1\n"
     "3 127.255.255.255 dev lo table 255 proto 2 scope 253 src 127.0.0.1\n"
    },
    {"ip addr add 10.1.0.1/24 dev v0", "Error: ipv4: Address already assigned."},
    {"ip addr add 10.1.0.2/24 dev v0", ""},
    {"ip addr add 10.2.0.1/31 dev v1", ""},
    {"ip addr add 10.3.0.1/32 dev v1", ""},
    {"ip addr add 10.4.0.1 peer 10.4.9.9/32 dev v1", ""},
    {"ip addr add 10.5.0.1/30 dev v1", ""},
    {"ip addr add 10.5.0.2/24 brd 10.5.0.255 dev v1", ""},
    {"ip addr add 10.5.0.3/24 dev v1 scope link", "Error: ipv4: Invalid scope value."},
    {"ip addr add 10.6.0.1/24 dev v1 scope link", ""},
    {"ip addr add 10.7.0.1/24 dev v1 scope host", ""},
    {"ip addr add 10.8.0.1/24 dev v1", ""},
    {"ip addr add 10.9.0.1/24 brd 10.9.0.77 dev v1", ""},
    {"addr v1",
     "10.7.0.1/24 scope 254 v1\n"
     "10.6.0.1/24 scope 253 v1\n"
     "10.2.0.1/31 scope 0 v1\n"
     "10.3.0.1/32 scope 0 v1\n"
     "10.4.0.1 peer 10.4.9.9/32 scope 0 v1\n"
     "10.5.0.1/30 scope 0 v1\n"
     "10.5.0.2/24 brd 10.5.0.255 scope 0 v1\n"
     "10.8.0.1/24 scope 0 v1\n"
     "10.9.0.1/24 brd 10.9.0.77 scope 0 v1\n"
    },
    {"show",
     "10.1.0.0/24 dev v0 proto 2 scope 253 src 10.1.0.1\n"
     "10.2.0.0/31 dev v1 proto 2 scope 253 src 10.2.0.1\n"
     "10.4.9.9 dev v1 proto 2 scope 253 src 10.4.0.1\n"
     "10.5.0.0/30 dev v1 proto 2 scope 253 src 10.5.0.1\n"
     "10.5.0.0/24 dev v1 proto 2 scope 253 src 10.5.0.2\n"
     "10.6.0.0/24 dev v1 proto 2 scope 253 src 10.6.0.1\n"
     "10.7.0.0/24 dev v1 proto 2 scope 253 src 10.7.0.1\n"
     "10.8.0.0/24 dev v1 proto 2 scope 253 src 10.8.0.1\n"
     "10.9.0.0/24 dev v1 proto 2 scope 253 src 10.9.0.1\n"
     "2 10.1.0.1 dev v0 table 255 proto 2 scope 254 src 10.1.0.1\n"
     "2 10.1.0.2 dev v0 table 255 proto 2 scope 254 src 10.1.0.1\n"
     "3 10.1.0.255 dev v0 table 255 proto 2 scope 253 src 10.1.0.1\n"
     "2 10.2.0.1 dev v1 table 255 proto 2 scope 254 src 10.2.0.1\n"
     "2 10.3.0.1 dev v1 table 255 proto 2 scope 254 src 10.3.0.1\n"
     "2 10.4.0.1 dev v1 table 255 proto 2 scope 254 src 10.4.0.1\n"
     "2 10.5.0.1 dev v1 table 255 proto 2 scope 254 src 10.5.0.1\n"
     "2 10.5.0.2 dev v1 table 255 proto 2 scope 254 src 10.5.0.2\n"
     "3 10.5.0.3 dev v1 table 255 proto 2 scope 253 src 10.5.0.1\n"
     "3 10.5.0.255 dev v1 table 255 proto 2 scope 253 src 10.5.0.2\n"
     "2 10.6.0.1 dev v1 table 255 proto 2 scope 254 src 10.6.0.1\n"
     "3 10.6.0.255 dev v1 table 255 proto 2 scope 253 src 10.6.0.1\n"
     "2 10.7.0.1 dev v1 table 255 proto 2 scope 254 src 10.7.0.1\n"
     "3 10.7.0.255 dev v1 table 255 proto 2 scope 253 src 10.7.0.1\n"
     "2 10.8.0.1 dev v1 table 255 proto 2 scope 254 src 10.8.0.1\n"
     "3 10.8.0.255 dev v1 table 255 proto 2 scope 253 src 10.8.0.1\n"
     "2 10.9.0.1 dev v1 table 255 proto 2 scope 254 src 10.9.0.1\n"
     "3 10.9.0.77 dev v1 table 255 proto 2 scope 253 src 10.9.0.1\n"
     "3 10.9.0.255 dev v1 table 255 proto 2 scope 253 src 10.9.0.1\n"
     "2 127.0.0.0/8 dev lo table 255 proto 2 scope 254 src 127.0.0.1\n"
     "2 127.0.0.1 dev lo table 255 proto 2 scope 254 src 127.0.0.1\n"
     "3 127.255.255.255 dev lo table 255 proto 2 scope 253 src 127.0.0.1\n"
    },
    {"ip addr del 10.9.9.1/24 dev v1", "Error: ipv4: Address not found."},
    {"ip addr del 10.9.0.1/24 dev v1", ""},
    {"ip addr del 10.1.0.1/24 dev v0", ""},
    {"addr v0", ""},
    {"show",
     "10.2.0.0/31 dev v1 proto 2 scope 253 src 10.2.0.1\n"
     "10.4.9.9 dev v1 proto 2 scope 253 src 10.4.0.1\n"
     "10.5.0.0/30 dev v1 proto 2 scope 253 src 10.5.0.1\n"
     "10.5.0.0/24 dev v1 proto 2 scope 253 src 10.5.0.2\n"
     "10.6.0.0/24 dev v1 proto 2 scope 253 src 10.6.0.1\n"
     "10.7.0.0/24 dev v1 proto 2 scope 253 src 10.7.0.1\n"
     "10.8.0.0/24 dev v1 proto 2 scope 253 src 10.8.0.1\n"
     "2 10.2.0.1 dev v1 table 255 proto 2 scope 254 src 10.2.0.1\n"
     "2 10.3.0.1 dev v1 table 255 proto 2 scope 254 src 10.3.0.1\n"
     "2 10.4.0.1 dev v1 table 255 proto 2 scope 254 src 10.4.0.1\n"
     "2 10.5.0.1 dev v1 table 255 proto 2 scope 254 src 10.5.0.1\n"
     "2 10.5.0.2 dev v1 table 255 proto 2 scope 254 src 10.5.0.2\n"
     "3 10.5.0.3 dev v1 table 255 proto 2 scope 253 src 10.5.0.1\n"
     "3 10.5.0.255 dev v1 table 255 proto 2 scope 253 src 10.5.0.2\n"
     "2 10.6.0.1 dev v1 table 255 proto 2 scope 254 src 10.6.0.1\n"
     "3 10.6.0.255 dev v1 table 255 proto 2 scope 253 src 10.6.0.1\n"
     "2 10.7.0.1 dev v1 table 255 proto 2 scope 254 src 10.7.0.1\n"
     "3 10.7.0.255 dev v1 table 255 proto 2 scope 253 src 10.7.0.1\n"
     "2 10.8.0.1 dev v1 table 255 proto 2 scope 254 src 10.8.0.1\n"
     "3 10.8.0.255 dev v1 table 255 proto 2 scope 253 src 10.8.0.1\n"
     "2 127.0.0.0/8 dev lo table 255 proto 2 scope 254 src 127.0.0.1\n"
     "2 127.0.0.1 dev lo table 255 proto 2 scope 254 src 127.0.0.1\n"
     "3 127.255.255.255 dev lo table 255 proto 2 scope 253 src 127.0.0.1\n"
    },
    // deleting needs the peer, too
    {"ip addr del 10.4.0.1/32 dev v1", "Error: ipv4: Address not found."},
    {"ip addr del 10.4.0.1 peer 10.4.9.9/32 dev v1", ""},
    {"ip addr add 10.4.0.9/32 brd + dev v1", ""},
    {"addr v1",
     "10.7.0.1/24 scope 254 v1\n"
     "10.6.0.1/24 scope 253 v1\n"
     "10.2.0.1/31 scope 0 v1\n"
     "10.3.0.1/32 scope 0 v1\n"
     "10.5.0.1/30 scope 0 v1\n"
     "10.5.0.2/24 brd 10.5.0.255 scope 0 v1\n"
     "10.8.0.1/24 scope 0 v1\n"
     "10.4.0.9/32 scope 0 v1\n"
    },
};
// clang-format on

// clang-format off
constexpr Step kRoutes[] = {
    {"ip addr add 10.1.0.1/24 brd + dev v0", ""},
    {"ip addr add 10.8.0.1/24 dev v1", ""},
    {"ip link set v0 up", ""},
    {"ip link set v1 up", ""},
    {"ip route add 10.20.0.0/16 via 10.99.0.1", "Error: Nexthop has invalid gateway."},
    {"ip route add 10.20.0.0/16 via 10.1.0.99 dev v1", "Error: Nexthop has invalid gateway."},
    {"ip route add 10.20.0.0/16 via 10.1.0.1", ""},
    {"ip route add 10.21.0.0/16 via 10.1.0.255", "Error: Nexthop has invalid gateway."},
    {"ip route add 10.21.0.0/16 via 10.1.0.99", ""},
    {"ip route add 10.21.0.0/16 via 10.1.0.98", "RTNETLINK answers: File exists"},
    {"ip route add 10.21.0.0/16 via 10.1.0.98 metric 5", ""},
    {"ip route add 10.21.0.1/16 via 10.1.0.98", "Error: Invalid prefix for given prefix length."},
    {"ip route add 10.22.0.0/16 via 10.21.0.1", "Error: Nexthop has invalid gateway."},
    {"ip route add 10.22.0.0/16 via 10.77.0.1 dev v0 onlink", ""},
    {"ip route add 10.23.0.0/16 dev v0 onlink", "Error: Invalid flags for nexthop - PERVASIVE and ONLINK can not be set."},
    {"ip route add 10.23.0.0/16 via 10.77.0.1 onlink", "Error: Nexthop device required for onlink."},
    {"ip route add 10.23.0.0/16 via 10.1.0.1 dev v0 onlink", "Error: Nexthop has invalid gateway."},
    {"ip route add 10.23.0.0/16", "RTNETLINK answers: No such device"},
    {"ip route add 10.23.0.0/16 via 10.1.0.9 src 9.9.9.9", "Error: Invalid prefsrc address."},
    {"ip route add 10.23.0.0/16 via 10.1.0.9 scope link", "Error: Nexthop has invalid gateway."},
    {"ip route add 10.23.0.0/16 via 10.1.0.9 scope host", "Error: Route with host scope can not have a gateway."},
    {"ip route add 10.23.0.0/16 dev v0 scope host", ""},
    {"ip route add unreachable 10.24.0.0/16 dev v0", "Error: Gateway, device and multipath can not be specified for this route type."},
    {"ip route add local 10.25.0.0/16 dev lo", ""},
    {"ip route add local 10.26.0.0/16 dev lo scope link", "Error: Invalid scope."},
    {"ip route add broadcast 10.27.0.0/16 dev v0 scope global", "Error: Invalid scope."},
    {"ip route add 10.28.0.0/16 dev v0 tos 0x01", "Error: Invalid dsfield (tos): ECN bits must be 0."},
    {"ip route add 10.28.0.0/16 dev v0 tos 0x10", ""},
    {"ip route add 10.28.0.0/16 dev v0 table 777", ""},
    {"ip route del 10.28.0.0/16 table 778", "Error: FIB table does not exist."},
    {"ip route del 10.29.0.0/16", "RTNETLINK answers: No such process"},
    {"ip route del 10.28.0.0/16", "RTNETLINK answers: No such process"},
    {"ip route del 10.28.0.0/16 tos 0x10", ""},
    {"ip route change 10.88.0.0/16 dev v0", "RTNETLINK answers: No such file or directory"},
    {"ip route add blackhole 10.30.0.0/16", ""},
    {"ip route add blackhole 10.30.0.0/16", "RTNETLINK answers: File exists"},
    {"ip route replace 10.21.0.0/16 via 10.1.0.97", ""},
    {"ip route append 10.21.0.0/16 via 10.1.0.96", ""},
    {"ip route append 10.21.0.0/16 via 10.1.0.96", "RTNETLINK answers: File exists"},
    {"ip route prepend 10.21.0.0/16 via 10.1.0.95", ""},
    {"ip route add 10.31.0.0/16 nexthop via 10.1.0.5 nexthop via 10.8.0.9 weight 3", ""},
    {"ip route add 10.32.0.0/16 nexthop dev v0 nexthop dev v1", ""},
    {"ip route add default via 10.1.0.5 mtu 1400", ""},
    {"ip route add 10.33.0.0/16 dev v1 src 10.1.0.1", ""},
    {"show",
     "10.28.0.0/16 dev v0 table 777 scope 253\n"
     "default via 10.1.0.5 dev v0 mtu 1400\n"
     "10.1.0.0/24 dev v0 proto 2 scope 253 src 10.1.0.1\n"
     "10.8.0.0/24 dev v1 proto 2 scope 253 src 10.8.0.1\n"
     "10.20.0.0/16 via 10.1.0.1 dev v0\n"
     "10.21.0.0/16 via 10.1.0.95 dev v0\n"
     "10.21.0.0/16 via 10.1.0.97 dev v0\n"
     "10.21.0.0/16 via 10.1.0.96 dev v0\n"
     "10.21.0.0/16 via 10.1.0.98 dev v0 metric 5\n"
     "10.22.0.0/16 via 10.77.0.1 dev v0 onlink\n"
     "10.23.0.0/16 dev v0 scope 254\n"
     "6 10.30.0.0/16\n"
     "10.31.0.0/16 nexthop via 10.1.0.5 dev v0 weight 1 nexthop via 10.8.0.9 dev v1 weight 3\n"
     "10.32.0.0/16 nexthop dev v0 weight 1 nexthop dev v1 weight 1\n"
     "10.33.0.0/16 dev v1 scope 253 src 10.1.0.1\n"
     "2 10.1.0.1 dev v0 table 255 proto 2 scope 254 src 10.1.0.1\n"
     "3 10.1.0.255 dev v0 table 255 proto 2 scope 253 src 10.1.0.1\n"
     "2 10.8.0.1 dev v1 table 255 proto 2 scope 254 src 10.8.0.1\n"
     "3 10.8.0.255 dev v1 table 255 proto 2 scope 253 src 10.8.0.1\n"
     "2 10.25.0.0/16 dev lo table 255 scope 254\n"
     "2 127.0.0.0/8 dev lo table 255 proto 2 scope 254 src 127.0.0.1\n"
     "2 127.0.0.1 dev lo table 255 proto 2 scope 254 src 127.0.0.1\n"
     "3 127.255.255.255 dev lo table 255 proto 2 scope 253 src 127.0.0.1\n"
    },
    {"ip route del 10.21.0.0/16 via 10.1.0.97", ""},
    {"ip route del 10.21.0.0/16 metric 5", ""},
    {"ip route del 10.21.0.0/16 dev v1", "RTNETLINK answers: No such process"},
    {"ip route del blackhole 10.30.0.0/16", ""},
    {"ip route del default via 10.1.0.6", "RTNETLINK answers: No such process"},
    {"ip route del default", ""},
    {"ip link set v0 down", ""},
    {"show",
     "10.8.0.0/24 dev v1 proto 2 scope 253 src 10.8.0.1\n"
     "10.23.0.0/16 dev v0 scope 254\n"
     "10.31.0.0/16 nexthop via 10.1.0.5 dev v0 weight 1 dead linkdown nexthop via 10.8.0.9 dev v1 weight 3\n"
     "10.32.0.0/16 nexthop dev v0 weight 1 dead linkdown nexthop dev v1 weight 1\n"
     "10.33.0.0/16 dev v1 scope 253 src 10.1.0.1\n"
     "2 10.1.0.1 dev v0 table 255 proto 2 scope 254 src 10.1.0.1\n"
     "2 10.8.0.1 dev v1 table 255 proto 2 scope 254 src 10.8.0.1\n"
     "3 10.8.0.255 dev v1 table 255 proto 2 scope 253 src 10.8.0.1\n"
     "2 10.25.0.0/16 dev lo table 255 scope 254\n"
     "2 127.0.0.0/8 dev lo table 255 proto 2 scope 254 src 127.0.0.1\n"
     "2 127.0.0.1 dev lo table 255 proto 2 scope 254 src 127.0.0.1\n"
     "3 127.255.255.255 dev lo table 255 proto 2 scope 253 src 127.0.0.1\n"
    },
    {"ip route add 10.40.0.0/16 dev v0", "Error: Device for nexthop is not up."},
    {"ip route add 10.40.0.0/16 via 10.1.0.9 dev v0", "Error: Nexthop has invalid gateway."},
    {"ip route add 10.40.0.0/16 via 10.1.0.9 dev v0 onlink", "Error: Nexthop device is not up."},
    {"ip route add 10.40.0.0/16 via 10.1.0.9", "Error: Nexthop has invalid gateway."},
    {"get 10.31.7.7", "10.31.7.7 via 10.8.0.9 dev v1 src 10.8.0.1 cache"},
    {"get 10.32.7.7", "10.32.7.7 dev v1 src 10.8.0.1 cache"},
    {"ip link set v0 up", ""},
    {"show",
     "10.1.0.0/24 dev v0 proto 2 scope 253 src 10.1.0.1\n"
     "10.8.0.0/24 dev v1 proto 2 scope 253 src 10.8.0.1\n"
     "10.23.0.0/16 dev v0 scope 254\n"
     "10.31.0.0/16 nexthop via 10.1.0.5 dev v0 weight 1 nexthop via 10.8.0.9 dev v1 weight 3\n"
     "10.32.0.0/16 nexthop dev v0 weight 1 nexthop dev v1 weight 1\n"
     "10.33.0.0/16 dev v1 scope 253 src 10.1.0.1\n"
     "2 10.1.0.1 dev v0 table 255 proto 2 scope 254 src 10.1.0.1\n"
     "3 10.1.0.255 dev v0 table 255 proto 2 scope 253 src 10.1.0.1\n"
     "2 10.8.0.1 dev v1 table 255 proto 2 scope 254 src 10.8.0.1\n"
     "3 10.8.0.255 dev v1 table 255 proto 2 scope 253 src 10.8.0.1\n"
     "2 10.25.0.0/16 dev lo table 255 scope 254\n"
     "2 127.0.0.0/8 dev lo table 255 proto 2 scope 254 src 127.0.0.1\n"
     "2 127.0.0.1 dev lo table 255 proto 2 scope 254 src 127.0.0.1\n"
     "3 127.255.255.255 dev lo table 255 proto 2 scope 253 src 127.0.0.1\n"
    },
    {"ip addr del 10.1.0.1/24 dev v0", ""},
    {"show",
     "10.8.0.0/24 dev v1 proto 2 scope 253 src 10.8.0.1\n"
     "10.31.0.0/16 nexthop via 10.1.0.5 dev v0 weight 1 dead linkdown nexthop via 10.8.0.9 dev v1 weight 3\n"
     "10.32.0.0/16 nexthop dev v0 weight 1 dead linkdown nexthop dev v1 weight 1\n"
     "2 10.8.0.1 dev v1 table 255 proto 2 scope 254 src 10.8.0.1\n"
     "3 10.8.0.255 dev v1 table 255 proto 2 scope 253 src 10.8.0.1\n"
     "2 10.25.0.0/16 dev lo table 255 scope 254\n"
     "2 127.0.0.0/8 dev lo table 255 proto 2 scope 254 src 127.0.0.1\n"
     "2 127.0.0.1 dev lo table 255 proto 2 scope 254 src 127.0.0.1\n"
     "3 127.255.255.255 dev lo table 255 proto 2 scope 253 src 127.0.0.1\n"
    },
    // a route of main goes with its preferred source, even one without a device
    {"ip link set v2 up", ""},
    {"ip addr add 10.1.0.1/24 dev v0", ""},
    {"ip addr add 10.1.7.1/24 dev v0", ""},
    {"ip route add unreachable 10.50.0.0/16 src 10.1.0.1", ""},
    {"ip route add throw 10.51.0.0/16", ""},
    {"ip route add 10.52.0.0/16 dev v2 src 10.1.0.1 table 100", ""},
    {"ip addr del 10.1.0.1/24 dev v0", ""},
    {"show",
     "10.52.0.0/16 dev v2 table 100 scope 253 src 10.1.0.1\n"
     "10.1.7.0/24 dev v0 proto 2 scope 253 src 10.1.7.1\n"
     "10.8.0.0/24 dev v1 proto 2 scope 253 src 10.8.0.1\n"
     "10.31.0.0/16 nexthop via 10.1.0.5 dev v0 weight 1 nexthop via 10.8.0.9 dev v1 weight 3\n"
     "10.32.0.0/16 nexthop dev v0 weight 1 nexthop dev v1 weight 1\n"
     "9 10.51.0.0/16\n"
     "2 10.1.7.1 dev v0 table 255 proto 2 scope 254 src 10.1.7.1\n"
     "3 10.1.7.255 dev v0 table 255 proto 2 scope 253 src 10.1.7.1\n"
     "2 10.8.0.1 dev v1 table 255 proto 2 scope 254 src 10.8.0.1\n"
     "3 10.8.0.255 dev v1 table 255 proto 2 scope 253 src 10.8.0.1\n"
     "2 10.25.0.0/16 dev lo table 255 scope 254\n"
     "2 127.0.0.0/8 dev lo table 255 proto 2 scope 254 src 127.0.0.1\n"
     "2 127.0.0.1 dev lo table 255 proto 2 scope 254 src 127.0.0.1\n"
     "3 127.255.255.255 dev lo table 255 proto 2 scope 253 src 127.0.0.1\n"
    },
};
// clang-format on

TEST(RouteTableKernel, SourceSelection) { replay(kSourceSelection); }
TEST(RouteTableKernel, Addresses) { replay(kAddresses); }
TEST(RouteTableKernel, Routes) { replay(kRoutes); }

}  // namespace
}  // namespace nf
