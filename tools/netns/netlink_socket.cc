#include "tools/netns/netlink_socket.h"

#include <sys/socket.h>

#include <algorithm>

namespace nf::netns {
namespace {

constexpr int kReceiveBuffer = 64 << 20;  // the kernel gives at most net.core.rmem_max

std::span<uint8_t> receive_buffer() {
  alignas(nlmsghdr) static uint8_t buffer[256 * 1024];
  return buffer;
}

}  // namespace

uint64_t Attribute::u64() const {
  uint64_t v = 0;
  for (const uint8_t b : payload_.first(std::min<size_t>(payload_.size(), 8))) v = v << 8 | b;
  return v;
}

std::string_view Attribute::text() const {
  const std::string_view all(reinterpret_cast<const char*>(payload_.data()), payload_.size());
  return all.substr(0, all.find('\0'));
}

Attributes::Attributes(std::span<const uint8_t> bytes) {
  while (bytes.size() >= sizeof(nlattr)) {
    nlattr a;
    std::memcpy(&a, bytes.data(), sizeof a);
    if (a.nla_len < sizeof a || a.nla_len > bytes.size()) return;
    const size_t type = a.nla_type & NLA_TYPE_MASK;
    if (type < kTypes) at_[type] = Attribute(bytes.subspan(sizeof a, a.nla_len - sizeof a));
    bytes = bytes.subspan(std::min<size_t>(bytes.size(), NLA_ALIGN(a.nla_len)));
  }
}

Attributes Attributes::of(const nlmsghdr& message) {
  const size_t skip = NLMSG_ALIGN(sizeof(nlmsghdr)) + NLMSG_ALIGN(sizeof(nfgenmsg));
  if (message.nlmsg_len < skip) return Attributes(std::span<const uint8_t>());
  return Attributes(std::span(reinterpret_cast<const uint8_t*>(&message) + skip, message.nlmsg_len - skip));
}

Request::Request(int type, int flags, uint8_t family, uint16_t resource) {
  bytes_.resize(NLMSG_ALIGN(sizeof(nlmsghdr)) + NLMSG_ALIGN(sizeof(nfgenmsg)));
  auto* header = reinterpret_cast<nlmsghdr*>(bytes_.data());
  header->nlmsg_type = static_cast<uint16_t>(type);
  header->nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
  auto* general = reinterpret_cast<nfgenmsg*>(bytes_.data() + NLMSG_ALIGN(sizeof(nlmsghdr)));
  general->nfgen_family = family;
  general->version = NFNETLINK_V0;
  general->res_id = be16(resource).raw();
}

Request& Request::put(int type, std::span<const uint8_t> payload) {
  const nlattr a{static_cast<uint16_t>(sizeof(nlattr) + payload.size()), static_cast<uint16_t>(type)};
  const size_t at = bytes_.size();
  bytes_.resize(at + NLA_ALIGN(a.nla_len));
  std::memcpy(bytes_.data() + at, &a, sizeof a);
  if (!payload.empty()) std::memcpy(bytes_.data() + at + sizeof a, payload.data(), payload.size());
  return *this;
}

size_t Request::begin_nest(int type) {
  const size_t at = bytes_.size();
  put(type | NLA_F_NESTED, {});
  return at;
}

void Request::end_nest(size_t nest) {
  const auto length = static_cast<uint16_t>(bytes_.size() - nest);
  std::memcpy(bytes_.data() + nest, &length, sizeof length);
}

std::span<uint8_t> Request::bytes() {
  reinterpret_cast<nlmsghdr*>(bytes_.data())->nlmsg_len = static_cast<uint32_t>(bytes_.size());
  return bytes_;
}

Result<NetlinkSocket> NetlinkSocket::open(std::span<const int> groups) {
  Fd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  if (!fd) return system_error("netlink");
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return system_error("netlink");
  for (const int group : groups) {
    if (setsockopt(fd.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0)
      return system_error("netlink group");
  }
  return NetlinkSocket(std::move(fd));
}

Result<int> NetlinkSocket::transact(Request& request, const Visit& visit) {
  const std::span<uint8_t> bytes = request.bytes();
  auto* header = reinterpret_cast<nlmsghdr*>(bytes.data());
  header->nlmsg_seq = ++sequence_;
  // A dump ends with NLMSG_DONE; everything else says that it is done when asked to.
  if ((header->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP) header->nlmsg_flags |= NLM_F_ACK;
  if (send(fd_.get(), bytes.data(), bytes.size(), 0) < 0) return system_error("netlink");
  while (true) {
    const std::span<uint8_t> buffer = receive_buffer();
    const ssize_t n = recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (n < 0) {
      if (errno == EINTR) continue;
      return system_error("netlink");
    }
    auto left = static_cast<size_t>(n);
    for (auto* m = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) {
      if (m->nlmsg_seq != sequence_) continue;
      if (m->nlmsg_type == NLMSG_DONE) return 0;
      if (m->nlmsg_type == NLMSG_ERROR) return static_cast<const nlmsgerr*>(NLMSG_DATA(m))->error;
      if (visit) visit(*m);
    }
  }
}

Status NetlinkSocket::receive(const Visit& visit) {
  while (true) {
    const std::span<uint8_t> buffer = receive_buffer();
    const ssize_t n = recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return {};
      if (errno == ENOBUFS) return error("netlink: messages were lost, the receive buffer is too small");
      return system_error("netlink");
    }
    auto left = static_cast<size_t>(n);
    for (auto* m = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) visit(*m);
  }
}

Status NetlinkSocket::receive_small(const Visit& visit) {
  constexpr unsigned kAtOnce = 64;
  alignas(nlmsghdr) static uint8_t buffers[kAtOnce][kSmall];
  iovec parts[kAtOnce];
  mmsghdr messages[kAtOnce]{};
  for (unsigned i = 0; i < kAtOnce; ++i) {
    parts[i] = {buffers[i], kSmall};
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  while (true) {
    const int n = recvmmsg(fd_.get(), messages, kAtOnce, MSG_DONTWAIT, nullptr);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return {};
      if (errno == ENOBUFS) return error("netlink: messages were lost, the receive buffer is too small");
      return system_error("netlink");
    }
    for (int i = 0; i < n; ++i) {
      if ((messages[i].msg_hdr.msg_flags & MSG_TRUNC) != 0) return error("netlink: a message is too long");
      size_t left = messages[i].msg_len;
      for (auto* m = reinterpret_cast<nlmsghdr*>(buffers[i]); NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) visit(*m);
    }
    if (n < static_cast<int>(kAtOnce)) return {};
  }
}

}  // namespace nf::netns
