// A TAP as a port: Ethernet frames to and from the kernel on the other side of the device.
#pragma once

#include <memory>
#include <utility>

#include "datapath/port/tun_device.h"

namespace nf {

class TapPort final : public Port {
 public:
  struct Options {
    std::string name;
    TunOpen open = TunOpen::kEither;
    bool persistent = false;
  };
  static Result<std::unique_ptr<TapPort>> open(const Options& options) {
    Result<TunDevice> d = TunDevice::open({options.name, true, options.open, options.persistent});
    if (!d) return d.error();
    return std::make_unique<TapPort>(d.take());
  }
  explicit TapPort(TunDevice device) : device_(std::move(device)) {}

  const TunDevice& device() const { return device_; }

  size_t receive(PacketPool& pool, std::vector<PacketPtr>& out, size_t max) override {
    return device_.receive(pool, out, max);
  }
  bool send(PacketPtr p) override { return device_.send(*p); }
  void flush() override {}
  PortStatistics statistics() override { return device_.statistics(); }
  int fd() const override { return device_.fd(); }
  bool can_checksum() const override { return true; }
  bool can_gso() const override { return true; }

 private:
  TunDevice device_;
};

}  // namespace nf
