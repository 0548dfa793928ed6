// AF_PACKET on a live link: a TPACKET_V2 ring to receive, sendmmsg in batches to send, both with a virtio_net_hdr,
// so that partial checksums and GSO super-packets pass whole.
//
// A received frame is copied once, from its ring slot into a packet of the pool, and the slot goes back to the
// kernel at once. V2 hands over single frames (V3's blocks wait for a timer, which stalls a single TCP stream).
// The link's own protocol stack still sees every frame: keep it off with tools/kernel/ingress_drop.
// Ownership: the port owns its socket, its ring and the packets in its send queue. One thread.
// Invariants:
//  1. rx_dropped counts every frame the kernel had to drop because the ring was full.
//  2. Every packet send() took is counted as tx_packets or tx_dropped, or is in queued().
// twin: net/packet/af_packet.c
#pragma once

#include <sys/socket.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "datapath/base/result.h"
#include "datapath/port/port.h"
#include "datapath/port/virtio_net.h"

namespace nf {

class PacketRingPort final : public Port {
 public:
  struct Options {
    // Slots in the ring; rounded up to whole blocks. Memory is slots * slot_bytes, allocated by the kernel at once.
    uint32_t slots = 1024;
    // Bytes per slot. The default holds any GSO frame; a longer frame is handed on truncated.
    uint32_t slot_bytes = 66 * 1024;
    // Frames held back when the link takes no more; send() refuses beyond.
    uint32_t tx_queue = 1024;
    bool promiscuous = true;
  };

  // The link must exist in the calling process's network namespace; it need not be up.
  static Result<std::unique_ptr<PacketRingPort>> open(const std::string& device, const Options& options);
  static Result<std::unique_ptr<PacketRingPort>> open(const std::string& device) { return open(device, Options{}); }
  ~PacketRingPort() override;
  PacketRingPort(const PacketRingPort&) = delete;
  PacketRingPort& operator=(const PacketRingPort&) = delete;

  size_t receive(PacketPool& pool, std::vector<PacketPtr>& out, size_t max) override;
  bool send(PacketPtr p) override;
  void flush() override;
  size_t queued() const override { return tx_queue_.size() - tx_head_; }
  PortStatistics statistics() override;
  int fd() const override { return fd_; }
  bool can_checksum() const override { return true; }
  bool can_gso() const override { return true; }

  int ifindex() const { return ifindex_; }
  // True when a frame waits in the ring: what a spinning loop asks, without a system call.
  bool readable() const;
  // The link went away or down, as the last error told (0: none since open): ENETDOWN, ENXIO, ENODEV.
  int link_error() const { return link_error_; }

 private:
  static constexpr size_t kBatch = 64;

  PacketRingPort() = default;
  Status set_up(const std::string& device, const Options& options);
  uint8_t* slot(uint32_t index) const;
  bool send_batch();
  void clear_socket_error();

  int fd_ = -1;
  int ifindex_ = 0;
  int link_error_ = 0;
  uint8_t* ring_ = nullptr;
  size_t ring_bytes_ = 0;
  uint32_t slots_ = 0;
  uint32_t slot_bytes_ = 0;
  uint32_t slots_per_block_ = 1;
  uint32_t block_bytes_ = 0;
  uint32_t head_ = 0;
  uint8_t* head_slot_ = nullptr;
  uint32_t empty_receives_ = 0;

  std::vector<PacketPtr> tx_queue_;  // [tx_head_, size) wait
  size_t tx_head_ = 0;
  size_t tx_limit_ = 0;
  std::array<VirtioNetHeader, kBatch> tx_headers_{};
  std::array<iovec, 2 * kBatch> tx_vectors_{};
  std::array<mmsghdr, kBatch> tx_messages_{};
  PortStatistics statistics_;
};

}  // namespace nf
