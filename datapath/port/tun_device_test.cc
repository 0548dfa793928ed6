#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "datapath/port/tap_port.h"
#include "datapath/port/test_frames.h"
#include "datapath/port/test_namespace.h"
#include "datapath/port/tun_port.h"

namespace nf {
namespace {

using test::framed;
using test::is_ipv4_frame;
using test::receive_until;

PacketPtr make_echo(PacketPool& pool, size_t payload) {
  std::vector<uint8_t> l4 = {kIcmpEcho, 0, 0, 0, 0x11, 0x22, 0, 1};
  const auto data = test::pattern(payload);
  l4.insert(l4.end(), data.begin(), data.end());
  PacketPtr p = test::make_ip(pool, kProtoIcmp, l4);
  fill_transport_checksum(*p);
  return p;
}

TEST(TapPort, KernelAnswersPing) {
  in_namespace([] {
    auto r = TapPort::open({.name = "t0"});
    ASSERT_TRUE(r.ok()) << r.error().str();
    TapPort& tap = **r;
    EXPECT_EQ(tap.device().name(), "t0");
    EXPECT_EQ(tap.device().ifindex(), static_cast<int>(if_nametoindex("t0")));
    PacketPool pool;
    EXPECT_FALSE(tap.send(framed(make_echo(pool, 8)))) << "the device is down";
    run("ip link set t0 address 02:00:00:00:00:0b up && ip addr add 10.9.0.2/24 dev t0 &&"
        "ip neigh add 10.9.0.1 lladdr 02:00:00:00:00:0a dev t0");
    // The last one is longer than a small packet's buffer, in one frame.
    run("ip link set t0 mtu 9000");
    for (const size_t payload : {0u, 56u, 1472u, 2006u, 2007u, 8000u}) {
      ASSERT_TRUE(tap.send(framed(make_echo(pool, payload))));
      const auto got = receive_until(tap, pool, 1, is_ipv4_frame);
      ASSERT_EQ(got.size(), 1u);
      ASSERT_EQ(got[0]->length(), 14 + 28 + payload);
      EXPECT_EQ(got[0]->data()[34], kIcmpEchoReply);
      const auto bytes = test::copy_bytes(*got[0]);
      EXPECT_EQ(std::vector<uint8_t>(bytes.begin() + 42, bytes.end()), test::pattern(payload));
    }
    EXPECT_EQ(pool.in_use(), 0u);
  });
}

TEST(TapPort, NameRules) {
  in_namespace([] {
    EXPECT_FALSE(TapPort::open({.name = "t0", .open = TunOpen::kAttach}).ok());
    EXPECT_FALSE(TapPort::open({.name = "name-of-16-chars"}).ok());
    {
      auto r = TapPort::open({.name = "t0", .open = TunOpen::kCreate});
      ASSERT_TRUE(r.ok());
      EXPECT_FALSE(TapPort::open({.name = "t0", .open = TunOpen::kCreate}).ok());
      auto numbered = TapPort::open({.name = "x%d"});
      ASSERT_TRUE(numbered.ok());
      EXPECT_EQ((*numbered)->device().name(), "x0");
    }
    EXPECT_EQ(if_nametoindex("t0"), 0u) << "the device stayed behind";
    ASSERT_TRUE(TapPort::open({.name = "t1", .persistent = true}).ok());
    EXPECT_NE(if_nametoindex("t1"), 0u);
    EXPECT_TRUE(TapPort::open({.name = "t1", .open = TunOpen::kAttach}).ok());
  });
}

// A local TCP client's segments come out of a TUN whole and unfinished, and what goes in is taken.
TEST(TunPort, KernelTcpOverTun) {
  in_namespace([] {
    auto r = TunPort::open({.name = "u0"});
    ASSERT_TRUE(r.ok()) << r.error().str();
    TunPort& tun = **r;
    run("ip link set u0 up && ip addr add 10.9.0.1/24 dev u0");
    PacketPool pool;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in there{};
    there.sin_family = AF_INET;
    there.sin_port = htons(80);
    there.sin_addr.s_addr = ip4(10, 9, 0, 2).raw();
    ASSERT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&there), sizeof there), -1);
    ASSERT_EQ(errno, EINPROGRESS);
    auto got = receive_until(tun, pool, 1, [](const Packet&) { return true; });
    ASSERT_EQ(got.size(), 1u);
    const TcpHeader syn = *view<TcpHeader>(got[0]->transport());
    EXPECT_EQ(syn.flags, kTcpSyn);
    EXPECT_EQ(got[0]->checksum, ChecksumState::kPartial);

    // SYN+ACK without options: the peer's segments are 536 bytes.
    PacketPtr answer = test::make_tcp(pool, 0, kTcpSyn | kTcpAck);
    std::swap(answer->ip().source, answer->ip().destination);
    TcpHeader& tcp = *view<TcpHeader>(answer->transport());
    tcp.source = syn.destination;
    tcp.destination = syn.source;
    tcp.sequence = be32(7000);
    tcp.acknowledgment = be32(syn.sequence.host() + 1);
    tcp.window = be16(65535);
    test::to_partial(*answer);
    ASSERT_TRUE(tun.send(std::move(answer)));
    got = receive_until(tun, pool, 1, [](const Packet&) { return true; });
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(view<TcpHeader>(got[0]->transport())->flags, kTcpAck);

    const auto data = test::pattern(5000);
    ASSERT_EQ(write(fd, data.data(), data.size()), 5000);
    got = receive_until(tun, pool, 1, [](const Packet&) { return true; });
    ASSERT_GE(got.size(), 1u);  // the kernel cuts at half the window
    EXPECT_EQ(got[0]->gso, GsoType::kTcpv4);
    EXPECT_EQ(got[0]->gso_size, 536);
    EXPECT_EQ(got[0]->gso_header, 40);
    EXPECT_GT(got[0]->length(), 40u + 2 * 536);
    EXPECT_EQ(std::memcmp(got[0]->data() + 40, data.data(), got[0]->length() - 40), 0);
    close(fd);
  });
}

TEST(TunHostPort, PollsIntoTheSink) {
  in_namespace([] {
    auto r = TunHostPort::open({.name = "u0"});
    ASSERT_TRUE(r.ok()) << r.error().str();
    TunHostPort& host = **r;
    run("ip link set u0 up && ip addr add 10.9.0.2/24 dev u0");
    PacketPool pool;
    std::vector<PacketPtr> from_host;
    host.set_sink([&](PacketPtr p) { from_host.push_back(std::move(p)); });
    host.deliver(make_echo(pool, 30), 0);
    while (from_host.empty()) {
      if (host.poll(pool, 64) != 0) continue;
      pollfd wait{host.fd(), POLLIN, 0};
      ASSERT_EQ(poll(&wait, 1, 5000), 1);
    }
    ASSERT_EQ(from_host.size(), 1u) << "IPv6 chatter was not left out";
    EXPECT_EQ(from_host[0]->length(), 58u);
    EXPECT_EQ(from_host[0]->data()[20], kIcmpEchoReply);
    EXPECT_EQ(host.refused(), 0u);
    run("ip link set u0 down");
    host.deliver(make_echo(pool, 30), 0);
    EXPECT_EQ(host.refused(), 1u);
    from_host.clear();
    EXPECT_EQ(pool.in_use(), 0u);
  });
}

}  // namespace
}  // namespace nf
