// UDP in one direction: as many datagrams as possible, or at a rate, and counting what arrives.
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <vector>

#include "tools/bench/net_load.h"

namespace net_load {
namespace {

constexpr size_t kBatch = 64;
constexpr size_t kLargest = 1472;
constexpr int kRead = 10;                 // ms between two looks at the counters
constexpr int64_t kQuiet = kSecond / 10;  // nothing for this long: nothing more will come
constexpr int kReceiveBuffer = 4 * 1024 * 1024;

// A batch of datagrams for sendmmsg or recvmmsg.
class Batch {
 public:
  explicit Batch(size_t size) : bytes_(kBatch * kLargest) {
    for (size_t i = 0; i < kBatch; ++i) {
      pieces_[i] = {bytes_.data() + i * kLargest, size};
      messages[i].msg_hdr.msg_iov = &pieces_[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
  }
  mmsghdr messages[kBatch]{};

 private:
  iovec pieces_[kBatch]{};
  std::vector<uint8_t> bytes_;
};

// How many datagrams had come at which time.
struct Sample {
  int64_t time;
  uint64_t arrived;
};

// Datagrams a second between the first and the last look at which there were new ones. The looks at either end saw
// only part of their interval, so they are left out where there are enough others.
double rate(const std::vector<Sample>& samples) {
  if (samples.size() < 2) return 0;
  const size_t skip = samples.size() >= 8 ? 1 : 0;
  const Sample &first = samples[skip], &last = samples[samples.size() - 1 - skip];
  return static_cast<double>(last.arrived - first.arrived) * static_cast<double>(kSecond) /
         static_cast<double>(last.time - first.time);
}

// Datagrams that reached the socket and did not stay: no room, or thrown away by its filter.
uint64_t drops(int fd) {
  uint32_t info[SK_MEMINFO_VARS]{};
  socklen_t size = sizeof info;
  if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &size) != 0) die("SO_MEMINFO");
  return info[SK_MEMINFO_DROPS];
}

void discard_all(int fd) {
  sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
  const sock_fprog program{1, &nothing};
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0) die("SO_ATTACH_FILTER");
}

}  // namespace

int udp_send(int argc, char** argv) {
  const Arguments args(argc, argv, 2, {"--count", "--seconds", "--size", "--flows", "--rate"});
  const sockaddr_in to = address(args[0], args[1]);
  const uint64_t count = args.number("--count", 0, UINT32_MAX);
  const int64_t longest = static_cast<int64_t>(args.number("--seconds", 0, 3600)) * kSecond;
  // 18 bytes make the smallest Ethernet frame: 64 with its checksum.
  const uint64_t size = args.number("--size", 18, kLargest);
  const uint64_t wanted_rate = args.number("--rate", UINT64_MAX, UINT64_MAX);
  const bool paced = wanted_rate != UINT64_MAX;
  std::vector<int> flows(args.number("--flows", 1, 1000));
  for (int& fd : flows) {
    fd = open_socket(SOCK_DGRAM);
    if (connect(fd, generic(to), sizeof to) != 0) die("connect");
  }
  Batch batch(size);
  uint64_t sent = 0, refused = 0;
  const int64_t start = now();
  int64_t time = start;
  for (size_t turn = 0; sent + refused < count && time - start < longest; ++turn, time = now()) {
    uint64_t n = std::min<uint64_t>(kBatch, count - sent - refused);
    if (paced) {
      const double due =
          static_cast<double>(time - start) / static_cast<double>(kSecond) * static_cast<double>(wanted_rate);
      const uint64_t behind = static_cast<uint64_t>(due) + 1 - std::min(static_cast<uint64_t>(due) + 1, sent + refused);
      if (behind == 0) continue;
      n = std::min(n, behind);
    }
    const int done = sendmmsg(flows[turn % flows.size()], batch.messages, static_cast<unsigned>(n), 0);
    if (done > 0) {
      sent += static_cast<uint64_t>(done);
    } else if (errno == ENOBUFS || errno == ECONNREFUSED) {
      ++refused;
    } else {
      die("sendmmsg");
    }
  }
  const double seconds = static_cast<double>(now() - start) / static_cast<double>(kSecond);
  std::printf("{\"sent\": %" PRIu64 ", \"refused\": %" PRIu64 ", \"seconds\": %.6f, \"rate\": %.0f}\n", sent, refused,
              seconds, static_cast<double>(sent) / seconds);
  return 0;
}

int udp_sink(int argc, char** argv) {
  const Arguments args(argc, argv, 2, {"--seconds"}, {"--discard"});
  const bool discard = args.flag("--discard");
  const int64_t longest = static_cast<int64_t>(args.number("--seconds", 0, 3600)) * kSecond;
  const int fd = serve_on(SOCK_DGRAM, address(args[0], args[1]));
  set_option(fd, SOL_SOCKET, SO_RCVBUF, kReceiveBuffer);
  if (discard) discard_all(fd);
  say_ready();

  Batch batch(kLargest);
  uint64_t read = 0, bytes = 0;
  std::vector<Sample> samples;
  pollfd waits[2]{{discard ? -1 : fd, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
  const int64_t start = now();
  int64_t changed = start, looked = start;
  uint64_t arrived = 0;
  for (int64_t time = start; time - start < longest; time = now()) {
    if (poll(waits, 2, kRead) < 0) die("poll");
    if (waits[1].revents != 0) {
      char rest[64];
      if (::read(STDIN_FILENO, rest, sizeof rest) <= 0) {
        waits[1].fd = -1;
        changed = now();
      }
    }
    if (waits[0].revents != 0) {
      const int n = recvmmsg(fd, batch.messages, kBatch, MSG_DONTWAIT, nullptr);
      for (int i = 0; i < n; ++i) bytes += batch.messages[i].msg_len;
      read += static_cast<uint64_t>(std::max(n, 0));
    }
    time = now();
    if (time - looked < kRead * kSecond / 1000) continue;
    looked = time;
    const uint64_t arrived_now = read + drops(fd);
    if (arrived_now != arrived) {
      arrived = arrived_now;
      changed = time;
      samples.push_back({time, arrived});
    }
    if (waits[1].fd < 0 && time - changed >= kQuiet) break;
  }
  arrived = read + drops(fd);
  std::printf("{\"arrived\": %" PRIu64 ", \"read\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"rate\": %.0f}\n", arrived,
              read, bytes, rate(samples));
  return 0;
}

}  // namespace net_load
