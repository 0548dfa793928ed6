// Keeps the kernel's own stack off a port: an nftables chain on the link's ingress hook whose policy is drop.
//
// Packet sockets bound to ETH_P_ALL see the frames before that hook, so PacketRingPort loses nothing; ARP, IP and
// bridges of the kernel behind it see none. The table belongs to this object's socket (NFT_TABLE_F_OWNER): the
// kernel removes it when the socket closes, also when the process is killed.
// Ownership: one table per object, named hookpoint_PID_N. Needs CAP_NET_ADMIN in the network namespace.
// twin: NFPROTO_NETDEV, net/netfilter/nf_tables_api.c
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "datapath/base/result.h"
#include "tools/kernel/netlink.h"

namespace nf {

class IngressDrop {
 public:
  static Result<std::unique_ptr<IngressDrop>> open();

  // From now on the kernel drops what this link receives. Adding it again changes nothing. A link that comes back
  // under its name must be added again: before Linux 6.16 its chain went with it.
  Status add(const std::string& device);
  Status remove(const std::string& device);
  const std::string& table() const { return table_; }

 private:
  IngressDrop() = default;
  nl::Message begin_message(uint16_t type, uint16_t flags) const;
  // Sends one message as a transaction and waits for its verdict.
  Status commit(const std::string& what, nl_msg* message);

  nl::Socket socket_;
  std::string table_;
  uint32_t sequence_ = 0;
};

}  // namespace nf
