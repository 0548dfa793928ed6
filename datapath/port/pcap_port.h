// A capture file as the way out of a device: what is sent is written down. Nothing is ever received.
//
// A port has no clock, so the time of what is sent next is told by set_time(); the replay loop calls it with the time
// it gives the router. Checksums and segments are the sender's (can_checksum() and can_gso() are false), so the file
// holds what would have been on the wire.
#pragma once

#include <memory>
#include <utility>

#include "datapath/port/pcap_writer.h"
#include "datapath/port/port.h"

namespace nf {

class PcapPort final : public Port {
 public:
  explicit PcapPort(std::unique_ptr<PcapWriter> writer) : writer_(std::move(writer)) {}

  void set_time(Time now) { now_ = now; }
  PcapWriter& writer() { return *writer_; }

  size_t receive(PacketPool&, std::vector<PacketPtr>&, size_t) override { return 0; }
  // False from the first file error on; writer().close() tells it.
  bool send(PacketPtr p) override {
    if (!writer_->write(now_, p->bytes())) return false;
    ++statistics_.tx_packets;
    statistics_.tx_bytes += p->length();
    return true;
  }
  // The file is buffered until it is closed or writer().flush() asks: a batch's end means nothing to it.
  void flush() override {}
  PortStatistics statistics() override { return statistics_; }

 private:
  std::unique_ptr<PcapWriter> writer_;
  Time now_ = 0;
  PortStatistics statistics_;
};

}  // namespace nf
