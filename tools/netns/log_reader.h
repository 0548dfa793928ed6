// The lines that LOG rules write (log_rules.h), made from what nfnetlink_log tells of packet, devices and link header.
// stands for: dmesg
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "datapath/hook/device.h"
#include "datapath/packet/pool.h"
#include "tools/netns/netlink_socket.h"

namespace nf::netns {

class LogReader {
 public:
  // In the namespace entered last; from now on its LOG rules are read.
  static Result<LogReader> open();
  // Takes what has come off the socket, so that it cannot overflow.
  Status receive();
  // Lines since the last call, in order.
  std::vector<std::string> take() { return std::exchange(lines_, {}); }

 private:
  explicit LogReader(NetlinkSocket socket) : socket_(std::move(socket)), pool_(std::make_unique<PacketPool>()) {}
  void add(const nlmsghdr& message);
  const Device* device(const Attribute& ifindex);

  NetlinkSocket socket_;
  std::unique_ptr<PacketPool> pool_;
  std::map<uint32_t, Device> devices_;  // by ifindex
  std::vector<std::string> lines_;
};

}  // namespace nf::netns
