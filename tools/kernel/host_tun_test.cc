#include "tools/kernel/host_tun.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstdio>
#include <string>

#include "datapath/port/test_namespace.h"
#include "datapath/port/tun_port.h"
#include "tools/kernel/kernel_sysctl.h"

namespace nf {
namespace {

std::string output_of(const char* command) {
  FILE* f = popen(command, "r");
  std::string out;
  char buffer[512];
  for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, f)) > 0;) out.append(buffer, n);
  EXPECT_EQ(pclose(f), 0) << command;
  return out;
}

sockaddr_in at(Be32 address, uint16_t port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  a.sin_addr.s_addr = address.raw();
  return a;
}

// A network of one machine: what the host sends to itself comes back, as a router's loopback would have it.
class Loop {
 public:
  explicit Loop(TunHostPort& host) : host_(host) {
    host_.set_sink([this](PacketPtr p) {
      seen_.push_back(format_ipv4(p->ip().source) + ">" + format_ipv4(p->ip().destination));
      host_.deliver(std::move(p), 0);
    });
  }
  // Moves packets until `fd` is ready for `events`.
  bool until(int fd, short events) {
    for (;;) {
      pollfd wait[2] = {{fd, events, 0}, {host_.fd(), POLLIN, 0}};
      if (poll(wait, 2, 5000) <= 0) return false;
      if (wait[0].revents != 0) return true;
      host_.poll(pool_, 64);
    }
  }
  size_t count(const std::string& path) const {
    size_t n = 0;
    for (const std::string& s : seen_) n += s == path;
    return n;
  }
  PacketPool pool_;
  std::vector<std::string> seen_;

 private:
  TunHostPort& host_;
};

constexpr Be32 kOwn = ip4(10, 1, 0, 1);
constexpr Be32 kLocalhost = ip4(127, 0, 0, 1);

HostTun::Options options() {
  HostTun::Options o;
  o.device = "host0";
  o.mtu = 1400;
  o.addresses = {kOwn, ip4(192, 168, 7, 1)};
  o.routes = {{{ip4(10, 1, 0, 0), 24}, kOwn}, {{ip4(192, 168, 7, 0), 24}, ip4(192, 168, 7, 1)}};
  return o;
}

void converse(Loop& loop, Be32 address) {
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in here = at(address, 0);
  ASSERT_EQ(bind(server, reinterpret_cast<sockaddr*>(&here), sizeof here), 0);
  ASSERT_EQ(listen(server, 1), 0);
  socklen_t size = sizeof here;
  ASSERT_EQ(getsockname(server, reinterpret_cast<sockaddr*>(&here), &size), 0);

  const int client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  ASSERT_EQ(connect(client, reinterpret_cast<sockaddr*>(&here), sizeof here), -1);
  ASSERT_EQ(errno, EINPROGRESS) << "the connection did not go through the TUN";
  ASSERT_TRUE(loop.until(client, POLLOUT));
  int reason = -1;
  size = sizeof reason;
  ASSERT_EQ(getsockopt(client, SOL_SOCKET, SO_ERROR, &reason, &size), 0);
  ASSERT_EQ(reason, 0) << std::strerror(reason);
  ASSERT_TRUE(loop.until(server, POLLIN));
  const int accepted = accept(server, nullptr, nullptr);
  ASSERT_GE(accepted, 0);

  char buffer[16];
  ASSERT_EQ(write(client, "ping", 4), 4);
  ASSERT_TRUE(loop.until(accepted, POLLIN));
  ASSERT_EQ(read(accepted, buffer, sizeof buffer), 4);
  ASSERT_EQ(write(accepted, "answer", 6), 6);
  ASSERT_TRUE(loop.until(client, POLLIN));
  ASSERT_EQ(read(client, buffer, sizeof buffer), 6);
  close(client);
  close(accepted);
  close(server);
}

TEST(HostTun, LocalTrafficGoesThroughTheTun) {
  in_namespace([] {
    auto port = TunHostPort::open({.name = "host0"});
    ASSERT_TRUE(port.ok()) << port.error().str();
    auto tun = HostTun::set_up(options());
    ASSERT_TRUE(tun.ok()) << tun.error().str();
    Loop loop(**port);
    for (const Be32 address : {kLocalhost, kOwn}) {
      SCOPED_TRACE(format_ipv4(address));
      converse(loop, address);
      const std::string a = format_ipv4(address);
      // SYN, SYN+ACK, ACK, data, ACK, data at the least.
      EXPECT_GE(loop.count(a + ">" + a), 6u);
    }
    EXPECT_EQ((*port)->refused(), 0u);
  });
}

// The source address is the one of the caller's route.
TEST(HostTun, SourceAddresses) {
  in_namespace([] {
    auto port = TunHostPort::open({.name = "host0"});
    ASSERT_TRUE(port.ok());
    auto tun = HostTun::set_up(options());
    ASSERT_TRUE(tun.ok()) << tun.error().str();
    const auto source_to = [](Be32 address) {
      const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
      sockaddr_in a = at(address, 53);
      std::string text = "unreachable";
      if (connect(fd, reinterpret_cast<sockaddr*>(&a), sizeof a) == 0) {
        socklen_t size = sizeof a;
        getsockname(fd, reinterpret_cast<sockaddr*>(&a), &size);
        text = inet_ntoa(a.sin_addr);
      }
      close(fd);
      return text;
    };
    EXPECT_EQ(source_to(ip4(10, 1, 0, 77)), "10.1.0.1");
    EXPECT_EQ(source_to(ip4(192, 168, 7, 77)), "192.168.7.1");
    EXPECT_EQ(source_to(kLocalhost), "127.0.0.1");
    EXPECT_EQ(source_to(ip4(127, 9, 9, 9)), "127.0.0.1");
    EXPECT_EQ(source_to(ip4(8, 8, 8, 8)), "10.1.0.1");  // the TUN's first address
    ASSERT_TRUE((*tun)->set_route({{ip4(8, 0, 0, 0), 8}, ip4(192, 168, 7, 1)}).ok());
    EXPECT_EQ(source_to(ip4(8, 8, 8, 8)), "192.168.7.1");
    ASSERT_TRUE((*tun)->set_route({{ip4(8, 0, 0, 0), 8}, kOwn}).ok()) << "a route is replaced";
    EXPECT_EQ(source_to(ip4(8, 8, 8, 8)), "10.1.0.1");
    ASSERT_TRUE((*tun)->add_address(ip4(10, 3, 0, 1)).ok());
    ASSERT_TRUE((*tun)->set_route({{ip4(8, 0, 0, 0), 8}, ip4(10, 3, 0, 1)}).ok());
    EXPECT_EQ(source_to(ip4(8, 8, 8, 8)), "10.3.0.1");
    ASSERT_TRUE((*tun)->remove_route({ip4(8, 0, 0, 0), 8}).ok());
    ASSERT_TRUE((*tun)->remove_address(ip4(10, 3, 0, 1)).ok());
    EXPECT_EQ(source_to(ip4(8, 8, 8, 8)), "10.1.0.1");
  });
}

constexpr char kState[] =
    "ip -4 rule; ip -4 route show table 100 2>/dev/null || true; ip -4 -o addr show dev host0 2>/dev/null || true;"
    "cat /proc/sys/net/ipv4/conf/all/rp_filter";
constexpr char kTunSysctls[] = "cd /proc/sys/net/ipv4/conf/host0 && cat rp_filter accept_local route_localnet";

TEST(HostTun, PutsEverythingBack) {
  in_namespace([] {
    run("ip link set lo up");
    ASSERT_TRUE(write_proc_file("/proc/sys/net/ipv4/conf/all/rp_filter", "2"));
    for (const bool port_first : {false, true}) {
      SCOPED_TRACE(port_first);
      auto port = TunHostPort::open({.name = "host0"});
      ASSERT_TRUE(port.ok());
      const std::string before = output_of(kState), sysctls = output_of(kTunSysctls);
      auto tun = HostTun::set_up(options());
      ASSERT_TRUE(tun.ok()) << tun.error().str();
      EXPECT_NE(output_of(kState), before);
      EXPECT_EQ(output_of("cat /proc/sys/net/ipv4/conf/all/rp_filter"), "0\n");
      EXPECT_EQ(output_of(kTunSysctls), "0\n1\n1\n");
      if (port_first) port->reset();
      const Status s = (*tun)->tear_down();
      EXPECT_TRUE(s.ok()) << s.error().str();
      EXPECT_EQ(output_of(kState), before);
      if (!port_first) {
        EXPECT_EQ(output_of(kTunSysctls), sysctls);
      }
      EXPECT_TRUE((*tun)->tear_down().ok()) << "again";
      EXPECT_EQ(output_of(kState), before);
    }
  });
}

TEST(HostTun, UndoesAFailedStart) {
  in_namespace([] {
    run("ip link set lo up");
    auto port = TunHostPort::open({.name = "host0"});
    ASSERT_TRUE(port.ok());
    const std::string before = output_of(kState);
    HostTun::Options o = options();
    o.routes.push_back({{ip4(10, 5, 0, 0), 16}, ip4(10, 5, 0, 1)});  // not an address of this host
    const auto tun = HostTun::set_up(o);
    ASSERT_FALSE(tun.ok());
    EXPECT_EQ(tun.error().str(), "adding the route to 10.5.0.0/16: Invalid input data or parameter");
    EXPECT_EQ(output_of(kState), before);
    o.device = "nosuch0";
    EXPECT_EQ(HostTun::set_up(o).error().str(), "nosuch0: no such link");
  });
}

TEST(HostTun, KnowsTheInitialNamespace) {
  in_namespace([] { EXPECT_FALSE(in_initial_network_namespace()); });
  if (in_initial_network_namespace()) {
    const auto tun = HostTun::set_up(options());
    ASSERT_FALSE(tun.ok());
    EXPECT_NE(tun.error().str().find("refused in the initial one"), std::string::npos);
  }
}

}  // namespace
}  // namespace nf
