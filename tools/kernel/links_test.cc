#include "tools/kernel/links.h"

#include <poll.h>
#include <sys/socket.h>

#include "datapath/port/test_namespace.h"

namespace nf {
namespace {

TEST(Links, FactsOfEveryKind) {
  in_namespace([] {
    run("ip link add v0 type veth peer name v1 && ip link add br0 type bridge && ip link set v1 master br0 &&"
        "ip link set v0 address 02:00:00:00:00:01 mtu 1400 && ip link set v0 up && ip link set v1 up &&"
        "ip tuntap add dev u0 mode tun");
    const auto all = read_links();
    ASSERT_TRUE(all.ok()) << all.error().str();
    for (size_t i = 1; i < all->size(); ++i) EXPECT_LT((*all)[i - 1].ifindex, (*all)[i].ifindex);

    const auto lo = read_link("lo"), v0 = read_link("v0"), v1 = read_link("v1"), br0 = read_link("br0"),
               u0 = read_link("u0");
    ASSERT_TRUE(lo.ok() && v0.ok() && v1.ok() && br0.ok() && u0.ok());
    EXPECT_EQ(lo->ifindex, 1);
    EXPECT_TRUE(lo->loopback);
    EXPECT_FALSE(lo->up);
    EXPECT_EQ(lo->mac, MacAddress{});
    EXPECT_EQ(lo->mtu, 65536u);
    EXPECT_EQ(v0->mac, (MacAddress{2, 0, 0, 0, 0, 1}));
    EXPECT_EQ(v0->mtu, 1400u);
    EXPECT_EQ(v0->kind, "veth");
    EXPECT_TRUE(v0->up);
    EXPECT_FALSE(v0->no_arp || v0->loopback);
    EXPECT_EQ(v0->master, 0);
    EXPECT_EQ(v1->master, br0->ifindex);
    EXPECT_EQ(br0->kind, "bridge");
    EXPECT_FALSE(br0->up);
    EXPECT_TRUE(u0->no_arp);
    EXPECT_EQ(u0->kind, "tun");

    const auto none = read_link("v9");
    ASSERT_FALSE(none.ok());
    EXPECT_EQ(none.error().str(), "v9: no such link");

    EXPECT_FALSE(set_link_up("v9", true).ok());
  });
}

struct Heard {
  std::string name;
  LinkMonitor::Change change;
};

void poll_once(LinkMonitor& m) {
  pollfd wait{m.fd(), POLLIN, 0};
  ASSERT_EQ(poll(&wait, 1, 5000), 1) << "no change was told";
  const Status s = m.poll();
  ASSERT_TRUE(s.ok()) << s.error().str();
}

TEST(LinkMonitor, TellsEachChange) {
  in_namespace([] {
    std::vector<Heard> heard;
    auto r = LinkMonitor::open([&](const KernelLink& k, LinkMonitor::Change c) { heard.push_back({k.name, c}); });
    ASSERT_TRUE(r.ok()) << r.error().str();
    LinkMonitor& m = **r;
    ASSERT_TRUE(m.poll().ok());
    EXPECT_TRUE(heard.empty());
    EXPECT_NE(m.find("lo"), nullptr);

    run("ip link add v0 type veth peer name v1 && ip link add br0 type bridge");
    poll_once(m);
    ASSERT_EQ(heard.size(), 3u);
    for (const Heard& h : heard) EXPECT_EQ(h.change, LinkMonitor::Change::kAdded);
    ASSERT_NE(m.find("v0"), nullptr);
    EXPECT_EQ(m.find("v0")->kind, "veth");

    heard.clear();
    run("ip link set v0 mtu 1300");
    poll_once(m);
    ASSERT_EQ(heard.size(), 1u);
    EXPECT_EQ(heard[0].name, "v0");
    EXPECT_EQ(heard[0].change, LinkMonitor::Change::kChanged);
    EXPECT_EQ(m.find("v0")->mtu, 1300u);

    // Joining and leaving a bridge is a change of the link, though the bridge says "deleted" of its port.
    heard.clear();
    run("ip link set v0 master br0 && ip link set v0 nomaster");
    poll_once(m);
    EXPECT_FALSE(heard.empty());
    for (const Heard& h : heard) EXPECT_EQ(h.change, LinkMonitor::Change::kChanged) << h.name;
    ASSERT_NE(m.find("v0"), nullptr);
    EXPECT_EQ(m.find("v0")->master, 0);

    heard.clear();
    run("ip link del v0");
    poll_once(m);
    int removed = 0;
    for (const Heard& h : heard) removed += h.change == LinkMonitor::Change::kRemoved;
    EXPECT_EQ(removed, 2);
    EXPECT_EQ(m.find("v0"), nullptr);
    EXPECT_EQ(m.find("v1"), nullptr);
  });
}

// The other end of a veth pair that goes down loses its carrier, which the kernel tells a while later.
TEST(LinkMonitor, TellsCarrier) {
  in_namespace([] {
    run("ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up");
    auto r = LinkMonitor::open({});
    ASSERT_TRUE(r.ok());
    while (!(*r)->find("v1")->running) ASSERT_NO_FATAL_FAILURE(poll_once(**r));
    ASSERT_TRUE(set_link_up("v0", false).ok());
    EXPECT_FALSE(read_link("v0")->up);
    while ((*r)->find("v1")->running) ASSERT_NO_FATAL_FAILURE(poll_once(**r));
    EXPECT_TRUE((*r)->find("v1")->up);
  });
}

// More happens than the socket can hold: nothing is missed in the end.
TEST(LinkMonitor, RecoversFromLostMessages) {
  in_namespace([] {
    run("ip link add gone type veth peer name gone1");
    int removed = 0, added = 0;
    auto r = LinkMonitor::open([&](const KernelLink&, LinkMonitor::Change c) {
      removed += c == LinkMonitor::Change::kRemoved;
      added += c == LinkMonitor::Change::kAdded;
    });
    ASSERT_TRUE(r.ok());
    const int tiny = 1;
    ASSERT_EQ(setsockopt((*r)->fd(), SOL_SOCKET, SO_RCVBUF, &tiny, sizeof tiny), 0);
    run("for i in 1 2 3 4 5 6 7 8; do ip link add a$i type veth peer name b$i; done; ip link del gone");
    poll_once(**r);
    EXPECT_EQ(added, 16);
    EXPECT_EQ(removed, 2);
    const auto now = read_links();
    ASSERT_TRUE(now.ok());
    ASSERT_EQ((*r)->links().size(), now->size());
    for (const KernelLink& k : *now) EXPECT_EQ((*r)->links().at(k.ifindex), k);
  });
}

}  // namespace
}  // namespace nf
