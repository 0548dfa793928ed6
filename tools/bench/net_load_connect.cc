// New connections: whole ones (connect and close), and SYNs alone, every one from an address and port of its own.
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <vector>

#include "tools/bench/net_load.h"

namespace net_load {
namespace {

constexpr uint64_t kFirstPort = 1024;
constexpr uint64_t kPorts = 60'000;
constexpr size_t kBatch = 64;

// RFC 1071, in machine order over words as they stand in memory.
uint16_t checksum(const void* bytes, size_t size, uint32_t sum) {
  uint16_t word;
  for (size_t i = 0; i + 1 < size; i += 2) {
    std::memcpy(&word, static_cast<const char*>(bytes) + i, sizeof word);
    sum += word;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

struct SynPacket {
  iphdr ip;
  tcphdr tcp;
};

// The pseudo-header of RFC 793 as it stands in memory.
struct PseudoHeader {
  uint32_t source, destination;
  uint8_t zero, protocol;
  uint16_t length;
};

// The kernel fills in the length, the id and the checksum of the IP header (raw(7)).
void make_syn(SynPacket& p, const sockaddr_in& to, uint32_t source, uint16_t port) {
  p = {};
  p.ip.version = 4;
  p.ip.ihl = 5;
  p.ip.ttl = 64;
  p.ip.protocol = IPPROTO_TCP;
  p.ip.saddr = htonl(source);
  p.ip.daddr = to.sin_addr.s_addr;
  p.tcp.source = htons(port);
  p.tcp.dest = to.sin_port;
  p.tcp.seq = htonl(1);
  p.tcp.doff = 5;
  p.tcp.syn = 1;
  p.tcp.window = htons(65535);
  const PseudoHeader pseudo{p.ip.saddr, p.ip.daddr, 0, IPPROTO_TCP, htons(sizeof p.tcp)};
  p.tcp.check = checksum(&p.tcp, sizeof p.tcp, static_cast<uint16_t>(~checksum(&pseudo, sizeof pseudo, 0)));
}

// Whatever was sent before has passed when the answer to a datagram sent behind it comes.
void wait_for_answer(const sockaddr_in& echo, int64_t until) {
  const int fd = open_socket(SOCK_DGRAM);
  const timeval patience{0, 10'000};
  if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0) die("SO_RCVTIMEO");
  if (connect(fd, generic(echo), sizeof echo) != 0) die("connect");
  char byte = 0;
  do {
    if (now() > until) {
      errno = ETIMEDOUT;
      die("the answer to the last datagram");
    }
    if (send(fd, &byte, 1, 0) < 0 && errno != ENOBUFS) die("send");
  } while (recv(fd, &byte, 1, 0) != 1);
  close(fd);
}

}  // namespace

int accept_and_close(int argc, char** argv) {
  const Arguments args(argc, argv, 2, {"--seconds"});
  limit_life(args.number("--seconds", 0, 3600));
  const int fd = serve_on(SOCK_STREAM, address(args[0], args[1]));
  say_ready();
  for (;;) {
    const int connection = accept4(fd, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    // The client closes first, so that no port of the server's stays in TIME_WAIT.
    char byte;
    while (read(connection, &byte, 1) > 0) continue;
    close(connection);
  }
}

int connect_and_close(int argc, char** argv) {
  const Arguments args(argc, argv, 2, {"--count", "--seconds", "--parallel", "--source"});
  const sockaddr_in to = address(args[0], args[1]);
  const std::string source = args.text("--source");
  // With a source address each connection has the next port of it; otherwise the kernel chooses.
  const uint64_t count = args.number("--count", 0, kPorts);
  const int64_t longest = static_cast<int64_t>(args.number("--seconds", 0, 3600)) * kSecond;
  const uint64_t parallel = args.number("--parallel", 16, 1000);
  const int poll = epoll_create1(EPOLL_CLOEXEC);
  if (poll < 0) die("epoll_create1");
  uint64_t begun = 0, connected = 0, failed = 0;
  const auto begin = [&] {
    const int fd = open_socket(SOCK_STREAM | SOCK_NONBLOCK);
    if (!source.empty()) {
      sockaddr_in from = address(source, "");
      from.sin_port = htons(static_cast<uint16_t>(kFirstPort + begun));
      set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
      if (bind(fd, generic(from), sizeof from) != 0) die("bind");
    }
    ++begun;
    if (connect(fd, generic(to), sizeof to) != 0 && errno != EINPROGRESS) die("connect");
    epoll_event event{};
    event.events = EPOLLOUT;
    event.data.fd = fd;
    if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
  };
  const int64_t start = now();
  int64_t last = start;
  while (begun < std::min(parallel, count)) begin();
  std::vector<epoll_event> events(parallel);
  while (connected + failed < count && now() - start < longest) {
    const int n = epoll_wait(poll, events.data(), static_cast<int>(events.size()), 100);
    for (int i = 0; i < n; ++i) {
      const int fd = events[static_cast<size_t>(i)].data.fd;
      int error = 0;
      socklen_t size = sizeof error;
      if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) die("SO_ERROR");
      ++(error == 0 ? connected : failed);
      close(fd);
      last = now();
      if (begun < count) begin();
    }
  }
  const double seconds = static_cast<double>(last - start) / static_cast<double>(kSecond);
  std::printf("{\"connected\": %" PRIu64 ", \"failed\": %" PRIu64 ", \"seconds\": %.6f, \"rate\": %.0f}\n", connected,
              failed, seconds, seconds > 0 ? static_cast<double>(connected) / seconds : 0);
  return 0;
}

int syn(int argc, char** argv) {
  const Arguments args(argc, argv, 3, {"--count", "--seconds", "--source"});
  const sockaddr_in to = address(args[0], args[1]);
  const sockaddr_in echo = address(args[0], args[2]);
  const uint32_t source = ntohl(address(args.text("--source"), "").sin_addr.s_addr);
  const uint64_t count = args.number("--count", 0, 10'000'000);
  const int64_t longest = static_cast<int64_t>(args.number("--seconds", 0, 3600)) * kSecond;
  const int fd = open_socket(SOCK_RAW, IPPROTO_RAW);
  std::vector<SynPacket> packets(kBatch);
  iovec pieces[kBatch]{};
  mmsghdr messages[kBatch]{};
  sockaddr_in destination = to;
  destination.sin_port = 0;
  for (size_t i = 0; i < kBatch; ++i) {
    pieces[i] = {&packets[i], sizeof packets[i]};
    messages[i].msg_hdr.msg_name = &destination;
    messages[i].msg_hdr.msg_namelen = sizeof destination;
    messages[i].msg_hdr.msg_iov = &pieces[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  uint64_t sent = 0;
  const int64_t start = now();
  while (sent < count && now() - start < longest) {
    const uint64_t n = std::min<uint64_t>(kBatch, count - sent);
    for (uint64_t i = 0; i < n; ++i)
      make_syn(packets[i], to, source + static_cast<uint32_t>((sent + i) / kPorts),
               static_cast<uint16_t>(kFirstPort + (sent + i) % kPorts));
    const int done = sendmmsg(fd, messages, static_cast<unsigned>(n), 0);
    if (done < 0 && errno != ENOBUFS) die("sendmmsg");
    sent += static_cast<uint64_t>(std::max(done, 0));
  }
  wait_for_answer(echo, start + longest + kSecond);
  const double seconds = static_cast<double>(now() - start) / static_cast<double>(kSecond);
  std::printf("{\"sent\": %" PRIu64 ", \"seconds\": %.6f, \"rate\": %.0f}\n", sent, seconds,
              static_cast<double>(sent) / seconds);
  return 0;
}

}  // namespace net_load
