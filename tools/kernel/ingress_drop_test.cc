#include "tools/kernel/ingress_drop.h"

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include "datapath/port/packet_ring_port.h"
#include "datapath/port/test_frames.h"
#include "datapath/port/test_namespace.h"

namespace nf {
namespace {

// p1 sends frames, the kernel's socket behind p0 receives their datagrams.
class Wire {
 public:
  Wire() {
    EXPECT_TRUE(write_proc_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1"));
    run("ip link add p0 type veth peer name p1 && ip link set p0 address 02:00:00:00:00:0b && ip link set p0 up &&"
        "ip link set p1 up && ip addr add 10.9.0.2/24 dev p0");
    auto r = PacketRingPort::open("p1");
    EXPECT_TRUE(r.ok());
    sender_ = r.take();
    socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_port = htons(9);
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&here), sizeof here), 0);
  }
  ~Wire() { close(socket_); }
  void send(size_t length) {
    EXPECT_TRUE(sender_->send(test::framed(test::make_udp(pool_, length))));
    sender_->flush();
  }
  // Length of the next datagram; -1 when none comes. What was sent before it and did not come, was dropped.
  ssize_t receive() {
    pollfd wait{socket_, POLLIN, 0};
    char buffer[2000];
    return poll(&wait, 1, 5000) == 1 ? recv(socket_, buffer, sizeof buffer, 0) : -1;
  }
  PacketPool pool_;

 private:
  std::unique_ptr<PacketRingPort> sender_;
  int socket_;
};

TEST(IngressDrop, KernelSeesNothingThePortAll) {
  in_namespace([] {
    Wire wire;
    auto port = PacketRingPort::open("p0");
    ASSERT_TRUE(port.ok());
    wire.send(1);
    EXPECT_EQ(wire.receive(), 1);

    auto drop = IngressDrop::open();
    ASSERT_TRUE(drop.ok()) << drop.error().str();
    Status s = (*drop)->add("p0");
    ASSERT_TRUE(s.ok()) << s.error().str();
    wire.send(2);
    wire.send(3);
    EXPECT_EQ(test::receive_until(**port, wire.pool_, 3, test::is_ipv4_frame).size(), 3u);
    s = (*drop)->remove("p0");
    ASSERT_TRUE(s.ok()) << s.error().str();
    wire.send(4);
    EXPECT_EQ(wire.receive(), 4) << "a dropped datagram was delivered";

    // Its end lets everything through again.
    ASSERT_TRUE((*drop)->add("p0").ok());
    wire.send(5);
    EXPECT_EQ(test::receive_until(**port, wire.pool_, 2, test::is_ipv4_frame).size(), 2u);
    drop->reset();
    wire.send(6);
    EXPECT_EQ(wire.receive(), 6);
  });
}

TEST(IngressDrop, GoesWithAKilledProcess) {
  in_namespace([] {
    Wire wire;
    auto port = PacketRingPort::open("p0");
    ASSERT_TRUE(port.ok());
    int ready[2];
    ASSERT_EQ(pipe(ready), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto drop = IngressDrop::open();
      const bool ok = drop.ok() && (*drop)->add("p0").ok();
      if (write(ready[1], ok ? "y" : "n", 1) != 1) _exit(1);
      for (;;) pause();
    }
    char answer = 0;
    ASSERT_EQ(read(ready[0], &answer, 1), 1);
    ASSERT_EQ(answer, 'y');
    wire.send(1);
    EXPECT_EQ(test::receive_until(**port, wire.pool_, 1, test::is_ipv4_frame).size(), 1u);
    ASSERT_EQ(kill(child, SIGKILL), 0);
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
    wire.send(2);
    EXPECT_EQ(wire.receive(), 2) << "the drop did not work, or outlived its process";
    run("test -z \"$(nft list tables)\"");
  });
}

TEST(IngressDrop, Errors) {
  in_namespace([] {
    auto a = IngressDrop::open(), b = IngressDrop::open();
    ASSERT_TRUE(a.ok() && b.ok());
    EXPECT_NE((*a)->table(), (*b)->table());
    const Status s = (*a)->add("nosuch0");
    ASSERT_FALSE(s.ok());
    EXPECT_EQ(s.error().str(), "nosuch0: no such link");
    const Status r = (*a)->remove("nosuch0");
    ASSERT_FALSE(r.ok());
    EXPECT_EQ(r.error().str(), "nosuch0: removing the ingress drop: No such file or directory");
  });
}

TEST(IngressDrop, AddedTwiceAndByTwo) {
  in_namespace([] {
    Wire wire;
    auto a = IngressDrop::open(), b = IngressDrop::open();
    ASSERT_TRUE(a.ok() && b.ok());
    ASSERT_TRUE((*a)->add("p0").ok());
    ASSERT_TRUE((*a)->add("p0").ok());
    ASSERT_TRUE((*b)->add("p0").ok());
    ASSERT_TRUE((*a)->remove("p0").ok());
    auto port = PacketRingPort::open("p0");
    ASSERT_TRUE(port.ok());
    wire.send(1);
    EXPECT_EQ(test::receive_until(**port, wire.pool_, 1, test::is_ipv4_frame).size(), 1u);
    ASSERT_TRUE((*b)->remove("p0").ok());
    wire.send(2);
    EXPECT_EQ(wire.receive(), 2);
  });
}

TEST(IngressDrop, LinkThatComesBack) {
  in_namespace([] {
    auto drop = IngressDrop::open();
    ASSERT_TRUE(drop.ok());
    run("ip link add p0 type veth peer name p1");
    ASSERT_TRUE((*drop)->add("p0").ok());
    run("ip link del p0");
    Wire wire;
    const Status s = (*drop)->add("p0");
    ASSERT_TRUE(s.ok()) << s.error().str();
    auto port = PacketRingPort::open("p0");
    ASSERT_TRUE(port.ok());
    wire.send(1);
    EXPECT_EQ(test::receive_until(**port, wire.pool_, 1, test::is_ipv4_frame).size(), 1u);
    drop->reset();
    wire.send(2);
    EXPECT_EQ(wire.receive(), 2);
  });
}

}  // namespace
}  // namespace nf
