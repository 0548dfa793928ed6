// A TUN: IP packets without a link header, to and from the kernel on the other side of the device. As a port of a
// kRawIp device, and as the host port behind which real processes live (tools/kernel/host_tun sets up the routes).
#pragma once

#include <memory>
#include <utility>

#include "datapath/port/host_port.h"
#include "datapath/port/tun_device.h"

namespace nf {

struct TunOptions {
  std::string name;
  TunOpen open = TunOpen::kEither;
  bool persistent = false;
};

class TunPort final : public Port {
 public:
  static Result<std::unique_ptr<TunPort>> open(const TunOptions& options);
  explicit TunPort(TunDevice device) : device_(std::move(device)) {}

  const TunDevice& device() const { return device_; }

  size_t receive(PacketPool& pool, std::vector<PacketPtr>& out, size_t max) override;
  bool send(PacketPtr p) override { return device_.send(*p); }
  void flush() override {}
  PortStatistics statistics() override { return device_.statistics(); }
  // Packets of other families than IPv4 that were read and left out (router solicitations and the like).
  uint64_t not_ipv4() const { return not_ipv4_; }
  int fd() const override { return device_.fd(); }
  bool can_checksum() const override { return true; }
  bool can_gso() const override { return true; }

 private:
  TunDevice device_;
  uint64_t not_ipv4_ = 0;
};

class TunHostPort final : public HostPort {
 public:
  static Result<std::unique_ptr<TunHostPort>> open(const TunOptions& options);
  explicit TunHostPort(TunDevice device) : port_(std::move(device)) {}

  TunPort& port() { return port_; }
  // Delivered packets the kernel refused (the TUN is down).
  uint64_t refused() const { return refused_; }

  void deliver(PacketPtr p, Time) override { refused_ += !port_.send(std::move(p)); }
  // Says it with an ICMP error, all that reaches a process whose system call is over: a TCP connect() fails at once,
  // with the errno the system call would have had (but EACCES, which no ICMP error means). The error has passed no
  // hook and is from the packet's own source to itself, with TTL kRefusedTtl.
  void refused(const Packet& p, DropReason reason) override;
  static constexpr uint8_t kRefusedTtl = 255;
  size_t poll(PacketPool& pool, size_t max) override;
  int fd() const override { return port_.fd(); }

 private:
  TunPort port_;
  std::vector<PacketPtr> batch_;
  PacketPool* pool_ = nullptr;  // during poll()
  uint64_t refused_ = 0;
};

}  // namespace nf
