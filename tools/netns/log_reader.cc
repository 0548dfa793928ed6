#include "tools/netns/log_reader.h"

#include <linux/netfilter/nfnetlink_log.h>
#include <net/if.h>
#include <net/if_arp.h>

#include "datapath/iptables/xt_log_line.h"
#include "tools/netns/log_group.h"
#include "tools/netns/log_rules.h"

namespace nf::netns {

Result<LogReader> LogReader::open() {
  Result<NetlinkSocket> socket = NetlinkSocket::open();
  if (!socket) return socket.error();
  if (Status s = bind_log_group(*socket, kLogGroup, 0xffff); !s) return s.error();
  return LogReader(socket.take());
}

Status LogReader::receive() {
  return socket_.receive([this](const nlmsghdr& m) {
    if (is_log_message(m)) add(m);
  });
}

const Device* LogReader::device(const Attribute& ifindex) {
  if (!ifindex || ifindex.u32() == 0) return nullptr;
  Device& dev = devices_[ifindex.u32()];
  if (dev.name.empty()) {
    char name[IF_NAMESIZE] = {};
    if (if_indextoname(ifindex.u32(), name) == nullptr) return nullptr;
    dev.name = name;
    dev.ifindex = static_cast<int>(ifindex.u32());
  }
  return &dev;
}

// twin: nf_log_ip_packet, with what nfulnl_log_packet tells instead of the packet itself
void LogReader::add(const nlmsghdr& message) {
  const Attributes a = Attributes::of(message);
  uint8_t flags = 0;
  std::string_view prefix;
  const auto header = a[NFULA_PACKET_HDR].number<nfulnl_msg_packet_hdr>();
  if (!split_log_prefix(a[NFULA_PREFIX].text(), flags, prefix)) return;

  const std::span<const uint8_t> payload = a[NFULA_PAYLOAD].bytes(), link = a[NFULA_HWHEADER].bytes();
  PacketPtr p = pool_->allocate(static_cast<uint32_t>(payload.size() + link.size()));
  if (!link.empty()) {
    p->set_mac_header();
    std::memcpy(p->put(static_cast<uint32_t>(link.size())), link.data(), link.size());
    p->pull(static_cast<uint32_t>(link.size()));
  }
  if (!payload.empty()) std::memcpy(p->put(static_cast<uint32_t>(payload.size())), payload.data(), payload.size());
  p->mark = a[NFULA_MARK].u32();
  HookState state{};
  state.hook = static_cast<HookPoint>(header.hook);
  state.in = device(a[NFULA_IFINDEX_INDEV]);
  state.out = device(a[NFULA_IFINDEX_OUTDEV]);
  p->phys_in = device(a[NFULA_IFINDEX_PHYSINDEV]);
  p->phys_out = device(a[NFULA_IFINDEX_PHYSOUTDEV]);
  if (state.in != nullptr) {
    Device& in = devices_[a[NFULA_IFINDEX_INDEV].u32()];
    const uint16_t type = a[NFULA_HWTYPE] ? a[NFULA_HWTYPE].u16() : in.name == "lo" ? ARPHRD_LOOPBACK : ARPHRD_NONE;
    in.kind = type == ARPHRD_LOOPBACK ? DeviceKind::kLoopback
              : type == ARPHRD_ETHER  ? DeviceKind::kEthernet
                                      : DeviceKind::kRawIp;
  }
  ipt::LogLine line;
  ipt::add_packet(line, prefix, flags, *p, state);
  lines_.emplace_back(line.text());
}

}  // namespace nf::netns
