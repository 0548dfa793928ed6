#include "datapath/port/packet_ring_port.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <cerrno>

#include "datapath/port/test_frames.h"
#include "datapath/port/test_namespace.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

namespace nf {
namespace {

using test::copy_bytes;
using test::framed;
using test::is_ipv4_frame;
using test::make_tcp;
using test::make_udp;
using test::receive_until;
using test::to_partial;

void make_veth() {
  run("ip link add p0 type veth peer name p1 && ip link set p0 address 02:00:00:00:00:0a &&"
      "ip link set p1 address 02:00:00:00:00:0b");
  // No router solicitations, no multicast reports: only the test's frames.
  ASSERT_TRUE(write_proc_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1"));
  run("ip link set p0 up && ip link set p1 up");
}

PacketRingPort::Options small_ring() {
  PacketRingPort::Options o;
  o.slots = 15;  // one block
  return o;
}

std::unique_ptr<PacketRingPort> open_port(const std::string& name, PacketRingPort::Options options = small_ring()) {
  Result<std::unique_ptr<PacketRingPort>> r = PacketRingPort::open(name, options);
  EXPECT_TRUE(r.ok()) << (r.ok() ? "" : r.error().str());
  return r.ok() ? r.take() : nullptr;
}

TEST(PacketRingPort, NoSuchLink) {
  in_namespace([] {
    const auto r = PacketRingPort::open("nosuch0");
    ASSERT_FALSE(r.ok());
    EXPECT_EQ(r.error().str(), "nosuch0: no such link: No such device");
  });
}

// Frames arrive byte for byte, in order, on the other end only.
TEST(PacketRingPort, FramesPassWhole) {
  in_namespace([] {
    make_veth();
    PacketPool pool;
    auto a = open_port("p0"), b = open_port("p1");
    ASSERT_TRUE(a && b);
    std::vector<std::vector<uint8_t>> sent;
    for (size_t payload = 0; payload < 1472; payload += 29) {
      PacketPtr p = framed(make_udp(pool, payload));
      sent.push_back(copy_bytes(*p));
      ASSERT_TRUE(a->send(std::move(p)));
      a->flush();
      const auto got = receive_until(*b, pool, 1, is_ipv4_frame);
      ASSERT_EQ(got.size(), 1u);
      EXPECT_EQ(copy_bytes(*got[0]), sent.back());
      EXPECT_EQ(got[0]->checksum, ChecksumState::kNone);
      EXPECT_EQ(got[0]->gso, GsoType::kNone);
    }
    std::vector<PacketPtr> none;
    EXPECT_EQ(a->receive(pool, none, 64), 0u) << "the port saw its own frames";
    EXPECT_FALSE(a->readable());
    EXPECT_EQ(a->statistics().tx_packets, sent.size());
    EXPECT_EQ(b->statistics().rx_packets, sent.size());
    EXPECT_EQ(b->statistics().rx_dropped, 0u);
    EXPECT_EQ(pool.in_use(), 0u);
  });
}

// More frames than one batch, sent without a flush in between, keep their order.
TEST(PacketRingPort, BatchesKeepOrder) {
  in_namespace([] {
    make_veth();
    PacketPool pool;
    PacketRingPort::Options roomy;
    roomy.slots = 512;
    auto a = open_port("p0"), b = open_port("p1", roomy);
    ASSERT_TRUE(a && b);
    for (uint16_t i = 0; i < 200; ++i) ASSERT_TRUE(a->send(framed(make_udp(pool, 8, i))));
    a->flush();
    EXPECT_EQ(a->queued(), 0u);
    const auto got = receive_until(*b, pool, 200, is_ipv4_frame);
    ASSERT_EQ(got.size(), 200u);
    for (uint16_t i = 0; i < 200; ++i) EXPECT_EQ(view<UdpHeader>(got[i]->bytes(), 34)->destination, be16(i));
  });
}

TEST(PacketRingPort, PartialChecksumPassesUnfinished) {
  in_namespace([] {
    make_veth();
    PacketPool pool;
    auto a = open_port("p0"), b = open_port("p1");
    ASSERT_TRUE(a && b);
    for (const bool tcp : {false, true}) {
      PacketPtr p = tcp ? make_tcp(pool, 100) : make_udp(pool, 100);
      to_partial(*p);
      p = framed(std::move(p));
      const auto bytes = copy_bytes(*p);
      ASSERT_TRUE(a->send(std::move(p)));
      a->flush();
      const auto got = receive_until(*b, pool, 1, is_ipv4_frame);
      ASSERT_EQ(got.size(), 1u);
      EXPECT_EQ(got[0]->checksum, ChecksumState::kPartial);
      EXPECT_EQ(copy_bytes(*got[0]), bytes);
    }
  });
}

struct GsoCase {
  const char* name;
  bool tcp;
  size_t payload;
  uint16_t gso_size;
  bool ecn;
};

TEST(PacketRingPort, SuperPacketsPassWhole) {
  static constexpr GsoCase kCases[] = {
      {"two segments", true, 2000, 1448, false},
      // Frames of gso_max_size (65536) and more the kernel cuts itself.
      {"the longest frame a veth takes whole", true, 65535 - 14 - 40, 1448, false},
      {"ECN", true, 5000, 1000, true},
      {"UDP", false, 4000, 1200, false},
  };
  in_namespace([] {
    make_veth();
    PacketPool pool;
    auto a = open_port("p0"), b = open_port("p1");
    ASSERT_TRUE(a && b);
    for (const GsoCase& c : kCases) {
      SCOPED_TRACE(c.name);
      PacketPtr p = c.tcp ? make_tcp(pool, c.payload, c.ecn ? kTcpAck | kTcpCwr : kTcpAck) : make_udp(pool, c.payload);
      to_partial(*p);
      p->gso = c.tcp ? GsoType::kTcpv4 : GsoType::kUdpL4;
      p->gso_size = c.gso_size;
      p->gso_ecn = c.ecn;
      p = framed(std::move(p));
      const auto bytes = copy_bytes(*p);
      ASSERT_TRUE(a->send(std::move(p)));
      a->flush();
      const auto got = receive_until(*b, pool, 1, is_ipv4_frame);
      ASSERT_EQ(got.size(), 1u);
      EXPECT_EQ(got[0]->gso, c.tcp ? GsoType::kTcpv4 : GsoType::kUdpL4);
      EXPECT_EQ(got[0]->gso_size, c.gso_size);
      EXPECT_EQ(got[0]->gso_header, c.tcp ? 40 : 28);
      EXPECT_EQ(got[0]->gso_ecn, c.ecn);
      EXPECT_EQ(got[0]->checksum, ChecksumState::kPartial);
      EXPECT_EQ(copy_bytes(*got[0]), bytes);
    }
    EXPECT_EQ(b->statistics().rx_truncated, 0u);
  });
}

// The kernel's own UDP, unfinished checksum and all, and our frames read by a kernel socket.
TEST(PacketRingPort, KernelSocketsBothWays) {
  in_namespace([] {
    make_veth();
    run("ip addr add 10.9.0.1/24 dev p0 && ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:0b dev p0");
    PacketPool pool;
    auto b = open_port("p1");
    ASSERT_TRUE(b);
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_port = htons(9);
    here.sin_addr.s_addr = ip4(10, 9, 0, 1).raw();
    ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&here), sizeof here), 0);
    sockaddr_in there = here;
    there.sin_addr.s_addr = ip4(10, 9, 0, 2).raw();

    const std::vector<uint8_t> data = test::pattern(3000);
    ASSERT_EQ(sendto(fd, data.data(), 100, 0, reinterpret_cast<sockaddr*>(&there), sizeof there), 100);
    auto got = receive_until(*b, pool, 1, is_ipv4_frame);
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0]->checksum, ChecksumState::kPartial);
    got[0]->pull(14);
    complete_checksum(*got[0]);
    got[0]->checksum = ChecksumState::kNone;
    EXPECT_TRUE(transport_checksum_ok(*got[0]));
    EXPECT_EQ(std::memcmp(got[0]->data() + 28, data.data(), 100), 0);

    const int segment = 1000;
    ASSERT_EQ(setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment), 0);
    ASSERT_EQ(sendto(fd, data.data(), 3000, 0, reinterpret_cast<sockaddr*>(&there), sizeof there), 3000);
    got = receive_until(*b, pool, 1, is_ipv4_frame);
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0]->gso, GsoType::kUdpL4);
    EXPECT_EQ(got[0]->gso_size, 1000);
    EXPECT_EQ(got[0]->gso_header, 28);
    EXPECT_EQ(got[0]->length(), 14u + 28 + 3000);

    for (const bool partial : {false, true}) {
      PacketPtr p = make_udp(pool, 64);
      std::swap(p->ip().source, p->ip().destination);  // sums stay the same
      if (partial) to_partial(*p);
      p = framed(std::move(p));
      view<EthernetHeader>(p->bytes())->destination = test::kMacA;
      ASSERT_TRUE(b->send(std::move(p)));
      b->flush();
      pollfd wait{fd, POLLIN, 0};
      ASSERT_EQ(poll(&wait, 1, 5000), 1) << "the kernel did not take the datagram, partial: " << partial;
      uint8_t text[100];
      EXPECT_EQ(recv(fd, text, sizeof text, 0), 64);
      EXPECT_EQ(std::memcmp(text, test::pattern(64).data(), 64), 0);
    }
    close(fd);
  });
}

// The kernel takes VLAN tags out of received frames; they are put back where they were.
TEST(PacketRingPort, VlanTagIsPutBack) {
  in_namespace([] {
    make_veth();
    PacketPool pool;
    auto a = open_port("p0"), b = open_port("p1");
    ASSERT_TRUE(a && b);
    for (const bool partial : {false, true}) {
      PacketPtr p = make_udp(pool, 50);
      if (partial) to_partial(*p);
      const Be16 tag[2] = {be16(0x6123), be16(kEtherIpv4)};
      std::memcpy(p->push(4), tag, 4);
      p = framed(std::move(p), kEtherVlan);
      const auto bytes = copy_bytes(*p);
      ASSERT_TRUE(a->send(std::move(p)));
      a->flush();
      const auto got = receive_until(*b, pool, 1, is_ipv4_frame);
      ASSERT_EQ(got.size(), 1u);
      EXPECT_EQ(copy_bytes(*got[0]), bytes);
      EXPECT_EQ(got[0]->checksum, partial ? ChecksumState::kPartial : ChecksumState::kNone);
    }
  });
}

TEST(PacketRingPort, FullRingIsCounted) {
  in_namespace([] {
    make_veth();
    PacketPool pool;
    auto a = open_port("p0"), b = open_port("p1");
    ASSERT_TRUE(a && b);
    for (uint16_t i = 0; i < 40; ++i) ASSERT_TRUE(a->send(framed(make_udp(pool, 8, i))));
    a->flush();
    // The 15 slots hold the first 15 frames; each of the others was dropped by the kernel and counted.
    std::vector<PacketPtr> got;
    for (int tries = 0; b->statistics().rx_dropped < 25 && tries < 100000; ++tries) sched_yield();
    b->receive(pool, got, 64);
    ASSERT_EQ(got.size(), 15u);
    for (uint16_t i = 0; i < 15; ++i) EXPECT_EQ(view<UdpHeader>(got[i]->bytes(), 34)->destination, be16(i));
    EXPECT_EQ(b->statistics().rx_dropped, 25u);
    // And it goes on working from there.
    ASSERT_TRUE(a->send(framed(make_udp(pool, 8, 99))));
    a->flush();
    EXPECT_EQ(receive_until(*b, pool, 1, is_ipv4_frame).size(), 1u);
  });
}

TEST(PacketRingPort, LongFrameIsTruncatedAndFlagged) {
  in_namespace([] {
    make_veth();
    PacketPool pool;
    PacketRingPort::Options o = small_ring();
    o.slot_bytes = 512;
    auto a = open_port("p0"), b = open_port("p1", o);
    ASSERT_TRUE(a && b);
    PacketPtr p = framed(make_udp(pool, 1000));
    const auto bytes = copy_bytes(*p);
    ASSERT_TRUE(a->send(std::move(p)));
    a->flush();
    const auto got = receive_until(*b, pool, 1, is_ipv4_frame);
    ASSERT_EQ(got.size(), 1u);
    EXPECT_LT(got[0]->length(), 512u);
    EXPECT_GT(got[0]->length(), 300u);
    EXPECT_EQ(std::memcmp(got[0]->data(), bytes.data(), got[0]->length()), 0);
    EXPECT_EQ(b->statistics().rx_truncated, 1u);
  });
}

// What the link refuses is counted, one by one, and what is behind it still goes.
TEST(PacketRingPort, RefusedFramesAreCounted) {
  in_namespace([] {
    make_veth();
    PacketPool pool;
    auto a = open_port("p0"), b = open_port("p1");
    ASSERT_TRUE(a && b);
    ASSERT_TRUE(a->send(framed(make_udp(pool, 10, 1))));
    ASSERT_TRUE(a->send(framed(make_udp(pool, 3000, 2))));  // longer than the MTU, not GSO
    ASSERT_TRUE(a->send(framed(make_udp(pool, 10, 3))));
    a->flush();
    const auto got = receive_until(*b, pool, 2, is_ipv4_frame);
    ASSERT_EQ(got.size(), 2u);
    EXPECT_EQ(view<UdpHeader>(got[1]->bytes(), 34)->destination, be16(3));
    EXPECT_EQ(a->statistics().tx_packets, 2u);
    EXPECT_EQ(a->statistics().tx_dropped, 1u);

    run("ip link set p0 down");
    for (uint16_t i = 0; i < 3; ++i) ASSERT_TRUE(a->send(framed(make_udp(pool, 10, i))));
    a->flush();
    EXPECT_EQ(a->statistics().tx_packets, 2u);
    EXPECT_EQ(a->statistics().tx_dropped, 4u);
    EXPECT_EQ(a->link_error(), ENETDOWN);
    EXPECT_EQ(a->queued(), 0u);

    run("ip link set p0 up");
    ASSERT_TRUE(a->send(framed(make_udp(pool, 10, 7))));
    a->flush();
    EXPECT_EQ(a->statistics().tx_packets, 3u);
    EXPECT_EQ(receive_until(*b, pool, 1, is_ipv4_frame).size(), 1u);
    EXPECT_EQ(pool.in_use(), got.size());
  });
}

// A link that takes no more for a while: frames wait, then are refused, and none is lost count of.
TEST(PacketRingPort, BusyLinkHoldsFrames) {
  in_namespace([] {
    make_veth();
    run("tc qdisc add dev p0 root tbf rate 8kbit burst 2000 limit 100mb");
    PacketPool pool;
    PacketRingPort::Options many;
    many.slots = 4096;
    many.slot_bytes = 256;
    many.tx_queue = 300;
    auto a = open_port("p0", many), b = open_port("p1", many);
    ASSERT_TRUE(a && b);
    const int send_buffer = 100'000;
    ASSERT_EQ(setsockopt(a->fd(), SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer), 0);
    std::vector<uint16_t> waiting;
    uint64_t taken = 0;
    for (uint16_t i = 0; i < 2000; ++i) {
      if (!a->send(framed(make_udp(pool, 8, i)))) continue;
      ++taken;
      waiting.push_back(i);
    }
    a->flush();
    EXPECT_LT(taken, 2000u);
    EXPECT_EQ(a->queued(), 300u);
    PortStatistics s = a->statistics();
    EXPECT_EQ(s.tx_packets + s.tx_dropped + a->queued(), taken);
    EXPECT_EQ(pool.in_use(), 300u);

    // Without the queue, whose frames are lost with it, what waited with us goes out in order.
    run("tc qdisc del dev p0 root");
    while (a->queued() > 0) {
      pollfd wait{a->fd(), POLLOUT, 0};
      ASSERT_EQ(poll(&wait, 1, 5000), 1);
      a->flush();
    }
    s = a->statistics();
    EXPECT_EQ(s.tx_packets, taken);
    EXPECT_EQ(s.tx_dropped, 0u);
    const uint16_t first = waiting[waiting.size() - 300];
    const auto got = receive_until(*b, pool, 300, [first](const Packet& p) {
      return is_ipv4_frame(p) && view<UdpHeader>(p.bytes(), 34)->destination >= be16(first);
    });
    ASSERT_EQ(got.size(), 300u);
    for (size_t i = 0; i < 300; ++i)
      EXPECT_EQ(view<UdpHeader>(got[i]->bytes(), 34)->destination.host(), waiting[waiting.size() - 300 + i]);
  });
}

}  // namespace
}  // namespace nf
