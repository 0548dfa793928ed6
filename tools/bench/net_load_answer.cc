// Request and response: one byte there, one byte back, and how long that took.
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <vector>

#include "tools/bench/net_load.h"

namespace net_load {
namespace {

int socket_type(const std::string& protocol) {
  if (protocol == "tcp") return SOCK_STREAM;
  if (protocol == "udp") return SOCK_DGRAM;
  bad_usage("tcp or udp, not " + protocol);
}

// The value below which `share` of the sorted samples are, in microseconds.
double percentile(const std::vector<uint32_t>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto at = static_cast<size_t>(share * static_cast<double>(sorted.size()));
  return sorted[std::min(at, sorted.size() - 1)] / 1e3;
}

// {upper bound in microseconds: samples below it and above the bound before}, bounds at powers of two nanoseconds.
void print_histogram(const std::vector<uint32_t>& samples) {
  uint64_t buckets[33]{};
  for (const uint32_t ns : samples) ++buckets[std::bit_width(ns)];
  std::printf("\"histogram\": {");
  const char* comma = "";
  for (size_t i = 0; i < 33; ++i) {
    if (buckets[i] == 0) continue;
    std::printf("%s\"%.3f\": %" PRIu64, comma, static_cast<double>(uint64_t{1} << i) / 1e3, buckets[i]);
    comma = ", ";
  }
  std::printf("}");
}

}  // namespace

int answer(int argc, char** argv) {
  const Arguments args(argc, argv, 3, {"--seconds"});
  const int type = socket_type(args[0]);
  limit_life(args.number("--seconds", 0, 3600));
  const int fd = serve_on(type, address(args[1], args[2]));
  say_ready();
  char bytes[2048];
  if (type == SOCK_DGRAM) {
    for (;;) {
      sockaddr_in peer{};
      socklen_t size = sizeof peer;
      const ssize_t n = recvfrom(fd, bytes, sizeof bytes, 0, reinterpret_cast<sockaddr*>(&peer), &size);
      if (n >= 0) sendto(fd, bytes, static_cast<size_t>(n), 0, generic(peer), size);
    }
  }
  for (;;) {
    const int connection = accept4(fd, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    set_option(connection, IPPROTO_TCP, TCP_NODELAY, 1);
    ssize_t n;
    while ((n = read(connection, bytes, sizeof bytes)) > 0)
      if (send(connection, bytes, static_cast<size_t>(n), MSG_NOSIGNAL) != n) break;
    close(connection);
  }
}

int ask(int argc, char** argv) {
  const Arguments args(argc, argv, 3, {"--count", "--seconds"});
  const int type = socket_type(args[0]);
  const sockaddr_in to = address(args[1], args[2]);
  const uint64_t count = args.number("--count", 0, 100'000'000);
  const int64_t longest = static_cast<int64_t>(args.number("--seconds", 0, 3600)) * kSecond;
  const int fd = open_socket(type);
  if (type == SOCK_STREAM) set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  const timeval patience{1, 0};
  if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0) die("SO_RCVTIMEO");
  if (connect(fd, generic(to), sizeof to) != 0) die("connect");
  std::vector<uint32_t> samples;
  samples.reserve(count);
  uint64_t lost = 0;
  const int64_t start = now();
  int64_t time = start;
  // The byte is the request's number, so that a late answer is not taken for another request's.
  for (uint8_t number = 0; samples.size() + lost < count && time - start < longest; ++number) {
    if (send(fd, &number, 1, MSG_NOSIGNAL) != 1) die("send");
    uint8_t got = 0;
    ssize_t n;
    do n = recv(fd, &got, 1, 0);
    while (n == 1 && got != number);
    if (n == 0) die("the server closed the connection");
    if (n < 0 && errno != EAGAIN) die("recv");
    const int64_t then = now();
    if (n == 1)
      samples.push_back(static_cast<uint32_t>(std::min<int64_t>(then - time, UINT32_MAX)));
    else
      ++lost;
    time = then;
  }
  const double seconds = static_cast<double>(time - start) / static_cast<double>(kSecond);
  std::sort(samples.begin(), samples.end());
  std::printf("{\"answers\": %zu, \"lost\": %" PRIu64
              ", \"seconds\": %.6f, \"rate\": %.0f, \"p50\": %.2f, "
              "\"p90\": %.2f, \"p99\": %.2f, \"p999\": %.2f, \"max\": %.2f, ",
              samples.size(), lost, seconds, static_cast<double>(samples.size()) / seconds, percentile(samples, 0.5),
              percentile(samples, 0.9), percentile(samples, 0.99), percentile(samples, 0.999), percentile(samples, 1));
  print_histogram(samples);
  std::puts("}");
  return 0;
}

}  // namespace net_load
