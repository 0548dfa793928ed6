#include "tools/netns/local_processes.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include "datapath/packet/headers.h"

namespace nf::netns {
namespace {

constexpr int kProtocols[] = {IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP};
constexpr int kReceiveBuffer = 64 << 20;  // the kernel gives at most net.core.rmem_max

sockaddr_in address_of(uint32_t address, uint16_t port = 0) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = address;
  a.sin_port = htons(port);
  return a;
}

int bind_to(int fd, const sockaddr_in& a) { return bind(fd, reinterpret_cast<const sockaddr*>(&a), sizeof a); }

// Nothing reaches the socket: who connects or sends gets no answer.
Status swallow(int fd) {
  sock_filter drop[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
  const sock_fprog program{1, drop};
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0)
    return system_error("SO_ATTACH_FILTER");
  return {};
}

}  // namespace

Result<LocalProcesses> LocalProcesses::open() {
  LocalProcesses out;
  for (size_t i = 0; i < out.raw_.size(); ++i) {
    Fd fd(socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, kProtocols[i]));
    if (!fd) return system_error("raw socket");
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
    out.raw_[i] = std::move(fd);
  }
  // Not of IPPROTO_RAW: that socket takes what comes of protocol 255, which is unreachable then no more.
  out.send_ = Fd(socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP));
  const int on = 1, fd = out.send_.get();
  if (!out.send_ || setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof on) != 0 ||
      setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &on, sizeof on) != 0 ||
      setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof on) != 0)
    return system_error("raw socket");
  if (Status s = swallow(fd); !s) return s.error();
  return out;
}

Status LocalProcesses::take_port(uint8_t protocol, uint16_t port) {
  const bool tcp = protocol == IPPROTO_TCP;
  Fd fd(socket(AF_INET, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0));
  if (!fd) return system_error("socket");
  if (Status s = swallow(fd.get()); !s) return s;
  if (bind_to(fd.get(), address_of(INADDR_ANY, port)) != 0 || (tcp && listen(fd.get(), 1) != 0))
    return system_error((tcp ? "tcp port " : "udp port ") + std::to_string(port));
  ports_.push_back(std::move(fd));
  return {};
}

// twin: raw_sendmsg, raw_send_hdrinc
Result<bool> LocalProcesses::send(std::span<const uint8_t> packet) {
  const Ipv4Header* ip = view<Ipv4Header>(packet);
  if (ip == nullptr) return false;
  const uint32_t source = ip->source.raw();
  if (source != bound_) {
    if (bind_to(send_.get(), address_of(source)) != 0) return system_error("bind");
    bound_ = source;
  }
  // The way out is looked up with the socket's TOS, not with the packet's.
  if (const int tos = ip->tos; tos != tos_) {
    if (setsockopt(send_.get(), IPPROTO_IP, IP_TOS, &tos, sizeof tos) != 0) return system_error("IP_TOS");
    tos_ = tos;
  }
  const sockaddr_in to = address_of(ip->destination.raw());
  const ssize_t sent =
      sendto(send_.get(), packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  if (sent >= 0 || errno == EPERM) return true;
  if (errno == EAGAIN || errno == ENOMEM || errno == EBADF) return system_error("raw socket: send");
  return false;
}

Status LocalProcesses::check_lost() {
  for (size_t i = 0; i < raw_.size(); ++i) {
    if (unchecked_[i] == 0) continue;
    unchecked_[i] = 0;
    uint32_t memory[SK_MEMINFO_VARS] = {};
    socklen_t length = sizeof memory;
    if (getsockopt(raw_[i].get(), SOL_SOCKET, SO_MEMINFO, memory, &length) != 0) return system_error("SO_MEMINFO");
    if (memory[SK_MEMINFO_DROPS] != 0)
      return error("raw socket: packets delivered to local processes were lost, its receive buffer is too small");
  }
  return {};
}

Result<std::span<const uint8_t>> LocalProcesses::receive() {
  static uint8_t buffer[65536];
  for (size_t i = 0; i < raw_.size(); ++i) {
    const ssize_t n = recv(raw_[i].get(), buffer, sizeof buffer, 0);
    if (n > 0) {
      ++unchecked_[i];
      return std::span<const uint8_t>(buffer, static_cast<size_t>(n));
    }
    if (n < 0 && errno != EAGAIN && errno != EINTR) return system_error("raw socket: receive");
  }
  if (Status s = check_lost(); !s) return s.error();
  return std::span<const uint8_t>();
}

}  // namespace nf::netns
