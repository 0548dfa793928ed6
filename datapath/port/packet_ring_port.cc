#include "datapath/port/packet_ring_port.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "datapath/base/text.h"
#include "datapath/port/virtio_net.h"

namespace nf {
namespace {

constexpr uint32_t kBlockBytes = 1024 * 1024;

Error failed(const std::string& device, const char* what) {
  return error(strf("%s: %s: %s", device.c_str(), what, std::strerror(errno)));
}

template <class T>
bool set_option(int fd, int option, const T& value) {
  return setsockopt(fd, SOL_PACKET, option, &value, sizeof value) == 0;
}

uint32_t load_status(const uint8_t* slot) {
  return __atomic_load_n(&reinterpret_cast<const tpacket2_hdr*>(slot)->tp_status, __ATOMIC_ACQUIRE);
}

void hand_back(uint8_t* slot) {
  __atomic_store_n(&reinterpret_cast<tpacket2_hdr*>(slot)->tp_status, uint32_t{TP_STATUS_KERNEL}, __ATOMIC_RELEASE);
}

// Puts the VLAN tag back that the kernel took out of the frame. There is headroom: the packet is fresh.
void insert_tag(Packet& p, uint16_t tpid, uint16_t tci) {
  const MacAddress* macs = reinterpret_cast<const MacAddress*>(p.data());
  uint8_t* front = p.push(4);
  std::memmove(front, macs, 2 * sizeof(MacAddress));
  const Be16 tag[2] = {be16(tpid), be16(tci)};
  std::memcpy(front + 2 * sizeof(MacAddress), tag, sizeof tag);
}

}  // namespace

Result<std::unique_ptr<PacketRingPort>> PacketRingPort::open(const std::string& device, const Options& options) {
  std::unique_ptr<PacketRingPort> port(new PacketRingPort);
  if (Status s = port->set_up(device, options); !s) return s.error();
  return port;
}

Status PacketRingPort::set_up(const std::string& device, const Options& options) {
  // Protocol 0 until bind(), so that no frame of another link gets into the ring.
  fd_ = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return failed(device, "AF_PACKET socket");
  ifindex_ = static_cast<int>(if_nametoindex(device.c_str()));
  if (ifindex_ == 0) return failed(device, "no such link");

  if (!set_option(fd_, PACKET_VERSION, int{TPACKET_V2})) return failed(device, "PACKET_VERSION");
  if (!set_option(fd_, PACKET_VNET_HDR, 1)) return failed(device, "PACKET_VNET_HDR");
  if (!set_option(fd_, PACKET_IGNORE_OUTGOING, 1)) return failed(device, "PACKET_IGNORE_OUTGOING");

  slot_bytes_ = TPACKET_ALIGN(std::max(options.slot_bytes, 256u));
  // Large blocks waste little at their ends; the kernel falls back to scattered pages when it has no run of them.
  block_bytes_ = kBlockBytes;
  while (block_bytes_ < slot_bytes_) block_bytes_ *= 2;
  slots_per_block_ = block_bytes_ / slot_bytes_;
  const uint32_t blocks = std::max((options.slots + slots_per_block_ - 1) / slots_per_block_, 1u);
  slots_ = blocks * slots_per_block_;
  tpacket_req request{};
  request.tp_block_size = block_bytes_;
  request.tp_block_nr = blocks;
  request.tp_frame_size = slot_bytes_;
  request.tp_frame_nr = slots_;
  if (!set_option(fd_, PACKET_RX_RING, request)) return failed(device, "PACKET_RX_RING");
  ring_bytes_ = size_t{block_bytes_} * blocks;
  void* memory = mmap(nullptr, ring_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
  if (memory == MAP_FAILED) {
    ring_bytes_ = 0;
    return failed(device, "mmap of the ring");
  }
  ring_ = static_cast<uint8_t*>(memory);
  head_slot_ = slot(0);

  // Not refused when it cannot be had: the frames then wait in our own queue.
  const int send_buffer = 4 * 1024 * 1024;
  if (setsockopt(fd_, SOL_SOCKET, SO_SNDBUFFORCE, &send_buffer, sizeof send_buffer) != 0)
    (void)setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);

  if (options.promiscuous) {
    packet_mreq membership{};
    membership.mr_ifindex = ifindex_;
    membership.mr_type = PACKET_MR_PROMISC;
    if (!set_option(fd_, PACKET_ADD_MEMBERSHIP, membership)) return failed(device, "PACKET_ADD_MEMBERSHIP");
  }
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = ifindex_;
  if (bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return failed(device, "bind");

  tx_limit_ = std::max<size_t>(options.tx_queue, kBatch);
  tx_queue_.reserve(tx_limit_ + kBatch);
  for (size_t i = 0; i < kBatch; ++i) {
    tx_vectors_[2 * i] = {&tx_headers_[i], sizeof(VirtioNetHeader)};
    tx_messages_[i].msg_hdr.msg_iov = &tx_vectors_[2 * i];
    tx_messages_[i].msg_hdr.msg_iovlen = 2;
  }
  return {};
}

PacketRingPort::~PacketRingPort() {
  if (ring_ != nullptr) munmap(ring_, ring_bytes_);
  if (fd_ >= 0) close(fd_);
}

uint8_t* PacketRingPort::slot(uint32_t index) const {
  return ring_ + size_t{index / slots_per_block_} * block_bytes_ + size_t{index % slots_per_block_} * slot_bytes_;
}

bool PacketRingPort::readable() const { return (load_status(head_slot_) & TP_STATUS_USER) != 0; }

size_t PacketRingPort::receive(PacketPool& pool, std::vector<PacketPtr>& out, size_t max) {
  size_t n = 0;
  for (; n < max; ++n) {
    uint8_t* const from = head_slot_;
    const uint32_t status = load_status(from);
    if ((status & TP_STATUS_USER) == 0) break;
    if (++head_ == slots_) head_ = 0;
    head_slot_ = slot(head_);
    __builtin_prefetch(head_slot_);
    __builtin_prefetch(head_slot_ + 64);

    const tpacket2_hdr& header = *reinterpret_cast<const tpacket2_hdr*>(from);
    const uint8_t* const frame = from + header.tp_mac;
    const uint32_t length = std::min<uint32_t>(header.tp_snaplen, PacketPool::kLarge - PacketPool::kHeadroom);
    const bool truncated = length < header.tp_len;
    PacketPtr p = pool.allocate(length);
    std::memcpy(p->put(length), frame, length);
    VirtioNetHeader offload;
    std::memcpy(&offload, frame - sizeof offload, sizeof offload);
    apply_virtio_header(offload, *p, true, !truncated);
    if ((status & TP_STATUS_VLAN_VALID) != 0 && length >= sizeof(EthernetHeader)) {
      const bool has_tpid = (status & TP_STATUS_VLAN_TPID_VALID) != 0;
      insert_tag(*p, has_tpid ? header.tp_vlan_tpid : uint16_t{kEtherVlan}, header.tp_vlan_tci);
    }
    hand_back(from);
    ++statistics_.rx_packets;
    statistics_.rx_bytes += p->length();
    statistics_.rx_truncated += truncated;
    out.push_back(std::move(p));
  }
  if (n == 0 && ++empty_receives_ % 64 == 0) clear_socket_error();
  return n;
}

// A link that went down leaves an error on the socket, which keeps poll() returning until somebody fetches it.
void PacketRingPort::clear_socket_error() {
  int reason = 0;
  socklen_t size = sizeof reason;
  if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &reason, &size) == 0 && reason != 0) link_error_ = reason;
}

bool PacketRingPort::send(PacketPtr p) {
  if (queued() >= tx_limit_) {
    flush();
    if (queued() >= tx_limit_) return false;
  }
  tx_queue_.push_back(std::move(p));
  if (queued() == kBatch) flush();
  return true;
}

void PacketRingPort::flush() {
  while (queued() > 0 && send_batch()) {
  }
  if (queued() == 0) {
    tx_queue_.clear();
    tx_head_ = 0;
  } else if (tx_head_ >= kBatch) {
    // Only behind a busy link: keeps the vector within what was reserved.
    tx_queue_.erase(tx_queue_.begin(), tx_queue_.begin() + static_cast<ptrdiff_t>(tx_head_));
    tx_head_ = 0;
  }
}

// Sends up to kBatch frames. False: the link is busy, try again later.
bool PacketRingPort::send_batch() {
  const size_t n = std::min(queued(), kBatch);
  for (size_t i = 0; i < n; ++i) {
    Packet& p = *tx_queue_[tx_head_ + i];
    tx_headers_[i] = make_virtio_header(p, true);
    tx_vectors_[2 * i + 1] = {p.data(), p.length()};
  }
  size_t done = 0;
  bool retried = false;
  while (done < n) {
    const int sent = sendmmsg(fd_, &tx_messages_[done], static_cast<unsigned>(n - done), MSG_DONTWAIT);
    if (sent > 0) {
      for (int i = 0; i < sent; ++i) {
        PacketPtr& p = tx_queue_[tx_head_ + done++];
        ++statistics_.tx_packets;
        statistics_.tx_bytes += p->length();
        p.reset();
      }
      retried = false;
      continue;
    }
    const int reason = errno;
    if (reason == EINTR) continue;
    if (reason == EAGAIN) {
      tx_head_ += done;
      return false;
    }
    if (reason == ENETDOWN || reason == ENXIO || reason == ENODEV) link_error_ = reason;
    // A device that goes down leaves an error on the socket, which the next call reports without looking at its
    // frame: only a frame refused twice was refused for itself. ENOBUFS is the queue's answer to this very frame.
    if (reason != ENOBUFS && !retried) {
      retried = true;
      continue;
    }
    retried = false;
    ++statistics_.tx_dropped;
    tx_queue_[tx_head_ + done++].reset();
  }
  tx_head_ += done;
  return true;
}

PortStatistics PacketRingPort::statistics() {
  tpacket_stats fresh{};
  socklen_t size = sizeof fresh;
  if (getsockopt(fd_, SOL_PACKET, PACKET_STATISTICS, &fresh, &size) == 0) statistics_.rx_dropped += fresh.tp_drops;
  return statistics_;
}

}  // namespace nf
