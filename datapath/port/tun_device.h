// The file behind a TUN or TAP: opened nonblocking with virtio_net_hdr and all offloads, one frame per read or write.
// Shared by TapPort and TunPort.
//
// A device made here is gone when the file closes, unless it is persistent. Everything happens in the calling
// process's network namespace; the file stays with that namespace.
// twin: drivers/net/tun.c
#pragma once

#include <string>
#include <vector>

#include "datapath/base/result.h"
#include "datapath/port/port.h"

namespace nf {

// What to do about the device's name.
enum class TunOpen : uint8_t {
  kCreate,  // there must be none yet
  kAttach,  // a persistent one must be there
  kEither,
};

class TunDevice {
 public:
  struct Options {
    std::string name;  // empty, or with %d: the kernel chooses a free number
    bool tap = false;
    TunOpen open = TunOpen::kEither;
    bool persistent = false;
  };
  static Result<TunDevice> open(const Options& options);
  TunDevice(TunDevice&& other) noexcept;
  TunDevice& operator=(TunDevice&& other) noexcept;
  ~TunDevice();

  const std::string& name() const { return name_; }
  int ifindex() const { return ifindex_; }
  int fd() const { return fd_; }

  // As Port::receive.
  size_t receive(PacketPool& pool, std::vector<PacketPtr>& out, size_t max);
  // Writes one frame; the kernel has processed it when this returns. False: it was refused (device down, EAGAIN).
  bool send(Packet& p);
  const PortStatistics& statistics() const { return statistics_; }

 private:
  TunDevice() = default;

  int fd_ = -1;
  int ifindex_ = 0;
  bool tap_ = false;
  std::string name_;
  PortStatistics statistics_;
};

}  // namespace nf
