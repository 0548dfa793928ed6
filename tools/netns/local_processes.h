// The local processes of a namespace: raw sockets that send and receive, listeners that take and say nothing.
//
// Received is what is delivered behind INPUT, ICMP, TCP and UDP, as whole IP packets. Only these: a raw socket of a
// protocol without a handler would keep the kernel from answering protocol unreachable.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "datapath/base/result.h"
#include "tools/netns/fd.h"

namespace nf::netns {

class LocalProcesses {
 public:
  // In the namespace entered last.
  static Result<LocalProcesses> open();

  // A process takes what comes to a port (host order) of any address. No reset, no port unreachable, no SYN-ACK
  // answers.
  Status take_port(uint8_t protocol, uint16_t port);
  // An IPv4 packet is sent from a socket bound to its source, local or not, with its TOS. False: refused (no route, too long,
  // malformed). A packet that OUTPUT drops was sent.
  Result<bool> send(std::span<const uint8_t> packet);
  // The next packet delivered, in a buffer reused by the next call; empty: none. What was delivered and lost for want
  // of room is an error.
  Result<std::span<const uint8_t>> receive();
  std::array<int, 3> fds() const { return {raw_[0].get(), raw_[1].get(), raw_[2].get()}; }

 private:
  LocalProcesses() = default;
  Status check_lost();

  std::array<Fd, 3> raw_;
  Fd send_;
  uint32_t bound_ = 0;  // network order
  int tos_ = 0;  // of send_
  std::vector<Fd> ports_;
  std::array<uint32_t, 3> unchecked_{};  // packets read since check_lost
};

}  // namespace nf::netns
